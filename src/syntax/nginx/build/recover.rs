//! What the tree builder says and does where the text is no nginx syntax, so that the rest of the file is judged.

use super::super::MAX_ERRORS;
use super::super::known::never_opens_block;
use super::{BUFFER, Builder, indent_before, swallows_brace};
use crate::finding::SyntaxError;
use crate::source::{Span, Spanned};

impl Builder<'_> {
    /// nginx wants a blank, `;`, `{` or `)` behind a closing quote. A `}` there is told as the missing `;` that it is.
    pub(super) fn glued_to_quote(&mut self, end: usize) {
        match self.text[end..].chars().next() {
            None | Some('}') => {}
            Some(next) => {
                let message = format!("unexpected \"{next}\" behind a closing quote");
                self.error(
                    end,
                    end + next.len_utf8(),
                    message,
                    "a blank, \";\" or \"{\"",
                );
            }
        }
    }

    /// The rest of the line is the word, and its last character may end the statement.
    pub(super) fn open_quote(&mut self, start: usize, line_end: usize) {
        let line = self.text[start..line_end].trim_end();
        let kept = line.trim_end_matches([';', '{']).trim_end().len().max(1);
        let quote = &line[..1];
        let message = "this quote is never closed";
        self.error(
            start,
            start + line.len(),
            message,
            format!("a second {quote}"),
        );
        self.word(line[1..kept].to_owned(), start, start + kept);
        let end = start + line.len();
        if line.len() > 1 && line.ends_with('{') {
            self.open(end - 1, end);
        } else {
            self.directive(None, end);
        }
    }

    /// `{8}` right behind a word: for nginx the brace ends the word, and `8}` is the name of a directive that it does not
    /// know. It is taken as the part of a regular expression that it was meant to be.
    pub(super) fn braces(&mut self, start: usize, end: usize) {
        let brace = self.span(start, start + 1);
        let told = self.tree.errors.last().is_some_and(|error| {
            self.words
                .first()
                .is_some_and(|name| error.span.start > name.span.start)
        });
        if !told {
            let message = "\"{\" in a word without quotes opens a block";
            self.error_at(brace, message, "quotes around the regular expression");
        }
        if let Some(last) = self.words.last_mut() {
            last.value.push_str(&self.text[start..end]);
            last.span = last.span.to(Span::new(self.file, start, end));
        }
    }

    /// A directive that never opens a block has swallowed the head of one, because its `;` is missing. The head begins at
    /// the last word that begins a line; a line in between that begins with such a directive has lost its `;` too.
    pub(super) fn split_unterminated(&mut self) {
        let inside = self.parent().to_owned();
        let never_opens = |word: &Spanned<String>| never_opens_block(&word.value, &inside);
        if !self.words.first().is_some_and(never_opens) {
            return;
        }
        let words = std::mem::take(&mut self.words);
        let text = self.text;
        let head = words
            .iter()
            .rposition(|word| begins_line(text, word))
            .unwrap_or(0);
        for (at, word) in words.into_iter().enumerate() {
            if at > 0 && (at == head || at < head && never_opens(&word) && begins_line(text, &word))
            {
                self.unterminated();
            }
            self.words.push(word);
        }
        if let Some(name) = self.words.first().filter(|name| never_opens(name)) {
            let (span, message) = (name.span, not_terminated(&name.value));
            self.error_at(span, message, "\";\" instead of a block");
        }
    }

    /// A `}` or the end of the file where a `;` is due. A `}` at the end of the last word was meant to close a block.
    pub(super) fn unterminated(&mut self) {
        let (Some(name), Some(last)) = (self.words.first(), self.words.last()) else {
            return;
        };
        let (span, message) = (last.span, not_terminated(&name.value));
        if !swallows_brace(&last.value) || !self.text[..span.end as usize].ends_with('}') {
            self.error_at(span, message, "\";\"");
            self.directive(None, span.end as usize);
            return;
        }
        let expected = format!(
            "\";\" before the \"}}\", which is part of \"{}\"",
            last.value
        );
        let kept = last.value.trim_end_matches('}').len();
        let braces = last.value.len() - kept;
        self.error_at(span, message, expected);
        let end = span.end as usize;
        if let Some(last) = self.words.last_mut() {
            last.value.truncate(kept);
            last.span = last.span.slice(0, kept);
        }
        self.directive(None, end - braces);
        for at in end - braces..end {
            self.close(at, at + 1);
        }
    }

    /// Well-formed for every reader, and refused by nginx.
    pub(super) fn too_long(&mut self, start: usize, end: usize) {
        if self.tree.refused.len() < MAX_ERRORS {
            self.tree.refused.push(SyntaxError {
                span: self.span(start, end),
                message: format!("too long: {} bytes in one word or comment", end - start),
                expected: format!("less than {BUFFER} bytes, the size of nginx's read buffer"),
            });
        }
    }

    /// Blocks that are still open are closed by the end of the file, with one error for all of them.
    pub(super) fn end_of_file(&mut self) {
        if let Some(outermost) = self.open.first() {
            let count = self.open.len() + self.too_deep;
            let message = if count == 1 {
                "unexpected end of file: this block is never closed".to_owned()
            } else {
                format!("unexpected end of file: {count} blocks are never closed")
            };
            match (self.suspect, self.swallowed) {
                (None, Some(brace)) => {
                    self.error_at(brace, message, "\";\" or a blank before this \"}\"");
                }
                (suspect, _) => self.error_at(suspect.unwrap_or(outermost.head), message, "\"}\""),
            }
        }
        self.too_deep = 0;
        while let Some(frame) = self.open.pop() {
            self.finish_block(frame, self.text.len());
        }
    }
}

fn not_terminated(name: &str) -> String {
    format!("directive \"{name}\" is not terminated by \";\"")
}

fn begins_line(text: &str, word: &Spanned<String>) -> bool {
    indent_before(text, word.span.start as usize).is_some()
}
