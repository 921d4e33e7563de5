//! Command lines as a POSIX shell splits them, as far as they are plain. What only a running shell can know
//! (`$(…)`, subshells, arithmetic) is a part that says so, so that no flag behind it is believed by mistake.

use std::ops::Range;

use pest::Parser;
use pest::iterators::Pair;

use grammar::{Grammar, Rule};

mod grammar {
    #![allow(missing_docs)]

    #[derive(pest_derive::Parser)]
    #[grammar = "../grammars/command.pest"]
    pub(super) struct Grammar;
}

/// What is known of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// Certainly not set.
    Unset,
    /// Set; the flag says whether the value rests on a default that the deploy may override.
    Set(String, bool),
    /// Unknown, and why.
    Unknown(String),
}

/// One piece of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Itself.
    Literal(String),
    /// `$name` or `${name:-fallback}`.
    Parameter {
        /// Name, or the shell's own `@`, `*`, `1`, ….
        name: String,
        /// `:-` and the like, and what stands behind it.
        fallback: Option<(String, Vec<Part>)>,
        /// Whether it stands in double quotes, so that its value stays one word.
        quoted: bool,
    },
    /// Unknown, and why.
    Unknown(String),
}

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Its pieces.
    pub parts: Vec<Part>,
    /// Bytes of the text that it is written in.
    pub range: Range<usize>,
}

/// What stands between a command and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joint {
    /// Nothing, `;` or a line end.
    Sequence,
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// `|`.
    Pipe,
    /// The one before runs in the background.
    Background,
}

/// One simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simple {
    /// `NAME=value` in front of it.
    pub assignments: Vec<(String, Word)>,
    /// Its words; redirections are left out.
    pub words: Vec<Word>,
    /// The file that it reads as its standard input, if `<` names one.
    pub input: Option<Word>,
    /// How it is joined to the one before.
    pub joint: Joint,
}

/// A command line or a script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// In the order of writing.
    pub commands: Vec<Simple>,
    /// Why some of it is not plain, if so (lower case, no full stop).
    pub unreadable: Option<String>,
}

/// Reads a command line or a script for a shell.
pub fn line(text: &str) -> Line {
    let Some(pair) = parse(Rule::line, text) else {
        return Line {
            commands: Vec::new(),
            unreadable: Some(TOO_DEEP.to_owned()),
        };
    };
    let mut builder = Builder::default();
    for token in pair.into_inner() {
        builder.take(token);
    }
    builder.finish()
}

/// Splits a string into words as compose does: quotes and escapes, but neither operators nor parameters.
pub fn words(text: &str) -> Vec<Word> {
    let arguments = parse(Rule::words, text).map(Pair::into_inner);
    arguments
        .into_iter()
        .flatten()
        .filter(|pair| pair.as_rule() == Rule::argument)
        .map(word)
        .collect()
}

/// Splits the body of a Dockerfile instruction: quotes, escapes and parameters, but no operators.
pub fn arguments(text: &str) -> Vec<Word> {
    let values = parse(Rule::arguments, text).map(Pair::into_inner);
    values
        .into_iter()
        .flatten()
        .filter(|pair| pair.as_rule() == Rule::value)
        .map(word)
        .collect()
}

/// Reads one string in which nothing but parameters and escapes means anything.
pub fn text(text: &str) -> Word {
    let parts = parse(Rule::text, text).map_or_else(
        || vec![Part::Unknown(TOO_DEEP.to_owned())],
        |pair| {
            pair.into_inner()
                .flat_map(|inner| parts(inner, true, DEEPEST))
                .collect()
        },
    );
    Word {
        parts,
        range: 0..text.len(),
    }
}

impl Word {
    /// The string, if it holds no parameter and nothing unknown.
    pub fn literal(&self) -> Option<String> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Whether it is `"$@"` or `$@`: all arguments of the script.
    pub fn is_all_arguments(&self) -> bool {
        let mut parts = self
            .parts
            .iter()
            .filter(|part| !matches!(part, Part::Literal(text) if text.is_empty()));
        let first = parts.next();
        matches!(first, Some(Part::Parameter { name, .. }) if name == "@" || name == "*")
            && parts.next().is_none()
    }

    /// The words that it becomes: none if it is an unset parameter, several if a value holds blanks.
    ///
    /// The flag says whether any of it rests on a default that the deploy may override.
    pub fn expand(&self, lookup: &dyn Fn(&str) -> Variable) -> Result<(Vec<String>, bool), String> {
        let mut fields = Fields::default();
        fields.add(&self.parts, lookup)?;
        Ok(fields.finish())
    }

