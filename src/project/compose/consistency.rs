//! What compose-go refuses in a service although every key of it has a known type: keys that exclude each other, and
//! names that it does not know. `loader/validate.go` and `schema/compose-spec.json` of compose-go are the source.

use std::collections::HashMap;

use super::stack::Around;
use super::tree::{Entry, Tree, Value};
use super::{Fault, Service};
use crate::source::Span;

/// The keys of a service that the specification has, those of older files included.
const KEYS: &str = "annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs \
    container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset \
    credential_spec depends_on deploy develop device_cgroup_rules devices dns dns_opt dns_search dockerfile \
    domainname entrypoint env_file environment expose extends external_links extra_hosts gpus group_add healthcheck \
    hostname image init ipc isolation label_file labels links log_driver log_opt logging mac_address mem_limit \
    mem_reservation mem_swappiness memswap_limit models net network_mode networks oom_kill_disable oom_score_adj \
    pid pids_limit platform ports post_start pre_stop privileged profiles provider pull_policy pull_refresh_after \
    read_only restart runtime scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal \
    storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volume_driver volumes volumes_from \
    working_dir";

/// What a dependency may wait for.
const CONDITIONS: [&str; 3] = [
    "service_started",
    "service_healthy",
    "service_completed_successfully",
];

/// The faults of one service.
pub(super) fn service(around: &mut Around, name: &str, service: &Tree) {
    unknown_keys(around, name, service);
    list_items(around, name, service);
    conditions(around, name, service);
    first_word(around, name, service);
    exclusive(around, name, service);
    copies(around, name, service);
}

/// A key that the specification lacks, where it is one slip away from one that it has. Others may be newer than this list.
fn unknown_keys(around: &mut Around, name: &str, service: &Tree) {
    for entry in service.entries() {
        let key = entry.key.value.as_str();
        // plain: the list above, with blanks between
        let mut known = KEYS.split_whitespace();
        if key.len() < 4 || key.starts_with("x-") || known.clone().any(|known| known == key) {
            continue;
        }
        if let Some(meant) = known.find(|known| is_slip(key, known)) {
            let message =
                format!("compose knows no key {key} in service {name}: {meant} is the nearest");
            around.fault(entry.key.span, message);
        }
    }
}

/// Whether one letter too many, too few, another, or two that changed places make one word of the other.
fn is_slip(written: &str, known: &str) -> bool {
    let (ours, theirs) = (written.as_bytes(), known.as_bytes());
    let same = ours.iter().zip(theirs).take_while(|(a, b)| a == b).count();
    let (ours, theirs) = (&ours[same..], &theirs[same..]);
    let swapped = match (ours, theirs) {
        ([first, second, ..], [one, other, ..]) => {
            first == other && second == one && ours[2..] == theirs[2..]
        }
        _ => false,
    };
    let without = |rest: &[u8]| rest.get(1..).map(<[u8]>::to_vec);
    let (short, shorter) = (without(ours), without(theirs));
    swapped
        || short.is_some() && short == shorter
        || short.as_deref() == Some(theirs)
        || shorter.as_deref() == Some(ours)
}

/// `- NAME: value` in a list is a mapping, and `- NAME:` is one whose value is null.
fn list_items(around: &mut Around, name: &str, service: &Tree) {
    for key in ["environment", "labels", "annotations", "sysctls"] {
        for item in service.get(key).map_or(&[][..], Tree::items) {
            let Value::Map(entries) = &item.value else {
                continue;
            };
            let inside = entries.first().map_or("", |entry| &entry.key.value);
            let message = format!(
                "an item of {key} of service {name} is a mapping: a list holds {inside}=value"
            );
            around.fault(item.span, message);
        }
    }
}

/// The long form of `depends_on` needs a condition, and one that compose knows.
fn conditions(around: &mut Around, name: &str, service: &Tree) {
    let written = service.get("depends_on").map_or(&[][..], Tree::entries);
    for Entry { key, value } in written {
        let other = &key.value;
        // A name of the short form that was merged stands for itself.
        let short = value.span == key.span;
        match value.get("condition") {
            None if !short && (value.is_null() || !value.items().is_empty() || is_map(value)) => {
                let message = format!(
                    "service {name} waits for {other} without a condition, which the long form needs"
                );
                around.fault(key.span, message);
            }
            Some(condition) => {
                let unknown = condition
                    .known()
                    .filter(|known| !CONDITIONS.contains(known));
                if let Some(unknown) = unknown {
                    let message = format!(
                        "service {name} waits for {other} to be {unknown}: compose knows {}, {} and {}",
                        CONDITIONS[0], CONDITIONS[1], CONDITIONS[2]
                    );
                    around.fault(condition.span, message);
                }
            }
            None => {}
        }
    }
}

fn is_map(tree: &Tree) -> bool {
    matches!(tree.value, Value::Map(_))
}

