//! rules/config-not-mounted.md

use std::collections::HashMap;

use crate::finding::{Confidence, Effect, Severity};
use crate::host::path;
use crate::model::ServiceRef;
use crate::project::compose::Command;
use crate::project::image::{Absent, Container, Crossed};
use crate::project::image_name::{is_haproxy_image, repository};
use crate::project::nginx_image::nginx_image;
use crate::rules::Ctx;
use crate::source::{FileId, Span};
use crate::syntax::Format;

/// Where the command of the official image looks.
const HAPROXY_CFG: &str = "/usr/local/etc/haproxy/haproxy.cfg";

pub(super) fn check(cx: &mut Ctx) {
    let beside: HashMap<ServiceRef, FileId> = cx.project.beside().collect();
    let services: Vec<ServiceRef> = cx.project.services().map(|(at, _)| at).collect();
    for at in services {
        let container = cx.project.container(at);
        if let Some(mount) = container.crossed.first() {
            crossed(cx, at, mount);
            continue;
        }
        let absent = container.absent.iter().find_map(|absent| {
            let kind = kind_of(absent, container)?;
            Some((absent, mistaken(cx, at, absent, kind)?))
        });
        if let Some((absent, meant)) = absent {
            folder(cx, at, absent, meant);
        } else if has_none(cx, at) {
            empty(cx, at, beside.get(&at).copied());
        } else if let Some(file) = beside.get(&at)
            && keeps_its_place(container)
        {
            unmounted(cx, at, *file);
        }
    }
}

/// Whose config a mount brings, if it is one: the main file, or one that is included by its name.
fn kind_of(absent: &Absent, container: &Container) -> Option<Format> {
    let image = image(container);
    let target = absent.target.as_str();
    let (folder, name) = (path::parent(target), path::name(target));
    if is_haproxy_image(image) {
        let read = folder == "/usr/local/etc/haproxy" && name.ends_with(".cfg");
        return read.then_some(Format::Haproxy);
    }
    let read = target == "/etc/nginx/nginx.conf"
        || (folder == "/etc/nginx/conf.d" && name.ends_with(".conf"))
        || (folder == "/etc/nginx/templates" && name.ends_with(".template"));
    (read && nginx_image(image).is_some()).then_some(Format::Nginx)
}

/// The config that a mount of nothing must mean: one of that kind below the stack's folder that no container gets, of
/// the same name or the only one. Without it the file may be made before the deploy, and its absence proves nothing.
fn mistaken(cx: &Ctx, at: ServiceRef, absent: &Absent, kind: Format) -> Option<FileId> {
    let project = cx.project;
    let folder = project.stacks[at.stack].directory.as_str();
    let path_of = |id: &FileId| project.sources.get(*id).path.as_str();
    let loose: Vec<FileId> = match kind {
        Format::Haproxy => {
            let loose = project
                .haproxy
                .iter()
                .filter(|c| c.service.is_none() || c.unmounted);
            loose.map(|conf| conf.main).collect()
        }
        _ => {
            let loose = project
                .nginx
                .iter()
                .filter(|c| c.service.is_none() || c.unmounted);
            loose.map(|conf| conf.main).collect()
        }
    };
    let mut loose = loose
        .into_iter()
        .filter(|id| folder.is_empty() || path::strip(path_of(id), folder).is_some());
    let named = |id: &FileId| path::name(path_of(id)) == path::name(&absent.source);
    let all: Vec<FileId> = loose.by_ref().collect();
    match all.as_slice() {
        [only] => Some(*only),
        _ => {
            let mut same = all.iter().copied().filter(named);
            let first = same.next()?;
            same.next().is_none().then_some(first)
        }
    }
}

/// Whether a container of the official HAProxy image has no config at all.
fn has_none(cx: &Ctx, at: ServiceRef) -> bool {
    let container = cx.project.container(at);
    let given = || {
        let mut confs = cx.project.haproxy.iter();
        confs.any(|conf| conf.service == Some(at) && !conf.unmounted)
    };
    repository(image(container)) == "haproxy"
        && !container.built
        && !given()
        && starts_as_shipped(container)
        && container.view.is_image(HAPROXY_CFG)
        && container.view.is_image("/usr/local/etc/haproxy")
}

