//! How one file is laid over another: the merge rules of the Compose specification, which differ from key to key.

use std::collections::HashMap;

use super::tree::{Entry, Scalar, Tag, Tree, Value};
use crate::source::Spanned;
use crate::syntax::value::{HOLE, Text, pair, port, volume};

/// How two values of one key become one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// Mappings key by key, lists one behind the other, scalars by the later one.
    Deep,
    /// The later one alone.
    Replace,
    /// `NAME=value` lists and mappings alike, by name.
    Assignments,
    /// `host:address` lists and mappings alike, by name.
    Hosts,
    /// Lists of names and mappings alike, by name.
    Names,
    /// A mapping over a mapping key by key; a bare name takes the place of what stood there.
    Wait,
    /// One or many, one behind the other.
    Many,
    /// A string is the context.
    Build,
    /// Key by key for one driver; those of another take the place of all.
    Logging,
}

/// Lays `over` on `base`; both are whole files.
pub(super) fn merge(base: Tree, over: Tree) -> Tree {
    merge_at(base, over, &mut Vec::new())
}

/// Lays one service on another, as `extends` does.
pub(super) fn merge_service(base: Tree, over: Tree) -> Tree {
    merge_at(base, over, &mut vec!["services".to_owned(), String::new()])
}

/// Removes what `!reset` marks, at the end of all merging.
pub(super) fn drop_reset(tree: &mut Tree) {
    tree.tag = None;
    match &mut tree.value {
        Value::Map(entries) => {
            entries.retain(|entry| entry.value.tag != Some(Tag::Reset));
            for entry in entries {
                drop_reset(&mut entry.value);
            }
        }
        Value::List(items) => {
            items.retain(|item| item.tag != Some(Tag::Reset));
            items.iter_mut().for_each(drop_reset);
        }
        Value::Scalar(_) => {}
    }
}

/// Keeps the last of each port, mount and name in the lists of a service.
pub(super) fn unify(service: &mut Tree) {
    let Value::Map(entries) = &mut service.value else {
        return;
    };
    for entry in entries {
        let identity: fn(&Tree) -> Option<String> = match entry.key.value.as_str() {
            "ports" => port_identity,
            "volumes" | "devices" => volume_identity,
            "configs" | "secrets" => object_identity,
            "expose" | "dns" | "dns_search" | "dns_opt" | "tmpfs" | "cap_add" | "cap_drop"
            | "links" | "profiles" | "env_file" => text_identity,
            _ => continue,
        };
        if let Value::List(items) = &mut entry.value.value {
            *items = last_of_each(std::mem::take(items), identity);
        }
    }
}

/// `NAME=value` items as a mapping; a mapping stays one.
pub(super) fn assignments(tree: Tree) -> Tree {
    by_name(tree, |item| {
        let scalar = item.scalar()?;
        let (name, value) = pair::assignment(&scalar.partial);
        named(scalar, name, value)
    })
}

/// `host:address` and `host=address` items as a mapping; a mapping stays one.
pub(super) fn hosts(tree: Tree) -> Tree {
    by_name(tree, |item| {
        let scalar = item.scalar()?;
        let (host, address) = pair::extra_host(&scalar.partial)?;
        named(scalar, host, Some(address))
    })
}

/// Items that are names as a mapping; a mapping stays one.
pub(super) fn names(tree: Tree) -> Tree {
    by_name(tree, |item| {
        let name = item.known()?.to_owned();
        Some(Entry {
            key: Spanned::new(name, item.span),
            value: Tree::plain(Text::known("", item.span)),
        })
    })
}

fn merge_at(base: Tree, over: Tree, path: &mut Vec<String>) -> Tree {
    match over.tag {
        Some(Tag::Override | Tag::Reset) => return over,
        None => {}
    }
    match how(path) {
        How::Replace => over,
        How::Wait if over.entries().is_empty() => over,
        How::Logging if other_driver(&base, &over) => over,
        _ if over.is_null() => base,
        How::Assignments => merge_deep(assignments(base), assignments(over), path),
        How::Hosts => merge_deep(hosts(base), hosts(over), path),
        How::Names => merge_deep(names(base), names(over), path),
        How::Many => append(base, over),
        How::Build => merge_deep(context(base), context(over), path),
        How::Deep | How::Wait | How::Logging => merge_deep(base, over, path),
    }
}

fn how(path: &[String]) -> How {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["services", _, key @ ..] => how_in_service(key),
        ["networks" | "volumes" | "configs" | "secrets", _, "labels"] => How::Assignments,
        ["include"] => How::Many,
        _ => How::Deep,
    }
}

fn how_in_service(key: &[&str]) -> How {
    match key {
        // A bare name passes a variable through, and one of the short form waits for the start alone: both say
        // something, and take the place of what stood there.
        ["command" | "entrypoint"]
        | ["healthcheck", "test"]
        | ["ulimits" | "environment", _]
        | ["build", "args", _] => How::Replace,
        ["depends_on", _] => How::Wait,
        ["environment" | "labels" | "annotations" | "sysctls"]
        | ["build", "args" | "labels" | "additional_contexts"]
        | ["deploy", "labels"] => How::Assignments,
        ["extra_hosts"] | ["build", "extra_hosts"] => How::Hosts,
        ["depends_on" | "networks"] => How::Names,
        ["env_file" | "label_file" | "dns" | "dns_search" | "dns_opt" | "tmpfs"] => How::Many,
        ["build"] => How::Build,
        ["logging"] => How::Logging,
        _ => How::Deep,
    }
}

fn other_driver(base: &Tree, over: &Tree) -> bool {
    let driver = |tree: &Tree| tree.get("driver").and_then(Tree::known).map(str::to_owned);
    matches!((driver(base), driver(over)), (Some(a), Some(b)) if a != b)
}

