//! Words that HAProxy has to know: the first of a line, the name of an option, the parameters of `server` and `bind`. It
//! refuses a file for one that it does not know, and so does this, if no version from 2.4 to 3.4 knows it.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::{Line, Section, Word};
use crate::finding::SyntaxError;
use crate::syntax::near::nearest;
use crate::syntax::proxy_value::haproxy_time;

const TABLE: &str = include_str!("keywords.txt");

/// The words of one row of the table.
#[derive(Default)]
struct Words {
    /// Each, with whether a value follows it.
    exact: HashMap<&'static str, bool>,
    /// What many of them begin with.
    beginnings: Vec<(&'static str, bool)>,
    /// All of them in order, but for those of a beginning.
    listed: Vec<&'static str>,
}

impl Words {
    /// Whether a word is known, and whether a value follows it.
    fn find(&self, word: &str) -> Option<bool> {
        let begins = |(beginning, _): &&(&str, bool)| word.starts_with(*beginning);
        let family = || {
            self.beginnings
                .iter()
                .find(begins)
                .map(|(_, valued)| *valued)
        };
        self.exact.get(word).copied().or_else(family)
    }

    fn add(&mut self, word: &'static str) {
        let (name, valued) = match word.strip_suffix('=') {
            Some(name) => (name, true),
            None => (word, false),
        };
        match name.strip_suffix('*') {
            Some(beginning) => self.beginnings.push((beginning, valued)),
            None => {
                self.exact.insert(name, valued);
                self.listed.push(name);
            }
        }
    }
}

fn table() -> &'static HashMap<&'static str, Words> {
    static WORDS: OnceLock<HashMap<&'static str, Words>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let mut rows: HashMap<&str, Words> = HashMap::new();
        // plain: `kind: words`, a table of ours
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        for (kind, words) in lines.filter_map(|line| line.split_once(": ")) {
            let row = rows.entry(kind).or_default();
            words.split_whitespace().for_each(|word| row.add(word));
        }
        rows
    })
}

/// The row that a kind of section has.
fn row(kind: &str) -> &str {
    match kind {
        "defaults" | "frontend" | "backend" | "listen" => "proxy",
        other => other,
    }
}

/// Whether a value follows a parameter of `server`.
pub fn takes_value(parameter: &str) -> bool {
    table()["server"].find(parameter) == Some(true)
}

/// What a line says that no HAProxy understands where it stands.
pub(super) struct Unknown {
    /// The word.
    pub word: String,
    /// What to tell.
    pub error: SyntaxError,
}

/// HAProxy gives a file up after so many faults.
pub(super) const MOST: usize = 50;

/// Finds such words, each once in a section.
#[derive(Default)]
pub(super) struct Check {
    /// Words that were told of in this section.
    told: HashSet<String>,
    /// First words of lines among them.
    strange: HashSet<String>,
    /// How many were told of in the file.
    count: usize,
    /// Whether `global` loads modules, which bring words of their own.
    open: bool,
}

impl Check {
    /// Whether nothing is to be said of a first word any more.
    pub(super) fn is_told(&self, word: &str) -> bool {
        self.open || self.count == MOST || self.strange.contains(word)
    }

    /// A section begins.
    pub(super) fn turn(&mut self) {
        self.told.clear();
        self.strange.clear();
    }

    /// The first such word of a line of a section.
    pub(super) fn line(&mut self, section: &Section, line: &Line) -> Option<SyntaxError> {
        let first = line.words[0].text.as_str();
        self.open |= section.kind.value == "global" && first.starts_with("module-");
        if self.is_told(first) {
            return None;
        }
        let strange = first_word(section, line);
        if strange.is_some() {
            self.strange.insert(first.to_owned());
        }
        let Unknown { word, error } = strange
            .or_else(|| too_short(section, line))
            .or_else(|| option(section, line))
            .or_else(|| second_word(section, line))
            .or_else(|| parameter(section, line))?;
        let fresh = self.told.insert(word);
        self.count += usize::from(fresh);
        fresh.then_some(error)
    }
}

