//! The report for a person: each finding as one diagnostic with snippets of every file that takes part. This file and
//! its excerpt are all that know miette, which draws; what it draws is prepared here, because miette reads one source.

mod excerpt;

use std::fmt;
use std::io::{self, Write};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode, ThemeCharacters,
    ThemeStyles,
};

use super::json::Summary;
use super::wrap::{lines, plain};
use super::{Look, outcome, short};
use crate::analyze::Analysis;
use crate::finding::{Finding, Safety, Severity};
use crate::model::Target;
use crate::rules::count;
use crate::source::{Sources, Span};
use excerpt::Excerpt;

/// Writes every finding, then the gaps, then one line of figures; nothing if there is nothing to tell.
pub(super) fn write(analysis: &Analysis, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    if analysis.findings.is_empty() && analysis.gaps.is_empty() && !look.verbose {
        return Ok(());
    }
    let handler = handler(look);
    for finding in &analysis.findings {
        let drawn = Drawn::new(finding, &analysis.project.sources, look);
        let mut text = String::new();
        handler
            .render_report(&mut text, &drawn)
            .map_err(|_| io::Error::other("a finding could not be drawn"))?;
        // miette pads some lines; nothing in a report should end in blanks.
        for (at, line) in text.lines().enumerate() {
            let under_header = at == 1 && line.is_empty();
            if !under_header {
                writeln!(out, "{}", line.trim_end())?;
            }
        }
        write_notes(finding, &drawn, look, out)?;
        writeln!(out)?;
    }
    write_gaps(analysis, look, out)?;
    writeln!(out, "{}", summary(analysis, look))
}

fn handler(look: &Look) -> GraphicalReportHandler {
    let mut characters = if look.unicode {
        ThemeCharacters::unicode()
    } else {
        ThemeCharacters::ascii()
    };
    // The header names the severity; a second sign for it would only be noise.
    let bar = if look.unicode { "│" } else { "|" };
    for sign in [
        &mut characters.error,
        &mut characters.warning,
        &mut characters.advice,
    ] {
        bar.clone_into(sign);
    }
    let styles = if look.color {
        ThemeStyles::ansi()
    } else {
        ThemeStyles::none()
    };
    GraphicalReportHandler::new_themed(GraphicalTheme { characters, styles })
        .with_width(look.columns())
        .with_links(look.color)
        .with_urls(look.color)
        .with_link_display_text("(page)")
        .with_context_lines(1)
        .without_cause_chain()
        .without_syntax_highlighting()
        .with_break_words(false)
}

/// One finding as miette wants it.
struct Drawn {
    code: String,
    message: String,
    help: String,
    url: String,
    severity: miette::Severity,
    excerpt: Excerpt,
}

impl Drawn {
    fn new(finding: &Finding, sources: &Sources, look: &Look) -> Self {
        Self {
            code: format!("{}[{}]", finding.severity.as_str(), finding.rule),
            message: plain(&finding.message).into_owned(),
            help: plain(&finding.help).into_owned(),
            url: super::url(finding.rule),
            severity: match finding.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
                Severity::Info => miette::Severity::Advice,
            },
            excerpt: Excerpt::new(finding, sources, look.columns()),
        }
    }
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Drawn {}

impl Diagnostic for Drawn {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.help.is_empty()).then(|| Box::new(&self.help) as Box<dyn fmt::Display>)
    }

    fn url<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.url))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self.excerpt.labels();
        (!labels.is_empty()).then(|| Box::new(labels.into_iter()) as Box<_>)
    }
}

