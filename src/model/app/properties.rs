//! Settings files of the JVM, of TOML and of YAML, all as flat names: `server.port`, `uwsgi.http-socket`.

use super::cx::{Cx, Read, unknown};
use crate::source::{FileId, Span};
use crate::syntax::constant::{self, Expression};
use crate::syntax::value::Text;
use crate::syntax::yaml::{self, Node, Value};

/// What files say, the strongest last.
#[derive(Default)]
pub(super) struct Properties {
    told: Vec<(String, Text)>,
    /// Why a name may be set in a way that is not seen.
    pub(super) open: Option<String>,
}

impl Properties {
    /// Adds a file if it is there; whether it was. The kind is told by its name.
    pub(super) fn add(&mut self, cx: &mut Cx<'_>, path: &str) -> bool {
        let Read::Text(id, text) = cx.source(path) else {
            return false;
        };
        let kind = crate::syntax::value::path::has_extension;
        if kind(path, &["yml", "yaml"]) {
            self.yaml(id, &text);
        } else {
            self.lines(cx, id, &text, kind(path, &["toml"]));
        }
        true
    }

    /// `name = value`, with the section in front in TOML.
    fn lines(&mut self, cx: &Cx<'_>, id: FileId, text: &str, is_toml: bool) {
        for entry in constant::settings(text) {
            let span = Span::new(id, entry.range.start, entry.range.end);
            let name = match (is_toml, entry.section) {
                (true, section) if !section.is_empty() => format!("{section}.{}", entry.name),
                _ => entry.name.to_owned(),
            };
            let told = if is_toml {
                plain(constant::constant(entry.value), span)
            } else {
                placeholder(cx, entry.value, span)
            };
            self.told.push((name, told));
        }
    }

    fn yaml(&mut self, id: FileId, text: &str) {
        let parsed = yaml::parse(id, text);
        if !parsed.errors.is_empty() {
            self.open
                .get_or_insert_with(|| "a settings file has errors".to_owned());
        }
        for (at, document) in parsed.documents.iter().enumerate() {
            let mut told = Vec::new();
            flatten(document, String::new(), &mut told);
            // A further document may be of a profile.
            if at > 0 {
                for (_, text) in &mut told {
                    *text = unknown("a profile may set it", text.span);
                }
            }
            self.told.extend(told);
        }
    }

    /// What is said of a name; relaxed: dashes, underscores and case mean nothing.
    pub(super) fn get(&self, cx: &Cx<'_>, name: &str) -> Option<Result<Text, String>> {
        let wanted = relaxed(name);
        let found = self
            .told
            .iter()
            .rev()
            .find(|(key, _)| relaxed(key) == wanted);
        match (found, &self.open) {
            (Some((_, text)), _) => Some(Ok(match text.get() {
                Some(raw) => placeholder(cx, raw, text.span),
                None => text.clone(),
            })),
            (None, Some(why)) => Some(Err(why.clone())),
            (None, None) => None,
        }
    }

    /// Every name that begins so, without that beginning.
    pub(super) fn below(self, prefix: &str) -> Vec<(String, Text)> {
        let told = self.told.into_iter();
        told.filter_map(|(key, text)| Some((key.strip_prefix(prefix)?.to_owned(), text)))
            .collect()
    }

    /// Whether any name begins so.
    pub(super) fn has(&self, prefix: &str) -> bool {
        self.told.iter().any(|(key, _)| key.starts_with(prefix))
    }
}

fn relaxed(name: &str) -> String {
    let kept = name.chars().filter(|c| !matches!(c, '-' | '_'));
    kept.collect::<String>().to_ascii_lowercase()
}

fn flatten(node: &Node, name: String, told: &mut Vec<(String, Text)>) {
    match &node.value {
        Value::Scalar(scalar) => told.push((name, Text::known(scalar.text.clone(), node.span))),
        Value::Sequence(items) => {
            for item in items {
                flatten(item, name.clone(), told);
            }
        }
        // `docker: {}` names a part and says nothing of it.
        Value::Mapping(entries) if entries.is_empty() => {
            told.push((name, Text::known("", node.span)));
        }
        Value::Mapping(entries) => {
            for entry in entries {
                let key = &entry.key.value;
                let name = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}.{key}")
                };
                flatten(&entry.value, name, told);
            }
        }
    }
}

fn plain(expression: Option<Expression>, span: Span) -> Text {
    match expression {
        Some(Expression::Number(number)) => Text::known(number.to_string(), span),
        Some(Expression::Text(text)) => Text::known(text, span),
        Some(Expression::List(items)) if items.len() == 1 => plain(items.into_iter().next(), span),
        _ => unknown("it is not a plain constant", span),
    }
}

/// `${PORT:8081}`: a variable of the environment, and what is taken without it.
fn placeholder(cx: &Cx<'_>, raw: &str, span: Span) -> Text {
    let raw = raw.trim();
    let Some(inner) = raw
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
    else {
        if raw.contains("${") {
            return unknown("it is put together from several", span);
        }
        return Text::known(raw, span);
    };
    // plain: Spring cuts at the first `:`, and a nested placeholder is no plain value below
    let (name, fallback) = match inner.split_once(':') {
        Some((name, fallback)) => (name, Some(fallback)),
        None => (inner, None),
    };
    match (cx.env(name), fallback) {
        (Some(text), _) => text,
        (None, Some(fallback)) if !fallback.contains("${") => Text::known(fallback, span),
        _ => unknown(format!("{name} is set nowhere"), span),
    }
}
