//! What the pages of `check` and `chain` have in common: a head that lets a browser load nothing at all, one style, and the
//! list of gaps.

pub(super) mod check;
mod code;

use std::io::{self, Write};

use super::xml::escape;
use crate::finding::{Gap, Severity};
use crate::rules::count;

const STYLE: &str = include_str!("html/page.css");

/// The top of a page.
pub(super) struct Head<'a> {
    /// Title and heading.
    pub(super) title: &'a str,
    /// One line under the heading.
    pub(super) figures: &'a str,
    /// Styles beyond those of every page.
    pub(super) style: &'a str,
    /// What the body begins with.
    pub(super) opening: &'a str,
}

/// Opens a page. Its policy forbids the browser to load anything, so that no name of a config can make it.
pub(super) fn head(head: &Head, out: &mut dyn Write) -> io::Result<()> {
    let Head { style, opening, .. } = head;
    let (title, figures) = (escape(head.title), escape(head.figures));
    writeln!(
        out,
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{STYLE}{style}</style>
</head>
<body>
{opening}<header>
<h1>{title}</h1>
<p class="dim">{figures}</p>
</header>
<main>"#
    )
}

/// Closes it.
pub(super) fn foot(script: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<script>\n{script}</script>\n</body>\n</html>")
}

/// The class of a severity's colour.
pub(super) fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "bad",
        Severity::Warning => "warn",
        Severity::Info => "dim",
    }
}

/// A sentence in which the words between backticks are code.
fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let part = |(at, part): (usize, &&str)| match at % 2 {
        0 => escape(part),
        // A backtick that none closes is one of the text.
        _ if at + 1 == parts.len() => format!("`{}", escape(part)),
        _ => format!("<code>{}</code>", escape(part)),
    };
    parts.iter().enumerate().map(part).collect()
}

/// What could not be read or known.
pub(super) fn gaps(gaps: &[Gap], out: &mut dyn Write) -> io::Result<()> {
    if gaps.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<section aria-labelledby=\"gaps\">\n<h2 id=\"gaps\">{}: what could not be read or known</h2>\n<ul class=\"plain\">",
        count(gaps.len(), "gap")
    )?;
    for gap in gaps {
        let line = gap.line.map_or(String::new(), |line| format!(":{line}"));
        writeln!(
            out,
            "<li><code>{}{line}</code><br>{}</li>",
            escape(&gap.path),
            escape(&gap.reason)
        )?;
    }
    writeln!(out, "</ul>\n</section>")
}