    /// The one string that it becomes where values are not split at blanks: in a Dockerfile.
    pub fn expand_whole(
        &self,
        lookup: &dyn Fn(&str) -> Variable,
    ) -> Result<(String, bool), String> {
        let mut fields = Fields {
            whole: true,
            ..Fields::default()
        };
        fields.add(&self.parts, lookup)?;
        let (words, assumed) = fields.finish();
        Ok((words.concat(), assumed))
    }
}

/// The words that one word becomes while its parts are expanded.
#[derive(Default)]
struct Fields {
    done: Vec<String>,
    open: Option<String>,
    assumed: bool,
    whole: bool,
    /// Bytes that variables have brought.
    filled: usize,
}

/// What variables may bring (bytes). A Dockerfile in which each one names the one above twice would fill any memory.
const LONGEST: usize = 1 << 20;

impl Fields {
    fn add(&mut self, parts: &[Part], lookup: &dyn Fn(&str) -> Variable) -> Result<(), String> {
        for part in parts {
            match part {
                Part::Literal(text) => self.push(text),
                Part::Unknown(why) => return Err(why.clone()),
                Part::Parameter {
                    name,
                    fallback,
                    quoted,
                } => self.parameter(name, fallback.as_ref(), *quoted, lookup)?,
            }
        }
        Ok(())
    }

    fn parameter(
        &mut self,
        name: &str,
        fallback: Option<&(String, Vec<Part>)>,
        quoted: bool,
        lookup: &dyn Fn(&str) -> Variable,
    ) -> Result<(), String> {
        let known = match lookup(name) {
            Variable::Unknown(why) => return Err(why),
            Variable::Set(value, assumed) => Some((value, assumed)),
            Variable::Unset => None,
        };
        let operation = fallback.map_or("", |(operation, _)| operation.as_str());
        // A colon makes an empty value count as none.
        let usable = known.filter(|(value, _)| !(operation.starts_with(':') && value.is_empty()));
        let other = fallback.map(|(_, parts)| parts.as_slice());
        match (operation.trim_start_matches(':'), usable, other) {
            ("+", Some(_), Some(parts)) | ("-" | "=", None, Some(parts)) => self.add(parts, lookup),
            ("?", None, _) => Err(format!("{name} is not set")),
            ("+", None, _) => Ok(()),
            (_, Some((value, assumed)), _) => {
                self.assumed |= assumed;
                self.filled += value.len();
                if self.filled > LONGEST {
                    return Err("its variables make it too long".to_owned());
                }
                if quoted || self.whole {
                    self.push(&value);
                } else {
                    self.split(&value);
                }
                Ok(())
            }
            _ => {
                if quoted {
                    self.push("");
                }
                Ok(())
            }
        }
    }

    fn push(&mut self, text: &str) {
        self.open.get_or_insert_default().push_str(text);
    }

    /// Outside quotes a shell splits a value at its blanks.
    fn split(&mut self, value: &str) {
        for (at, piece) in value.split([' ', '\t', '\n']).enumerate() {
            if at > 0 {
                self.done.extend(self.open.take());
            }
            if !piece.is_empty() {
                self.push(piece);
            }
        }
    }

    fn finish(mut self) -> (Vec<String>, bool) {
        self.done.extend(self.open.take());
        (self.done, self.assumed)
    }
}

/// Gathers tokens into simple commands.
#[derive(Default)]
struct Builder {
    line: Line,
    assignments: Vec<(String, Word)>,
    words: Vec<Word>,
    joint: Option<Joint>,
    input: Option<Word>,
    /// The redirection that the next word belongs to, and whether it is `<`.
    redirected: Option<bool>,
}

impl Builder {
    fn take(&mut self, token: Pair<'_, Rule>) {
        match token.as_rule() {
            Rule::word => match self.redirected.take() {
                Some(true) => self.input = Some(word(token)),
                Some(false) => {}
                None => self.word(token),
            },
            Rule::newline => self.end(Joint::Sequence),
            Rule::operator => self.end(match token.as_str() {
                "&&" => Joint::And,
                "||" => Joint::Or,
                "|" | "|&" => Joint::Pipe,
                "&" => Joint::Background,
                _ => Joint::Sequence,
            }),
            Rule::redirect => {
                self.redirected = Some(token.as_str() == "<");
                if token.as_str().ends_with("<<") || token.as_str().ends_with("<<-") {
                    self.unreadable("it holds a here-document");
                }
            }
            Rule::group => {
                self.unreadable("it holds a subshell or a function");
                self.end(Joint::Sequence);
            }
            _ => {}
        }
    }

    fn word(&mut self, token: Pair<'_, Rule>) {
        let raw = token.as_str();
        let parsed = word(token);
        match raw.split_once('=') {
            Some((name, _)) if self.words.is_empty() && is_name(name) => {
                self.assignments
                    .push((name.to_owned(), value_of(parsed, name)));
            }
            _ => self.words.push(parsed),
        }
    }

