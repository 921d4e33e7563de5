//! Findings, gaps and faults of the settings as diagnostics, by the file that each is shown in.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use lsp_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag,
    Location, NumberOrString, Position, Range, Uri,
};
use no502::analyze::Analysis;
use no502::finding::{Finding, Gap, Label, Severity};
use no502::report::{advice, fingerprinted, url};
use no502::source::{FileId, Span};
use serde_json::json;

use super::documents::Documents;
use super::judge::{Fault, Judged};
use super::places::Encoding;
use super::projects::Folder;
use super::session::Client;
use super::uri::uri_of;

/// Code of what could not be judged.
const GAP: &str = "gap";

/// What came out of a project, as one editor sees it.
pub(super) struct Reading<'a> {
    pub(super) judged: &'a Judged,
    pub(super) analysis: &'a Analysis,
    pub(super) documents: &'a Documents,
    pub(super) folders: &'a [Folder],
    pub(super) client: &'a Client,
}

/// Diagnostics by the real path of the file.
pub(super) type ByFile = BTreeMap<PathBuf, Vec<Diagnostic>>;

impl Reading<'_> {
    /// Everything that there is to show.
    pub(super) fn diagnostics(&self) -> ByFile {
        let mut found = ByFile::new();
        for (finding, fingerprint) in fingerprinted(self.analysis) {
            if let Some((file, label)) = self.shown(finding) {
                let diagnostic = self.finding(finding, label, &fingerprint);
                found.entry(file.clone()).or_default().push(diagnostic);
            }
        }
        let sources = self.analysis.project.sources.iter();
        let ids: HashMap<&str, FileId> = sources.map(|(id, file)| (&*file.path, id)).collect();
        for gap in &self.analysis.gaps {
            let id = ids.get(gap.path.as_str()).copied();
            let file = match id {
                Some(id) => self.judged.real[id.0 as usize].clone(),
                None => Some(self.judged.home.root.join(&gap.path)).filter(|file| file.is_file()),
            };
            if let Some(file) = file {
                found.entry(file).or_default().push(self.gap(gap, id));
            }
        }
        found
    }

    /// The label at which a finding is shown: what an image ships is in no editor.
    pub(super) fn shown<'f>(&self, finding: &'f Finding) -> Option<(&PathBuf, &'f Label)> {
        let labels = finding.labels();
        let mut real = labels.filter_map(|label| Some((self.real(label.span)?, label)));
        real.next()
    }

    fn real(&self, span: Span) -> Option<&PathBuf> {
        self.judged.real.get(span.file.0 as usize)?.as_ref()
    }

    /// The place of a span, if an editor can go there.
    pub(super) fn location(&self, span: Span) -> Option<Location> {
        let uri = match self.documents.uris_of(self.real(span)?).next() {
            Some((uri, _)) => uri.to_owned(),
            None => self.uri_of_closed(span.file),
        };
        Some(Location::new(Uri::from_str(&uri).ok()?, self.range(span)))
    }

    /// The URI of a file that is not open.
    fn uri_of_closed(&self, file: FileId) -> String {
        let source = self.analysis.project.sources.get(file);
        match &self.judged.real[file.0 as usize] {
            Some(real) if source.is_synthetic() => uri_of(real),
            _ => uri_of(&self.judged.home.named(&source.path, self.folders)),
        }
    }

    /// The URI under which diagnostics of a file that is not open are shown.
    pub(super) fn uri_of_file(&self, file: &Path) -> String {
        match self.judged.id_of(file) {
            Some(id) => self.uri_of_closed(id),
            None => uri_of(file),
        }
    }

    /// A span in the units of the client.
    pub(super) fn range(&self, span: Span) -> Range {
        let file = self.analysis.project.sources.get(span.file);
        self.client.encoding.range(file, span)
    }

    /// One finding.
    pub(super) fn finding(&self, finding: &Finding, at: &Label, fingerprint: &str) -> Diagnostic {
        let mut message = vec![finding.message.clone()];
        message.extend(advice(finding));
        let related = finding.related.iter().filter(|label| *label != at);
        let related = related.filter_map(|label| {
            let message = match label.message.as_str() {
                "" => &finding.message,
                some => some,
            };
            Some(DiagnosticRelatedInformation {
                location: self.location(label.span)?,
                message: message.to_owned(),
            })
        });
        let related: Vec<_> = related.collect();
        Diagnostic {
            range: self.range(at.span),
            severity: Some(severity(finding.severity)),
            code: Some(NumberOrString::String(finding.rule.to_owned())),
            code_description: Uri::from_str(&url(finding.rule))
                .ok()
                .filter(|_| self.client.links)
                .map(|href| CodeDescription { href }),
            related_information: (self.client.related && !related.is_empty()).then_some(related),
            tags: tag(finding.rule)
                .filter(|tag| self.client.tags.contains(tag))
                .map(|tag| vec![tag]),
            data: Some(json!(fingerprint)),
            ..diagnostic(message.join("\n"))
        }
    }

    /// Something that was not judged, on its line; at the top of a file that could not be read.
    fn gap(&self, gap: &Gap, id: Option<FileId>) -> Diagnostic {
        let line = id.zip(gap.line).and_then(|(id, line)| {
            let (start, end) = self.analysis.project.sources.get(id).line_range(line)?;
            let text = &self.analysis.project.sources.get(id).text[start..end];
            let indent = text.len() - text.trim_start().len();
            Some(self.range(Span::new(id, start + indent, end)))
        });
        Diagnostic {
            range: line.unwrap_or_default(),
            severity: Some(DiagnosticSeverity::INFORMATION),
            code: Some(NumberOrString::String(GAP.to_owned())),
            ..diagnostic(format!("not judged: {}", gap.reason))
        }
    }
}

impl Fault {
    /// What is wrong, for a message that stands alone.
    pub(super) fn message(&self) -> String {
        let words = self.failure.words();
        match (&self.file, self.failure.place()) {
            (Some(file), Some(place)) => format!("{}:{}: {words}", file.display(), place.line),
            _ => words,
        }
    }

    /// What is wrong in the file of the settings.
    pub(super) fn diagnostic(&self, encoding: Encoding) -> Diagnostic {
        let range = self.failure.place().map(|place| {
            let column = |chars: usize| {
                let before: String = place.text.chars().take(chars).collect();
                encoding.columns(&before)
            };
            let line = u32::try_from(place.line - 1).unwrap_or(u32::MAX);
            let start = place.column - 1;
            Range::new(
                Position::new(line, column(start)),
                Position::new(line, column(start + place.width)),
            )
        });
        Diagnostic {
            range: range.unwrap_or_default(),
            severity: Some(DiagnosticSeverity::ERROR),
            ..diagnostic(self.failure.words())
        }
    }
}

fn diagnostic(message: String) -> Diagnostic {
    Diagnostic {
        source: Some("no502".to_owned()),
        message,
        ..Diagnostic::default()
    }
}

fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Info => DiagnosticSeverity::INFORMATION,
    }
}

/// What an editor draws as superfluous or as out of date.
fn tag(rule: &str) -> Option<DiagnosticTag> {
    match rule {
        "suppression-unused" => Some(DiagnosticTag::UNNECESSARY),
        "directive-removed" => Some(DiagnosticTag::DEPRECATED),
        _ => None,
    }
}
