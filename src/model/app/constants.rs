//! Top-level constants of a settings file: the last assignment of a name wins, and a name that is also set inside a
//! block is unknown.

use std::collections::HashMap;
use std::ops::Range;

use super::cx::{Cx, unknown};
use crate::source::{FileId, Span};
use crate::syntax::constant::{self, Entry, Expression, Language};
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

    /// A whole source, without its comments: a name that is set once holds wherever that is, for nothing else can be meant.
    pub(super) fn source(file: FileId, text: &str, language: Language) -> Self {
        let mut constants = Self::default();
        let mut nested: HashMap<String, bool> = HashMap::new();
        let mut put = |constants: &mut Self, name: &str, value, span, indented: bool| {
            let twice = nested.insert(name.to_owned(), indented);
            let open = twice.is_some_and(|before| before || indented);
            let value = if open { None } else { value };
            constants.names.insert(name.to_owned(), (value, span));
        };
        let functions = functions(text, language);
        for entry in constant::settings(text) {
            let span = Span::new(file, entry.range.start, entry.range.end);
            let Some((name, value, declared)) = assigned(&entry, text, language) else {
                continue;
            };
            let before = functions.partition_point(|body| body.start <= entry.range.start);
            let inside = before > 0 && functions[before - 1].contains(&entry.range.start);
            if declared && inside {
                continue;
            }
            let value = constant::constant(value);
            put(&mut constants, name, value, span, entry.indented);
        }
        if language == Language::Script {
            for (name, value, range) in constant::picks(text) {
                let span = Span::new(file, range.start, range.end);
                put(&mut constants, &name, value, span, false);
            }
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
            Some(Expression::Joined(parts)) if deep > 0 => self.joined(cx, parts, span, deep - 1),
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

    fn joined(&self, cx: &Cx<'_>, parts: &[Expression], span: Span, deep: u8) -> Text {
        let (mut whole, mut assumed) = (String::new(), false);
        for part in parts {
            let text = self.text(cx, Some(part), span, deep);
            assumed |= text.assumed;
            match text.value {
                Ok(value) => whole.push_str(&value),
                Err(why) => return unknown(why, span),
            }
        }
        Text {
            value: Ok(whole),
            assumed,
            span,
        }
    }
}

/// Name and value of a line that gives a name a value, and whether it makes the name.
fn assigned<'a>(
    entry: &Entry<'a>,
    text: &'a str,
    language: Language,
) -> Option<(&'a str, &'a str, bool)> {
    let (mut name, mut value) = (entry.name, entry.value);
    let mut declared = false;
    while matches!(name, "const" | "let" | "var" | "export") {
        let inner = constant::assignment(value)?;
        (name, value) = (inner.name, inner.value);
        declared = true;
    }
    let between = text[entry.range.start + entry.name.len()..].trim_start();
    if !declared && (!between.starts_with('=') || between.starts_with("==")) {
        return None;
    }
    // An argument by its name on a line of its own.
    let closes = value.matches(')').count() > value.matches('(').count();
    if language == Language::Python && entry.indented && (closes || value.ends_with(',')) {
        return None;
    }
    for kind in [
        "number = ",
        "string = ",
        "string | number = ",
        "number | string = ",
    ] {
        value = value.strip_prefix(kind).unwrap_or(value);
    }
    Some((name, value, declared))
}

/// The bodies of JavaScript's functions that stand at the left edge, in order: each goes on to a bracket at that edge. What
/// is declared in one is its own; one that opens a port is left out.
fn functions(text: &str, language: Language) -> Vec<Range<usize>> {
    if language != Language::Script {
        return Vec::new();
    }
    let mut bodies: Vec<Range<usize>> = Vec::new();
    for (start, _) in text.match_indices("function ") {
        let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let at_edge = matches!(
            &text[line..start],
            "" | "async " | "export " | "export async "
        );
        if !at_edge || bodies.last().is_some_and(|last| last.end > start) {
            continue;
        }
        let end = text[start..]
            .find("\n}")
            .map_or(text.len(), |end| start + end);
        bodies.push(start..end);
    }
    bodies.retain(|body| !text[body.clone()].contains(".listen("));
    bodies
}
