//! Puts lines into sections, and follows `.if` as far as the text alone decides it.

use super::{Line, Section, Tree, ports};
use crate::finding::SyntaxError;
use crate::source::{FileId, Spanned};

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
pub(super) struct Builder {
    file: FileId,
    tree: Tree,
    levels: Vec<Level>,
}

/// Whether something holds, as far as the text tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Certainty {
    No,
    Maybe,
    Yes,
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

impl Builder {
    pub(super) fn new(file: FileId) -> Self {
        Self {
            file,
            tree: Tree::default(),
            levels: Vec::new(),
        }
    }

    /// Notes a line that HAProxy refuses. It splits even the lines of a branch that it drops.
    pub(super) fn refuse(&mut self, error: SyntaxError) {
        self.tree.errors.push(error);
    }

    /// Takes a line whose first word is not empty.
    pub(super) fn line(&mut self, mut line: Line) {
        line.conditional = self.live() == Certainty::Maybe;
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
            let spanned = |at: usize| {
                let word = line.words.get(at)?;
                Some(Spanned::new(word.text.clone(), word.span))
            };
            self.tree.sections.push(Section {
                kind: Spanned::new(line.words[0].text.clone(), line.words[0].span),
                name: name_at(&line).and_then(spanned),
                head: line,
                lines: Vec::new(),
            });
        } else if let Some(section) = self.tree.sections.last_mut() {
            if !line.conditional {
                self.tree.errors.extend(ports::impossible(section, &line));
            }
            section.lines.push(line);
        } else if !line.conditional {
            self.outside(&line);
        }
    }

    fn outside(&mut self, line: &Line) {
        let text = &line.words[0].text;
        let (message, expected) = match text.strip_prefix('\u{feff}') {
            Some(_) => (
                "the file starts with a byte order mark, which HAProxy takes for a part of the first word".to_owned(),
                "a file without it",
            ),
            None => (
                format!("`{}` stands outside of any section", shown(text)),
                "`global`, `defaults`, `frontend`, `backend`, `listen` or another section",
            ),
        };
        self.error(line, 0, message, expected);
    }

    fn directive(&mut self, line: Line) {
        match line.words[0].text.as_str() {
            ".if" => self.open(line),
            ".elif" => self.turn(line, predicate),
            ".else" => self.turn(line, |_| Certainty::Yes),
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
        level.branch(predicate(&line));
        if level.outer != Certainty::No {
            self.keep(line);
        }
        self.levels.push(level);
    }

    /// `.elif` and `.else`.
    fn turn(&mut self, mut line: Line, predicate: fn(&Line) -> Certainty) {
        let word = line.words[0].text.clone();
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
        level.branch(predicate(&line));
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

/// Where the name of a section stands in the line that opens it. `defaults from x` has none.
fn name_at(line: &Line) -> Option<usize> {
    let nameless =
        line.words[0].text == "defaults" && line.words.len() > 2 && line.words[1].text == "from";
    (!nameless).then_some(1)
}

/// A whole number or nothing is decided here, negated or not; everything else asks for the version, the build or the
/// environment of the HAProxy that runs.
fn predicate(line: &Line) -> Certainty {
    let words: Vec<&str> = line.words[1..]
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    let whole = words.join(" ");
    let number = whole.trim_start_matches(['!', ' ']);
    let marks = whole[..whole.len() - number.len()].matches('!').count();
    let negated = marks % 2 == 1;
    let holds = match number.trim_end().parse::<i64>() {
        Ok(number) => number != 0,
        Err(_) if whole.is_empty() => false,
        Err(_) => return Certainty::Maybe,
    };
    if holds == negated {
        Certainty::No
    } else {
        Certainty::Yes
    }
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
