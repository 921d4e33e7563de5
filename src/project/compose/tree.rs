//! The tree that files are merged in: YAML whose scalars are filled in, each value with the place it came from.

use crate::source::{Span, Spanned};
use crate::syntax::value::interpolation::{Lookup, interpolate};
use crate::syntax::value::{HOLE, Text};
use crate::syntax::yaml;

/// One value.
#[derive(Debug, Clone)]
pub struct Tree {
    /// What it is.
    pub value: Value,
    /// Where it is written.
    pub span: Span,
    /// What a merge does with it.
    pub(super) tag: Option<Tag>,
}

/// The three kinds of value.
#[derive(Debug, Clone)]
pub enum Value {
    /// A string, number, boolean or null.
    Scalar(Scalar),
    /// A list.
    List(Vec<Tree>),
    /// A mapping, every key once.
    Map(Vec<Entry>),
}

/// A filled scalar.
#[derive(Debug, Clone)]
pub struct Scalar {
    /// Its text.
    pub text: Text,
    /// The text with [`HOLE`] for every value that is unknown.
    pub partial: String,
    /// Without quotes.
    pub plain: bool,
    /// Whether a variable gave a part of it: then it is a text, an empty one as well.
    pub filled: bool,
}

/// One key with its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: Spanned<String>,
    /// The value.
    pub value: Tree,
}

/// Compose's own tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// `!reset`: the key is removed.
    Reset,
    /// `!override`: the value replaces instead of being merged.
    Override,
}

/// A scalar that compose would refuse, or that it demands a variable for.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    /// Broken interpolation.
    Invalid(Span),
    /// `${NAME:?message}` and nothing sets it.
    Required(Span, String, String),
}

/// Fills every scalar of a node.
pub(super) fn fill(node: &yaml::Node, lookup: &Lookup, troubles: &mut Vec<Trouble>) -> Tree {
    let value = match &node.value {
        yaml::Value::Scalar(scalar) => Value::Scalar(filled(scalar, node.span, lookup, troubles)),
        yaml::Value::Sequence(items) => Value::List(
            items
                .iter()
                .map(|item| fill(item, lookup, troubles))
                .collect(),
        ),
        // `image: {{ name }}`: YAML reads a template as a mapping in a mapping.
        yaml::Value::Mapping(entries) if is_template(entries) => Value::Scalar(Scalar {
            text: Text::unknown("a template fills it", node.span),
            partial: HOLE.to_string(),
            plain: true,
            filled: true,
        }),
        yaml::Value::Mapping(entries) => Value::Map(
            entries
                .iter()
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    value: fill(&entry.value, lookup, troubles),
                })
                .collect(),
        ),
    };
    Tree {
        value,
        span: node.span,
        tag: match node.tag.as_deref() {
            Some("!reset") => Some(Tag::Reset),
            Some("!override") => Some(Tag::Override),
            _ => None,
        },
    }
}

fn is_template(entries: &[yaml::Entry]) -> bool {
    matches!(entries, [only] if only.key.value.starts_with('{'))
}

/// Whether Ansible or the like fills a part of a text: `{{ port }}:80`. `{{.Node.Hostname}}` is left to swarm.
fn names_jinja(text: &str) -> bool {
    text.match_indices("{{").any(|(at, open)| {
        let inside = text[at + open.len()..].trim_start_matches(['-', ' ']);
        inside.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
    })
}

fn filled(
    scalar: &yaml::Scalar,
    span: Span,
    lookup: &Lookup,
    troubles: &mut Vec<Trouble>,
) -> Scalar {
    if names_jinja(&scalar.text) {
        return Scalar {
            text: Text::unknown("a template fills it", span),
            partial: String::new(),
            plain: scalar.plain,
            filled: true,
        };
    }
    if !scalar.text.contains('$') {
        return Scalar {
            text: Text::known(scalar.text.clone(), span),
            partial: scalar.text.clone(),
            plain: scalar.plain,
            filled: false,
        };
    }
    // Compose is called in the project's folder, so that a path may start with it.
    let in_folder = ["$PWD", "${PWD}", "${PWD:-"]
        .iter()
        .any(|start| scalar.text.starts_with(start));
    let filled = interpolate(&scalar.text, &|name| match lookup(name) {
        None if in_folder && name == "PWD" => Some(Ok(".".to_owned())),
        found => found,
    });
    if filled.invalid {
        troubles.push(Trouble::Invalid(span));
    }
    for (name, message) in filled.required {
        troubles.push(Trouble::Required(span, name, message));
    }
    Scalar {
        text: Text {
            value: filled.value,
            assumed: filled.assumed || in_folder,
            span,
        },
        partial: filled.partial,
        plain: scalar.plain,
        filled: true,
    }
}

impl Tree {
    /// An empty mapping.
    pub(super) fn map(entries: Vec<Entry>, span: Span) -> Self {
        Self {
            value: Value::Map(entries),
            span,
            tag: None,
        }
    }

    /// A plain scalar.
    pub(super) fn plain(text: Text) -> Self {
        Self {
            span: text.span,
            tag: None,
            value: Value::Scalar(Scalar {
                partial: text.get().unwrap_or_default().to_owned(),
                plain: true,
                filled: false,
                text,
            }),
        }
    }

    /// The entries; none if it is no mapping.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items; none if it is no list.
    pub fn items(&self) -> &[Tree] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The items of a list, or the one scalar that stands for a list.
    pub fn one_or_many(&self) -> Vec<&Tree> {
        match &self.value {
            Value::List(items) => items.iter().collect(),
            Value::Scalar(_) if !self.is_null() => vec![self],
            _ => Vec::new(),
        }
    }

    /// The scalar, if it is one and not null.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) if !scalar.is_null() => Some(scalar),
            _ => None,
        }
    }

    /// The text, if it is a scalar and not null.
    pub fn text(&self) -> Option<&Text> {
        self.scalar().map(|scalar| &scalar.text)
    }

    /// The text, if it is known.
    pub fn known(&self) -> Option<&str> {
        self.text().and_then(Text::get)
    }

    /// The boolean, if it is one.
    pub fn boolean(&self) -> Option<bool> {
        let text = self.known()?.to_owned();
        yaml::Scalar { text, plain: true }.boolean()
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.is_null())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        self.entries()
            .iter()
            .find(|entry| entry.key.value == key)
            .map(|entry| &entry.value)
    }

    /// The value below several keys.
    pub fn at(&self, keys: &[&str]) -> Option<&Tree> {
        keys.iter().try_fold(self, |tree, key| tree.get(key))
    }

    /// What kind of value it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) if scalar.is_null() => "null",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

impl Scalar {
    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.plain
            && !self.filled
            && self.text.value.is_ok()
            && matches!(self.partial.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// A part of the text: unknown if a hole is in it.
    pub(super) fn part(&self, part: &str) -> Text {
        let value = match &self.text.value {
            Err(why) if part.contains(HOLE) => Err(why.clone()),
            _ => Ok(part.to_owned()),
        };
        Text {
            value,
            assumed: self.text.assumed,
            span: self.text.span,
        }
    }
}
