//! Triage for a person in a hurry: a block per class, the commonest first, what it means before what may be behind it.
//! Fits 80 columns.

use std::io::{self, Write};

use crate::analyze::Analysis;
use crate::finding::{Effect, Finding, Severity};
use crate::report::Look;
use crate::report::wrap::{columns, filled, fitting, folded, plain};
use crate::rules::{card, count, find};
use crate::triage::{Explained, Triage, Upstream};

const WIDTH: usize = 80;
/// Upstreams of a class that are told one by one.
const UPSTREAMS: usize = 6;
/// Rules of a class that are told with their titles, where no finding says more.
const TITLES: usize = 4;
/// Shapes of unknown errors that are told.
const SHAPES: usize = 10;

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const YELLOW: &str = "33";
const CYAN: &str = "36";

/// A block per class, then a line of figures.
pub(super) fn write(
    triage: &Triage,
    explained: &[Explained],
    analysis: Option<&Analysis>,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut text = Text {
        look,
        analysis,
        out,
    };
    for class in explained {
        text.class(class)?;
        writeln!(text.out)?;
    }
    if look.verbose {
        text.shapes(triage)?;
    }
    for line in filled(&figures(triage, look.verbose), WIDTH) {
        text.line(0, &line, "")?;
    }
    Ok(())
}

/// `1000 lines, 12 of them in 3 classes; 1 unknown error`.
fn figures(triage: &Triage, verbose: bool) -> String {
    let taken: u64 = triage.classes.values().map(|tally| tally.count).sum();
    let mut text = counted(triage.lines, "line");
    if taken == 0 {
        text.push_str(", none of them in a class");
    } else {
        let classes = match triage.classes.len() {
            1 => "1 class".to_owned(),
            some => format!("{some} classes"),
        };
        text = format!("{text}, {taken} of them in {classes}");
    }
    if !triage.answers.is_empty() {
        let answers = triage.answers.iter();
        let answers: Vec<String> = answers
            .map(|(status, n)| format!("{status} {n}x"))
            .collect();
        text = format!("{text}; answers: {}", answers.join(", "));
    }
    if triage.unknown > 0 {
        let more = if verbose {
            ""
        } else {
            " (-v shows what they look like)"
        };
        text = format!("{text}; {}{more}", counted(triage.unknown, "unknown error"));
    }
    text
}

fn counted(number: u64, of: &str) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), of)
}

struct Text<'a> {
    look: &'a Look,
    analysis: Option<&'a Analysis>,
    out: &'a mut dyn Write,
}

