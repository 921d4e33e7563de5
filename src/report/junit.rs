//! A JUnit report: a suite per file, a failed case per finding. Jenkins, GitLab and CircleCI all read it.

use std::io::{self, Write};

use super::xml::escape;
use super::{outcome, path_of};
use crate::analyze::Analysis;
use crate::finding::Finding;
use crate::source::Sources;

/// Writes one XML document. A run without findings has one case that passed, as some readers refuse an empty report.
pub(super) fn write(analysis: &Analysis, out: &mut dyn Write) -> io::Result<()> {
    let sources = &analysis.project.sources;
    let failures = analysis.findings.len();
    let cases = failures.max(1);
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="no502" tests="{cases}" failures="{failures}" errors="0">"#
    )?;
    if failures == 0 {
        writeln!(
            out,
            r#"  <testsuite name="no502" tests="1" failures="0" errors="0">"#
        )?;
        writeln!(
            out,
            r#"    <testcase name="no findings" classname="no502"/>"#
        )?;
        writeln!(out, "  </testsuite>")?;
    }
    // Findings are sorted by path, so each run of equal paths is one suite.
    for suite in analysis
        .findings
        .chunk_by(|one, next| path_of(one, sources) == path_of(next, sources))
    {
        write_suite(suite, sources, out)?;
    }
    writeln!(out, "</testsuites>")
}

fn write_suite(findings: &[Finding], sources: &Sources, out: &mut dyn Write) -> io::Result<()> {
    let (path, count) = (escape(path_of(&findings[0], sources)), findings.len());
    writeln!(
        out,
        r#"  <testsuite name="{path}" tests="{count}" failures="{count}" errors="0">"#
    )?;
    for finding in findings {
        let line = sources.position(finding.primary.span).line;
        writeln!(
            out,
            r#"    <testcase name="{}:{line}" classname="{path}" file="{path}" line="{line}">"#,
            finding.rule
        )?;
        writeln!(
            out,
            r#"      <failure type="{}" message="{}">{}</failure>"#,
            finding.severity.as_str(),
            escape(&finding.message),
            escape(&body(finding, sources)).replace("&#10;", "\n"),
        )?;
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>")
}

fn body(finding: &Finding, sources: &Sources) -> String {
    let labels = finding.labels();
    let mut lines: Vec<String> = labels
        .map(|label| {
            format!("{} {}", sources.place(label.span), label.message)
                .trim_end()
                .to_owned()
        })
        .collect();
    lines.extend(outcome::advice(finding));
    lines.join("\n")
}
