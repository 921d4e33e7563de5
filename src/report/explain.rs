//! A rule's page on a terminal, and the catalogue of all rules.

use std::io::{self, Write};

use serde::Serialize;

use super::wrap::lines;
use super::{Look, outcome};
use crate::page::{Card, Page};
use crate::rules::RULES;
use crate::rules::count;

/// The card of a rule, by its id.
pub(super) fn card(id: &str) -> Option<Card> {
    let rule = RULES.iter().find(|rule| rule.id == id)?;
    Card::of(rule.page).ok()
}

/// What happens on the wire, as the page of a rule tells it.
pub(super) fn why(id: &str) -> Option<&'static str> {
    let rule = RULES.iter().find(|rule| rule.id == id)?;
    Page::parse(rule.id, rule.page)
        .ok()
        .map(|page| page.why.trim())
}

/// A row of the catalogue: a rule's id and card.
pub type Row = (&'static str, Card);

/// Every rule, by id. A test proves that every page has a card, so none is left out.
pub fn rows() -> Vec<Row> {
    RULES
        .iter()
        .filter_map(|rule| Some((rule.id, Card::of(rule.page).ok()?)))
        .collect()
}

/// The catalogue as text: a rule per line, then how many are proven.
pub fn catalogue(rows: &[Row], look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let widest = rows.iter().map(|(id, _)| id.len()).max().unwrap_or(0);
    for (id, card) in rows {
        let status = match outcome::statuses(&card.status) {
            none if none.is_empty() => card.effect.as_str().to_owned(),
            some => some.replace(", ", "/").replace(" or ", "/"),
        };
        let head = format!(
            "{:widest$}  {:7}  {status:11}  ",
            id,
            card.severity.as_str()
        );
        let room = look.columns().saturating_sub(head.len()).max(24);
        let mut title = card.title.clone();
        if card.pedantic {
            title.push_str(" (pedantic)");
        }
        for (at, line) in lines(&title, room).iter().enumerate() {
            let left = if at == 0 { head.as_str() } else { "" };
            writeln!(out, "{left:width$}{line}", width = head.len())?;
        }
    }
    let proof = Proof::of(rows);
    writeln!(
        out,
        "\n{}; proven in the lab: {}, not on loopback: {}",
        count(rows.len(), "rule"),
        proof.lab,
        proof.not_on_loopback
    )
}

/// The catalogue as JSON, schema `no502/rules/1`.
pub fn catalogue_json(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    let rules = rows.iter().map(|(id, card)| JsonRule {
        id,
        title: &card.title,
        severity: card.severity.as_str(),
        confidence: card.confidence.as_str(),
        status: &card.status,
        effect: card.effect.as_str(),
        category: &card.category,
        formats: &card.formats,
        since: &card.since,
        pedantic: card.pedantic,
        fix: &card.fix,
        proven: &card.proven,
        url: super::url(id),
    });
    let catalogue = Catalogue {
        schema: "no502/rules/1",
        version: env!("CARGO_PKG_VERSION"),
        proof: Proof::of(rows),
        rules: rules.collect(),
    };
    super::write_json(&catalogue, out)
}

#[derive(Serialize)]
struct Catalogue<'a> {
    schema: &'static str,
    version: &'static str,
    proof: Proof,
    rules: Vec<JsonRule<'a>>,
}

#[derive(Serialize)]
struct Proof {
    lab: usize,
    not_on_loopback: usize,
}

impl Proof {
    fn of(rows: &[Row]) -> Self {
        let lab = rows.iter().filter(|(_, card)| card.proven == "lab").count();
        Self {
            lab,
            not_on_loopback: rows.len() - lab,
        }
    }
}

#[derive(Serialize)]
struct JsonRule<'a> {
    id: &'a str,
    title: &'a str,
    severity: &'static str,
    confidence: &'static str,
    status: &'a [u16],
    effect: &'static str,
    category: &'a str,
    formats: &'a [String],
    since: &'a str,
    pedantic: bool,
    fix: &'a str,
    proven: &'a str,
    url: String,
}

