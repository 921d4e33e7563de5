//! One service of a merged tree, every key in its short and its long form.

mod environment;
mod mounts;
mod networks;
mod ports;

use super::stack::{Around, below_root, whole};
use super::tree::{Entry, Scalar, Tree, Value};
use super::{Build, Command, Dependency, Healthcheck, Service, Swarm, check, consistency, merge};
use crate::source::{Span, Spanned};
use crate::syntax::value::{Text, path, quantity};

/// Reads a service; a null or anything but a mapping is a fault.
pub(super) fn service(around: &mut Around, entry: &Entry) -> Option<Service> {
    let name = &entry.key;
    let tree = &entry.value;
    if !matches!(tree.value, Value::Map(_)) {
        let message = format!(
            "service {} must be a mapping, and is {}",
            name.value,
            tree.kind()
        );
        around.fault(name.span, message);
        return None;
    }
    check::types(around, &name.value, tree);
    consistency::service(around, &name.value, tree);
    let text = |key: &str| tree.get(key).and_then(Tree::text).cloned();
    let environment = environment::read(around, tree);
    let network_mode = networks::mode(tree, name.span);
    let service = Service {
        name: name.clone(),
        span: whole(name, tree),
        image: text("image"),
        build: build(around, tree.get("build")),
        command: tree.get("command").and_then(command),
        entrypoint: tree.get("entrypoint").and_then(command),
        environment: environment.variables,
        environment_open: environment.open,
        ports: ports::read(around, &name.value, tree),
        mounts: mounts::read(around, &name.value, tree),
        networks: networks::read(tree, name, &network_mode.value),
        network_mode,
        depends_on: depends_on(tree),
        healthcheck: healthcheck(tree),
        restart: restart(tree),
        container_name: text("container_name"),
        hostname: text("hostname"),
        links: networks::links(tree),
        extra_hosts: networks::extra_hosts(tree),
        profiles: texts(tree.get("profiles")),
        inactive: false,
        replicas: replicas(tree),
        stop_signal: text("stop_signal"),
        stop_grace_ms: number(tree.get("stop_grace_period"), quantity::duration_ms),
        init: tree.get("init").and_then(Tree::boolean) == Some(true),
        read_only: read_only(tree),
        working_dir: text("working_dir"),
        user: text("user"),
        groups: texts(tree.get("group_add")),
        expose: texts(tree.get("expose")),
        open_files: open_files(tree),
        longest_queue: longest_queue(tree),
        memory_limit: limit(tree).and_then(|limit| number(Some(limit), quantity::byte_size)),
        limits_memory: limit(tree).is_some(),
        swarm: swarm(tree),
        labels: labels(tree.get("labels")),
        swarm_labels: labels(tree.at(&["deploy", "labels"])),
    };
    check::origin(around, &service, tree, name.span);
    Some(service)
}

fn build(around: &Around, tree: Option<&Tree>) -> Option<Build> {
    let tree = tree.filter(|tree| !tree.is_null())?;
    let written = match tree.get("context") {
        Some(context) => context.text().cloned(),
        None => Some(tree.text().cloned().unwrap_or(Text::known(".", tree.span))),
    };
    let context = written.map(|written| {
        if written.get().is_some_and(path::is_url) {
            let why = format!(
                "the build context {} is fetched",
                written.get().unwrap_or("")
            );
            return Text::unknown(why, written.span);
        }
        below_root(&written, around.base(written.span))
    });
    let text = |key: &str| tree.get(key).and_then(Tree::text).cloned();
    let dockerfile = text("dockerfile").map(|file| match &context {
        Some(Text {
            value: Ok(folder), ..
        }) => below_root(&file, folder),
        _ => Text::unknown("its build context is unknown", file.span),
    });
    let args = tree.get("args").cloned().map(merge::assignments);
    Some(Build {
        context,
        dockerfile,
        inline: text("dockerfile_inline"),
        target: text("target"),
        args: args.as_ref().map(pairs).unwrap_or_default(),
    })
}

/// Entries with their texts; a null is a value from elsewhere.
fn pairs(map: &Tree) -> Vec<(Spanned<String>, Option<Text>)> {
    map.entries()
        .iter()
        .map(|entry| (entry.key.clone(), entry.value.text().cloned()))
        .collect()
}

fn read_only(tree: &Tree) -> Option<Span> {
    let written = tree.get("read_only")?;
    (written.boolean() == Some(true)).then_some(written.span)
}

/// A label without a value is empty.
fn labels(tree: Option<&Tree>) -> Vec<(Spanned<String>, Text)> {
    let map = tree.cloned().map(merge::assignments);
    let pairs = map.as_ref().map(pairs).unwrap_or_default();
    let filled = pairs.into_iter().map(|(key, value)| {
        let value = value.unwrap_or_else(|| Text::known("", key.span));
        (key, value)
    });
    filled.collect()
}

/// A string is split into words by compose; a list is taken as it is. Null leaves the image's own.
fn command(tree: &Tree) -> Option<Command> {
    match &tree.value {
        Value::List(items) => Some(Command::Exec(items.iter().filter_map(word).collect())),
        Value::Scalar(scalar) if !scalar.is_null() => {
            if scalar.text.get() == Some("") {
                return Some(Command::Exec(Vec::new()));
            }
            Some(Command::Shell(scalar.text.clone()))
        }
        _ => None,
    }
}

