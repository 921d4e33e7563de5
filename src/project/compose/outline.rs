//! What a compose file defines and needs, before anything is merged: enough to tell an overlay from a stack.

use std::collections::HashSet;

use super::reader::Reader;
use crate::syntax::value::{path, volume};
use crate::syntax::yaml::Node;

/// Something that one file needs and another may give.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Need {
    /// What a service is made of.
    Service(String),
    /// A declared network.
    Network(String),
    /// A declared volume.
    Volume(String),
}

/// One file in outline.
#[derive(Debug, Clone, Default)]
pub(super) struct Outline {
    /// Whole services.
    pub(super) whole: HashSet<String>,
    /// Services that say neither image nor build.
    pub(super) partial: HashSet<String>,
    /// Services that others wait for or share something with.
    pub(super) wanted: HashSet<String>,
    /// Declared networks and volumes.
    pub(super) declared: HashSet<Need>,
    /// Networks and named volumes in use.
    pub(super) used: HashSet<Need>,
    /// Paths under `include`, as written.
    pub(super) includes: Vec<String>,
    /// Paths under `extends`, as written.
    pub(super) extends: Vec<String>,
    /// Comments above the first key.
    pub(super) header: String,
}

/// Reads the outline of a file; `None` if it is no compose file. What cannot be read is a gap.
pub(super) fn outline(reader: &mut Reader, path: &str) -> Option<Outline> {
    let (id, parsed) = match reader.yaml(path) {
        Ok(found) => found,
        Err(reason) => {
            reader.gap(path, reason);
            return None;
        }
    };
    let mut outline = Outline::default();
    let mut is_compose = false;
    for document in &parsed.documents {
        let known = [
            "services", "include", "networks", "volumes", "configs", "secrets",
        ];
        is_compose |= known.iter().any(|key| document.get(key).is_some());
        outline.read(document);
    }
    let text = &reader.sources.get(id).text;
    let header = text.lines().take_while(|line| {
        let line = line.trim_start();
        line.is_empty() || line.starts_with('#') || line.starts_with("---")
    });
    outline.header = header.collect::<Vec<_>>().join("\n");
    is_compose.then_some(outline)
}

impl Outline {
    /// What the file does not define itself.
    pub(super) fn needs(&self) -> HashSet<Need> {
        if !self.includes.is_empty() {
            return HashSet::new();
        }
        let services = self
            .partial
            .iter()
            .chain(self.wanted.difference(&self.whole))
            .map(|name| Need::Service(name.clone()));
        services
            .chain(self.used.difference(&self.declared).cloned())
            .collect()
    }

    /// Whether the file defines something.
    pub(super) fn gives(&self, need: &Need) -> bool {
        match need {
            Need::Service(name) => self.whole.contains(name),
            other => self.declared.contains(other),
        }
    }

    /// Whether any service says neither image nor build.
    pub(super) fn has_partial_service(&self) -> bool {
        !self.partial.is_empty()
    }

    fn read(&mut self, document: &Node) {
        for item in document.get("include").and_then(Node::items).unwrap_or(&[]) {
            let written = item.get("path").unwrap_or(item);
            self.includes.extend(texts(written));
        }
        for name in keys(document.get("networks")) {
            self.declared.insert(Need::Network(name));
        }
        for name in keys(document.get("volumes")) {
            self.declared.insert(Need::Volume(name));
        }
        let services = document.get("services").and_then(Node::entries);
        for entry in services.unwrap_or(&[]) {
            self.service(&entry.key.value, &entry.value);
        }
    }

    fn service(&mut self, name: &str, service: &Node) {
        let has = |key: &str| service.get(key).is_some();
        if has("image") || has("build") || has("extends") || has("provider") {
            self.whole.insert(name.to_owned());
        } else {
            self.partial.insert(name.to_owned());
        }
        self.wanted.extend(keys(service.get("depends_on")));
        for network in keys(service.get("networks")) {
            if network != "default" {
                self.used.insert(Need::Network(network));
            }
        }
        let file = service
            .get("extends")
            .and_then(|extends| extends.get("file"));
        self.extends.extend(file.into_iter().flat_map(texts));
        for volume in service.get("volumes").and_then(Node::items).unwrap_or(&[]) {
            self.used.extend(named_volume(volume).map(Need::Volume));
        }
    }
}

fn named_volume(item: &Node) -> Option<String> {
    if item.entries().is_some() {
        let kind = item.get("type")?.scalar()?;
        let source = item.get("source")?.scalar()?;
        let named = kind.text == "volume" && !source.text.contains('$');
        return named.then(|| source.text.clone());
    }
    let text = &item.scalar()?.text;
    if text.contains('$') {
        return None;
    }
    volume::short_volume(text)?
        .source
        .filter(|source| !path::is_path(source))
}

/// Keys of a mapping, or the texts of a list.
fn keys(node: Option<&Node>) -> Vec<String> {
    let Some(node) = node else {
        return Vec::new();
    };
    match node.entries() {
        Some(entries) => entries
            .iter()
            .map(|entry| entry.key.value.clone())
            .collect(),
        None => texts(node)
            .into_iter()
            .filter(|text| !text.contains('$'))
            .collect(),
    }
}

/// The texts of a list, or the one text.
fn texts(node: &Node) -> Vec<String> {
    let one = std::slice::from_ref(node);
    node.items()
        .unwrap_or(one)
        .iter()
        .filter_map(Node::scalar)
        .filter(|scalar| !scalar.is_null())
        .map(|scalar| scalar.text.clone())
        .collect()
}
