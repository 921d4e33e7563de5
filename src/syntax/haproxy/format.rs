//! Log formats and sample expressions: `%[req.hdr(host),lower]`. HAProxy reads them while it reads the line, and refuses
//! what is not closed. Which fetches and converters there are is not judged.

use super::values::refused;
use super::{Line, Section, Word};
use crate::finding::SyntaxError;

/// The first slip in the log format or the expression of a line of a proxy.
pub(super) fn slip(section: &Section, line: &Line) -> Option<SyntaxError> {
    let kind = section.kind.value.as_str();
    if !["defaults", "frontend", "backend", "listen"].contains(&kind) {
        return None;
    }
    let (word, form) = format_of(line).filter(|(word, _)| !word.has_env)?;
    let slip = match form {
        Form::Log => log_format(&word.text),
        Form::Expression => expression(&word.text).err(),
    };
    Some(slip?.at(word))
}

/// What a word is.
#[derive(Clone, Copy)]
enum Form {
    /// Text with `%[…]` and `%x` in it.
    Log,
    /// A fetch and its converters alone.
    Expression,
}

/// The word that HAProxy reads so. The places were tried with 2.6.
fn format_of(line: &Line) -> Option<(&Word, Form)> {
    let words = &line.words;
    let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
    let log = |at: usize| words.get(at).map(|word| (word, Form::Log));
    match (text(0), text(1)) {
        ("log-format" | "log-format-sd" | "error-log-format" | "unique-id-format", _) => log(1),
        ("use_backend", name) if name.contains("%[") => log(1),
        ("acl", _) => words.get(2).map(|word| (word, Form::Expression)),
        ("http-request" | "http-response" | "http-after-response", action) => match action {
            "set-header" | "add-header" => log(3),
            "replace-header" | "replace-value" => log(4),
            "set-path" | "set-pathq" | "set-query" | "set-uri" | "set-method" => log(2),
            "replace-path" | "replace-pathq" | "replace-uri" => log(3),
            "redirect" => behind(words, &["location", "prefix", "scheme"]).map(|w| (w, Form::Log)),
            "return" | "deny" => behind(words, &["lf-string"]).map(|word| (word, Form::Log)),
            _ if action.starts_with("set-var(") => {
                words.get(2).map(|word| (word, Form::Expression))
            }
            _ if action.starts_with("set-var-fmt(") => log(2),
            _ => None,
        },
        _ => None,
    }
}

/// The word behind the first of some keywords, in front of any condition.
fn behind<'w>(words: &'w [Word], keywords: &[&str]) -> Option<&'w Word> {
    let condition = |word: &&Word| matches!(word.text.as_str(), "if" | "unless");
    let end = words.iter().position(|word| condition(&word));
    let own = &words[..end.unwrap_or(words.len())];
    let at = own
        .iter()
        .position(|word| keywords.contains(&word.text.as_str()))?;
    own.get(at + 1)
}

/// What is wrong with a text.
enum Slip {
    /// A `%[` without its `]`.
    Bracket(String),
    /// A `(` without its `)`.
    Parenthesis(String),
    /// Something else where the expression has to end.
    Stray(String, char),
    /// A `%` with nothing behind it.
    Percent,
}

impl Slip {
    fn at(self, word: &Word) -> SyntaxError {
        let (message, expected) = match self {
            Self::Bracket(text) => (format!("`%[` without `]` behind `{text}`"), "`]`"),
            Self::Parenthesis(text) => (format!("`(` without `)` in `{text}`"), "`)`"),
            Self::Stray(text, stray) => (
                format!("`{stray}` behind `{text}`, where the expression has to end"),
                "`]`, or `,` and a converter",
            ),
            Self::Percent => (
                "`%` with nothing behind it".to_owned(),
                "`%%` for the sign itself",
            ),
        };
        refused(word.span, message, expected)
    }
}

/// The first slip of a log format.
fn log_format(text: &str) -> Option<Slip> {
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        rest = &rest[at + 1..];
        // Flags: `%{+Q}[src]`, `%{+X}o`.
        if let Some(flags) = rest.strip_prefix('{') {
            rest = &flags[flags.find('}')? + 1..];
        }
        match rest.chars().next() {
            None => return Some(Slip::Percent),
            Some('%') => rest = &rest[1..],
            Some('[') => match bracket(&rest[1..]) {
                Ok(behind) => rest = behind,
                Err(slip) => return Some(slip),
            },
            Some(_) => {}
        }
    }
    None
}

/// What stands behind the `]` of an expression.
fn bracket(text: &str) -> Result<&str, Slip> {
    let behind = expression(text)?;
    let read = text[..text.len() - behind.len()].to_owned();
    match behind.chars().next() {
        None => Err(Slip::Bracket(read)),
        Some(']') => Ok(&behind[1..]),
        Some(stray) => Err(Slip::Stray(read, stray)),
    }
}

/// What stands behind a fetch and its converters.
fn expression(text: &str) -> Result<&str, Slip> {
    let mut rest = text;
    loop {
        let name = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "._-:".contains(c)));
        rest = &rest[name.unwrap_or(rest.len())..];
        if let Some(inside) = rest.strip_prefix('(') {
            rest = arguments(inside).ok_or_else(|| Slip::Parenthesis(text.to_owned()))?;
        }
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok(rest),
        }
    }
}

/// What stands behind the `)` of arguments; quotes keep one from being the end.
fn arguments(text: &str) -> Option<&str> {
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (c, quote) {
            ('\\', Some('"')) => {
                chars.next();
            }
            ('"' | '\'', None) => quote = Some(c),
            (_, Some(open)) if c == open => quote = None,
            (')', None) => return Some(&text[at + 1..]),
            _ => {}
        }
    }
    None
}
