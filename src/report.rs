//! Findings and chains for readers: one file per output format, all of them readers of the same [`Analysis`].

pub mod baseline;
pub mod chain;
pub mod diff;
pub mod explain;
pub mod hover;
pub mod parse_compose;
pub mod parse_haproxy;
pub mod parse_nginx;

mod checkstyle;
mod github;
mod gitlab;
mod html;
mod json;
mod junit;
mod outcome;
mod pretty;
mod sarif;
mod short;
mod snippet;
pub mod statistics;
pub mod triage;
mod wrap;
mod xml;

use std::io::{self, Write};
use std::str::FromStr;

use crate::analyze::Analysis;
use crate::finding::fingerprint::Numbering;
use crate::finding::{Finding, Label, Severity};
use crate::source::Sources;

/// A format of `check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Snippets with labels, for a person.
    Pretty,
    /// One line per finding, for grep and editors.
    Short,
    /// Schema `no502/check/1`.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Workflow commands of GitHub Actions.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// A JUnit test report.
    Junit,
    /// Checkstyle's XML.
    Checkstyle,
    /// One page that needs nothing else.
    Html,
}

impl Format {
    /// Every format, in the order of the manual.
    pub const ALL: [Self; 9] = [
        Self::Pretty,
        Self::Short,
        Self::Json,
        Self::Sarif,
        Self::Github,
        Self::Gitlab,
        Self::Junit,
        Self::Checkstyle,
        Self::Html,
    ];

    /// Its name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pretty => "pretty",
            Self::Short => "short",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Junit => "junit",
            Self::Checkstyle => "checkstyle",
            Self::Html => "html",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == name)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::as_str).join(", ");
                format!("unknown format `{name}`, expected one of {names}")
            })
    }
}

/// How a report is dressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Whether escape sequences for colours and links are written.
    pub color: bool,
    /// Whether frames are drawn with characters beyond ASCII.
    pub unicode: bool,
    /// Columns of the terminal; held between 60 and 120, beyond which prose is hard to read.
    pub width: usize,
    /// Whether links that are unknown are listed, each with its reason, and every finding's page.
    pub verbose: bool,
    /// Path from the enclosing git root to the analysed root, empty or ending in `/`; for formats that a forge reads.
    pub prefix: String,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            color: false,
            unicode: true,
            width: 100,
            verbose: false,
            prefix: String::new(),
        }
    }
}

impl Look {
    fn columns(&self) -> usize {
        self.width.clamp(60, 120)
    }
}

/// Writes a report.
pub fn write(
    format: Format,
    analysis: &Analysis,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Pretty => pretty::write(analysis, look, out),
        Format::Short => short::write(analysis, out),
        Format::Json => json::write(analysis, out),
        Format::Sarif => sarif::write(analysis, &look.prefix, out),
        Format::Github => github::write(analysis, &look.prefix, out),
        Format::Gitlab => gitlab::write(analysis, &look.prefix, out),
        Format::Junit => junit::write(analysis, out),
        Format::Checkstyle => checkstyle::write(analysis, &look.prefix, out),
        Format::Html => html::check::write(analysis, look, out),
    }
}

/// One line of figures without a line end: the last line of the pretty report, and all that a clean run says.
pub fn summary(analysis: &Analysis, look: &Look) -> String {
    pretty::summary(analysis, look)
}

/// Address of a rule's page.
pub fn url(rule: &str) -> String {
    format!("{PAGES}/{rule}.md")
}

/// What to do about a finding, if it says so, and what it comes to: lines for those who show it without a snippet.
pub fn advice(finding: &Finding) -> Vec<String> {
    outcome::advice(finding)
}

const PAGES: &str = "https://github.com/no502/no502/blob/main/rules";

/// The label that a forge can show: the primary one, unless it points at what an image ships and another points into the
/// tree.
fn anchor<'a>(finding: &'a Finding, sources: &Sources) -> &'a Label {
    let labels = finding.labels();
    let mut in_tree = labels.filter(|label| !sources.get(label.span.file).is_synthetic());
    in_tree.next().unwrap_or(&finding.primary)
}

/// Path of the file in which a finding is reported, below the root.
fn path_of<'a>(finding: &Finding, sources: &'a Sources) -> &'a str {
    &sources.get(finding.primary.span.file).path
}

/// The findings with their fingerprints. What a baseline accepts is counted first, so that a third equal finding is the
/// third here as well.
pub fn fingerprinted(analysis: &Analysis) -> Vec<(&Finding, String)> {
    let sources = &analysis.project.sources;
    let mut numbering = Numbering::default();
    for finding in &analysis.baselined {
        numbering.next(finding, path_of(finding, sources));
    }
    analysis
        .findings
        .iter()
        .map(|finding| {
            let name = numbering.next(finding, path_of(finding, sources));
            (finding, name)
        })
        .collect()
}

fn of_severity(findings: &[Finding], severity: Severity) -> usize {
    findings
        .iter()
        .filter(|finding| finding.severity == severity)
        .count()
}

fn write_json(value: &impl serde::Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}