/// The keyword of a section that a first word was meant to be.
pub(super) fn meant_section(
    section: &Section,
    line: &Line,
    sections: &[&'static str],
) -> Option<&'static str> {
    let word = line.words.first().filter(|word| is_plain(word))?;
    let kind = section.kind.value.as_str();
    let known = table().get(row(kind))?;
    if known.find(&word.text).is_some() || ["no", "default"].contains(&word.text.as_str()) {
        return None;
    }
    let all = known.listed.iter().chain(sections).copied();
    let meant = nearest(&word.text, all)?;
    sections.iter().find(|name| **name == meant).copied()
}

/// A word that is what it says: nothing fills it in.
fn is_plain(word: &Word) -> bool {
    !word.has_env && !super::values::is_filled_in(&word.text)
}

/// `no` and `default` stand before some keywords.
fn keyword_at(line: &Line) -> usize {
    let negates = ["no", "default"].contains(&line.words[0].text.as_str());
    usize::from(negates && line.words.len() > 1)
}

fn first_word(section: &Section, line: &Line) -> Option<Unknown> {
    let kind = section.kind.value.as_str();
    let known = table().get(row(kind))?;
    let word = line
        .words
        .get(keyword_at(line))
        .filter(|word| is_plain(word))?;
    let text = word.text.as_str();
    if known.find(text).is_none() {
        let message = format!("`{text}` is no keyword of a `{kind}` section");
        let other = || {
            elsewhere(text)
                .map(|kinds| format!("a keyword of `{kind}`; `{text}` belongs to {kinds}"))
        };
        let expected = match nearest(text, known.listed.iter().copied()) {
            Some(meant) => format!("`{meant}`"),
            None => other().unwrap_or_else(|| format!("a keyword of `{kind}`")),
        };
        return Some(unknown(word, message, expected));
    }
    let (refused, belongs) = misplaced(section, text)?;
    let message = format!("`{text}` is not allowed in {refused}");
    Some(unknown(word, message, format!("`{text}` {belongs}")))
}

/// Keywords that a kind of proxy refuses, where others ignore what they cannot use, and where they belong. Measured with
/// HAProxy 2.6.
fn misplaced(section: &Section, keyword: &str) -> Option<(&'static str, &'static str)> {
    const BACK: &str = "in a `backend` or a `listen`";
    const FRONT: &str = "in a `frontend` or a `listen`";
    let named = section.name.is_some();
    match (section.kind.value.as_str(), keyword) {
        (
            "frontend",
            "server" | "default-server" | "server-template" | "retry-on" | "use-fcgi-app",
        ) => Some(("a `frontend`", BACK)),
        ("backend", "declare") => Some(("a `backend`", FRONT)),
        ("defaults", "server" | "server-template" | "use-server" | "stick" | "dispatch") => {
            Some(("`defaults`", BACK))
        }
        ("defaults", "bind" | "use_backend" | "monitor") => Some(("`defaults`", FRONT)),
        ("defaults", "acl" | "http-request" | "http-response" | "http-after-response")
            if !named =>
        {
            Some((
                "a `defaults` without a name",
                "in the sections themselves, or a name behind `defaults`",
            ))
        }
        _ => None,
    }
}

/// The kinds of section that know a word.
fn elsewhere(word: &str) -> Option<String> {
    const KINDS: [&str; 11] = [
        "cache",
        "fcgi-app",
        "proxy",
        "global",
        "http-errors",
        "log-forward",
        "mailers",
        "peers",
        "resolvers",
        "ring",
        "userlist",
    ];
    let knows = |kind: &&&str| table()[**kind].find(word).is_some();
    let kinds: Vec<String> = KINDS
        .iter()
        .filter(knows)
        .map(|kind| format!("`{}`", if *kind == "proxy" { "frontend" } else { kind }))
        .collect();
    (!kinds.is_empty()).then(|| kinds.join(", "))
}

