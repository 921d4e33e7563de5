//! Dockerfile: instructions and words with spans, and what the stages of one image come to. Reading never fails: a
//! line that means nothing to Docker is an error beside the tree.

mod image;
mod reader;

use crate::source::{Span, Spanned};
use crate::syntax::command::Word;

pub use image::{BuiltImage, Copied, CopySource, image};
pub use reader::parse;

mod grammar {
    #![allow(missing_docs)]

    #[derive(pest_derive::Parser)]
    #[grammar = "../grammars/dockerfile.pest"]
    pub(super) struct Grammar;
}

/// A Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dockerfile {
    /// In the order of writing.
    pub instructions: Vec<Instruction>,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// `FROM`, `RUN`, …, in upper case.
    pub keyword: Spanned<String>,
    /// `--from=build` and the like.
    pub flags: Vec<Flag>,
    /// What is left, continuation lines joined and comments between them dropped.
    pub body: Spanned<String>,
    /// The body split into words, with the place of each; quotes and parameters are still to be expanded.
    pub words: Vec<Spanned<Word>>,
    /// The words of the exec form (`["a", "b"]`), if it is one. The spans include the quotes.
    pub exec: Option<Vec<Spanned<String>>>,
    /// Texts of here-documents.
    pub heredocs: Vec<Spanned<String>>,
    /// From the keyword to the end of the last line.
    pub span: Span,
}

/// One flag of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Without the dashes.
    pub name: String,
    /// Behind `=`, if there is one.
    pub value: Option<String>,
    /// Where it is written.
    pub span: Span,
}

impl Instruction {
    /// The value of a flag.
    pub fn flag(&self, name: &str) -> Option<Spanned<&str>> {
        let flag = self.flags.iter().find(|flag| flag.name == name)?;
        let value = flag.value.as_deref()?;
        Some(Spanned::new(value, flag.span))
    }
}