/// A page: the card as one line of facts, prose wrapped, fences indented under the name of their file.
pub fn page(page: &str, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let mut printer = Printer {
        paragraph: String::new(),
        look,
        out,
    };
    let mut fence: Option<Fence> = None;
    let mut hidden = false;
    for line in page.lines() {
        if fence.is_none()
            && let Some(section) = line.strip_prefix("## ")
        {
            hidden = FOR_PROGRAMS.contains(&section.trim());
        }
        if hidden && fence.is_none() && !line.starts_with("```") {
            continue;
        }
        if let Some(info) = line.strip_prefix("```") {
            fence = match fence {
                Some(_) => None,
                None if hidden => Some(Fence::Hidden),
                None => Some(printer.open(info.trim(), page)?),
            };
        } else if fence == Some(Fence::Shown) {
            printer.code(line)?;
        } else if fence.is_none() {
            printer.prose(line)?;
        }
    }
    printer.flush()
}

/// Sections that say how a page is tested.
const FOR_PROGRAMS: [&str; 1] = ["Proof"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fence {
    Shown,
    Hidden,
}

struct Printer<'a> {
    paragraph: String,
    look: &'a Look,
    out: &'a mut dyn Write,
}

impl Printer<'_> {
    /// Begins a fence. The card and the lab's orders are for programs: the card becomes a line of facts, orders vanish.
    fn open(&mut self, info: &str, page: &str) -> io::Result<Fence> {
        self.flush()?;
        let mut words = info.split_whitespace();
        if words.next() == Some("toml") {
            if words.next().is_none()
                && let Ok(card) = Card::of(page)
            {
                self.card(&card)?;
            }
            return Ok(Fence::Hidden);
        }
        if let Some(file) = words.find_map(|word| word.strip_prefix("file=")) {
            let name = self.strong(file);
            writeln!(self.out, "  {name}")?;
        }
        Ok(Fence::Shown)
    }

    /// A line of an example; what the test expects there is for the test.
    fn code(&mut self, line: &str) -> io::Result<()> {
        let (code, expected) = match line.find("# expect") {
            Some(at) => (line[..at].trim_end(), true),
            None => (line.trim_end(), false),
        };
        if expected && code.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "{}", format!("    {code}").trim_end())
    }

    fn card(&mut self, card: &Card) -> io::Result<()> {
        for line in lines(&card.title, self.look.columns()) {
            writeln!(self.out, "{line}")?;
        }
        let status = outcome::statuses(&card.status);
        let mut facts = vec![card.severity.as_str(), card.category.as_str()];
        if !status.is_empty() {
            facts.push(&status);
        }
        facts.push(card.effect.as_str());
        facts.extend(card.formats.iter().map(String::as_str));
        writeln!(self.out, "{}", facts.join(" · "))
    }

    fn prose(&mut self, line: &str) -> io::Result<()> {
        let (text, list) = (line.trim_start(), line.trim_start().starts_with("- "));
        if let Some(title) = text.strip_prefix('#') {
            self.flush()?;
            let title = self.strong(title.trim_start_matches('#').trim_start());
            return writeln!(self.out, "{title}");
        }
        if text.is_empty() || list {
            self.flush()?;
        }
        if text.starts_with('|') {
            self.flush()?;
            return writeln!(self.out, "{text}");
        }
        if text.is_empty() {
            return writeln!(self.out);
        }
        self.paragraph.push_str(text);
        self.paragraph.push(' ');
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = std::mem::take(&mut self.paragraph);
        if text.is_empty() {
            return Ok(());
        }
        let hang = if text.starts_with("- ") { "  " } else { "" };
        for (at, line) in lines(&text, self.look.columns() - 2).iter().enumerate() {
            writeln!(self.out, "{}{line}", if at == 0 { "" } else { hang })?;
        }
        Ok(())
    }

    fn strong(&self, text: &str) -> String {
        if self.look.color {
            format!("\u{1b}[1m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