/// A list of `healthcheck.test` says by its first word who runs it.
fn first_word(around: &mut Around, name: &str, service: &Tree) {
    let Some(first) = service
        .at(&["healthcheck", "test"])
        .and_then(|test| test.items().first())
    else {
        return;
    };
    let wrong = first
        .known()
        .filter(|word| !matches!(*word, "CMD" | "CMD-SHELL" | "NONE"));
    if let Some(word) = wrong {
        let message = format!(
            "the healthcheck of service {name} begins with {word}: a list begins with CMD, CMD-SHELL or NONE"
        );
        around.fault(first.span, message);
    }
}

/// Pairs of keys of which compose takes one.
fn exclusive(around: &mut Around, name: &str, service: &Tree) {
    let has = |tree: &Tree| !tree.is_null() && (tree.scalar().is_some() || has_any(tree));
    let both = |one: &[&str], other: &[&str]| {
        let one = service.at(one).filter(|tree| has(tree))?.span;
        service.at(other).filter(|tree| has(tree))?;
        Some(one)
    };
    let pairs = [
        both(&["network_mode"], &["networks"]).map(|span| (span, "network_mode", "networks")),
        both(&["build", "dockerfile_inline"], &["build", "dockerfile"])
            .map(|span| (span, "dockerfile_inline", "dockerfile")),
    ];
    for (span, one, other) in pairs.into_iter().flatten() {
        let message =
            format!("service {name} has both {one} and {other}, which exclude each other");
        around.fault(span, message);
    }
}

fn has_any(tree: &Tree) -> bool {
    !tree.entries().is_empty() || !tree.items().is_empty()
}

/// How often a service runs: said twice in different words, or more often than its one name allows.
fn copies(around: &mut Around, name: &str, service: &Tree) {
    let number = |tree: &Tree| tree.known()?.parse::<u32>().ok();
    let (scale, replicas) = (service.get("scale"), service.at(&["deploy", "replicas"]));
    if let (Some(scale), Some(replicas)) = (scale, replicas)
        && let (Some(a), Some(b)) = (number(scale), number(replicas))
        && a != b
    {
        let message = format!("service {name} has scale {a} and deploy.replicas {b}");
        around.fault(scale.span, message);
        return;
    }
    let Some(copies) = scale
        .or(replicas)
        .and_then(number)
        .filter(|copies| *copies > 1)
    else {
        return;
    };
    // A swarm leaves the name out.
    let swarm = super::service::swarm(service).is_some_and(|swarm| swarm.certain);
    if let Some(own) = service.get("container_name").filter(|own| !own.is_null())
        && !swarm
    {
        let message =
            format!("service {name} is to run {copies} times, and has one container_name");
        around.fault(own.span, message);
    }
}

/// Services that wait for each other in a ring, each ring once.
pub(super) fn rings(services: &[Service]) -> Vec<Fault> {
    let at: HashMap<&str, usize> = services
        .iter()
        .enumerate()
        .map(|(at, service)| (service.name.value.as_str(), at))
        .collect();
    let mut state = vec![State::New; services.len()];
    let mut faults = Vec::new();
    for start in 0..services.len() {
        let mut way: Vec<(usize, usize)> = Vec::new();
        if state[start] == State::New {
            state[start] = State::Open;
            way.push((start, 0));
        }
        while let Some((here, next)) = way.last().copied() {
            let Some(dependency) = services[here].depends_on.get(next) else {
                state[here] = State::Done;
                way.pop();
                continue;
            };
            if let Some(top) = way.last_mut() {
                top.1 += 1;
            }
            let Some(&other) = at.get(dependency.service.value.as_str()) else {
                continue;
            };
            match state[other] {
                State::New => {
                    state[other] = State::Open;
                    way.push((other, 0));
                }
                State::Open => {
                    let from = way.iter().position(|(one, _)| *one == other).unwrap_or(0);
                    let ring: Vec<&str> = way[from..]
                        .iter()
                        .map(|(one, _)| services[*one].name.value.as_str())
                        .collect();
                    faults.push(ring_fault(&ring, dependency.service.span));
                }
                State::Done => {}
            }
        }
    }
    faults
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

fn ring_fault(ring: &[&str], span: Span) -> Fault {
    let message = match ring {
        [one] => format!("service {one} waits for itself"),
        [first, rest @ ..] => format!(
            "service {first} waits for {}, and so for itself",
            rest.join(", which waits for ")
        ),
        [] => String::new(),
    };
    Fault::new(span, message)
}

#[cfg(test)]
mod tests {
    use super::is_slip;

    #[test]
    fn one_slip_is_told_from_two() {
        for (written, known) in [
            ("enviroment", "environment"),
            ("volume", "volumes"),
            ("imgae", "image"),
            ("porst", "ports"),
            ("depends-on", "depends_on"),
            ("commands", "command"),
        ] {
            assert!(is_slip(written, known), "{written} {known}");
        }
        for (written, known) in [
            ("env", "environment"),
            ("deploys_", "deploy"),
            ("host", "ports"),
        ] {
            assert!(!is_slip(written, known), "{written} {known}");
        }
    }
}
