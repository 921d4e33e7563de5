//! What the nginx reader sees, in the shape of crossplane, which other tools know already.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::finding::SyntaxError;
use crate::source::{SourceFile, Spanned};
use crate::syntax::nginx::{Directive, Tree};

/// The document for some files, each with its path, its text and its tree. Includes are not followed, comments are left
/// out. Bytes that are no UTF-8 should come as U+FFFD, which is how crossplane reads them.
pub fn document(files: &[(String, String, Tree)]) -> Value {
    let config: Vec<Config> = files
        .iter()
        .map(|(path, text, tree)| config(path, text, tree))
        .collect();
    let errors = config.iter().flat_map(|config| {
        config.errors.iter().map(|error| FileError {
            file: config.file.clone(),
            error: error.error.clone(),
            line: error.line,
        })
    });
    let payload = Payload {
        status: status(config.iter().all(|config| config.errors.is_empty())),
        errors: errors.collect(),
        config,
    };
    serde_json::to_value(payload).expect("strings, numbers and lists have a JSON form")
}

#[derive(Serialize)]
struct Payload {
    status: &'static str,
    errors: Vec<FileError>,
    config: Vec<Config>,
}

#[derive(Serialize)]
struct FileError {
    file: String,
    error: String,
    line: usize,
}

#[derive(Serialize)]
struct Config {
    file: String,
    status: &'static str,
    errors: Vec<LineError>,
    parsed: Vec<Statement>,
}

#[derive(Serialize)]
struct LineError {
    error: String,
    line: usize,
}

#[derive(Serialize)]
struct Statement {
    directive: String,
    line: usize,
    args: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<Vec<Statement>>,
}

fn status(ok: bool) -> &'static str {
    if ok { "ok" } else { "failed" }
}

fn config(path: &str, text: &str, tree: &Tree) -> Config {
    let source = SourceFile::new(path, text.as_bytes().to_vec());
    let mut reader = Reader::new(&source);
    reader.read(&tree.directives);
    let errors = tree.errors.iter();
    let errors = errors.filter(|error| !reader.counts.contains(&error.span.start));
    let errors: Vec<LineError> = errors.map(|error| line_error(error, &source)).collect();
    Config {
        file: path.to_owned(),
        status: status(errors.is_empty()),
        errors,
        parsed: reader.finish(),
    }
}

fn line_error(error: &SyntaxError, source: &SourceFile) -> LineError {
    let expected = match error.expected.as_str() {
        "" => String::new(),
        expected => format!(", expected {expected}"),
    };
    LineError {
        error: format!("{}{expected}", error.message),
        line: source.line(error.span.start),
    }
}

/// Makes crossplane's tree of ours. They differ in one thing: `{8}` in a word without quotes ends the word and opens a
/// block, for nginx as for crossplane, and nothing closes it but what was meant for the block around it, so that all that
/// follows moves in. Ours takes it for the part of an expression that it was meant to be, and `check` says that nginx
/// does not start with it; here it is no error of syntax.
struct Reader<'a> {
    source: &'a SourceFile,
    /// The blocks that are open, outermost first; the first is the file.
    open: Vec<Vec<Statement>>,
    /// Where counts open blocks, as bytes of the file.
    counts: BTreeSet<u32>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a SourceFile) -> Self {
        Self {
            source,
            open: vec![Vec::new()],
            counts: BTreeSet::new(),
        }
    }

    fn read(&mut self, directives: &[Directive]) {
        for directive in directives {
            let line = self.source.line(directive.name.span.start);
            let mut words = vec![directive.name.value.clone()];
            for arg in &directive.args {
                self.word(arg, line, &mut words);
            }
            self.add(words, line);
            if let Some(block) = &directive.block {
                self.open.push(Vec::new());
                self.read(block);
                self.close();
            }
        }
    }

    /// A word, which may open blocks on its way.
    fn word(&mut self, arg: &Spanned<String>, line: usize, words: &mut Vec<String>) {
        let start = arg.span.start as usize;
        let mut rest = arg.value.as_str();
        let is_plain = self.source.text[start..].starts_with(rest);
        while let Some((before, count, after)) = is_plain.then(|| counted(rest)).flatten() {
            let at = start + arg.value.len() - rest.len() + before.len();
            self.counts.insert(u32::try_from(at).unwrap_or(u32::MAX));
            words.push(before.to_owned());
            self.add(std::mem::take(words), line);
            self.open.push(Vec::new());
            self.add(vec![count.to_owned()], line);
            rest = after;
        }
        if !rest.is_empty() || rest.len() == arg.value.len() {
            words.push(universal_newlines(rest));
        }
    }

    fn add(&mut self, mut words: Vec<String>, line: usize) {
        if words.is_empty() {
            return;
        }
        let statement = Statement {
            directive: words.remove(0),
            line,
            args: words,
            block: None,
        };
        self.open
            .last_mut()
            .expect("the file is open")
            .push(statement);
    }

    /// Ends the innermost block, which belongs to the last statement of the one around it.
    fn close(&mut self) {
        let block = self.open.pop().unwrap_or_default();
        match self.open.last_mut().and_then(|around| around.last_mut()) {
            Some(statement) => statement.block = Some(block),
            None => self.open.push(block),
        }
    }

    fn finish(mut self) -> Vec<Statement> {
        while self.open.len() > 1 {
            self.close();
        }
        self.open.pop().unwrap_or_default()
    }
}

/// `a`, `8,` and `b` of `a{8,}b`.
fn counted(word: &str) -> Option<(&str, &str, &str)> {
    word.match_indices('{').find_map(|(at, _)| {
        let (before, inner) = (&word[..at], &word[at + 1..]);
        let end = inner.find(|c: char| !c.is_ascii_digit() && c != ',')?;
        let (count, rest) = inner.split_at(end);
        let is_count = count.starts_with(|c: char| c.is_ascii_digit());
        let is_word = !before.is_empty() && !before.ends_with(['$', '\\']);
        let after = rest.strip_prefix('}').filter(|_| is_count && is_word)?;
        Some((before, count, after))
    })
}

/// Python reads CRLF as LF; only words in quotes and Lua can hold one.
fn universal_newlines(value: &str) -> String {
    value.replace("\r\n", "\n")
}
