//! rules/temp-path-unwritable.md

use crate::finding::Effect;
use crate::host::path;
use crate::model::ServiceRef;
use crate::project::container::Location;
use crate::project::image_name::repository;
use crate::rules::{Ctx, words};
use crate::source::Span;

/// What nginx of the official image makes and writes while it starts, and the directive that moves it.
const PATHS: [(&str, &str); 6] = [
    ("client_body_temp_path", "/var/cache/nginx/client_temp"),
    ("proxy_temp_path", "/var/cache/nginx/proxy_temp"),
    ("fastcgi_temp_path", "/var/cache/nginx/fastcgi_temp"),
    ("uwsgi_temp_path", "/var/cache/nginx/uwsgi_temp"),
    ("scgi_temp_path", "/var/cache/nginx/scgi_temp"),
    ("pid", "/run/nginx.pid"),
];

pub(super) fn check(cx: &mut Ctx) {
    let services: Vec<ServiceRef> = cx.project.services().map(|(at, _)| at).collect();
    for at in services {
        let container = cx.project.container(at);
        let image = container.image.as_ref().and_then(|text| text.get());
        let official = image.is_some_and(|image| repository(image) == "nginx");
        if let (Some(read_only), true, false) =
            (cx.project.service(at).read_only, official, container.built)
        {
            let blocked = blocked(cx, at);
            if !blocked.is_empty() {
                report(cx, at, read_only, &blocked);
            }
        }
    }
}

/// The paths that lie on the read-only root file system, with the place that names them.
fn blocked(cx: &Ctx, at: ServiceRef) -> Vec<(String, Option<Span>)> {
    let mut blocked: Vec<(String, Option<Span>)> = Vec::new();
    for (directive, shipped) in PATHS {
        let (file, span) = moved(cx, at, directive).map_or_else(
            || (shipped.to_owned(), None),
            |(file, span)| (file, Some(span)),
        );
        if !is_writable(cx, at, &file) {
            blocked.push((file, span));
        }
    }
    blocked
}

/// The path that a directive of the main or the http context gives.
fn moved(cx: &Ctx, at: ServiceRef, directive: &'static str) -> Option<(String, Span)> {
    cx.places
        .iter()
        .filter(|place| place.conf.service == Some(at))
        .filter(|place| matches!(place.context(), "main" | "http"))
        .find_map(|place| {
            let found = place.scope.own(directive).next()?;
            let arg = found.args.first()?;
            Some((path::absolute("/etc/nginx", &arg.value), arg.span))
        })
}

/// Whether something else than the image lies at a path; `/var/run` is `/run` in the image.
fn is_writable(cx: &Ctx, at: ServiceRef, file: &str) -> bool {
    let view = &cx.project.container(at).view;
    let other = file
        .strip_prefix("/run/")
        .map(|rest| format!("/var/run/{rest}"))
        .or_else(|| {
            file.strip_prefix("/var/run/")
                .map(|rest| format!("/run/{rest}"))
        });
    std::iter::once(file.to_owned()).chain(other).any(|file| {
        let of_image = matches!(
            view.locate(&file),
            Location::Image(_) | Location::Foreign(_)
        );
        !of_image || file.starts_with("/dev/")
    })
}

fn report(cx: &mut Ctx, at: ServiceRef, read_only: Span, blocked: &[(String, Option<Span>)]) {
    let name = cx.service_name(at).to_owned();
    let mut folders: Vec<&str> = blocked.iter().map(|(file, _)| path::parent(file)).collect();
    folders.dedup();
    let shown = words::list(&folders);
    let first = &blocked[0].0;
    let message = format!(
        "the root file system of {name} is read-only, and nginx writes to {shown}: it stops at {first}"
    );
    let finding = cx.report(read_only, message);
    finding.here("nothing of the image can be written");
    for (file, span) in blocked {
        if let Some(span) = span {
            finding.label(*span, format!("{file} is on no tmpfs and no volume"));
        }
    }
    let list = folders
        .iter()
        .map(|folder| format!("\"{folder}\""))
        .collect::<Vec<_>>()
        .join(", ");
    finding
        .help(format!("add `tmpfs: [{list}]` to {name}"))
        .outcome(Effect::NoStart, &[])
        .because("service", &name)
        .because("paths", &shown);
}
