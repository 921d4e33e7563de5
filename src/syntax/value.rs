//! The languages inside values: durations, sizes, addresses, ports, volumes, images, interpolation, command lines.

pub mod env_file;
pub mod image;
pub mod interpolation;
pub mod pair;
pub mod path;
pub mod port;
pub mod quantity;
pub mod script;
pub mod volume;

use crate::source::{Span, Spanned};

/// Stands for the value of an unknown variable inside a text that is known around it.
pub const HOLE: char = '\u{fffc}';

/// A string that may hold what nobody can know before the deploy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The string, or why it is unknown (lower case, no full stop).
    pub value: Result<String, String>,
    /// Whether it rests on the default of an interpolation (`${PORT:-8000}`) that the deploy may override.
    pub assumed: bool,
    /// Where it is written.
    pub span: Span,
}

impl Text {
    /// A string as written.
    pub fn known(value: impl Into<String>, span: Span) -> Self {
        Self {
            value: Ok(value.into()),
            assumed: false,
            span,
        }
    }

    /// A string that cannot be known, and why (lower case, no full stop).
    pub fn unknown(why: impl Into<String>, span: Span) -> Self {
        Self {
            value: Err(why.into()),
            assumed: false,
            span,
        }
    }

    /// The string, if it is known.
    pub fn get(&self) -> Option<&str> {
        self.value.as_deref().ok()
    }

    /// The string with its place, if it is known.
    pub fn spanned(&self) -> Option<Spanned<String>> {
        self.get()
            .map(|text| Spanned::new(text.to_owned(), self.span))
    }
}

mod grammar {
    #![allow(missing_docs, reason = "the rules are documented in the grammar")]

    /// The grammar of every value in a compose project.
    #[derive(pest_derive::Parser)]
    #[grammar = "../grammars/compose.pest"]
    pub(super) struct Grammar;
}
