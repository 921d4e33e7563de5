//! `volumes`, `tmpfs`, `configs` and `secrets`: everything that puts files into a container.

use super::partial;
use crate::project::compose::stack::Around;
use crate::project::compose::tree::{Scalar, Tree};
use crate::project::compose::{Mount, MountSource, check};
use crate::source::Span;
use crate::syntax::value::{HOLE, pair, path, volume};

/// Reads the mounts of a service, in this order.
pub(super) fn read(around: &mut Around, service: &str, tree: &Tree) -> Vec<Mount> {
    let items = |key: &str| tree.get(key).map(Tree::one_or_many).unwrap_or_default();
    let mut mounts = Vec::new();
    for item in items("volumes") {
        if item.entries().is_empty() {
            mounts.extend(short(around, service, item));
        } else {
            mounts.push(long(around, item));
        }
    }
    mounts.extend(items("tmpfs").into_iter().filter_map(tmpfs));
    mounts.extend(
        items("configs")
            .into_iter()
            .filter_map(|item| object(item, "/")),
    );
    mounts.extend(
        items("secrets")
            .into_iter()
            .filter_map(|item| object(item, "/run/secrets/")),
    );
    mounts
}

fn mount(source: MountSource, target: Option<String>, span: Span) -> Mount {
    Mount {
        source,
        target,
        read_only: false,
        tmpfs: false,
        must_exist: false,
        span,
    }
}

fn short(around: &mut Around, service: &str, item: &Tree) -> Option<Mount> {
    let scalar = item.scalar()?;
    let Some(written) = volume::short_volume(partial(scalar)) else {
        check::form(around, &scalar.text, service, "volume");
        return None;
    };
    let source = match &written.source {
        None if scalar.text.get().is_none() => unknown(scalar),
        None => MountSource::Anonymous,
        Some(source) if source.contains(HOLE) => unknown(scalar),
        Some(source) => place(source, around.base(item.span)),
    };
    let target = known_target(&written.target);
    let mut mount = mount(source, target, item.span);
    mount.read_only = written.options.iter().any(|option| option == "ro");
    Some(mount)
}

fn long(around: &Around, item: &Tree) -> Mount {
    let kind = item.get("type").and_then(Tree::known).unwrap_or("volume");
    let written = item
        .get("source")
        .or_else(|| item.get("src"))
        .and_then(Tree::scalar);
    let source = match written {
        _ if kind == "tmpfs" => MountSource::Anonymous,
        None => MountSource::Anonymous,
        Some(scalar) => match scalar.text.get() {
            None => unknown(scalar),
            Some(name) if kind == "bind" => bind(name, around.base(scalar.text.span)),
            Some(name) if kind == "volume" => MountSource::Volume(name.to_owned()),
            Some(name) => MountSource::Outside(name.to_owned()),
        },
    };
    let target = ["target", "dst", "destination"]
        .iter()
        .find_map(|key| item.get(key))
        .and_then(Tree::known)
        .and_then(known_target);
    let is_true = |tree: Option<&Tree>| tree.and_then(Tree::boolean) == Some(true);
    let create = item
        .at(&["bind", "create_host_path"])
        .and_then(Tree::boolean);
    Mount {
        read_only: is_true(item.get("read_only")),
        tmpfs: kind == "tmpfs",
        must_exist: create == Some(false),
        ..mount(source, target, item.span)
    }
}

fn tmpfs(item: &Tree) -> Option<Mount> {
    let (target, _) = pair::colon_pair(item.known()?);
    Some(Mount {
        tmpfs: true,
        ..mount(MountSource::Anonymous, known_target(&target), item.span)
    })
}

fn object(item: &Tree, folder: &str) -> Option<Mount> {
    let written = item.get("source").unwrap_or(item).scalar()?;
    let source = match written.text.get() {
        Some(name) => MountSource::Object(name.to_owned()),
        None => unknown(written),
    };
    let target = match item.get("target") {
        Some(target) => target.known(),
        None => written.text.get(),
    };
    let target = target.map(|target| match target.strip_prefix('/') {
        Some(_) => path::absolute(target),
        None => path::absolute(&format!("{folder}{target}")),
    });
    Some(Mount {
        read_only: true,
        ..mount(source, target, item.span)
    })
}

fn unknown(scalar: &Scalar) -> MountSource {
    let why = scalar.text.value.as_ref().err();
    MountSource::Unknown(why.cloned().unwrap_or_default())
}

/// The source of a short volume: a path only if it looks like one.
fn place(source: &str, base: &str) -> MountSource {
    if path::is_path(source) {
        bind(source, base)
    } else {
        MountSource::Volume(source.to_owned())
    }
}

fn bind(source: &str, base: &str) -> MountSource {
    match path::resolve(base, source) {
        path::Place::Inside(path) => MountSource::Path(path),
        path::Place::Outside(path) => MountSource::Outside(path),
    }
}

fn known_target(target: &str) -> Option<String> {
    (!target.contains(HOLE)).then(|| path::absolute(target))
}
