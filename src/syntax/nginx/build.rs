//! From the flat statements of the grammar to a tree: nesting, missing ends and stray braces.

use pest::{Parser, Token};

use super::condition::{check_condition, strip_parentheses};
use super::context;
use super::known::{holds_entries, must_open_block};
use super::word::unquote;
use super::{Directive, MAX_DEPTH, MAX_ERRORS, Tree};
use crate::finding::SyntaxError;
use crate::source::{FileId, Span, Spanned};
use grammar::{Grammar, Rule};

mod recover;

mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "../grammars/nginx.pest"]
    pub(super) struct Grammar;
}

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// nginx reads through a buffer of this many bytes, and a word or comment must fit into it (`NGX_CONF_BUFFER`).
const BUFFER: usize = 4096;

/// Reads one text from front to back.
pub(super) struct Builder<'t> {
    file: FileId,
    text: &'t str,
    tree: Tree,
    /// Name and arguments of the statement that is being read.
    words: Vec<Spanned<String>>,
    /// The blocks that are open, outermost first.
    open: Vec<Frame>,
    /// How many blocks are open beyond [`MAX_DEPTH`]; what stands in them is dropped.
    too_deep: usize,
    /// The block whose closing brace was probably forgotten, by indentation.
    suspect: Option<Span>,
    /// The first word that has swallowed a `}`.
    swallowed: Option<Span>,
}

/// A block that is open.
struct Frame {
    /// Name and arguments; empty for a brace without a directive.
    words: Vec<Spanned<String>>,
    /// What the blocks around it hold is kept by them.
    children: Vec<Directive>,
    /// Width of the blanks in front of its name, if it begins its line.
    indent: Option<usize>,
    /// Where it opens: name to brace.
    head: Span,
}

impl<'t> Builder<'t> {
    pub(super) fn new(file: FileId, text: &'t str) -> Self {
        Self {
            file,
            text,
            tree: Tree::default(),
            words: Vec::new(),
            open: Vec::new(),
            too_deep: 0,
            suspect: None,
            swallowed: None,
        }
    }

    /// Everything up to the end of the text.
    pub(super) fn read(mut self) -> Tree {
        let mut at = self.skip_byte_order_mark();
        let rule = if self.text.contains("_by_lua_block") {
            Rule::file_until_lua
        } else {
            Rule::file
        };
        while at < self.text.len() {
            let next = self.read_statements(rule, at);
            if next == at {
                self.error(at, self.text.len(), "this cannot be read", "a directive");
                break;
            }
            at = next;
        }
        self.end_of_file();
        // With a brace too few or too many, blocks are not what they look like.
        if self.tree.errors.is_empty() {
            let misplaced = context::misplaced(&self.tree.directives);
            self.tree.refused.extend(misplaced);
        }
        self.tree.errors.sort_by_key(|error| error.span.start);
        self.tree
    }

    /// nginx takes the mark for the start of the first name and refuses that name.
    fn skip_byte_order_mark(&mut self) -> usize {
        if !self.text.starts_with(BYTE_ORDER_MARK) {
            return 0;
        }
        let end = BYTE_ORDER_MARK.len();
        let message =
            "byte order mark at the start of the file, which nginx reads as part of the first name";
        self.error(0, end, message, "a file saved without it");
        end
    }

    /// Reads from `at` to the end or over the next Lua block; gives where it stopped.
    fn read_statements(&mut self, rule: Rule, at: usize) -> usize {
        let Ok(pairs) = Grammar::parse(rule, &self.text[at..]) else {
            return at;
        };
        let (mut start, mut end, mut lua) = (at, at, false);
        for token in pairs.tokens() {
            match token {
                Token::Start { pos, .. } => start = at + pos.pos(),
                Token::End { rule, pos } => {
                    end = at + pos.pos();
                    lua = rule == Rule::lua_head || lua && rule == Rule::file_until_lua;
                    self.token(rule, start, end);
                }
            }
        }
        if lua { self.read_lua(end) } else { end }
    }

    fn token(&mut self, rule: Rule, start: usize, end: usize) {
        match rule {
            Rule::word => self.plain_word(start, end),
            Rule::quoted => self.word(unquote(&self.text[start..end]), start, end),
            Rule::shut_quote => {
                self.word(unquote(&self.text[start..end]), start, end);
                self.glued_to_quote(end);
            }
            Rule::open_quote => self.open_quote(start, end),
            Rule::semicolon => self.semicolon(start, end),
            Rule::open => self.open(start, end),
            Rule::close => self.close(start, end),
            Rule::braces => self.braces(start, end),
            Rule::comment => self.tree.comments.push(self.span(start, end)),
            Rule::statement if !self.words.is_empty() => self.unterminated(),
            _ => {}
        }
        if end - start > BUFFER && matches!(rule, Rule::word | Rule::quoted | Rule::comment) {
            self.too_long(start, end);
        }
    }

    fn plain_word(&mut self, start: usize, end: usize) {
        let word = &self.text[start..end];
        self.word(word.to_owned(), start, end);
        if self.swallowed.is_none() && swallows_brace(word) {
            self.swallowed = Some(self.span(end - 1, end));
        }
    }

    fn word(&mut self, value: String, start: usize, end: usize) {
        let span = self.span(start, end);
        self.words.push(Spanned::new(value, span));
    }

