//! HAProxy: sections, lines and words, exactly as HAProxy splits them.

use crate::finding::SyntaxError;
use crate::source::{FileId, Span, Spanned};

/// One word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// After unquoting and unescaping; environment references stand as they are written.
    pub text: String,
    /// Whether it holds an environment reference (`${X}`, `"$X"`) that HAProxy would expand.
    pub has_env: bool,
    /// Quotes included.
    pub span: Span,
}

/// One line that is neither blank nor a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// At least one word.
    pub words: Vec<Word>,
    /// From the first word to the last.
    pub span: Span,
}

/// One section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// `global`, `defaults`, `frontend`, …
    pub kind: Spanned<String>,
    /// Its name, if it has one.
    pub name: Option<Spanned<String>>,
    /// The line that opens it, with whatever follows the name (`from x`).
    pub head: Line,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// What was read of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// Sections in order.
    pub sections: Vec<Section>,
    /// What is no HAProxy syntax.
    pub errors: Vec<SyntaxError>,
    /// Whether the last line has no line feed, which HAProxy refuses to start with.
    pub final_newline_missing: bool,
}

/// Reads one file; total and linear in its length.
pub fn parse(_file: FileId, _text: &str) -> Tree {
    Tree::default()
}
