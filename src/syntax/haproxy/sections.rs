//! Puts lines into sections, and follows `.if` as far as the text alone decides it.

use super::condition::{Certainty, Reader, evaluate};
use super::{Line, Section, Tree, acls, format, keywords, values};
use crate::finding::SyntaxError;
use crate::source::{FileId, Spanned};
use crate::syntax::near::nearest;

/// Keywords that open a section in any of HAProxy 2.4 to 3.4. A line that starts with one of them opens it wherever it
/// stands, indented or not.
const SECTIONS: [&str; 22] = [
    "acme",
    "backend",
    "cache",
    "crt-store",
    "defaults",
    "fcgi-app",
    "frontend",
    "global",
    "healthcheck",
    "http-errors",
    "listen",
    "log-forward",
    "log-profile",
    "mailers",
    "namespace_list",
    "peers",
    "program",
    "resolvers",
    "ring",
    "ruleset",
    "traces",
    "userlist",
];

/// Takes lines in order and makes the tree of them.
pub(super) struct Builder<'a> {
    file: FileId,
    reader: &'a Reader<'a>,
    tree: Tree,
    levels: Vec<Level>,
    check: keywords::Check,
}

/// One open `.if`.
struct Level {
    /// The line that opens it.
    opener: Line,
    /// Whether the lines around it are read.
    outer: Certainty,
    /// Whether a branch before the present one was taken, or the present one is.
    taken: Certainty,
    /// Whether the lines of the present branch are read.
    live: Certainty,
    /// Whether its `.else` was seen.
    closed: bool,
}

impl Level {
    fn branch(&mut self, predicate: Certainty) {
        let open = match self.taken {
            Certainty::No => Certainty::Yes,
            Certainty::Maybe => Certainty::Maybe,
            Certainty::Yes => Certainty::No,
        };
        self.live = self.outer.min(open).min(predicate);
        self.taken = self.taken.max(predicate);
    }
}

impl<'a> Builder<'a> {
    pub(super) fn new(file: FileId, reader: &'a Reader<'a>) -> Self {
        Self {
            file,
            reader,
            tree: Tree::default(),
            levels: Vec::new(),
            check: keywords::Check::default(),
        }
    }

    /// Notes a line that HAProxy refuses. It splits even the lines of a branch that it drops.
    pub(super) fn refuse(&mut self, error: SyntaxError) {
        self.tree.errors.push(error);
    }

    /// Takes a line whose first word is not empty.
    pub(super) fn line(&mut self, mut line: Line) {
        line.conditional = self.live() == Certainty::Maybe;
        self.tree.is_conditional |= line.conditional;
        if line.words[0].text.starts_with('.') {
            self.directive(line);
        } else if self.live() != Certainty::No {
            self.plain(line);
        }
    }

    /// The tree, once all lines were taken.
    pub(super) fn finish(mut self, text: &str) -> Tree {
        if let Some(level) = self.levels.pop() {
            self.error(&level.opener, 0, "this `.if` is never closed", "`.endif`");
        }
        self.nul(text);
        let doubles = values::doubles(&self.tree.sections);
        let unnamed = self.tree.sections.iter().flat_map(acls::undefined);
        self.tree.errors.extend(doubles.into_iter().chain(unnamed));
        self.tree.errors.sort_by_key(|error| error.span.start);
        self.tree
    }

    fn live(&self) -> Certainty {
        self.levels
            .last()
            .map_or(Certainty::Yes, |level| level.live)
    }

    fn plain(&mut self, line: Line) {
        // With no section open, a first word from the environment can only be a keyword that opens one.
        let opens = SECTIONS.contains(&line.words[0].text.as_str())
            || self.tree.sections.is_empty() && line.words[0].has_env;
        if opens {
            if !line.conditional {
                self.tree.errors.extend(values::head(&line));
            }
            let kind = line.words[0].text.clone();
            self.begin(kind, line);
            return;
        }
        let Some(section) = self.tree.sections.last_mut() else {
            if !line.conditional {
                self.outside(line);
            }
            return;
        };
        let mut meant = None;
        if !line.conditional {
            if !self.check.is_told(&line.words[0].text) {
                meant = keywords::meant_section(section, &line, &SECTIONS);
            }
            let errors = &mut self.tree.errors;
            if let Some(kind) = meant {
                errors.push(no_section(&line, kind));
            } else {
                errors.extend(values::impossible(section, &line));
                errors.extend(format::slip(section, &line));
                errors.extend(self.check.line(section, &line));
            }
        }
        match meant {
            // What follows belongs to the section that was meant.
            Some(kind) => self.begin(kind.to_owned(), line),
            None => section.lines.push(line),
        }
    }

    fn begin(&mut self, kind: String, line: Line) {
        self.check.turn();
        let spanned = |at: usize| {
            let word = line.words.get(at)?;
            Some(Spanned::new(word.text.clone(), word.span))
        };
        self.tree.sections.push(Section {
            kind: Spanned::new(kind, line.words[0].span),
            name: name_at(&line).and_then(spanned),
            head: line,
            lines: Vec::new(),
        });
    }