    fn semicolon(&mut self, start: usize, end: usize) {
        if self.words.is_empty() {
            self.error(start, end, "unexpected \";\"", "a directive before it");
            return;
        }
        let name = &self.words[0];
        if must_open_block(&name.value, self.parent()) {
            let message = format!("directive \"{}\" has no opening \"{{\"", name.value);
            self.error_at(name.span, message, "\"{\"");
        }
        self.directive(None, end);
    }

    fn open(&mut self, start: usize, end: usize) {
        self.split_unterminated();
        if holds_entries(self.parent()) {
            self.error(
                start,
                end,
                "unexpected \"{\"",
                "\";\", since the block around it holds no blocks",
            );
        }
        let words = std::mem::take(&mut self.words);
        let head = words.first().map_or(start, |name| name.span.start as usize);
        if words.is_empty() {
            self.error(
                start,
                end,
                "unexpected \"{\"",
                "the name of a block before it",
            );
        }
        if self.open.len() == MAX_DEPTH {
            if self.too_deep == 0 {
                let message = format!("blocks nested deeper than {MAX_DEPTH} levels");
                self.error(head, end, message, "fewer levels");
            }
            self.too_deep += 1;
            return;
        }
        let mut frame = Frame {
            words,
            children: Vec::new(),
            indent: indent_before(self.text, head),
            head: self.span(head, end),
        };
        if frame.words.first().is_some_and(|name| name.value == "if") {
            self.condition(&mut frame.words);
        }
        self.open.push(frame);
    }

    /// The condition of an `if`, from here on without its parentheses.
    fn condition(&mut self, words: &mut Vec<Spanned<String>>) {
        self.tree.refused.extend(check_condition(words));
        strip_parentheses(words, self.text);
    }

    fn close(&mut self, start: usize, end: usize) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        let Some(frame) = self.open.pop() else {
            self.error(
                start,
                end,
                "unexpected \"}\"",
                "a directive, since no block is open here",
            );
            return;
        };
        if let (Some(opened), Some(closed)) = (frame.indent, indent_before(self.text, start))
            && closed < opened
            && self.suspect.is_none()
        {
            self.suspect = Some(frame.head);
        }
        self.finish_block(frame, end);
    }

    fn finish_block(&mut self, frame: Frame, end: usize) {
        if frame.words.is_empty() {
            self.siblings().extend(frame.children);
            return;
        }
        self.words = frame.words;
        self.directive(Some(frame.children), end);
    }

    /// The words read so far are a directive that ends at `end`.
    fn directive(&mut self, block: Option<Vec<Directive>>, end: usize) {
        let mut words = std::mem::take(&mut self.words).into_iter();
        let Some(name) = words.next() else { return };
        if self.too_deep > 0 {
            return;
        }
        let span = self.span(name.span.start as usize, end);
        let args = words.collect();
        self.siblings().push(Directive {
            name,
            args,
            block,
            span,
        });
    }

    /// Name of the innermost block; empty at the top of the file.
    fn parent(&self) -> &str {
        let name = self.open.last().and_then(|frame| frame.words.first());
        name.map_or("", |name| &name.value)
    }

    fn siblings(&mut self) -> &mut Vec<Directive> {
        self.open
            .last_mut()
            .map_or(&mut self.tree.directives, |frame| &mut frame.children)
    }

    /// Takes the Lua that begins at `start`, behind its brace, as one argument; gives where it ends.
    fn read_lua(&mut self, start: usize) -> usize {
        let (mut at, mut depth) = (start, 1_usize);
        while depth > 0 && at < self.text.len() {
            let Ok(pairs) = Grammar::parse(Rule::lua_piece, &self.text[at..]) else {
                break;
            };
            let mut end = at;
            for token in pairs.tokens() {
                if let Token::End { rule, pos } = token {
                    end = at + pos.pos();
                    match rule {
                        Rule::open => depth += 1,
                        Rule::close => depth -= 1,
                        _ => {}
                    }
                }
            }
            at = end;
        }
        let code_end = if depth == 0 { at - 1 } else { at };
        if depth > 0 {
            let head = self
                .words
                .first()
                .map_or(start, |name| name.span.start as usize);
            self.error(head, start, "the Lua block is never closed", "\"}\"");
        }
        self.word(self.text[start..code_end].to_owned(), start - 1, at);
        self.directive(None, at);
        at
    }

    fn error(
        &mut self,
        start: usize,
        end: usize,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.error_at(self.span(start, end), message, expected);
    }

    fn error_at(&mut self, span: Span, message: impl Into<String>, expected: impl Into<String>) {
        if self.tree.errors.len() < MAX_ERRORS {
            self.tree.errors.push(SyntaxError {
                span,
                message: message.into(),
                expected: expected.into(),
            });
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }
}

/// Whether a `}` at the end of a word was meant to close a block.
fn swallows_brace(word: &str) -> bool {
    word.len() > 1 && word.ends_with('}') && !word.contains('{')
}

/// How many blanks stand between the start of the line and `at`; `None` if anything else does.
fn indent_before(text: &str, at: usize) -> Option<usize> {
    let before = &text[..at];
    let kept = before.trim_end_matches([' ', '\t']);
    (kept.is_empty() || kept.ends_with('\n')).then(|| before.len() - kept.len())
}