fn write_notes(
    finding: &Finding,
    drawn: &Drawn,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    for note in &drawn.excerpt.notes {
        write_block("note", note, look, out)?;
    }
    if !drawn.excerpt.others.is_empty() {
        write_block("also", &drawn.excerpt.others.join(" "), look, out)?;
    }
    let sure = match finding.confidence.as_str() {
        "high" => String::new(),
        word => format!(" ({word} confidence)"),
    };
    let outcome = format!("{}{sure}", outcome::in_words(finding));
    write_block("effect", &outcome, look, out)?;
    if let Some(fix) = &finding.fix {
        let how = match fix.safety {
            Safety::Safe => "--fix applies it",
            Safety::Unsafe => "--fix=unsafe applies it, read it first",
        };
        let title = plain(&fix.title);
        write_block("fix", &format!("{title} ({how})"), look, out)?;
    }
    if look.verbose && !look.color {
        write_block("page", &super::url(finding.rule), look, out)?;
    }
    Ok(())
}

/// `  name: text`, wrapped, the following lines under the text; aligned with miette's `help:`.
fn write_block(name: &str, text: &str, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let indent = name.len() + 4;
    for (at, line) in lines(text, look.columns() - indent).iter().enumerate() {
        if at == 0 {
            writeln!(out, "  {}: {line}", paint(name, CYAN, look))?;
        } else {
            writeln!(out, "{:indent$}{line}", "")?;
        }
    }
    Ok(())
}

fn write_gaps(analysis: &Analysis, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let mut gaps: Vec<String> = analysis
        .gaps
        .iter()
        .map(|gap| format!("{}: {}", short::place(gap), plain(&gap.reason)))
        .collect();
    if look.verbose {
        let sources = &analysis.project.sources;
        let unknown = unknown_links(analysis);
        gaps.extend(unknown.map(|(span, why)| format!("{}: {why}", sources.place(span))));
    }
    if gaps.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", paint("could not be judged:", YELLOW, look))?;
    for gap in &gaps {
        for (at, line) in lines(gap, look.columns() - 4).iter().enumerate() {
            writeln!(out, "{}{line}", if at == 0 { "  - " } else { "    " })?;
        }
    }
    writeln!(out)
}

/// Each link whose end is unknown: its place, and why.
pub(super) fn unknown_links(analysis: &Analysis) -> impl Iterator<Item = (Span, String)> {
    analysis.model.links.iter().filter_map(|link| {
        let Target::Unknown(why) = &link.target else {
            return None;
        };
        let (written, why) = (plain(&link.written), plain(why));
        Some((link.span, format!("where {written} leads: {why}")))
    })
}

/// `1 error, 2 warnings in 3 files; 3 of 4 links resolved, 1 external; 2 gaps`.
pub(super) fn summary(analysis: &Analysis, look: &Look) -> String {
    let summary = Summary::new(analysis);
    let mut found: Vec<String> = [
        (summary.errors, "error", RED),
        (summary.warnings, "warning", YELLOW),
        (summary.infos, "info", CYAN),
    ]
    .into_iter()
    .filter(|(n, ..)| *n > 0)
    .map(|(n, word, style)| paint(&count(n, word), style, look))
    .collect();
    if found.is_empty() {
        found.push("no findings".to_owned());
    }
    let mut parts = vec![
        [
            format!("{} in {}", found.join(", "), count(summary.files, "file")),
            some(summary.suppressed, "suppressed"),
            some(summary.baselined, "in the baseline"),
        ]
        .concat(),
    ];
    let links = summary.links;
    if links.total > 0 {
        let total = count(links.total, "link");
        parts.push(
            [
                format!("{} of {total} resolved", links.resolved),
                some(links.external, "external"),
                some(links.unknown, "unknown"),
            ]
            .concat(),
        );
    }
    if !analysis.gaps.is_empty() {
        parts.push(count(analysis.gaps.len(), "gap"));
    }
    parts.join("; ")
}

/// `, n word`, or nothing for none.
fn some(n: usize, word: &str) -> String {
    if n == 0 {
        String::new()
    } else {
        format!(", {n} {word}")
    }
}

const RED: &str = "31";
const YELLOW: &str = "33";
const CYAN: &str = "36";

fn paint(text: &str, style: &str, look: &Look) -> String {
    if look.color {
        format!("\u{1b}[{style}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}
