//! What triage found in logs: for a person, and for programs.

mod json;
mod text;

use std::io::{self, Write};
use std::str::FromStr;

use super::Look;
use crate::analyze::Analysis;
use crate::triage::{Explained, Triage};

/// A format of `triage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For a person.
    Text,
    /// Schema `no502/triage/1`.
    Json,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("unknown format `{other}`, expected text or json")),
        }
    }
}

/// Writes a report of what was seen and of what explains it. The analysis is that of the project whose proxies wrote the
/// logs, if there is one.
pub fn write(
    format: Format,
    triage: &Triage,
    explained: &[Explained],
    analysis: Option<&Analysis>,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Text => text::write(triage, explained, analysis, look, out),
        Format::Json => json::write(triage, explained, analysis, out),
    }
}
