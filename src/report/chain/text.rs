//! Chains for a person: one block per way, hop under hop. Values that come from one place share a line with it, and an
//! inversion stands between the two hops that cause it, with what a client sees. Fits 80 columns, and says the same
//! without colours.

use std::io::{self, Write};

use super::budget::Tone;
use super::view::{Dials, Hop, Mark, Value, View, Way};
use crate::model::Key;
use crate::report::Look;
use crate::report::wrap::{columns, filled, fitting, folded};
use crate::rules::count;

/// Writes a block per way, then a line of figures.
pub(super) fn write(view: &View, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let mut text = Text { look, out };
    for (at, way) in view.ways.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| &view.ways[before]);
        text.way(way, before)?;
        writeln!(text.out)?;
    }
    text.gaps(view)?;
    writeln!(text.out, "{}", figures(view))
}

/// `12 ways (3 different), 2 inverted`.
pub(super) fn figures(view: &View) -> String {
    if view.ways.is_empty() {
        return "no way from an edge to an app was found".to_owned();
    }
    let sum = |ways: &mut dyn Iterator<Item = &Way>| ways.map(|way| way.count).sum::<usize>();
    let ways = sum(&mut view.ways.iter());
    let mut inverted = view.ways.iter().filter(|way| !way.clashes.is_empty());
    let inverted = sum(&mut inverted);
    let different = match view.ways.len() {
        same if same == ways => String::new(),
        some => format!(" ({some} different)"),
    };
    let gaps = match view.gaps.len() {
        0 => String::new(),
        some => format!(", {}", count(some, "gap")),
    };
    format!(
        "{}{different}, {inverted} inverted{gaps}",
        count(ways, "way")
    )
}

struct Text<'a> {
    look: &'a Look,
    out: &'a mut dyn Write,
}

