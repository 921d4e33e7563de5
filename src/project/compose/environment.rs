//! The variables that a compose project is filled with: environment files alone, never the machine's own.

use std::collections::HashMap;

use crate::source::Span;
use crate::syntax::value::Text;
use crate::syntax::value::env_file::Line;
use crate::syntax::value::interpolation::interpolate;

/// Variables by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    values: HashMap<String, Text>,
}

impl Environment {
    /// Adds the lines of a file; later ones win, and a value may name what stands above it.
    pub(super) fn read(&mut self, lines: &[Line]) {
        for line in lines {
            if let Some(text) = self.value(line) {
                self.values.insert(line.name.value.clone(), text);
            }
        }
    }

    /// The value that a line gives, filled from what is known so far; `None` for a bare name.
    pub(super) fn value(&self, line: &Line) -> Option<Text> {
        let value = line.value.as_ref()?;
        if value.literal {
            return Some(Text::known(value.text.clone(), value.span));
        }
        let filled = interpolate(&value.text, &|name| self.lookup(name));
        Some(Text {
            // A dollar sign that starts no variable is plain text in these files.
            value: if filled.invalid {
                Ok(value.text.clone())
            } else {
                filled.value
            },
            assumed: filled.assumed,
            span: value.span,
        })
    }

    /// What interpolation knows of a variable.
    pub(super) fn lookup(&self, name: &str) -> Option<Result<String, String>> {
        self.values.get(name).map(|text| text.value.clone())
    }

    /// A variable with its place.
    pub(super) fn get(&self, name: &str) -> Option<&Text> {
        self.values.get(name)
    }

    /// A variable's value, if it is set and known.
    pub(super) fn known(&self, name: &str) -> Option<(&str, Span)> {
        let text = self.values.get(name)?;
        text.get().map(|value| (value, text.span))
    }

    /// Lays other variables over these.
    pub(super) fn extend(&mut self, over: &Environment) {
        let over = over.values.iter();
        self.values
            .extend(over.map(|(name, text)| (name.clone(), text.clone())));
    }

    /// For [`interpolate`].
    pub(super) fn filler(&self) -> impl Fn(&str) -> Option<Result<String, String>> + '_ {
        |name| self.lookup(name)
    }
}
