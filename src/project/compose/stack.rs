//! From a merged tree to a typed stack.

use std::collections::{HashMap, HashSet};

use super::load::{Merged, Plan};
use super::reader::Reader;
use super::service::service;
use super::tree::{Entry, Tree, Value};
use super::{
    Fault, FileObject, Membership, Network, NetworkMode, Service, Stack, Volume, check,
    consistency, merge,
};
use crate::source::{FileId, Span, Spanned};
use crate::syntax::value::{Text, pair, path};

/// What the reading of a service needs to know around it.
pub(super) struct Around<'s, 'r, 'a> {
    pub(super) reader: &'r mut Reader<'a>,
    pub(super) merged: &'s Merged,
    pub(super) directory: &'s str,
    pub(super) faults: Vec<Fault>,
}

impl Around<'_, '_, '_> {
    /// Folder that a path written at a place starts from.
    pub(super) fn base(&self, span: Span) -> &str {
        let base = self.merged.bases.get(&span.file);
        base.map_or(self.directory, String::as_str)
    }

    /// Keeps what compose would refuse.
    pub(super) fn fault(&mut self, span: Span, message: String) {
        self.faults.push(Fault::new(span, message));
    }
}

/// Reads the tree of a stack.
pub(super) fn stack(reader: &mut Reader, plan: &Plan, merged: &mut Merged) -> Stack {
    merged.broken |= plan.guessed;
    for (_, service) in services_mut(&mut merged.root) {
        merge::unify(service);
    }
    let mut around = Around {
        reader,
        merged,
        directory: &plan.directory,
        faults: merged.faults.clone(),
    };
    let root = &merged.root;
    let mut services: Vec<Service> = check::mapping(&mut around, root, "services")
        .iter()
        .filter_map(|entry| service(&mut around, entry))
        .collect();
    activate(&mut services, &profiles(plan, merged));
    share_containers(&mut services);
    let mut stack = Stack {
        path: plan.path.clone(),
        directory: plan.directory.clone(),
        name: name(plan, merged),
        files: merged.files.clone(),
        guessed: plan.guessed,
        networks: networks(&mut around, root, &services),
        volumes: volumes(&mut around, root),
        configs: objects(&mut around, root, "configs"),
        secrets: objects(&mut around, root, "secrets"),
        services,
        faults: around.faults,
        incomplete: merged.broken,
    };
    let broken = merged.broken;
    stack.faults.extend(check::references(&stack, broken));
    stack.faults.extend(consistency::rings(&stack.services));
    keep_once(&mut stack.faults);
    stack
}

fn services_mut(root: &mut Tree) -> impl Iterator<Item = (&str, &mut Tree)> {
    let entries: &mut [Entry] = match &mut root.value {
        Value::Map(entries) => entries,
        _ => &mut [],
    };
    entries
        .iter_mut()
        .filter(|entry| entry.key.value == "services")
        .filter_map(|entry| match &mut entry.value.value {
            Value::Map(services) => Some(services),
            _ => None,
        })
        .flatten()
        .map(|entry| (entry.key.value.as_str(), &mut entry.value))
}

fn profiles(plan: &Plan, merged: &Merged) -> HashSet<String> {
    let mut active: HashSet<String> = plan.profiles.iter().cloned().collect();
    if let Some((written, _)) = merged.environment.known("COMPOSE_PROFILES") {
        active.extend(pair::name_list(written));
    }
    active
}

fn activate(services: &mut [Service], active: &HashSet<String>) {
    for service in services {
        let wanted = |profile: &Text| {
            profile
                .get()
                .is_none_or(|name| active.contains(name) || active.contains("*"))
        };
        service.inactive = !service.profiles.is_empty() && !service.profiles.iter().any(wanted);
    }
}

