//! Lines to instructions: continuation lines, comments between them, here-documents, the escape directive.

use std::collections::HashMap;

use pest::Parser;
use pest::iterators::Pair;

use super::grammar::{Grammar, Rule};
use super::{Dockerfile, Flag, Instruction};
use crate::finding::SyntaxError;
use crate::source::{FileId, Span, Spanned};
use crate::syntax::command;

/// Every instruction that Docker knows.
const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Reads a Dockerfile.
pub fn parse(file: FileId, text: &str) -> (Dockerfile, Vec<SyntaxError>) {
    let swapped = escape_is_backtick(text);
    let swapped_text = swapped.then(|| swap(text));
    let lines = lines(swapped_text.as_deref().unwrap_or(text));
    let mut reader = Reader {
        file,
        swapped,
        ends: Ends::new(&lines),
        tree: Dockerfile::default(),
        errors: Vec::new(),
    };
    let mut at = 0;
    while at < lines.len() {
        at = reader.instruction(&lines, at);
    }
    (reader.tree, reader.errors)
}

/// One line: what it is, and where it starts.
struct Line<'a> {
    /// The content without what stands in front; `None` for a comment or an empty line.
    content: Option<&'a str>,
    /// The whole line.
    raw: &'a str,
    /// Byte offset of the content, or of the line if there is none.
    start: usize,
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let Some(file) = one(Rule::file, text) else {
        return Vec::new();
    };
    file.into_inner()
        .filter(|pair| pair.as_rule() == Rule::line)
        .map(|pair| {
            let raw = pair.as_str();
            let start = pair.as_span().start();
            let content = pair.into_inner().find(|i| i.as_rule() == Rule::content);
            Line {
                raw,
                start: content.as_ref().map_or(start, |c| c.as_span().start()),
                content: content.map(|content| content.as_str()),
            }
        })
        .collect()
}

/// `# escape=` counts only in front of everything else.
fn escape_is_backtick(text: &str) -> bool {
    let Some(file) = one(Rule::file, text) else {
        return false;
    };
    file.into_inner()
        .filter(|pair| pair.as_rule() == Rule::line)
        .map_while(|line| {
            let comment = line.into_inner().find(|i| i.as_rule() == Rule::comment)?;
            comment
                .into_inner()
                .find(|i| i.as_rule() == Rule::directive)
        })
        .any(|directive| {
            let mut parts = directive.into_inner();
            let name = parts.find(|i| i.as_rule() == Rule::directive_name);
            let value = parts.find(|i| i.as_rule() == Rule::directive_value);
            name.is_some_and(|name| name.as_str().eq_ignore_ascii_case("escape"))
                && value.is_some_and(|value| value.as_str().trim_end() == "`")
        })
}

/// Both are one byte, so that offsets hold.
fn swap(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\\' => '`',
            '`' => '\\',
            other => other,
        })
        .collect()
}

/// Where lines of a text stand, so that the end of a here-document is found without a walk.
struct Ends<'a> {
    /// As written, and with the tabs in front dropped.
    by_text: [HashMap<&'a str, Vec<usize>>; 2],
}

impl<'a> Ends<'a> {
    fn new(lines: &[Line<'a>]) -> Self {
        let mut by_text = [HashMap::new(), HashMap::new()];
        if lines.iter().any(|line| line.raw.contains("<<")) {
            // A Dockerfile that is written inside a compose file stands in its columns there.
            let mut instructions = lines.iter().filter(|line| line.content.is_some());
            let margin = instructions.next().map_or("", |line| {
                &line.raw[..line.raw.len() - line.raw.trim_start_matches(' ').len()]
            });
            for (at, line) in lines.iter().enumerate() {
                let raw = line.raw.strip_prefix(margin).unwrap_or(line.raw);
                let chomped = raw.trim_start_matches('\t');
                by_text[0].entry(raw).or_insert_with(Vec::new).push(at);
                by_text[1].entry(chomped).or_insert_with(Vec::new).push(at);
            }
        }
        Self { by_text }
    }

    /// The first line from `from` on that is this text.
    fn find(&self, name: &str, chomp: bool, from: usize) -> Option<usize> {
        let places = self.by_text[usize::from(chomp)].get(name)?;
        let first = places.partition_point(|place| *place < from);
        places.get(first).copied()
    }
}

struct Reader<'a> {
    file: FileId,
    swapped: bool,
    ends: Ends<'a>,
    tree: Dockerfile,
    errors: Vec<SyntaxError>,
}