/// A line of a proxy that lacks what HAProxy asks for behind its keyword.
fn too_short(section: &Section, line: &Line) -> Option<Unknown> {
    const LEAST: [(&str, usize, &str); 23] = [
        ("acl", 3, "`acl <name> <what> <values>`"),
        ("cookie", 2, "the name of the cookie"),
        ("default_backend", 2, "the name of a backend"),
        ("description", 2, "a text"),
        ("errorfile", 3, "`errorfile <status> <file>`"),
        ("fullconn", 2, "a number"),
        ("hash-type", 2, "`map-based` or `consistent`"),
        ("http-after-response", 2, "an action"),
        ("http-check", 2, "`send`, `expect` or another step"),
        ("http-request", 2, "an action"),
        ("http-response", 2, "an action"),
        ("http-reuse", 2, "`safe`, `always`, `aggressive` or `never`"),
        ("http-send-name-header", 2, "the name of a header"),
        ("log", 3, "an address and a facility, or `global`"),
        ("log-format", 2, "a format"),
        ("log-tag", 2, "a tag"),
        ("maxconn", 2, "a number"),
        ("mode", 2, "`http` or `tcp`"),
        ("retries", 2, "a number"),
        (
            "tcp-request",
            2,
            "`connection`, `session`, `content` or `inspect-delay`",
        ),
        ("use-server", 2, "the name of a server"),
        ("use_backend", 2, "the name of a backend"),
        ("unique-id-format", 2, "a format"),
    ];
    let first = &line.words[0];
    let (name, least, expected) = LEAST.iter().find(|(name, ..)| *name == first.text)?;
    let whole = line.words.iter().all(is_plain);
    let global = first.text == "log" && line.words.get(1).is_some_and(|word| word.text == "global");
    let short =
        row(&section.kind.value) == "proxy" && line.words.len() < *least && whole && !global;
    short.then(|| {
        let last = line.words.last().unwrap_or(first);
        unknown(
            last,
            format!("`{name}` lacks a value"),
            (*expected).to_owned(),
        )
    })
}

/// The word behind a keyword, where HAProxy takes one of a list; of `tcp-request content` and its kin the third.
fn second_word(section: &Section, line: &Line) -> Option<Unknown> {
    const LISTS: [&str; 18] = [
        "balance",
        "capture",
        "compression",
        "hash-type",
        "http-after-response",
        "http-check",
        "http-request",
        "http-response",
        "http-reuse",
        "mode",
        "monitor",
        "redirect",
        "retry-on",
        "stats",
        "stick",
        "tcp-check",
        "tcp-request",
        "tcp-response",
    ];
    let keyword = line.words[0].text.as_str();
    if row(&section.kind.value) != "proxy" || !LISTS.contains(&keyword) {
        return None;
    }
    let second = line.words.get(1).filter(|word| is_plain(word))?;
    if let Some(found) = one_of(keyword, keyword, second) {
        return Some(found);
    }
    let rules = ["connection", "content", "session"].contains(&second.text.as_str());
    let third = line.words.get(2).filter(|word| rules && is_plain(word))?;
    let both = format!("{keyword} {}", second.text);
    keyword
        .starts_with("tcp-re")
        .then(|| one_of(&both, "tcp-rules", third))?
}

/// A word that is none of a list.
fn one_of(keyword: &str, list: &str, word: &Word) -> Option<Unknown> {
    let known = &table()[list];
    if known.find(&word.text).is_some() {
        return None;
    }
    let expected = match nearest(&word.text, known.listed.iter().copied()) {
        Some(meant) => format!("`{meant}`"),
        None if known.listed.len() < 6 => {
            let names: Vec<String> = known
                .listed
                .iter()
                .map(|name| format!("`{name}`"))
                .collect();
            names.join(", ")
        }
        None => format!("a word that `{keyword}` takes"),
    };
    let message = format!("`{keyword}` knows no `{}`", word.text);
    Some(unknown(word, message, expected))
}