fn merge_deep(base: Tree, over: Tree, path: &mut Vec<String>) -> Tree {
    match (base.value, over.value) {
        (Value::Map(below), Value::Map(above)) => Tree {
            value: Value::Map(merge_entries(below, above, path)),
            span: over.span,
            tag: base.tag,
        },
        (Value::List(mut items), Value::List(more)) => {
            items.extend(more);
            Tree {
                value: Value::List(items),
                span: over.span,
                tag: base.tag,
            }
        }
        (_, value) => Tree {
            value,
            span: over.span,
            tag: over.tag,
        },
    }
}

fn merge_entries(below: Vec<Entry>, above: Vec<Entry>, path: &mut Vec<String>) -> Vec<Entry> {
    let mut entries: Vec<Option<Entry>> = below.into_iter().map(Some).collect();
    let at: HashMap<String, usize> = entries
        .iter()
        .enumerate()
        .filter_map(|(at, entry)| entry.as_ref().map(|entry| (entry.key.value.clone(), at)))
        .collect();
    for entry in above {
        let Some(held) = at.get(&entry.key.value).and_then(|at| entries.get_mut(*at)) else {
            entries.push(Some(entry));
            continue;
        };
        path.push(entry.key.value.clone());
        // A service keeps the key of the file that declares it; any other key moves with its value.
        let is_service = path.len() == 2 && path[0] == "services";
        *held = held.take().map(|old| Entry {
            key: if is_service { old.key } else { entry.key },
            value: merge_at(old.value, entry.value, path),
        });
        path.pop();
    }
    entries.into_iter().flatten().collect()
}

fn append(base: Tree, over: Tree) -> Tree {
    let span = over.span;
    let mut items = into_items(base);
    items.extend(into_items(over));
    Tree {
        value: Value::List(items),
        span,
        tag: None,
    }
}

fn into_items(tree: Tree) -> Vec<Tree> {
    if tree.is_null() {
        return Vec::new();
    }
    match tree.value {
        Value::List(items) => items,
        _ => vec![tree],
    }
}

fn context(tree: Tree) -> Tree {
    match &tree.value {
        Value::Scalar(scalar) if !scalar.is_null() => {
            let span = tree.span;
            let key = Spanned::new("context".to_owned(), span);
            Tree::map(vec![Entry { key, value: tree }], span)
        }
        _ => tree,
    }
}

fn by_name(tree: Tree, entry: impl Fn(&Tree) -> Option<Entry>) -> Tree {
    let Value::List(items) = &tree.value else {
        return tree;
    };
    let mut entries: Vec<Entry> = Vec::with_capacity(items.len());
    let mut at: HashMap<String, usize> = HashMap::with_capacity(items.len());
    for found in items.iter().filter_map(entry) {
        if let Some(held) = at.get(&found.key.value) {
            entries[*held] = found;
            continue;
        }
        at.insert(found.key.value.clone(), entries.len());
        entries.push(found);
    }
    Tree {
        value: Value::Map(entries),
        span: tree.span,
        tag: tree.tag,
    }
}

fn named(scalar: &Scalar, name: String, value: Option<String>) -> Option<Entry> {
    if name.contains(HOLE) {
        return None;
    }
    let span = scalar.text.span;
    let value = value.map_or_else(
        || Tree::plain(Text::known("", span)),
        |value| Tree {
            value: Value::Scalar(Scalar {
                text: scalar.part(&value),
                partial: value,
                plain: false,
                filled: scalar.filled,
            }),
            span,
            tag: None,
        },
    );
    Some(Entry {
        key: Spanned::new(name, span),
        value,
    })
}

fn last_of_each(items: Vec<Tree>, identity: fn(&Tree) -> Option<String>) -> Vec<Tree> {
    let mut kept: Vec<Tree> = Vec::with_capacity(items.len());
    let mut at: HashMap<String, usize> = HashMap::with_capacity(items.len());
    for item in items {
        let Some(id) = identity(&item) else {
            kept.push(item);
            continue;
        };
        if let Some(held) = at.get(&id) {
            kept[*held] = item;
            continue;
        }
        at.insert(id, kept.len());
        kept.push(item);
    }
    kept
}

fn port_identity(item: &Tree) -> Option<String> {
    let field = |name: &str| item.get(name).and_then(Tree::known).unwrap_or_default();
    if item.entries().is_empty() {
        let short = port::short_port(item.known()?)?;
        let show = |range: Option<port::Range>| match range {
            Some((first, last)) if first == last => first.to_string(),
            Some((first, last)) => format!("{first}-{last}"),
            None => String::new(),
        };
        let ip = short.host_ip.unwrap_or_default();
        let (published, target) = (show(short.published), show(short.target));
        return Some(format!("{ip}:{published}:{target}/{}", short.protocol));
    }
    let protocol = item.get("protocol").and_then(Tree::known).unwrap_or("tcp");
    item.get("target")?.known()?;
    Some(format!(
        "{}:{}:{}/{protocol}",
        field("host_ip"),
        field("published"),
        field("target")
    ))
}

fn volume_identity(item: &Tree) -> Option<String> {
    if item.entries().is_empty() {
        return volume::short_volume(item.known()?).map(|short| short.target);
    }
    item.get("target")?.known().map(str::to_owned)
}

fn object_identity(item: &Tree) -> Option<String> {
    let target = item.get("target").or_else(|| item.get("source"));
    target.unwrap_or(item).known().map(str::to_owned)
}

fn text_identity(item: &Tree) -> Option<String> {
    item.known().map(str::to_owned)
}