impl Text<'_> {
    /// One block. The values of a hop that the block before has told are not told again.
    fn way(&mut self, way: &Way, before: Option<&Way>) -> io::Result<()> {
        let alike = way
            .alike()
            .map_or(String::new(), |alike| format!(" ({alike})"));
        let title = format!("{}{alike}: {}", way.routes[0], way.path(self.arrow()));
        for line in filled(&title, WIDTH) {
            self.line("", &line, BOLD)?;
        }
        self.some("also", &way.routes[1..])?;
        self.some("at", &way.at().unwrap_or_default())?;
        for (at, hop) in way.hops.iter().enumerate() {
            self.hop(hop, before.and_then(|way| way.hops.get(at)))?;
            if let Some(dials) = &hop.dials {
                self.dials(dials)?;
            }
            for clash in way.clashes.iter().filter(|clash| clash.outer.0 == at) {
                let text = format!("{}: {} [{}]", clash.facts, clash.client, clash.rule);
                self.marked("!!", &text, RED)?;
            }
        }
        if let Some(end) = &way.end {
            let text = format!("{}: {}", end.names.join(", "), end.why);
            self.marked("??", &text, YELLOW)?;
        }
        for remark in &way.budget {
            let (sign, style) = match remark.tone {
                Tone::Good => ("ok", GREEN),
                Tone::Bad => ("!!", RED),
                Tone::Unsure => ("??", YELLOW),
                Tone::More => ("  ", DIM),
            };
            self.marked(sign, &remark.text, style)?;
        }
        Ok(())
    }

    /// Names or places, as many as fit on two lines.
    fn some(&mut self, lead: &str, names: &[String]) -> io::Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let indent = columns(lead) + 1;
        for (at, line) in fitting(names, names.len(), WIDTH - 2 - indent)
            .iter()
            .enumerate()
        {
            let lead = if at == 0 { lead } else { "" };
            self.line("  ", &format!("{lead:indent$}{line}"), DIM)?;
        }
        Ok(())
    }

    /// A hop; of its values those that the hop at its place in the block before has not told.
    fn hop(&mut self, hop: &Hop, before: Option<&Hop>) -> io::Result<()> {
        let mut head = hop.who();
        if !hop.listens.is_empty() {
            head = format!("{head} on {}", hop.listens.join(", "));
        }
        if let Some(via) = &hop.via {
            head = format!("{head}, {via}");
        }
        for (at, line) in filled(&head, WIDTH - 6).iter().enumerate() {
            self.line(if at == 0 { "  " } else { "      " }, line, CYAN)?;
        }
        let new = new_values(hop, before);
        for values in by_origin(&new) {
            self.values(&values)?;
        }
        match hop.values.len() - new.len() {
            0 if hop.is_silent() => self.line("    ", "timeouts unknown", DIM),
            0 => Ok(()),
            _ if new.is_empty() => self.line("    ", "timeouts as above", DIM),
            _ => self.line("    ", "other timeouts as above", DIM),
        }
    }

    /// `  ! read 30s, tunnel 30s              inherited from haproxy.cfg:12`; what does not fit beside it stands below.
    fn values(&mut self, values: &[&Value]) -> io::Result<()> {
        let words = values.iter().map(|one| {
            let name = one.key.as_str().replace('_', " ");
            format!("{name} {}", one.text)
        });
        let left = packed(&words.collect::<Vec<_>>(), ORIGIN - 6);
        let first = values[0];
        let style = if first.mark == Mark::Unknown {
            YELLOW
        } else {
            DIM
        };
        let beside = columns(&first.origin) <= WIDTH - ORIGIN;
        let mut right = if beside {
            vec![first.origin.clone()]
        } else {
            filled(&first.origin, WIDTH - ORIGIN)
        }
        .into_iter();
        let mut left = left.into_iter();
        let mut sign = if first.clashes { "  ! " } else { "    " };
        loop {
            let (value, origin) = (left.next(), right.next());
            if value.is_none() && origin.is_none() {
                return Ok(());
            }
            let value = value.unwrap_or_default();
            let red = if first.clashes { RED } else { "" };
            let blanks = " ".repeat((ORIGIN - 4).saturating_sub(columns(&value)));
            let start = self.paint(&format!("{sign}{value}"), red);
            match origin {
                Some(origin) => {
                    writeln!(self.out, "{start}{blanks}{}", self.paint(&origin, style))?;
                }
                None => writeln!(self.out, "{start}")?,
            }
            sign = "    ";
        }
    }

    fn dials(&mut self, dials: &Dials) -> io::Result<()> {
        let leads = match &dials.leads {
            Some(leads) => format!(" {} {leads}", self.arrow().trim()),
            None => String::new(),
        };
        let text = format!(
            "{}{leads} ({})",
            some_of(&dials.written),
            some_of(&folded(&dials.places))
        );
        let (bar, down) = if self.look.unicode {
            ("│", "↓")
        } else {
            ("|", "v")
        };
        let lines = filled(&text, WIDTH - 6);
        let last = lines.len() - 1;
        for (at, line) in lines.iter().enumerate() {
            let sign = if at == last { down } else { bar };
            self.line(&format!("    {sign} "), line, "")?;
        }
        Ok(())
    }

    fn gaps(&mut self, view: &View) -> io::Result<()> {
        for gap in &view.gaps {
            let line = gap.line.map_or(String::new(), |line| format!(":{line}"));
            let text = format!("gap: {}{line}: {}", gap.path, gap.reason);
            for (at, line) in filled(&crate::report::wrap::plain(&text), WIDTH - 5)
                .iter()
                .enumerate()
            {
                self.line(if at == 0 { "" } else { "     " }, line, YELLOW)?;
            }
        }
        if !view.gaps.is_empty() {
            writeln!(self.out)?;
        }
        Ok(())
    }

    /// A sign in the margin, and the text beside it.
    fn marked(&mut self, sign: &str, text: &str, style: &str) -> io::Result<()> {
        for (at, line) in filled(text, WIDTH - 5).iter().enumerate() {
            let sign = if at == 0 { sign } else { "  " };
            self.line("  ", &format!("{sign} {line}"), style)?;
        }
        Ok(())
    }

    fn line(&mut self, indent: &str, text: &str, style: &str) -> io::Result<()> {
        writeln!(self.out, "{indent}{}", self.paint(text, style))
    }

    fn arrow(&self) -> &'static str {
        if self.look.unicode { " → " } else { " -> " }
    }

    fn paint(&self, text: &str, style: &str) -> String {
        if self.look.color && !style.is_empty() {
            format!("\u{1b}[{style}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// The values of a hop that differ from those of another: all of them, unless it is the same program with the same keys
/// and at least two values need not be told again.
fn new_values<'a>(hop: &'a Hop, before: Option<&Hop>) -> Vec<&'a Value> {
    let all: Vec<&Value> = hop.values.iter().collect();
    let Some(before) = before.filter(|before| before.program == hop.program) else {
        return all;
    };
    let keys = |hop: &Hop| -> Vec<Key> { hop.values.iter().map(|value| value.key).collect() };
    if keys(before) != keys(hop) {
        return all;
    }
    let pairs = hop.values.iter().zip(&before.values);
    let new: Vec<&Value> = pairs
        .filter(|(value, before)| value != before)
        .map(|(value, _)| value)
        .collect();
    if all.len() < new.len() + 2 { all } else { new }
}

/// Values that come from one place and clash alike stand together, in the order of the first of each.
fn by_origin<'a>(values: &[&'a Value]) -> Vec<Vec<&'a Value>> {
    let mut groups: Vec<Vec<&Value>> = Vec::new();
    for &value in values {
        let like = |group: &&mut Vec<&Value>| {
            group[0].origin == value.origin && group[0].clashes == value.clashes
        };
        match groups.iter_mut().find(like) {
            Some(group) => group.push(value),
            None => groups.push(vec![value]),
        }
    }
    groups
}

/// Joins words with commas into lines; a word is never broken.
fn packed(words: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let comma = if at + 1 == words.len() { "" } else { "," };
        let piece = format!("{word}{comma}");
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(&piece) <= width => {
                line.push(' ');
                line.push_str(&piece);
            }
            _ => lines.push(piece),
        }
    }
    lines
}

/// `a, b and 3 more`.
fn some_of(texts: &[String]) -> String {
    const MOST: usize = 3;
    let shown = texts[..texts.len().min(MOST)].join(", ");
    match texts.len().saturating_sub(MOST) {
        0 => shown,
        left => format!("{shown} and {left} more"),
    }
}

/// Columns of a terminal that nobody widened.
const WIDTH: usize = 80;
/// Column at which origins begin.
const ORIGIN: usize = 40;

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";