impl Reader<'_> {
    /// Reads the instruction that starts at a line; gives the line behind it.
    fn instruction(&mut self, lines: &[Line<'_>], first: usize) -> usize {
        let Some(content) = lines[first].content else {
            return first + 1;
        };
        let mut joined = Joined::default();
        let mut at = first;
        let mut next = Some((content, lines[first].start));
        while let Some((content, start)) = next {
            let continued = content.trim_end_matches([' ', '\t']).strip_suffix('\\');
            joined.push(continued.unwrap_or(content), start);
            at += 1;
            if continued.is_none() {
                break;
            }
            // Comments and empty lines between continuation lines are dropped.
            while at < lines.len() && lines[at].content.is_none() {
                at += 1;
            }
            next = lines
                .get(at)
                .and_then(|line| Some((line.raw, line.content?, line.start)))
                .map(|(raw, content, start)| (raw, start - (raw.len() - content.len())));
        }
        let (instruction, after) = self.finish(&joined, lines, at);
        self.tree.instructions.push(instruction);
        after
    }

    fn finish(&mut self, joined: &Joined, lines: &[Line<'_>], at: usize) -> (Instruction, usize) {
        let text = joined.text.as_str();
        let mut keyword = Spanned::new(String::new(), joined.span(self.file, 0, 0));
        let mut flags = Vec::new();
        let mut body = (text.len(), text.len());
        for pair in one(Rule::head, text).into_iter().flat_map(Pair::into_inner) {
            let (start, end) = (pair.as_span().start(), pair.as_span().end());
            match pair.as_rule() {
                Rule::keyword => {
                    let upper = pair.as_str().to_ascii_uppercase();
                    keyword = Spanned::new(upper, joined.span(self.file, start, end));
                }
                Rule::flag | Rule::last_flag => {
                    flags.push(flag(pair, joined.span(self.file, start, end)));
                }
                Rule::body => body = (start, end),
                _ => {}
            }
        }
        if !KEYWORDS.contains(&keyword.value.as_str()) {
            let message = format!("unknown instruction {}", self.back(&keyword.value));
            let expected = "a Dockerfile instruction such as FROM, RUN or COPY";
            let (start, end) = (keyword.span.start as usize, keyword.span.end as usize);
            self.errors
                .push(SyntaxError::new(self.file, start, end, message, expected));
        }
        let (heredocs, after) = self.heredocs(&keyword.value, &text[body.0..body.1], lines, at);
        let instruction = Instruction {
            words: self.words(joined, body),
            exec: self.exec(joined, body),
            body: self.body(joined, body),
            span: joined.span(self.file, 0, text.trim_end().len()),
            keyword,
            flags,
            heredocs,
        };
        (instruction, after)
    }

    fn body(&self, joined: &Joined, (start, end): (usize, usize)) -> Spanned<String> {
        let raw = &joined.text[start..end];
        let start = start + (raw.len() - raw.trim_start().len());
        let end = start + raw.trim().len();
        let text = self.back(&joined.text[start..end]);
        Spanned::new(text, joined.span(self.file, start, end))
    }

    fn words(&self, joined: &Joined, (start, end): (usize, usize)) -> Vec<Spanned<command::Word>> {
        command::arguments(&joined.text[start..end])
            .into_iter()
            .map(|mut word| {
                for part in &mut word.parts {
                    if let command::Part::Literal(text) = part {
                        *text = self.back(text);
                    }
                }
                let span = joined.span(self.file, start + word.range.start, start + word.range.end);
                Spanned::new(word, span)
            })
            .collect()
    }

    fn exec(&self, joined: &Joined, (from, to): (usize, usize)) -> Option<Vec<Spanned<String>>> {
        // JSON keeps its backslash, whatever the escape directive says.
        let text = self.back(&joined.text[from..to]);
        let words = one(Rule::exec, &text)?
            .into_inner()
            .filter(|pair| pair.as_rule() == Rule::string)
            .map(|pair| {
                let (start, end) = (pair.as_span().start(), pair.as_span().end());
                let span = joined.span(self.file, from + start, from + end);
                Spanned::new(unescaped(pair), span)
            })
            .collect();
        Some(words)
    }

    /// The here-documents of RUN, COPY and ADD, which stand on the lines behind the instruction.
    fn heredocs(
        &self,
        keyword: &str,
        body: &str,
        lines: &[Line<'_>],
        mut at: usize,
    ) -> (Vec<Spanned<String>>, usize) {
        let mut texts = Vec::new();
        if !matches!(keyword, "RUN" | "COPY" | "ADD") || !body.contains("<<") {
            return (texts, at);
        }
        for (name, chomp) in markers(body) {
            // Without its end the marker is no here-document, so that a shift in a shell costs no further line.
            let Some(end) = self.ends.find(&name, chomp, at) else {
                continue;
            };
            let inner = &lines[at..end];
            let text: Vec<_> = inner.iter().map(|line| self.back(line.raw)).collect();
            let begin = inner.first().map_or(0, line_start);
            let close = inner
                .last()
                .map_or(begin, |line| line_start(line) + line.raw.len());
            texts.push(Spanned::new(
                text.join("\n"),
                Span::new(self.file, begin, close),
            ));
            at = end + 1;
        }
        (texts, at)
    }

    /// Undoes the swap of the escape directive.
    fn back(&self, text: &str) -> String {
        if self.swapped {
            swap(text)
        } else {
            text.to_owned()
        }
    }
}

fn line_start(line: &Line<'_>) -> usize {
    line.start - (line.raw.len() - line.content.map_or(line.raw.len(), str::len))
}

fn markers(body: &str) -> Vec<(String, bool)> {
    let pairs = one(Rule::heredocs, body)
        .into_iter()
        .flat_map(Pair::into_inner);
    pairs
        .filter(|pair| pair.as_rule() == Rule::heredoc)
        .filter_map(|pair| {
            let mut inner = pair.into_inner();
            let chomp = inner.next()?.as_str() == "-";
            let name = inner.find(|i| i.as_rule() == Rule::delimiter)?;
            Some((name.as_str().to_owned(), chomp))
        })
        .collect()
}

fn flag(pair: Pair<'_, Rule>, span: Span) -> Flag {
    let mut name = String::new();
    let mut value = None;
    for inner in pair.into_inner() {
        match inner.as_rule() {
            Rule::flag_name => inner.as_str().clone_into(&mut name),
            Rule::flag_value => value = Some(inner.as_str().to_owned()),
            _ => {}
        }
    }
    Flag { name, value, span }
}

pub(super) fn unescaped(string: Pair<'_, Rule>) -> String {
    let mut text = String::new();
    for piece in string.into_inner().flat_map(Pair::into_inner) {
        let raw = piece.as_str();
        if piece.as_rule() == Rule::plain {
            text.push_str(raw);
            continue;
        }
        match &raw[1..2] {
            "b" => text.push('\u{8}'),
            "f" => text.push('\u{c}'),
            "n" => text.push('\n'),
            "r" => text.push('\r'),
            "t" => text.push('\t'),
            "u" => {
                let code = u32::from_str_radix(&raw[2..], 16).unwrap_or(0xfffd);
                text.push(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            other => text.push_str(other),
        }
    }
    text
}

fn one(rule: Rule, text: &str) -> Option<Pair<'_, Rule>> {
    Grammar::parse(rule, text).ok()?.next()
}

/// The lines of one instruction as one text, with the way back to the file.
#[derive(Default)]
struct Joined {
    text: String,
    /// Offset in the text, offset in the file.
    pieces: Vec<(usize, usize)>,
}

impl Joined {
    fn push(&mut self, piece: &str, start: usize) {
        self.pieces.push((self.text.len(), start));
        self.text.push_str(piece);
    }

    fn span(&self, file: FileId, from: usize, to: usize) -> Span {
        let start = self.place(from, false);
        Span::new(file, start, self.place(to, true).max(start))
    }

    /// An end at the seam of two lines belongs to the first of them, a start to the second.
    fn place(&self, at: usize, end: bool) -> usize {
        let after = self
            .pieces
            .partition_point(|(from, _)| if end { *from < at } else { *from <= at });
        self.pieces
            .get(after.saturating_sub(1))
            .map_or(at, |(from, start)| start + (at - from))
    }
}