impl Text<'_> {
    fn class(&mut self, class: &Explained) -> io::Result<()> {
        let head = [
            class.name.to_owned(),
            format!("{}x", class.tally.count),
            sees(class),
            when(class),
        ];
        self.line(0, head.join("  ").trim_end(), BOLD)?;
        for says in &class.says {
            self.fill(2, says, "")?;
        }
        for upstream in class.upstreams.iter().take(UPSTREAMS) {
            self.upstream(upstream)?;
        }
        let left = class.upstreams.len().saturating_sub(UPSTREAMS);
        if left > 0 {
            self.line(4, &format!("and {left} more"), DIM)?;
        }
        let places = class.tally.places.keys();
        let places: Vec<String> = places
            .map(|(path, line)| format!("{path}:{line}"))
            .collect();
        if !places.is_empty() {
            let told = fitting(&folded(&places), places.len(), WIDTH - 7);
            self.fill(4, &format!("at {}", told.join(" ")), CYAN)?;
        }
        self.findings(class)?;
        self.rules(class)
    }

    /// An address, and where the project says to dial it.
    fn upstream(&mut self, upstream: &Upstream) -> io::Result<()> {
        let mut text = format!("{}x {}", upstream.count, upstream.address);
        if !upstream.places.is_empty() {
            let places = upstream.places.iter();
            let places: Vec<String> = places
                .map(|place| format!("{}:{}", place.path, place.line))
                .collect();
            let hop = upstream.hop.as_ref().map(|hop| format!("{hop}, "));
            let told = fitting(&folded(&places), places.len(), WIDTH);
            text = format!("{text}: {}{}", hop.unwrap_or_default(), told.join(" "));
        }
        self.fill(4, &text, CYAN)
    }

    fn findings(&mut self, class: &Explained) -> io::Result<()> {
        let Some(analysis) = self.analysis else {
            return Ok(());
        };
        for finding in class.findings.iter().map(|at| &analysis.findings[*at]) {
            self.finding(finding, analysis)?;
        }
        Ok(())
    }

    fn finding(&mut self, finding: &Finding, analysis: &Analysis) -> io::Result<()> {
        let style = match finding.severity {
            Severity::Error => RED,
            Severity::Warning => YELLOW,
            Severity::Info => CYAN,
        };
        let place = analysis.project.sources.place(finding.primary.span);
        let severity = finding.severity.as_str();
        self.fill(2, &format!("{severity}[{}] {place}", finding.rule), style)?;
        self.fill(4, &finding.message, "")?;
        if !finding.help.is_empty() {
            self.fill(4, &format!("help: {}", finding.help), "")?;
        }
        Ok(())
    }

    /// The rules without a finding: with their titles if no finding says more, else by name.
    fn rules(&mut self, class: &Explained) -> io::Result<()> {
        if let Some(reason) = class.unexplained {
            return self.fill(2, &format!("no rule: {reason}"), DIM);
        }
        let found: Vec<&str> = match self.analysis {
            Some(analysis) => {
                let findings = class.findings.iter();
                findings.map(|at| analysis.findings[*at].rule).collect()
            }
            None => Vec::new(),
        };
        let silent = class.rules.iter().filter(|rule| !found.contains(*rule));
        let silent: Vec<&str> = silent.copied().collect();
        let titled = if found.is_empty() { TITLES } else { 0 };
        for id in silent.iter().take(titled) {
            let title = find(id).map_or("", |rule| &card(rule).title);
            self.fill(2, &format!("{id}: {}", title.replace('`', "")), "")?;
        }
        let rest: Vec<String> = silent
            .iter()
            .skip(titled)
            .map(|id| (*id).to_owned())
            .collect();
        if !rest.is_empty() {
            self.fill(2, &format!("also: {}", rest.join(", ")), DIM)?;
        }
        Ok(())
    }

    /// What the errors look like that no class takes.
    fn shapes(&mut self, triage: &Triage) -> io::Result<()> {
        let shapes = triage.shapes.commonest(SHAPES);
        if shapes.is_empty() {
            return Ok(());
        }
        self.line(0, "unknown errors", BOLD)?;
        for (shape, count) in shapes {
            self.fill(2, &format!("{count}x {shape}"), "")?;
        }
        writeln!(self.out)
    }

    /// A text over as many lines as it needs, those after the first a little further in.
    fn fill(&mut self, indent: usize, text: &str, style: &str) -> io::Result<()> {
        let text = plain(text);
        for (at, line) in filled(&text, WIDTH - indent - 2).iter().enumerate() {
            let further = if at == 0 { 0 } else { 2 };
            self.line(indent + further, line, style)?;
        }
        Ok(())
    }

    fn line(&mut self, indent: usize, text: &str, style: &str) -> io::Result<()> {
        debug_assert!(columns(text) + indent <= WIDTH || !text.contains(' '));
        if self.look.color && !style.is_empty() {
            writeln!(self.out, "{:indent$}\u{1b}[{style}m{text}\u{1b}[0m", "")
        } else {
            writeln!(self.out, "{:indent$}{text}", "")
        }
    }
}

/// What clients saw: statuses, or what came in the place of an answer.
fn sees(class: &Explained) -> String {
    let statuses = class.tally.status.iter().map(u16::to_string);
    let mut seen: Vec<String> = statuses.collect();
    let others = class
        .tally
        .effects()
        .filter(|effect| *effect != Effect::Response);
    seen.extend(others.map(|effect| effect.as_str().replace('-', " ")));
    seen.join(", ")
}

/// `2025-07-29 22:56:45 to 23:01:12`; a last time of the same day is told without it.
fn when(class: &Explained) -> String {
    let (Some(first), Some(last)) = (&class.tally.first, &class.tally.last) else {
        return String::new();
    };
    let told = |time: &str| time.replace('T', " ");
    let day = |time: &str| time.split('T').next().unwrap_or("").to_owned();
    if first == last {
        told(first)
    } else if day(first) == day(last) {
        let clock = last.split('T').nth(1).unwrap_or("");
        format!("{} to {clock}", told(first))
    } else {
        format!("{} to {}", told(first), told(last))
    }
}