fn option(section: &Section, line: &Line) -> Option<Unknown> {
    let at = keyword_at(line);
    if row(&section.kind.value) != "proxy" || line.words[at].text != "option" {
        return None;
    }
    let Some(word) = line.words.get(at + 1) else {
        let word = &line.words[at];
        let message = "`option` without a name".to_owned();
        return Some(unknown(word, message, "the name of an option".to_owned()));
    };
    let options = &table()["options"];
    if !is_plain(word) || options.find(&word.text).is_some() {
        return None;
    }
    let meant = nearest(&word.text, options.listed.iter().copied());
    let expected = meant.map_or("an option that there is".to_owned(), |name| {
        format!("`{name}`")
    });
    Some(unknown(
        word,
        format!("`{}` is no option of HAProxy", word.text),
        expected,
    ))
}

/// Parameters of `server`, `server-template`, `default-server`, `bind` and `cookie`.
fn parameter(section: &Section, line: &Line) -> Option<Unknown> {
    let kind = section.kind.value.as_str();
    let (of, from) = match (line.words[0].text.as_str(), kind) {
        ("bind", "frontend" | "listen") => ("bind", 2),
        ("default-server", "defaults" | "backend" | "listen") => ("server", 1),
        ("cookie", "defaults" | "backend" | "listen") => ("cookie", 2),
        ("server", "backend" | "listen") => ("server", 3),
        ("server-template", "backend" | "listen") => ("server", 4),
        _ => return None,
    };
    let known = &table()[of];
    let mut words = line.words.get(from..)?.iter();
    while let Some(word) = words.next() {
        if !is_plain(word) || word.text.is_empty() {
            return None;
        }
        match known.find(&word.text) {
            Some(true) => {
                let Some(value) = words.next() else {
                    // A server takes the lack of it for a zero, or for nothing.
                    if of == "server" {
                        return None;
                    }
                    let message = format!("`{}` without a value", word.text);
                    return Some(unknown(word, message, "its value".to_owned()));
                };
                if !is_plain(value) {
                    return None;
                }
                if let Some(expected) = impossible_value(&word.text, &value.text) {
                    let message = format!("`{}` is no value of `{}`", value.text, word.text);
                    return Some(unknown(value, message, expected.to_owned()));
                }
            }
            Some(false) => {}
            None => {
                let keyword = line.words[0].text.as_str();
                let meant = nearest(&word.text, known.listed.iter().copied());
                let expected = meant.map_or(format!("a parameter of `{keyword}`"), |name| {
                    format!("`{name}`")
                });
                let message = format!("`{}` is no parameter of `{keyword}`", word.text);
                return Some(unknown(word, message, expected));
            }
        }
    }
    None
}

/// What a parameter of `server` takes, if this is none of it.
fn impossible_value(parameter: &str, value: &str) -> Option<&'static str> {
    match parameter {
        "inter" | "fastinter" | "downinter" | "agent-inter" | "slowstart" => haproxy_time(value)
            .is_none()
            .then_some("a whole number and one unit: `us`, `ms`, `s`, `m`, `h` or `d`"),
        "weight" => value
            .parse()
            .is_ok_and(|weight: u64| weight > 256)
            .then_some("a number from 0 to 256"),
        "verify" => {
            (!["none", "optional", "required"].contains(&value)).then_some("`required` or `none`")
        }
        "observe" => (!["none", "layer4", "layer7"].contains(&value))
            .then_some("`layer4`, `layer7` or `none`"),
        _ => None,
    }
}

fn unknown(word: &Word, message: String, expected: String) -> Unknown {
    Unknown {
        word: word.text.clone(),
        error: SyntaxError {
            span: word.span,
            message,
            expected,
        },
    }
}
