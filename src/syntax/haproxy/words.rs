//! Splits text into lines of words and takes quotes and escapes off, in the order in which HAProxy finds faults: the
//! first fault of a line is its only one, and the line is lost.

use pest::Parser;
use pest::iterators::Pair;

use super::sections::Builder;
use super::{Line, Word};
use crate::finding::SyntaxError;
use crate::source::{BAD_BYTE, FileId, Span};
use grammar::{Grammar, Rule};

pub(super) mod grammar {
    //! The parser that pest derives.
    #![allow(missing_docs, unreachable_pub)]

    /// Parser of `grammars/haproxy.pest`.
    #[derive(pest_derive::Parser)]
    #[grammar = "../grammars/haproxy.pest"]
    pub struct Grammar;
}

/// How many words HAProxy takes on one line.
const MAX_WORDS: usize = 64;

/// Splits a part of a file that starts at `offset` and hands its lines to the builder.
pub(super) fn split(part: &str, offset: usize, file: FileId, builder: &mut Builder) {
    let Ok(mut pairs) = Grammar::parse(Rule::file, part) else {
        builder.refuse(SyntaxError::new(
            file,
            offset,
            offset + part.len(),
            "these lines cannot be read",
            "",
        ));
        return;
    };
    let tokens = pairs.next().into_iter().flat_map(Pair::into_inner);
    let mut words: Vec<(usize, &str)> = Vec::new();
    let mut end = 0;
    for token in tokens.filter(|token| token.as_rule() == Rule::word) {
        let span = token.as_span();
        if !words.is_empty() && part.as_bytes()[end..span.start()].contains(&b'\n') {
            take_line(&words, offset, file, builder);
            words.clear();
        }
        words.push((span.start(), span.as_str()));
        end = span.end();
    }
    if !words.is_empty() {
        take_line(&words, offset, file, builder);
    }
}

fn take_line(words: &[(usize, &str)], offset: usize, file: FileId, builder: &mut Builder) {
    // A line that starts with a bracket opens a scope, which HAProxy has reserved and ignores.
    if words[0].1.starts_with('[') {
        return;
    }
    match line(words, offset, file) {
        // HAProxy takes a line whose first word is empty for an empty line.
        Ok(line) if line.words[0].text.is_empty() => {}
        Ok(line) => builder.line(line),
        Err(error) => builder.refuse(error),
    }
}

fn line(words: &[(usize, &str)], offset: usize, file: FileId) -> Result<Line, SyntaxError> {
    let decoded = words
        .iter()
        .take(MAX_WORDS)
        .map(|(start, raw)| word(raw, offset + start, file))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some((start, raw)) = words.get(MAX_WORDS) {
        let start = offset + start;
        let message = format!(
            "this line has {} words, HAProxy takes {MAX_WORDS}",
            words.len()
        );
        return Err(SyntaxError::new(
            file,
            start,
            start + raw.len(),
            message,
            "the end of the line",
        ));
    }
    let span = decoded[0].span.to(decoded[decoded.len() - 1].span);
    Ok(Line {
        words: decoded,
        span,
        conditional: false,
    })
}

fn word(raw: &str, start: usize, file: FileId) -> Result<Word, SyntaxError> {
    let span = Span::new(file, start, start + raw.len());
    if !raw.contains(['"', '\'', '\\']) {
        return Ok(Word {
            text: up_to_nul(raw).to_owned(),
            has_env: false,
            references: Vec::new(),
            span,
        });
    }
    let mut decoder = Decoder::default();
    let pieces = Grammar::parse(Rule::pieces, raw).map_err(|_| {
        SyntaxError::new(
            file,
            start,
            start + raw.len(),
            "this word cannot be read",
            "",
        )
    })?;
    for piece in pieces.flat_map(Pair::into_inner) {
        decoder.piece(&piece).map_err(|fault| {
            let (from, to) = (start + fault.from, start + fault.to);
            SyntaxError::new(file, from, to, fault.message, fault.expected)
        })?;
    }
    let text = up_to_nul(&valid(decoder.bytes)).to_owned();
    decoder.references.retain(|range| range.end <= text.len());
    Ok(Word {
        has_env: !decoder.references.is_empty(),
        text,
        references: decoder.references,
        span,
    })
}

/// HAProxy keeps words as C strings, which a NUL ends.
fn up_to_nul(text: &str) -> &str {
    text.split('\0').next().unwrap_or("")
}

/// `\xNN` can make bytes that are no UTF-8; one byte is replaced by one, so that ranges hold.
fn valid(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let mut text = String::new();
        for chunk in error.as_bytes().utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|_| BAD_BYTE));
        }
        text
    })
}

/// What is wrong with a word; the range counts from the start of the word.
struct Fault {
    from: usize,
    to: usize,
    message: String,
    expected: &'static str,
}

#[derive(Default)]
struct Decoder {
    bytes: Vec<u8>,
    references: Vec<std::ops::Range<usize>>,
}

impl Decoder {
    fn piece(&mut self, piece: &Pair<'_, Rule>) -> Result<(), Fault> {
        let raw = piece.as_str();
        match piece.as_rule() {
            Rule::strong | Rule::weak => self.quoted(piece)?,
            Rule::text | Rule::strong_text | Rule::weak_text => {
                self.bytes.extend_from_slice(raw.as_bytes());
            }
            Rule::hex => self
                .bytes
                .push(u8::from_str_radix(&raw[2..], 16).unwrap_or(0)),
            Rule::escape => self.bytes.push(match raw.as_bytes().get(1) {
                None => b'\\',
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(plain) => *plain,
            }),
            Rule::dollar => self.bytes.push(b'$'),
            Rule::reference => {
                let start = self.bytes.len();
                self.bytes.extend_from_slice(raw.as_bytes());
                self.references.push(start..self.bytes.len());
            }
            Rule::EOI => {}
            bad => return Err(fault(bad, piece)),
        }
        Ok(())
    }

    fn quoted(&mut self, quoted: &Pair<'_, Rule>) -> Result<(), Fault> {
        for piece in quoted.clone().into_inner() {
            if piece.as_rule() == Rule::unclosed {
                return Err(fault(Rule::unclosed, quoted));
            }
            self.piece(&piece)?;
        }
        Ok(())
    }
}

fn fault(rule: Rule, at: &Pair<'_, Rule>) -> Fault {
    let raw = at.as_str();
    let quote = &raw[..raw.len().min(1)];
    let (message, expected) = match rule {
        Rule::unclosed => (
            format!("`{}` is never closed", clip(raw)),
            if quote == "'" { "`'`" } else { "`\"`" },
        ),
        Rule::bad_hex => (
            "`\\x` is not followed by two hexadecimal digits".to_owned(),
            "two hexadecimal digits, or `\\\\x` for a plain backslash",
        ),
        Rule::bad_expansion => (format!("`{}` is not followed by `*]`", clip(raw)), "`[*]`"),
        Rule::bad_brace => (format!("`{}` is never closed", clip(raw)), "`}`"),
        _ => (
            format!("`{}` is not followed by the name of a variable", clip(raw)),
            "a name, or `\\$` for a plain dollar",
        ),
    };
    Fault {
        from: at.as_span().start(),
        to: at.as_span().end(),
        message,
        expected,
    }
}

/// Enough of a long word to know it by.
fn clip(raw: &str) -> String {
    match raw.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &raw[..at]),
        None => raw.to_owned(),
    }
}
