//! Source lines on a page: the labelled words marked and numbered in the order in which a request passes them, what is said
//! of each below its line, and fixes as diffs.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::prose;
use crate::finding::{Finding, Fix, Label};
use crate::report::diff;
use crate::report::snippet::{DRAWN, Placed, Shown, Snippet, range_in, snippets};
use crate::report::wrap::folded;
use crate::report::xml::escape;
use crate::rules::count;
use crate::source::{SourceFile, Sources, Span};

/// Columns of a line that are shown: enough for any line that a person wrote.
const ROOM: usize = 240;
/// Places and hunks that are listed; the others are counted.
const LISTED: usize = 40;

/// The lines of all labels, edge to app where the finding is about a chain, and the places that are not drawn.
pub(super) fn excerpts(
    finding: &Finding,
    sources: &Sources,
    out: &mut dyn Write,
) -> io::Result<()> {
    let labels = in_order(finding);
    let drawn = labels.iter().take(DRAWN).enumerate();
    let placed = drawn.map(|(at, label)| Placed::new(label, at, sources));
    let story = Story {
        primary: finding.primary.span,
        is_numbered: labels.len() > 1,
    };
    let mut snippets = snippets(placed.collect(), sources);
    snippets.sort_by_key(|snippet| snippet.labels.iter().map(|label| label.order).min());
    for snippet in snippets {
        story.snippet(&snippet, sources, out)?;
    }
    others(labels.get(DRAWN..).unwrap_or_default(), sources, out)
}

/// The steps of the chain, if there are any, then every label that is not one of them.
fn in_order(finding: &Finding) -> Vec<&Label> {
    let steps: HashSet<Span> = finding.flow.iter().map(|step| step.span).collect();
    let labels = finding.labels();
    let labels = labels.filter(|label| !steps.contains(&label.span));
    finding.flow.iter().chain(labels).collect()
}

fn others(labels: &[&Label], sources: &Sources, out: &mut dyn Write) -> io::Result<()> {
    if labels.is_empty() {
        return Ok(());
    }
    let listed = labels.iter().take(LISTED);
    let places: Vec<String> = listed.map(|label| sources.place(label.span)).collect();
    let more = match labels.len().saturating_sub(LISTED) {
        0 => String::new(),
        left => format!(" and {} more", count(left, "place")),
    };
    let places = escape(&folded(&places).join(", "));
    writeln!(out, "<p><b>also</b> <code>{places}</code>{more}</p>")
}

/// What all excerpts of a finding share.
struct Story {
    primary: Span,
    /// A single label needs no number.
    is_numbered: bool,
}

impl Story {
    fn snippet(&self, snippet: &Snippet, sources: &Sources, out: &mut dyn Write) -> io::Result<()> {
        let file = sources.get(snippet.file);
        caption(file, snippet.labels[0].line, out)?;
        for line in snippet.first..=snippet.last {
            let labels = snippet.on(line);
            let ranges: Vec<_> = labels.iter().map(|label| range_in(file, label)).collect();
            let shown = Shown::new(file.line_text(line), ranges.first().copied(), ROOM);
            let marks: Vec<Mark> = labels
                .iter()
                .zip(ranges)
                .map(|(label, (from, to))| self.mark(label, &shown, from, to))
                .collect();
            write!(out, "<li value=\"{line}\"><code>")?;
            write!(out, "{}</code>", marked(&shown.text, &marks))?;
            for mark in marks.iter().filter(|mark| mark.is_said()) {
                let class = if mark.is_primary { "say here" } else { "say" };
                let number = mark
                    .number
                    .map_or(String::new(), |n| format!("<b>{n}</b> "));
                let message = prose(mark.message);
                write!(out, "<p class=\"{class}\">{number}{message}</p>")?;
            }
            writeln!(out, "</li>")?;
        }
        writeln!(out, "</ol></figure>")
    }

    fn mark<'a>(&self, placed: &Placed<'a>, shown: &Shown, from: usize, to: usize) -> Mark<'a> {
        Mark {
            start: shown.offset(from),
            end: shown.offset(to),
            number: self.is_numbered.then_some(placed.order + 1),
            message: &placed.label.message,
            is_primary: placed.label.span == self.primary,
        }
    }
}

/// What is no file of the tree is named without its brackets.
fn caption(file: &SourceFile, line: usize, out: &mut dyn Write) -> io::Result<()> {
    let place = escape(file.path.trim_matches(['<', '>']));
    let line = if file.is_synthetic() {
        " <span class=\"dim\">(no file of this tree)</span>".to_owned()
    } else {
        format!(":{line}")
    };
    writeln!(
        out,
        "<figure><figcaption><code>{place}{line}</code></figcaption><ol class=\"src\">"
    )
}

/// A label on a line as it is shown.
struct Mark<'a> {
    start: usize,
    end: usize,
    number: Option<usize>,
    message: &'a str,
    is_primary: bool,
}

impl Mark<'_> {
    fn is_said(&self) -> bool {
        self.number.is_some() || !self.message.is_empty()
    }
}

/// The text with its marks. Labels may lie within each other: each stretch between two ends is marked by itself.
fn marked(text: &str, marks: &[Mark]) -> String {
    let ends = marks.iter().flat_map(|mark| [mark.start, mark.end]);
    let mut cuts: Vec<usize> = ends.chain([0, text.len()]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut html = String::new();
    for (at, &from) in cuts.iter().enumerate() {
        for mark in marks.iter().filter(|mark| mark.start == from) {
            if let Some(number) = mark.number {
                let _ = write!(html, "<sup>{number}</sup>");
            }
            // A place between two characters.
            if mark.start == mark.end {
                html.push_str("<mark class=\"here\"> </mark>");
            }
        }
        let Some(&to) = cuts.get(at + 1) else { break };
        let words = escape(&text[from..to]);
        let mut over = marks
            .iter()
            .filter(|mark| mark.start <= from && to <= mark.end)
            .peekable();
        if over.peek().is_none() {
            html.push_str(&words);
        } else if over.any(|mark| mark.is_primary) {
            let _ = write!(html, "<mark class=\"here\">{words}</mark>");
        } else {
            let _ = write!(html, "<mark>{words}</mark>");
        }
    }
    html
}

/// What a fix changes.
pub(super) fn fix(fix: &Fix, sources: &Sources, out: &mut dyn Write) -> io::Result<()> {
    let hunks = diff::hunks(fix, sources);
    for hunk in hunks.iter().take(LISTED) {
        let path = escape(&sources.get(hunk.file).path);
        write!(
            out,
            "<figure><figcaption><code>{path}:{}</code></figcaption><pre class=\"diff\">",
            hunk.line
        )?;
        for (sign, line) in &hunk.lines {
            let text = escape(&Shown::new(line, None, ROOM).text);
            match sign {
                '-' => writeln!(out, "<del>-{text}</del>")?,
                '+' => writeln!(out, "<ins>+{text}</ins>")?,
                _ => writeln!(out, " {text}")?,
            }
        }
        writeln!(out, "</pre></figure>")?;
    }
    match hunks.len().saturating_sub(LISTED) {
        0 => Ok(()),
        left => writeln!(out, "<p>and at {} more</p>", count(left, "place")),
    }
}
