//! Checkstyle's XML, which reviewdog, Jenkins and most editors read.

use std::io::{self, Write};

use super::path_of;
use super::xml::escape;
use crate::analyze::Analysis;

/// Writes one XML document, a `file` element per path.
pub(super) fn write(analysis: &Analysis, prefix: &str, out: &mut dyn Write) -> io::Result<()> {
    let sources = &analysis.project.sources;
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<checkstyle version="4.3">"#)?;
    for file in analysis
        .findings
        .chunk_by(|one, next| path_of(one, sources) == path_of(next, sources))
    {
        let path = format!("{prefix}{}", path_of(&file[0], sources));
        writeln!(out, r#"  <file name="{}">"#, escape(&path))?;
        for finding in file {
            let at = sources.position(finding.primary.span);
            writeln!(
                out,
                r#"    <error line="{}" column="{}" severity="{}" message="{}" source="no502.{}"/>"#,
                at.line,
                at.column,
                finding.severity.as_str(),
                escape(&finding.message),
                finding.rule,
            )?;
        }
        writeln!(out, "  </file>")?;
    }
    writeln!(out, "</checkstyle>")
}
