//! Stand-ins until the reports are in the library.
use no502::analyze::Analysis;
use std::io::{self, Write};
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Pretty,
    Short,
    Json,
    Sarif,
    Github,
    Gitlab,
    Junit,
    Checkstyle,
}
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    pub(crate) color: bool,
    pub(crate) unicode: bool,
    pub(crate) width: usize,
    pub(crate) verbose: bool,
    pub(crate) prefix: String,
}
pub(crate) fn write(_f: Format, a: &Analysis, _l: &Look, out: &mut dyn Write) -> io::Result<()> {
    for f in &a.findings {
        writeln!(
            out,
            "{} {}",
            f.rule,
            a.project.sources.place(f.primary.span)
        )?;
    }
    Ok(())
}
pub(crate) mod chain {
    use super::{Analysis, Look, Write, io};
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Format {
        Text,
        Json,
    }
    pub(crate) fn write(
        _f: Format,
        _a: &Analysis,
        _l: &Look,
        _out: &mut dyn Write,
    ) -> io::Result<()> {
        Ok(())
    }
}
