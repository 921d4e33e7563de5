//! The languages inside values: durations, sizes, addresses, ports, volumes, images, interpolation, command lines.

use crate::source::{Span, Spanned};

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
