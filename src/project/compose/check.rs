//! What compose itself would refuse, as data for a rule. What is unknown is never refused.

use std::collections::HashSet;

use super::stack::Around;
use super::tree::{Entry, Tree, Value};
use super::{Fault, MountSource, NetworkMode, Service, Stack};
use crate::source::Span;
use crate::syntax::value::Text;

/// The entries of a top-level mapping; anything else is a fault.
pub(super) fn mapping<'t>(around: &mut Around, root: &'t Tree, key: &str) -> &'t [Entry] {
    let Some(tree) = root.get(key) else {
        return &[];
    };
    if !matches!(tree.value, Value::Map(_)) && !tree.is_null() && is_known(tree) {
        let message = format!("{key} must be a mapping, and is {}", tree.kind());
        around.fault(tree.span, message);
    }
    tree.entries()
}

/// The faults in the types of a service's own keys.
pub(super) fn types(around: &mut Around, name: &str, service: &Tree) {
    for entry in service.entries() {
        let tree = &entry.value;
        let (fits, wanted) = match entry.key.value.as_str() {
            "image" => (tree.scalar().is_some(), "a text"),
            "ports" | "volumes" | "expose" | "configs" | "secrets" | "links" | "profiles"
            | "cap_add" | "cap_drop" | "devices" => (is_list(tree) || tree.is_null(), "a list"),
            "environment" | "depends_on" | "networks" | "labels" | "extra_hosts" | "sysctls" => (
                is_list(tree) || is_map(tree) || tree.is_null(),
                "a list or a mapping",
            ),
            "healthcheck" | "deploy" | "logging" => (is_map(tree) || tree.is_null(), "a mapping"),
            "build" => (!is_list(tree) && !tree.is_null(), "a path or a mapping"),
            "command" | "entrypoint" | "env_file" | "tmpfs" | "dns" => {
                (!is_map(tree), "a text or a list")
            }
            "container_name" | "hostname" | "restart" | "network_mode" | "user" | "working_dir" => {
                (!is_list(tree) && !is_map(tree), "a text")
            }
            _ => continue,
        };
        if !fits && is_known(tree) {
            let key = &entry.key.value;
            let message = format!(
                "{key} of service {name} must be {wanted}, and is {}",
                tree.kind()
            );
            let span = if tree.is_null() {
                entry.key.span
            } else {
                tree.span
            };
            around.fault(span, message);
        }
    }
}

/// What the services of a stack name and nothing defines. After a syntax error or an unread file nothing is missing
/// for sure.
pub(super) fn references(stack: &Stack, broken: bool) -> Vec<Fault> {
    if broken {
        return Vec::new();
    }
    let set = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<HashSet<_>>();
    let known = Known {
        services: set(stack
            .services
            .iter()
            .map(|one| one.name.value.as_str())
            .collect()),
        networks: set(stack
            .networks
            .iter()
            .map(|one| one.key.value.as_str())
            .collect()),
        volumes: set(stack
            .volumes
            .iter()
            .map(|one| one.key.value.as_str())
            .collect()),
        objects: set(stack
            .configs
            .iter()
            .chain(&stack.secrets)
            .map(|one| one.key.value.as_str())
            .collect()),
    };
    let mut faults = Vec::new();
    for service in &stack.services {
        known.check(service, &mut faults);
    }
    faults
}

struct Known {
    services: HashSet<String>,
    networks: HashSet<String>,
    volumes: HashSet<String>,
    objects: HashSet<String>,
}

impl Known {
    fn check(&self, service: &Service, faults: &mut Vec<Fault>) {
        let name = &service.name.value;
        for member in &service.networks {
            let network = &member.network;
            if !self.networks.contains(&network.value) {
                faults.push(missing(
                    name,
                    network.span,
                    "network",
                    &network.value,
                    "networks",
                ));
            }
        }
        for mount in &service.mounts {
            let at = mount.span;
            faults.push(match &mount.source {
                MountSource::Volume(key) if !self.volumes.contains(key) => {
                    missing(name, at, "volume", key, "volumes")
                }
                MountSource::Object(key) if !self.objects.contains(key) => {
                    missing(name, at, "config or secret", key, "configs or secrets")
                }
                _ => continue,
            });
        }
        for dependency in &service.depends_on {
            let wanted = &dependency.service;
            if !self.services.contains(&wanted.value) {
                faults.push(missing(
                    name,
                    wanted.span,
                    "service",
                    &wanted.value,
                    "services",
                ));
            }
        }
        if let NetworkMode::Service(other) = &service.network_mode.value
            && !self.services.contains(other)
        {
            let at = service.network_mode.span;
            faults.push(missing(name, at, "service", other, "services"));
        }
    }
}

/// A text that names nothing known is unknown, not wrong.
fn is_known(tree: &Tree) -> bool {
    match &tree.value {
        Value::Scalar(scalar) => scalar.text.get().is_some(),
        _ => true,
    }
}

fn is_list(tree: &Tree) -> bool {
    matches!(tree.value, Value::List(_))
}

fn is_map(tree: &Tree) -> bool {
    matches!(tree.value, Value::Map(_))
}

fn missing(service: &str, span: Span, kind: &str, name: &str, under: &str) -> Fault {
    let message =
        format!("service {service} names the {kind} {name}, which is not declared under {under}");
    Fault {
        about: Some(format!("{kind} {name}")),
        ..Fault::new(span, message)
    }
}

/// A service that nothing can be started from.
pub(super) fn origin(around: &mut Around, service: &Service, tree: &Tree, key: Span) {
    let made = service.image.is_some() || service.build.is_some();
    // An `extends` that is left could not be followed; a provider or another key may start it.
    let elsewhere = ["extends", "provider", "image"]
        .iter()
        .any(|key| tree.get(key).is_some());
    if !made && !elsewhere && !around.merged.broken {
        let message = format!(
            "service {} has neither an image nor a build",
            service.name.value
        );
        around.fault(key, message);
    }
}

/// A value that fits no known form.
pub(super) fn form(around: &mut Around, text: &Text, service: &str, what: &str) {
    if let Some(known) = text.get() {
        let message = format!("{known} of service {service} is no {what}");
        around.fault(text.span, message);
    }
}
