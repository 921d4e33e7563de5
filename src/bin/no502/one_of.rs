//! An argument with names that a shell can complete. What is typed is read as before: a slip in a name is told where its
//! meaning is known, and a former id of a rule, which no shell offers, still goes.

use std::ffi::OsStr;
use std::str::FromStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, Error};
use no502::rules::RULES;

use crate::args::Output;

/// A reader that offers names.
#[derive(Clone)]
pub(crate) struct OneOf<T> {
    names: Vec<&'static str>,
    read: fn(&str) -> Result<T, String>,
}

impl OneOf<String> {
    /// Ids of rules.
    pub(crate) fn rules() -> Self {
        Self {
            names: RULES.iter().map(|rule| rule.id).collect(),
            read: |written| Ok(written.to_owned()),
        }
    }
}

impl<F: FromStr<Err = String>> OneOf<Output<F>> {
    /// Formats.
    pub(crate) fn formats(names: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            names: names.into_iter().collect(),
            read: str::parse,
        }
    }
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for OneOf<T> {
    type Value = T;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        let read = self.read;
        StringValueParser::new()
            .try_map(move |written| read(&written))
            .parse_ref(cmd, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(
            self.names.iter().map(|name| PossibleValue::new(*name)),
        ))
    }
}
