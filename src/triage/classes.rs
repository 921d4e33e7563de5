//! The classes of lines, as `rules/classes.toml` has them, and which rules explain each: those whose cards name a symptom
//! of it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::Deserialize;

use super::pattern::Pattern;
use crate::finding::Effect;
use crate::rules::{RULES, card};

/// Lines that are errors by name and end in no 5xx.
pub const ASIDE: &str = "aside";

/// One entry of the table: lines of a class, and what they say.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The class. Several entries may be of one.
    pub name: String,
    /// What has happened: one line, no full stop.
    pub says: String,
    /// What the client sees, if it gets an answer.
    #[serde(default)]
    pub status: Vec<u16>,
    /// What it sees otherwise.
    #[serde(default = "answered")]
    pub effect: Effect,
    /// Parts of the lines that it takes.
    lines: Vec<Pattern>,
    /// Why no rule explains it.
    #[serde(default)]
    pub unexplained: Option<String>,
}

fn answered() -> Effect {
    Effect::Response
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    class: Vec<Entry>,
}

/// The table, and what makes a look-up in it one pass over a line.
pub struct Classes {
    /// In the order in which they are tried.
    pub entries: Vec<Entry>,
    /// Finds the longest literal of every pattern.
    finder: AhoCorasick,
    /// For each of these literals the entry and the pattern in it.
    owners: Vec<(usize, usize)>,
    /// For each entry the rules that explain it.
    rules: Vec<Vec<&'static str>>,
    /// The same for the letters with which a session of HAProxy ended.
    ended: BTreeMap<String, Vec<&'static str>>,
    /// Symptoms that fit no entry, with their rules.
    pub homeless: Vec<(&'static str, &'static str)>,
}

impl Classes {
    /// The table of this version.
    pub fn get() -> &'static Self {
        static CLASSES: OnceLock<Classes> = OnceLock::new();
        CLASSES.get_or_init(|| {
            const TEXT: &str = include_str!("../../rules/classes.toml");
            let table: Table = toml::from_str(TEXT).expect("the table is part of the program");
            Self::of(table.class)
        })
    }

    fn of(entries: Vec<Entry>) -> Self {
        let mut owners = Vec::new();
        let mut literals = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            for (nth, pattern) in entry.lines.iter().enumerate() {
                owners.push((at, nth));
                literals.push(pattern.longest().to_owned());
            }
        }
        let finder = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(literals)
            .expect("a few hundred literals");
        let mut classes = Self {
            rules: vec![Vec::new(); entries.len()],
            entries,
            finder,
            owners,
            ended: BTreeMap::new(),
            homeless: Vec::new(),
        };
        classes.join();
        classes
    }

    /// Takes every rule into the classes of its symptoms.
    fn join(&mut self) {
        for rule in RULES {
            for symptom in &card(rule).symptoms {
                let rules = if let Some(class) = ending(symptom) {
                    self.ended.entry(class).or_default()
                } else if let Some(at) = self.entry_of_symptom(symptom) {
                    &mut self.rules[at]
                } else {
                    self.homeless.push((rule.id, symptom));
                    continue;
                };
                if !rules.contains(&rule.id) {
                    rules.push(rule.id);
                }
            }
        }
    }

    /// The entry that takes what a program said.
    pub fn entry_of(&self, said: &str) -> Option<usize> {
        let found = self.finder.find_overlapping_iter(said);
        let mut first: Option<usize> = None;
        // A literal may stand in a line a thousand times; whether its pattern fits is asked once.
        let mut asked = Vec::new();
        for at in found.map(|found| found.pattern().as_usize()) {
            let (entry, nth) = self.owners[at];
            if first.is_some_and(|first| entry >= first) || asked.contains(&at) {
                continue;
            }
            asked.push(at);
            if self.entries[entry].lines[nth].fits(said) {
                first = Some(entry);
            }
        }
        first
    }

    /// A symptom is a line, or a part of one that some pattern names, or what follows the level of a line.
    fn entry_of_symptom(&self, symptom: &str) -> Option<usize> {
        let failure = |at: &usize| self.entries[*at].name != ASIDE;
        let names = |entry: &Entry| entry.lines.iter().any(|line| line.names(symptom));
        let explained = |at: &usize| self.entries[*at].unexplained.is_none();
        let at_level = || self.entry_of(&format!("[emerg] {symptom}"));
        self.entry_of(symptom)
            .or_else(|| self.entries.iter().position(names))
            .filter(failure)
            .or_else(|| at_level().filter(explained).filter(failure))
    }

    /// The rules whose cards name lines of an entry.
    pub fn rules_of(&self, entry: usize) -> &[&'static str] {
        &self.rules[entry]
    }

    /// The rules whose cards name this end of a session of HAProxy: `ha-SC`.
    pub fn rules_of_ending(&self, class: &str) -> &[&'static str] {
        self.ended.get(class).map_or(&[], Vec::as_slice)
    }
}

