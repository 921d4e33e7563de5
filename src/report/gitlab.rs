//! GitLab's code quality report: the subset of the Code Climate format that its merge request widget reads.
//! Source: GitLab documentation, "Code Quality report format".

use std::io::{self, Write};

use serde::Serialize;

use crate::analyze::Analysis;
use crate::finding::Severity;

/// Writes one JSON array.
pub(super) fn write(analysis: &Analysis, prefix: &str, out: &mut dyn Write) -> io::Result<()> {
    let sources = &analysis.project.sources;
    let issues: Vec<Issue> = super::fingerprinted(analysis)
        .into_iter()
        .map(|(finding, fingerprint)| {
            let span = super::anchor(finding, sources).span;
            let file = sources.get(span.file);
            Issue {
                description: &finding.message,
                check_name: finding.rule,
                fingerprint,
                severity: severity(finding.severity),
                location: Location {
                    path: format!("{prefix}{}", file.path),
                    lines: Lines {
                        begin: file.line(span.start),
                    },
                },
            }
        })
        .collect();
    super::write_json(&issues, out)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "critical",
        Severity::Warning => "major",
        Severity::Info => "info",
    }
}

#[derive(Serialize)]
struct Issue<'a> {
    description: &'a str,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}
