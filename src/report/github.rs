//! Workflow commands of GitHub Actions: each finding becomes an annotation at its line.
//! Source: "Workflow commands for GitHub Actions"; `%`, CR and LF are escaped everywhere, `:` and `,` in properties.

use std::io::{self, Write};

use super::wrap::visible;
use super::{Look, of_severity, outcome};
use crate::analyze::Analysis;
use crate::finding::{Finding, Severity};
use crate::source::Sources;

/// Annotations of one kind that GitHub shows for a step; the others are in its log alone.
const SHOWN: usize = 10;

/// One command per finding, one notice per gap; then a line of figures for the log, if there are more than GitHub shows.
pub(super) fn write(analysis: &Analysis, prefix: &str, out: &mut dyn Write) -> io::Result<()> {
    let sources = &analysis.project.sources;
    for finding in &analysis.findings {
        let span = super::anchor(finding, sources).span;
        let file = sources.get(span.file);
        let (start, end) = (file.position(span.start), file.position(span.end));
        write!(
            out,
            "::{} file={},line={},endLine={},",
            command(finding.severity),
            property(&format!("{prefix}{}", file.path)),
            start.line,
            end.line,
        )?;
        // GitHub refuses columns on a range of several lines.
        if start.line == end.line {
            let last = (end.column - 1).max(start.column);
            write!(out, "col={},endColumn={last},", start.column)?;
        }
        let title = property(&format!("no502 {}", finding.rule));
        writeln!(out, "title={title}::{}", data(&text(finding, sources)))?;
    }
    for gap in &analysis.gaps {
        let file = property(&format!("{prefix}{}", gap.path));
        let line = gap
            .line
            .map_or(String::new(), |line| format!(",line={line}"));
        writeln!(
            out,
            "::notice file={file}{line},title=no502 gap::{}",
            data(&gap.reason)
        )?;
    }
    let of = |severity| of_severity(&analysis.findings, severity);
    let kinds = [
        of(Severity::Error),
        of(Severity::Warning),
        of(Severity::Info) + analysis.gaps.len(),
    ];
    if kinds.iter().any(|some| *some > SHOWN) {
        let figures = super::summary(analysis, &Look::default());
        writeln!(
            out,
            "no502: {figures}; GitHub annotates {SHOWN} of a kind, this log has them all"
        )?;
    }
    Ok(())
}

fn command(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    }
}

/// Message, further places, help and outcome, each on a line: an annotation shows nothing else of a finding.
fn text(finding: &Finding, sources: &Sources) -> String {
    let mut lines = vec![finding.message.clone()];
    lines.extend(finding.related.iter().map(|label| {
        let place = sources.place(label.span);
        format!("{place} {}", label.message).trim_end().to_owned()
    }));
    lines.extend(outcome::advice(finding));
    lines.join("\n")
}

/// A raw log of a job is read on terminals too, so nothing in it may steer one.
fn data(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '%' => escaped.push_str("%25"),
            '\r' => escaped.push_str("%0D"),
            '\n' => escaped.push_str("%0A"),
            '\t' => escaped.push(' '),
            other => escaped.push(visible(other)),
        }
    }
    escaped
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
