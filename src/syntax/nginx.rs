//! nginx: words, statements and blocks, exactly as nginx splits them.

mod build;
mod condition;
mod context;
mod known;
mod template;
mod word;

pub use template::looks_like_template;
pub use word::unescape;

use crate::finding::SyntaxError;
use crate::source::{FileId, Span, Spanned};

/// Blocks may be nested this deep. nginx has no limit of its own; a real config stays below ten.
pub const MAX_DEPTH: usize = 200;

/// So many errors are told of one file. nginx stops at the first.
pub const MAX_ERRORS: usize = 100;

/// One directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// Its name.
    pub name: Spanned<String>,
    /// Its arguments without their quotes, as crossplane gives them: `\"` inside `"…"` is `"`, other escapes stay (see
    /// [`unescape`]); the parentheses of `if (…)` are gone, and a Lua block is one argument. The span covers the
    /// quotes, or the braces of Lua.
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
    /// What is no nginx syntax, in the order of the text.
    pub errors: Vec<SyntaxError>,
    /// What is well-formed, so that every reader takes it, and what nginx refuses to start with all the same: the
    /// condition of an `if`, a directive in a block that does not take it, and words and comments that do not fit into
    /// nginx's buffer.
    pub refused: Vec<SyntaxError>,
    /// Every comment, `#` to the end of its line.
    pub comments: Vec<Span>,
}

/// Reads one file; total and linear in its length.
pub fn parse(file: FileId, text: &str) -> Tree {
    build::Builder::new(file, text).read()
}