    fn end(&mut self, next: Joint) {
        self.redirected = None;
        if !self.words.is_empty() || !self.assignments.is_empty() {
            self.line.commands.push(Simple {
                assignments: std::mem::take(&mut self.assignments),
                words: std::mem::take(&mut self.words),
                input: self.input.take(),
                joint: self.joint.take().unwrap_or(Joint::Sequence),
            });
            self.joint = Some(next);
        } else if next != Joint::Sequence {
            self.joint = Some(next);
        }
    }

    fn unreadable(&mut self, why: &str) {
        self.line.unreadable.get_or_insert_with(|| why.to_owned());
    }

    fn finish(mut self) -> Line {
        let joint = self.joint;
        self.end(Joint::Sequence);
        if self.joint == joint && joint == Some(Joint::Background) {
            // `cmd &` at the very end: nothing waits for it, so the shell ends and the container with it.
            self.unreadable("its last command runs in the background");
        }
        self.line
    }
}

fn parse(rule: Rule, text: &str) -> Option<Pair<'_, Rule>> {
    Grammar::parse(rule, text).ok()?.next()
}

fn word(pair: Pair<'_, Rule>) -> Word {
    let range = pair.as_span().start()..pair.as_span().end();
    let parts = merged(
        pair.into_inner()
            .flat_map(|inner| parts(inner, false, DEEPEST)),
    );
    Word { parts, range }
}

/// How deep fallbacks may stand in fallbacks: nobody writes five, and each takes a part of the stack.
const DEEPEST: usize = 100;

const TOO_DEEP: &str = "it is nested too deeply";

fn parts(pair: Pair<'_, Rule>, quoted: bool, depth: usize) -> Vec<Part> {
    let raw = pair.as_str();
    let one = |text: &str| vec![Part::Literal(text.to_owned())];
    match pair.as_rule() {
        Rule::bare
        | Rule::literal
        | Rule::value_chars
        | Rule::literal_chars
        | Rule::single_chars
        | Rule::double_chars
        | Rule::fallback_chars
        | Rule::plain => one(raw),
        Rule::single => pair
            .into_inner()
            .flat_map(|inner| parts(inner, true, depth))
            .collect(),
        // An empty pair of quotes is a word all the same.
        Rule::double | Rule::literal_double => std::iter::once(Part::Literal(String::new()))
            .chain(
                pair.into_inner()
                    .flat_map(|inner| parts(inner, true, depth)),
            )
            .collect(),
        Rule::escape | Rule::double_escape => match &raw[1..] {
            "" => one("\\"),
            "\n" => Vec::new(),
            protected => one(protected),
        },
        Rule::parameter if depth == 0 => vec![Part::Unknown(TOO_DEEP.to_owned())],
        Rule::parameter => vec![parameter(pair, quoted, depth - 1)],
        Rule::substitution => vec![Part::Unknown(format!(
            "{raw} is known to a running shell only"
        ))],
        _ => Vec::new(),
    }
}

fn parameter(pair: Pair<'_, Rule>, quoted: bool, depth: usize) -> Part {
    let raw = pair.as_str();
    let unknown = || Part::Unknown(format!("{raw} is known to a running shell only"));
    let mut name = None;
    let mut operation = None;
    let mut fallback = None;
    for inner in pair.into_inner() {
        match inner.as_rule() {
            Rule::name | Rule::special => name = Some(inner.as_str().to_owned()),
            Rule::operation => operation = Some(inner.as_str().to_owned()),
            Rule::fallback => {
                let inner = inner.into_inner();
                fallback = Some(inner.flat_map(|one| parts(one, quoted, depth)).collect());
            }
            Rule::rest if !inner.as_str().is_empty() => return unknown(),
            _ => {}
        }
    }
    name.map_or_else(unknown, |name| Part::Parameter {
        name,
        fallback: operation.zip(fallback),
        quoted,
    })
}

fn merged(parts: impl Iterator<Item = Part>) -> Vec<Part> {
    let mut merged: Vec<Part> = Vec::new();
    for part in parts {
        match (merged.last_mut(), part) {
            (Some(Part::Literal(before)), Part::Literal(text)) => before.push_str(&text),
            (_, part) => merged.push(part),
        }
    }
    merged
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What stands behind `NAME=`.
fn value_of(mut word: Word, name: &str) -> Word {
    if let Some(Part::Literal(text)) = word.parts.first_mut() {
        text.drain(..=name.len());
        if text.is_empty() && word.parts.len() > 1 {
            word.parts.remove(0);
        }
    }
    word.range.start += name.len() + 1;
    word
}

#[cfg(test)]
mod tests;
