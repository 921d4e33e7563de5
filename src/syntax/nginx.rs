//! nginx: words, statements and blocks, exactly as nginx splits them.

use crate::finding::SyntaxError;
use crate::source::{FileId, Span, Spanned};

/// One directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Its name.
    pub name: Spanned<String>,
    /// Its arguments after unquoting and unescaping; the span covers the quotes.
    pub args: Vec<Spanned<String>>,
    /// What stands between its braces, if it has any.
    pub block: Option<Vec<Directive>>,
    /// From the name to the `;` or the closing brace.
    pub span: Span,
}

/// What was read of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// The directives at the top of the file.
    pub directives: Vec<Directive>,
    /// What is no nginx syntax.
    pub errors: Vec<SyntaxError>,
}

/// Reads one file; total and linear in its length.
pub fn parse(_file: FileId, _text: &str) -> Tree {
    Tree::default()
}