/// The class of a termination state as HAProxy logs it, `SC--`; `None` if a text is none, or says that all went well.
pub(super) fn ending(state: &str) -> Option<String> {
    let mut letters = state.chars();
    let (who, when) = (letters.next()?, letters.next()?);
    let known = "CSPLRIDUKcs".contains(who) && "RQCHDLT-".contains(when);
    let rest = letters.as_str();
    let cookie = rest.is_empty()
        || (rest.len() == 2 && rest.chars().all(|letter| "NIDVEOUPR-".contains(letter)));
    (known && cookie).then(|| format!("ha-{who}{when}"))
}

/// What such an end means, made of its two letters, as HAProxy's manual explains each (8.5, "Session state at
/// disconnection").
pub(super) fn says_ending(class: &str) -> String {
    let letters = class.trim_start_matches("ha-");
    match letters {
        "PR" => {
            return "HAProxy refused the request: a rule, or a request that is malformed"
                .to_owned();
        }
        "PH" => {
            return "HAProxy refused the answer: malformed, too large, or denied by a rule"
                .to_owned();
        }
        "LR" => return "HAProxy answered by itself, with an error that a rule asks for".to_owned(),
        "sQ" => return "no server became free before the request had waited too long".to_owned(),
        "sC" => return "the server did not take the connection in time".to_owned(),
        "SC" => return "the server refused the connection, or the TLS handshake failed".to_owned(),
        _ => {}
    }
    let mut letters = letters.chars();
    let who = match letters.next() {
        Some('C') => "the client went away",
        Some('S') => "the server closed the connection",
        Some('P') => "HAProxy ended it",
        Some('L') => "HAProxy answered by itself",
        Some('R') => "HAProxy had no memory, socket or port left",
        Some('I') => "HAProxy found an error in itself",
        Some('D') => "HAProxy ended it since the server was taken out",
        Some('U') => "HAProxy ended it since a better server came back",
        Some('K') => "somebody ended it by hand",
        Some('c') => "the client was silent for too long",
        Some('s') => "the server was silent for too long",
        _ => "it ended",
    };
    let when = match letters.next() {
        Some('R') => "before the request was whole",
        Some('Q') => "while it waited for a free server",
        Some('C') => "while HAProxy was connecting to the server",
        Some('H') => "before the answer began",
        Some('D') => "in the middle of the data",
        Some('L') => "while the last of the answer was sent",
        Some('T') => "while it was held back (tarpit)",
        _ => "after the answer",
    };
    format!("{who}, {when}")
}

/// Why no rule explains such an end, where none does.
pub(super) fn unexplained_ending(class: &str) -> &'static str {
    match class.trim_start_matches("ha-").chars().next() {
        Some('C' | 'c') => "it is the client who ended it",
        Some('P' | 'L') => "a rule of the config asks for it, or the message itself is at fault",
        Some('S' | 's') => "why an app falls silent or dies then stands in no config",
        _ => "it is about the process of HAProxy itself",
    }
}