/// Whether nothing but the image says what runs.
fn starts_as_shipped(container: &Container) -> bool {
    let as_shipped = |command: &Option<Command>| match command {
        None => true,
        Some(Command::Exec(words)) => words.is_empty(),
        Some(Command::Shell(_)) => false,
    };
    as_shipped(&container.entrypoint) && as_shipped(&container.command)
}

/// Whether an image serves what is mounted, and nothing that it makes itself.
fn keeps_its_place(container: &Container) -> bool {
    let plain = [
        "nginx",
        "nginxinc/nginx-unprivileged",
        "nginx/nginx-unprivileged",
        "openresty/openresty",
        "haproxy",
    ];
    !container.built
        && starts_as_shipped(container)
        && plain.contains(&repository(image(container)))
}

fn image(container: &Container) -> &str {
    container
        .image
        .as_ref()
        .and_then(|text| text.get())
        .unwrap_or("")
}

fn folder(cx: &mut Ctx, at: ServiceRef, absent: &Absent, meant: FileId) {
    let name = cx.service_name(at).to_owned();
    let (source, target) = (absent.source.clone(), absent.target.clone());
    let meant_path = cx.project.sources.get(meant).path.clone();
    let message = format!(
        "{name} mounts {source} as {target}, and {source} is not in the tree: docker makes an empty folder of it"
    );
    let finding = cx.report(absent.span, message);
    finding
        .here("a folder where a config is read")
        .label(Span::new(meant, 0, 0), "mounted nowhere")
        .help(format!("mount {meant_path}, or put the config at {source}"))
        .because("source", &source);
}

fn crossed(cx: &mut Ctx, at: ServiceRef, mount: &Crossed) {
    let name = cx.service_name(at).to_owned();
    let (source, target) = (mount.source.as_str(), mount.target.as_str());
    let (what, covered) = if mount.is_dir {
        ("folder", "file")
    } else {
        ("file", "folder")
    };
    let help = if mount.is_dir {
        let config = path::name(target);
        format!(
            "mount a file of it (`./{source}/{config}:{target}`), or the folder at {}",
            path::parent(target)
        )
    } else {
        format!(
            "mount it as {target}/{}, or mount the folder that it lies in",
            path::name(source)
        )
    };
    let message = format!(
        "{name} mounts the {what} {source} over {target}, which is a {covered} in its image: docker refuses to start it"
    );
    let finding = cx.report(mount.span, message);
    finding
        .here(format!("a {what} over a {covered}"))
        .help(help)
        .because("source", source)
        .because("target", target);
}

fn empty(cx: &mut Ctx, at: ServiceRef, beside: Option<FileId>) {
    let name = cx.service_name(at).to_owned();
    let message = format!(
        "{name} has no config: the haproxy image ships none, and nothing is mounted at {HAPROXY_CFG}"
    );
    let help = match beside {
        Some(file) => format!(
            "mount {} at {HAPROXY_CFG}",
            cx.project.sources.get(file).path
        ),
        None => format!("mount a config at {HAPROXY_CFG}"),
    };
    let place = cx.service_span(at);
    let finding = cx.report(place, message);
    finding.here("no volume, no config, no build");
    if let Some(file) = beside {
        finding.label(Span::new(file, 0, 0), "mounted nowhere");
    }
    finding.help(help).because("service", &name);
}

fn unmounted(cx: &mut Ctx, at: ServiceRef, file: FileId) {
    let (name, place) = (cx.service_name(at).to_owned(), cx.service_span(at));
    let path = cx.project.sources.get(file).path.clone();
    let message = format!(
        "{name} mounts no config, and no service mounts {path}: nginx serves its welcome page"
    );
    cx.report(place, message)
        .here("starts with the config of its image")
        .label(Span::new(file, 0, 0), "mounted nowhere")
        .help(format!(
            "mount {path} into {name}, under /etc/nginx/conf.d or as /etc/nginx/nginx.conf"
        ))
        .severity(Severity::Warning)
        .at_most(Confidence::Medium)
        .outcome(Effect::Response, &[404])
        .because("service", &name);
}
