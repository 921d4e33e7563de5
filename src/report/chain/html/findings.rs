//! The second half of the page: what was found in the project, with ways back to the pictures.

use std::io::{self, Write};

use super::super::concern::Concern;
use super::super::view::View;
use crate::finding::Finding;
use crate::report::xml::escape;
use crate::report::{html, outcome};
use crate::rules::count;
use crate::source::Sources;

/// Ways and places that are listed for a finding; the others are counted.
const MOST: usize = 20;

/// All findings of the project.
pub(super) fn write(
    concern: &Concern,
    view: &View,
    sources: &Sources,
    out: &mut dyn Write,
) -> io::Result<()> {
    if concern.findings.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">{} of the project</h2>\n<ul class=\"plain\">",
        count(concern.findings.len(), "finding")
    )?;
    for (at, one) in concern.findings.iter().enumerate() {
        let class = html::class(one.severity);
        writeln!(
            out,
            "<li id=\"finding-{}\" tabindex=\"-1\"><span class=\"{class}\">{}</span> <code>{}</code><br>{}<br><span class=\"dim\">{}</span>",
            at + 1,
            one.severity.as_str(),
            escape(one.rule),
            escape(&one.message),
            escape(&outcome::advice(one).join("; ")),
        )?;
        ways(&concern.ways[at], view, out)?;
        places(one, sources, out)?;
        writeln!(out, "</li>")?;
    }
    writeln!(out, "</ul>\n</section>")
}

fn ways(ways: &[usize], view: &View, out: &mut dyn Write) -> io::Result<()> {
    if ways.is_empty() {
        return Ok(());
    }
    let shown = ways.iter().take(MOST);
    let links: Vec<String> = shown
        .map(|at| {
            let route = escape(&view.ways[*at].routes[0]);
            format!("<a href=\"#way-{}\"><code>{route}</code></a>", at + 1)
        })
        .collect();
    writeln!(
        out,
        "<p>on {}{}</p>",
        links.join(", "),
        more(ways.len().saturating_sub(MOST))
    )
}

fn places(finding: &Finding, sources: &Sources, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<ul class=\"places\">")?;
    let labels = finding.labels();
    for label in labels.take(MOST) {
        let message = if label.message.is_empty() {
            String::new()
        } else {
            format!(": {}", escape(&label.message))
        };
        writeln!(
            out,
            "<li><code>{}</code>{message}</li>",
            escape(&sources.place(label.span))
        )?;
    }
    let left = (finding.related.len() + 1).saturating_sub(MOST);
    if left > 0 {
        writeln!(out, "<li>and {} more</li>", count(left, "place"))?;
    }
    writeln!(out, "</ul>")
}

/// ` and 3 more`, or nothing.
fn more(left: usize) -> String {
    match left {
        0 => String::new(),
        left => format!(" and {left} more"),
    }
}
