//! Schema `no502/check/1`: everything a program may want to know of a run. Keys are only ever added.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;

use crate::analyze::Analysis;
use crate::finding::{Effect, Finding, Fix, Label, Safety, Severity};
use crate::model::{Model, Target};
use crate::source::{SourceFile, Sources, Span};

/// Writes one JSON object.
pub(super) fn write(analysis: &Analysis, out: &mut dyn Write) -> io::Result<()> {
    let sources = &analysis.project.sources;
    let findings = super::fingerprinted(analysis)
        .into_iter()
        .map(|(finding, fingerprint)| JsonFinding::new(finding, fingerprint, sources))
        .collect();
    let gaps = analysis.gaps.iter().map(|gap| JsonGap {
        path: &gap.path,
        line: gap.line,
        reason: &gap.reason,
    });
    let report = Report {
        schema: "no502/check/1",
        version: env!("CARGO_PKG_VERSION"),
        summary: Summary::new(analysis),
        findings,
        gaps: gaps.collect(),
    };
    super::write_json(&report, out)
}

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    version: &'static str,
    summary: Summary,
    findings: Vec<JsonFinding<'a>>,
    gaps: Vec<JsonGap<'a>>,
}

/// Figures of a run; the last line of the pretty report counts the same.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Summary {
    /// Files that were read; what an image ships is none.
    pub(super) files: usize,
    pub(super) errors: usize,
    pub(super) warnings: usize,
    pub(super) infos: usize,
    pub(super) suppressed: usize,
    pub(super) baselined: usize,
    pub(super) links: Links,
    /// No gap, and no link that leads somewhere unknown.
    pub(super) complete: bool,
}

/// Links by what they lead to.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Links {
    pub(super) total: usize,
    /// To a service, a process on the host, or certainly nowhere.
    pub(super) resolved: usize,
    pub(super) external: usize,
    pub(super) unknown: usize,
}

impl Summary {
    pub(super) fn new(analysis: &Analysis) -> Self {
        let links = Links::new(&analysis.model);
        Self {
            files: analysis
                .project
                .sources
                .iter()
                .filter(|(_, file)| !file.is_synthetic())
                // A config that is written in a compose file has the path of that file.
                .map(|(_, file)| file.path.as_str())
                .collect::<BTreeSet<_>>()
                .len(),
            errors: super::of_severity(&analysis.findings, Severity::Error),
            warnings: super::of_severity(&analysis.findings, Severity::Warning),
            infos: super::of_severity(&analysis.findings, Severity::Info),
            suppressed: analysis.silenced.len(),
            baselined: analysis.baselined.len(),
            links,
            complete: analysis.gaps.is_empty() && links.unknown == 0,
        }
    }
}

impl Links {
    fn new(model: &Model) -> Self {
        let count = |wanted: fn(&Target) -> bool| {
            model
                .links
                .iter()
                .filter(|link| wanted(&link.target))
                .count()
        };
        let external = count(|target| matches!(target, Target::External));
        let unknown = count(|target| matches!(target, Target::Unknown(_)));
        let total = model.links.len();
        Self {
            total,
            resolved: total - external - unknown,
            external,
            unknown,
        }
    }
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    rule: &'static str,
    severity: &'static str,
    confidence: &'static str,
    status: &'a [u16],
    effect: Effect,
    message: &'a str,
    help: &'a str,
    fingerprint: String,
    url: String,
    labels: Vec<JsonLabel<'a>>,
    /// Only of findings about a chain.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flow: Vec<JsonLabel<'a>>,
    fix: Option<JsonFix<'a>>,
}

impl<'a> JsonFinding<'a> {
    fn new(finding: &'a Finding, fingerprint: String, sources: &'a Sources) -> Self {
        let primary = JsonLabel::new("primary", &finding.primary, sources);
        let related = finding
            .related
            .iter()
            .map(|label| JsonLabel::new("related", label, sources));
        let flow = finding.flow.iter();
        let flow = flow.map(|label| JsonLabel::new("flow", label, sources));
        Self {
            rule: finding.rule,
            severity: finding.severity.as_str(),
            confidence: finding.confidence.as_str(),
            status: &finding.status,
            effect: finding.effect,
            message: &finding.message,
            help: &finding.help,
            fingerprint,
            url: super::url(finding.rule),
            labels: std::iter::once(primary).chain(related).collect(),
            flow: flow.collect(),
            fix: finding.fix.as_ref().map(|fix| JsonFix::new(fix, sources)),
        }
    }
}

#[derive(Serialize)]
struct JsonLabel<'a> {
    role: &'static str,
    path: &'a str,
    message: &'a str,
    start: JsonPosition,
    end: JsonPosition,
}

impl<'a> JsonLabel<'a> {
    fn new(role: &'static str, label: &'a Label, sources: &'a Sources) -> Self {
        let (path, start, end) = range(label.span, sources);
        Self {
            role,
            path,
            message: &label.message,
            start,
            end,
        }
    }
}

/// Line and column from 1, columns in characters, and the byte from 0.
#[derive(Serialize)]
struct JsonPosition {
    line: usize,
    column: usize,
    byte: u32,
}

fn range(span: Span, sources: &Sources) -> (&str, JsonPosition, JsonPosition) {
    let file = sources.get(span.file);
    (
        &file.path,
        position(file, span.start),
        position(file, span.end),
    )
}

fn position(file: &SourceFile, byte: u32) -> JsonPosition {
    let at = file.position(byte);
    JsonPosition {
        line: at.line,
        column: at.column,
        byte,
    }
}

#[derive(Serialize)]
struct JsonFix<'a> {
    title: &'a str,
    safety: Safety,
    edits: Vec<JsonEdit<'a>>,
}

impl<'a> JsonFix<'a> {
    fn new(fix: &'a Fix, sources: &'a Sources) -> Self {
        let edits = fix.edits.iter().map(|edit| {
            let (path, start, end) = range(edit.span, sources);
            JsonEdit {
                path,
                start,
                end,
                text: &edit.text,
            }
        });
        Self {
            title: &fix.title,
            safety: fix.safety,
            edits: edits.collect(),
        }
    }
}

#[derive(Serialize)]
struct JsonEdit<'a> {
    path: &'a str,
    start: JsonPosition,
    end: JsonPosition,
    text: &'a str,
}

#[derive(Serialize)]
struct JsonGap<'a> {
    path: &'a str,
    line: Option<usize>,
    reason: &'a str,
}
