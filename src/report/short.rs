//! One line per finding and per gap: for grep, for editors, for a glance.

use std::io::{self, Write};

use super::wrap::plain;
use crate::analyze::Analysis;

/// `path:line:column: severity[rule]: message`, then `path:line: gap: reason`.
pub(super) fn write(analysis: &Analysis, out: &mut dyn Write) -> io::Result<()> {
    let sources = &analysis.project.sources;
    for finding in &analysis.findings {
        let at = sources.position(finding.primary.span);
        writeln!(
            out,
            "{}:{}:{}: {}[{}]: {}",
            plain(super::path_of(finding, sources)),
            at.line,
            at.column,
            finding.severity.as_str(),
            finding.rule,
            plain(&finding.message),
        )?;
    }
    for gap in &analysis.gaps {
        writeln!(out, "{}: gap: {}", place(gap), plain(&gap.reason))?;
    }
    Ok(())
}

/// `path:line`, or the path alone.
pub(super) fn place(gap: &crate::finding::Gap) -> String {
    let path = plain(&gap.path);
    match gap.line {
        Some(line) => format!("{path}:{line}"),
        None => path.into_owned(),
    }
}