    /// A line before any section; the tree goes on with the section that it was meant to open.
    fn outside(&mut self, line: Line) {
        let text = line.words[0].text.as_str();
        let marked = text.strip_prefix('\u{feff}');
        let meant = nearest(marked.unwrap_or(text), SECTIONS.into_iter())
            .filter(|_| !line.words[0].has_env);
        match (marked, meant) {
            (Some(_), _) => self.error(
                &line,
                0,
                "the file starts with a byte order mark, which HAProxy takes for a part of the first word",
                "a file without it",
            ),
            (None, Some(meant)) => self.refuse(no_section(&line, meant)),
            (None, None) => {
                let message = format!("`{}` stands outside of any section", shown(text));
                self.error(&line, 0, message, "`global`, `defaults`, `frontend`, `backend`, `listen` or another section");
            }
        }
        if let Some(kind) = meant {
            self.begin(kind.to_owned(), line);
        }
    }

    fn directive(&mut self, line: Line) {
        match line.words[0].text.as_str() {
            ".if" => self.open(line),
            ".elif" | ".else" => self.turn(line),
            ".endif" => self.close(line),
            ".alert" | ".warning" | ".notice" | ".diag" => {
                if self.live() == Certainty::Yes && line.words.len() > 2 {
                    self.error(
                        &line,
                        2,
                        format!("`{}` takes one message", line.words[0].text),
                        "quotes around a message that holds blanks",
                    );
                }
                if self.live() == Certainty::Yes && line.words[0].text == ".alert" {
                    let message = "HAProxy always stops at this `.alert`";
                    self.error(&line, 0, message, "an `.if` around it");
                }
                if self.live() != Certainty::No {
                    self.keep(line);
                }
            }
            other => {
                if self.live() == Certainty::Yes {
                    let message = format!("`{}` is no directive of HAProxy", shown(other));
                    self.error(&line, 0, message, "`.if`, `.elif`, `.else`, `.endif`, `.notice`, `.warning`, `.alert` or `.diag`");
                }
            }
        }
    }

    fn open(&mut self, line: Line) {
        let mut level = Level {
            opener: line.clone(),
            outer: self.live(),
            taken: Certainty::No,
            live: Certainty::No,
            closed: false,
        };
        let predicate = self.predicate(&line, level.outer);
        level.branch(predicate);
        if level.outer != Certainty::No {
            self.keep(line);
        }
        self.levels.push(level);
    }

    /// `.elif` and `.else`.
    fn turn(&mut self, mut line: Line) {
        let word = line.words[0].text.clone();
        let predicate = match self.levels.last() {
            Some(level) if word == ".elif" && !level.closed => {
                let asked = if level.taken == Certainty::No {
                    level.outer
                } else {
                    Certainty::No
                };
                self.predicate(&line, asked)
            }
            _ => Certainty::Yes,
        };
        let Some(level) = self.levels.last_mut() else {
            self.error(
                &line,
                0,
                format!("`{word}` without an `.if`"),
                "`.if` before it",
            );
            return;
        };
        if level.closed {
            self.error(&line, 0, format!("`{word}` after `.else`"), "`.endif`");
            return;
        }
        level.branch(predicate);
        level.closed = word == ".else";
        line.conditional = level.outer == Certainty::Maybe;
        let outer = level.outer;
        if word == ".else" {
            self.alone(&line);
        }
        if outer != Certainty::No {
            self.keep(line);
        }
    }

    /// What the condition of a line says. One that is asked for certain and cannot be read stops HAProxy.
    fn predicate(&mut self, line: &Line, asked: Certainty) -> Certainty {
        evaluate(line, self.reader).unwrap_or_else(|()| {
            if asked == Certainty::Yes {
                let at = 1.min(line.words.len() - 1);
                let message = format!("`{}` is no condition", shown(&line.words[at].text));
                self.error(
                    line,
                    at,
                    message,
                    "a number, or predicates such as `defined(NAME)` with `&&`, `||` and `!`",
                );
            }
            Certainty::Maybe
        })
    }

    fn close(&mut self, mut line: Line) {
        self.alone(&line);
        let Some(level) = self.levels.pop() else {
            self.error(&line, 0, "`.endif` without an `.if`", "`.if` before it");
            return;
        };
        line.conditional = level.outer == Certainty::Maybe;
        if level.outer != Certainty::No {
            self.keep(line);
        }
    }

    fn alone(&mut self, line: &Line) {
        if line.words.len() > 1 {
            let message = format!("`{}` takes no argument", line.words[0].text);
            self.error(line, 1, message, "the end of the line");
        }
    }

    fn keep(&mut self, line: Line) {
        match self.tree.sections.last_mut() {
            Some(section) => section.lines.push(line),
            None => self.tree.prelude.push(line),
        }
    }

    /// HAProxy reads lines as C strings and stops at a NUL.
    fn nul(&mut self, text: &str) {
        if let Some(at) = text.find('\0') {
            let error = SyntaxError::new(self.file, at, at + 1, "a NUL byte amid the text", "text");
            self.tree.errors.push(error);
        }
    }

    fn error(&mut self, line: &Line, word: usize, message: impl Into<String>, expected: &str) {
        self.tree.errors.push(SyntaxError {
            span: line.words[word].span,
            message: message.into(),
            expected: expected.to_owned(),
        });
    }
}

fn no_section(line: &Line, meant: &str) -> SyntaxError {
    SyntaxError {
        span: line.words[0].span,
        message: format!("`{}` is no kind of section", shown(&line.words[0].text)),
        expected: format!("`{meant}`"),
    }
}

/// Where the name of a section stands in the line that opens it. `defaults from x` has none.
fn name_at(line: &Line) -> Option<usize> {
    let nameless =
        line.words[0].text == "defaults" && line.words.len() > 2 && line.words[1].text == "from";
    (!nameless).then_some(1)
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
