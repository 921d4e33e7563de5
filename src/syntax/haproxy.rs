//! HAProxy: sections, lines and words, exactly as HAProxy splits them. A line that HAProxy refuses costs that line
//! alone; everything else of the file is in the tree.

mod acls;
mod condition;
mod expand;
mod format;
mod keywords;
mod map;
mod sections;
mod values;
mod words;

use crate::finding::SyntaxError;
use crate::source::{FileId, Span, Spanned};

pub use condition::{Reader, Variable};
pub use expand::{expand, expand_address};
pub use keywords::takes_value;
pub use map::{MapChoice, map_choice, map_values, pattern_files};

/// One word of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// After unquoting and unescaping; environment references stand as they are written.
    pub text: String,
    /// Whether it holds an environment reference that HAProxy expands while it splits the line: `$X` or `${X}` between
    /// weak quotes. Anywhere else a `$` is plain until an address is parsed (see [`expand_address`]).
    pub has_env: bool,
    /// Byte ranges of those references in `text`, in order; an escaped `\$` is in none of them.
    pub references: Vec<std::ops::Range<usize>>,
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
    /// Whether it stands in an `.if` whose predicate cannot be known from the text. Every branch of such an `.if` is
    /// in the tree; branches that are never taken (`.if 0`) are not.
    pub conditional: bool,
}

/// One section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// `global`, `defaults`, `frontend`, …; a reference as written if the keyword comes from the environment.
    pub kind: Spanned<String>,
    /// Its name, if it has one.
    pub name: Option<Spanned<String>>,
    /// The line that opens it, with whatever follows the name (`from x`).
    pub head: Line,
    /// Its lines, `.if` and the other directives with a leading dot among them.
    pub lines: Vec<Line>,
}

/// What was read of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// Directives with a leading dot that stand before the first section.
    pub prelude: Vec<Line>,
    /// Sections in order.
    pub sections: Vec<Section>,
    /// What is no HAProxy syntax.
    pub errors: Vec<SyntaxError>,
    /// Whether the last line has no line feed, which HAProxy refuses to start with.
    pub final_newline_missing: bool,
    /// Whether a line stands in an `.if` that something else than the text decides.
    pub is_conditional: bool,
}

/// Reads one file; total and linear in its length.
pub fn parse(file: FileId, text: &str) -> Tree {
    parse_by(file, text, &condition::ANYONE)
}

/// The same as a certain HAProxy reads it, which takes one branch of an `.if` where [`parse`] must keep all of them.
pub fn parse_by(file: FileId, text: &str, reader: &Reader) -> Tree {
    let mut builder = sections::Builder::new(file, reader);
    let mut offset = 0;
    for part in parts(text) {
        words::split(part, offset, file, &mut builder);
        offset += part.len();
    }
    let mut tree = builder.finish(text);
    tree.final_newline_missing = !text.is_empty() && !text.ends_with('\n');
    tree
}

/// The text cut behind line feeds: no construct of HAProxy crosses one, and a part that fits the cache bounds what
/// the parser keeps, which is several times the length of its input.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    const LENGTH: usize = 64 * 1024;
    let mut rest = text;
    std::iter::from_fn(move || {
        let from = LENGTH.min(rest.len());
        let cut = rest.as_bytes()[from..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(rest.len(), |at| from + at + 1);
        let (part, after) = rest.split_at(cut);
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}
