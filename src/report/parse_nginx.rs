//! What the nginx reader sees, in the shape of crossplane, which other tools know already.

use serde::Serialize;
use serde_json::Value;

use crate::finding::SyntaxError;
use crate::source::SourceFile;
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
    Config {
        file: path.to_owned(),
        status: status(tree.errors.is_empty()),
        errors: tree
            .errors
            .iter()
            .map(|error| line_error(error, &source))
            .collect(),
        parsed: statements(&tree.directives, &source),
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

fn statements(directives: &[Directive], source: &SourceFile) -> Vec<Statement> {
    directives
        .iter()
        .map(|directive| Statement {
            directive: directive.name.value.clone(),
            line: source.line(directive.name.span.start),
            args: directive
                .args
                .iter()
                .map(|arg| universal_newlines(&arg.value))
                .collect(),
            block: directive
                .block
                .as_ref()
                .map(|block| statements(block, source)),
        })
        .collect()
}

/// Python reads CRLF as LF; only words in quotes and Lua can hold one.
fn universal_newlines(value: &str) -> String {
    value.replace("\r\n", "\n")
}