fn word(item: &Tree) -> Option<Text> {
    match &item.value {
        Value::Scalar(scalar) => Some(scalar.text.clone()),
        _ => None,
    }
}

fn depends_on(tree: &Tree) -> Vec<Dependency> {
    let Some(written) = tree.get("depends_on").cloned().map(merge::names) else {
        return Vec::new();
    };
    written
        .entries()
        .iter()
        .map(|entry| {
            let condition = entry.value.get("condition").and_then(Tree::text);
            Dependency {
                service: entry.key.clone(),
                condition: condition
                    .and_then(Text::spanned)
                    .unwrap_or_else(|| Spanned::new("service_started".to_owned(), entry.key.span)),
                short: entry.value.entries().is_empty(),
            }
        })
        .collect()
}

fn healthcheck(tree: &Tree) -> Option<Healthcheck> {
    let written = tree.get("healthcheck").filter(|tree| !tree.is_null())?;
    let test = written.get("test");
    let first = test
        .and_then(|test| test.items().first())
        .and_then(Tree::known);
    let rest = || test.map_or(&[][..], |test| test.items().get(1..).unwrap_or(&[]));
    let disabled = written.get("disable").and_then(Tree::boolean) == Some(true)
        || first == Some("NONE")
        || test.and_then(Tree::known) == Some("NONE");
    let test = match first {
        _ if disabled => None,
        Some("CMD") => Some(Command::Exec(rest().iter().filter_map(word).collect())),
        Some("CMD-SHELL") => rest().first().and_then(word).map(Command::Shell),
        _ => test.and_then(command),
    };
    Some(Healthcheck {
        disabled,
        test,
        span: written.span,
    })
}

/// `deploy.restart_policy` wins where both are written, in compose's own words for it.
fn restart(tree: &Tree) -> Option<Text> {
    if let Some(condition) = tree
        .at(&["deploy", "restart_policy", "condition"])
        .and_then(Tree::text)
    {
        let word = condition.value.clone().map(|word| match word.as_str() {
            "none" => "no".to_owned(),
            "any" => "always".to_owned(),
            _ => word,
        });
        return Some(Text {
            value: word,
            ..condition.clone()
        });
    }
    // Swarm reads a policy without a condition as `any`, compose as none at all.
    if let Some(policy) = tree.at(&["deploy", "restart_policy"])
        && !policy.is_null()
    {
        let why = "a restart policy without a condition depends on who deploys it";
        return Some(Text::unknown(why, policy.span));
    }
    let scalar = tree.get("restart")?.scalar()?;
    // YAML 1.1 reads an unquoted `no` as false, and some tools write it so.
    if scalar.plain && scalar.text.get() == Some("false") {
        return Some(Text::known("no", scalar.text.span));
    }
    Some(scalar.text.clone())
}

/// What only a swarm follows.
pub(super) fn swarm(tree: &Tree) -> Option<Swarm> {
    const KEYS: [&str; 5] = [
        "mode",
        "placement",
        "update_config",
        "rollback_config",
        "endpoint_mode",
    ];
    let deploy = tree.get("deploy")?;
    let first = deploy
        .entries()
        .iter()
        .find(|entry| KEYS.contains(&entry.key.value.as_str()))?;
    Some(Swarm {
        span: first.key.span,
        update_order: deploy
            .at(&["update_config", "order"])
            .and_then(Tree::text)
            .cloned(),
        certain: deploy
            .entries()
            .iter()
            .any(|entry| entry.key.value != "mode" && KEYS.contains(&entry.key.value.as_str())),
        everywhere: deploy
            .get("mode")
            .is_some_and(|mode| mode.known() != Some("replicated")),
    })
}

fn replicas(tree: &Tree) -> Option<Spanned<u32>> {
    let written = tree
        .at(&["deploy", "replicas"])
        .or_else(|| tree.get("scale"))?;
    let number = written.known()?.parse().ok()?;
    Some(Spanned::new(number, written.span))
}

/// The memory limit: swarm and compose alike read the one of `deploy` first.
fn limit(tree: &Tree) -> Option<&Tree> {
    let limit = tree.at(&["deploy", "resources", "limits", "memory"]);
    limit.or_else(|| tree.get("mem_limit"))
}

/// One number is both limits, a mapping has each.
fn open_files(tree: &Tree) -> Option<Spanned<u64>> {
    let written = tree.at(&["ulimits", "nofile"])?;
    number(Some(written.get("hard").unwrap_or(written)), |text| {
        text.parse().ok()
    })
}

fn longest_queue(tree: &Tree) -> Option<Spanned<u64>> {
    let sysctls = tree.get("sysctls").cloned().map(merge::assignments)?;
    number(sysctls.get("net.core.somaxconn"), |text| text.parse().ok())
}

fn number(tree: Option<&Tree>, read: fn(&str) -> Option<u64>) -> Option<Spanned<u64>> {
    let tree = tree?;
    read(tree.known()?).map(|value| Spanned::new(value, tree.span))
}

fn texts(tree: Option<&Tree>) -> Vec<Text> {
    tree.map(Tree::one_or_many)
        .unwrap_or_default()
        .into_iter()
        .filter_map(Tree::text)
        .cloned()
        .collect()
}

/// The known part of a scalar that may have a hole.
fn partial(scalar: &Scalar) -> &str {
    &scalar.partial
}