/// `network_mode: container:NAME` means a service where one has that container name.
fn share_containers(services: &mut [Service]) {
    let names: HashMap<String, String> = services
        .iter()
        .filter_map(|service| {
            let container = service.container_name.as_ref()?.get()?;
            Some((container.to_owned(), service.name.value.clone()))
        })
        .collect();
    for service in services {
        if let NetworkMode::Container(container) = &service.network_mode.value
            && let Some(owner) = names.get(container)
        {
            service.network_mode.value = NetworkMode::Service(owner.clone());
        }
    }
}

/// `COMPOSE_PROJECT_NAME` over `name:` over the folder's name.
fn name(plan: &Plan, merged: &Merged) -> Option<String> {
    if let Some((written, _)) = merged.environment.known("COMPOSE_PROJECT_NAME") {
        return Some(written.to_owned());
    }
    if let Some(written) = merged.root.get("name") {
        return written.known().map(str::to_owned);
    }
    let folder = path::file_name(&plan.directory).to_ascii_lowercase();
    let kept: String = folder
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    let name = kept.trim_start_matches(['-', '_']);
    (!name.is_empty()).then(|| name.to_owned())
}

fn networks(around: &mut Around, root: &Tree, services: &[Service]) -> Vec<Network> {
    let mut networks: Vec<Network> = check::mapping(around, root, "networks")
        .iter()
        .map(|entry| Network {
            key: entry.key.clone(),
            name: own_name(&entry.value),
            external: is_external(&entry.value),
            internal: entry.value.get("internal").and_then(Tree::boolean) == Some(true),
        })
        .collect();
    let is_default = |member: &&Membership| member.network.value == "default";
    let declared = networks
        .iter()
        .any(|network| network.key.value == "default");
    let used = services
        .iter()
        .flat_map(|service| &service.networks)
        .find(is_default);
    if let (Some(used), false) = (used, declared) {
        networks.push(Network {
            key: used.network.clone(),
            name: None,
            external: false,
            internal: false,
        });
    }
    networks
}

fn volumes(around: &mut Around, root: &Tree) -> Vec<Volume> {
    check::mapping(around, root, "volumes")
        .iter()
        .map(|entry| Volume {
            key: entry.key.clone(),
            name: own_name(&entry.value),
            external: is_external(&entry.value),
        })
        .collect()
}

fn objects(around: &mut Around, root: &Tree, kind: &str) -> Vec<FileObject> {
    check::mapping(around, root, kind)
        .iter()
        .map(|entry| FileObject {
            key: entry.key.clone(),
            file: entry
                .value
                .get("file")
                .and_then(Tree::text)
                .map(|text| below_root(text, around.base(text.span))),
            content: entry.value.get("content").and_then(Tree::text).cloned(),
        })
        .collect()
}

/// A written path as one below the root.
pub(super) fn below_root(text: &Text, base: &str) -> Text {
    let value = match &text.value {
        Ok(written) => match path::resolve(base, written) {
            path::Place::Inside(path) => Ok(path),
            path::Place::Outside(path) => Err(format!("{path} is outside the root")),
        },
        Err(why) => Err(why.clone()),
    };
    Text {
        value,
        ..text.clone()
    }
}

/// `name:`, or the name that the old form of `external:` gives.
fn own_name(tree: &Tree) -> Option<Text> {
    let written = tree.get("name").or_else(|| tree.at(&["external", "name"]));
    written.and_then(Tree::text).cloned()
}

fn is_external(tree: &Tree) -> bool {
    tree.get("external")
        .is_some_and(|external| external.boolean() == Some(true) || !external.entries().is_empty())
}

/// What two files or two services share is said once.
fn keep_once(faults: &mut Vec<Fault>) {
    let mut seen: HashMap<(FileId, u32), HashSet<String>> = HashMap::new();
    faults.retain(|fault| {
        let at = (fault.span.file, fault.span.start);
        seen.entry(at).or_default().insert(fault.message.clone())
    });
}

/// A span from a key to the end of its value, if both lie in one file.
pub(super) fn whole(key: &Spanned<String>, value: &Tree) -> Span {
    if key.span.file == value.span.file && key.span.start <= value.span.start {
        key.span.to(value.span)
    } else {
        key.span
    }
}
