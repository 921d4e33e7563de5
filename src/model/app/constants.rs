//! Top-level constants of a settings file: the last assignment of a name wins, and a name that is also set inside a
//! block is unknown.

use std::collections::HashMap;

use super::cx::{Cx, unknown};
use crate::source::{FileId, Span};
use crate::syntax::constant::{self, Expression};
use crate::syntax::value::Text;

/// What a file says of its names.
#[derive(Default)]
pub(super) struct Constants {
    names: HashMap<String, (Option<Expression>, Span)>,
}

impl Constants {
    /// Python, Ruby or JavaScript: `name = value`, `name value`, `const name = value`, `name(value)`.
    pub(super) fn python(file: FileId, text: &str) -> Self {
        let mut constants = Self::default();
        for entry in constant::settings(text) {
            let span = Span::new(file, entry.range.start, entry.range.end);
            let nested = matches!(entry.name, "const" | "let" | "var" | "export");
            let inner = nested.then(|| constant::assignment(entry.value)).flatten();
            let (name, value) =
                inner.map_or((entry.name, entry.value), |inner| (inner.name, inner.value));
            let value = value.strip_prefix("const ").unwrap_or(value);
            let expression = if entry.indented {
                None
            } else {
                constant::constant(value)
            };
            constants.names.insert(name.to_owned(), (expression, span));
        }
        constants
    }

    /// Whether a name is set at all.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// The value of a name as a text; `None` if the file does not set it.
    pub(super) fn get(&self, cx: &Cx<'_>, name: &str) -> Option<Text> {
        let (expression, span) = self.names.get(name)?;
        Some(self.text(cx, expression.as_ref(), *span, 8))
    }

    /// The values of a name that may hold several.
    pub(super) fn list(&self, cx: &Cx<'_>, name: &str) -> Vec<Text> {
        match self.names.get(name) {
            Some((Some(Expression::List(items)), span)) => items
                .iter()
                .map(|item| self.text(cx, Some(item), *span, 8))
                .collect(),
            Some(_) => self.get(cx, name).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// What an expression comes to. `deep` bounds names that stand for each other.
    pub(super) fn text(
        &self,
        cx: &Cx<'_>,
        expression: Option<&Expression>,
        span: Span,
        deep: u8,
    ) -> Text {
        let other = |fallback: &Option<Box<Expression>>, why: String| match fallback {
            Some(fallback) if deep > 0 => self.text(cx, Some(fallback), span, deep - 1),
            _ => unknown(why, span),
        };
        match expression {
            Some(Expression::Number(number)) => Text::known(number.to_string(), span),
            Some(Expression::Text(text)) => Text::known(text.clone(), span),
            Some(Expression::Variable(name, fallback)) => match cx.env(name) {
                Some(text) if text.get() != Some("") => text,
                _ => other(fallback, format!("{name} is not set")),
            },
            Some(Expression::Name(name, fallback)) => match self.names.get(name) {
                Some((inner @ Some(_), span)) if deep > 0 => {
                    let text = self.text(cx, inner.as_ref(), *span, deep - 1);
                    let unset = matches!(inner, Some(Expression::Variable(name, None)) if cx.env(name).is_none());
                    if unset {
                        other(fallback, format!("{name} is not set"))
                    } else {
                        text
                    }
                }
                _ => unknown(format!("{name} is not a plain constant"), span),
            },
            _ => unknown("it is not a plain constant", span),
        }
    }
}
