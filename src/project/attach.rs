//! Which proxy config belongs to which service: by mount, by `COPY`, by the command, and where nothing says it, by
//! being the only one of its kind beside the only service that lacks one.

mod haproxy;
mod nginx;

use std::collections::BTreeSet;

use crate::finding::Gap;
use crate::host::Host;
use crate::host::{PathKind, path};
use crate::project::files::Files;
use crate::project::image::Container;
use crate::project::{Found, Project, ServiceRef, inline};
use crate::source::FileId;
use crate::syntax::{Format, guess};
use haproxy::{haproxy_of, host_haproxy, unread_haproxy};
use nginx::{host_nginx, nginx_of, unread_nginx};

/// Fills `containers`, `nginx`, `haproxy`, `unfinished` and the syntax errors of a project.
pub fn attach(host: &dyn Host, project: &mut Project, found: &Found) {
    let mut sources = std::mem::take(&mut project.sources);
    let mut gaps = std::mem::take(&mut project.gaps);
    let mut files = Files::new(host, &mut sources, &mut gaps);
    for stack in &project.stacks {
        inline::configs(&mut files, stack);
    }
    project.containers = project
        .stacks
        .iter()
        .map(|stack| {
            stack
                .services
                .iter()
                .map(|service| Container::new(&mut files, stack, service))
                .collect()
        })
        .collect();
    let mut claimed = BTreeSet::new();
    let services: Vec<ServiceRef> = project.services().map(|(at, _)| at).collect();
    for at in services {
        let container = &project.containers[at.stack][at.service];
        if let Some(conf) = nginx_of(&mut files, container, at, &mut claimed) {
            project.nginx.push(conf);
        }
        let mut unread = unread_nginx(container);
        match haproxy_of(&mut files, container, at, &mut claimed) {
            Some(conf) => project.haproxy.push(conf),
            None => unread = unread.or(unread_haproxy(container)),
        }
        if let Some(why) = unread {
            let place = project.stacks[at.stack].services[at.service].name.span;
            let source = files.sources.get(place.file);
            files.gaps.push(Gap {
                path: source.path.clone(),
                line: Some(source.line(place.start)),
                reason: why,
            });
        }
    }
    let orphans: Vec<FileId> = found
        .nginx
        .iter()
        .filter(|id| !claimed.contains(id))
        .copied()
        .collect();
    host_nginx(&mut files, project, &orphans, &mut claimed);
    let orphans: Vec<FileId> = found
        .haproxy
        .iter()
        .filter(|id| !claimed.contains(id))
        .copied()
        .collect();
    host_haproxy(&mut files, project, &orphans);
    let (errors, unfinished) = files.finish();
    project.errors.extend(errors);
    project.unfinished = unfinished;
    project.sources = sources;
    project.gaps = gaps;
}

fn image_of(container: &Container) -> &str {
    container
        .image
        .as_ref()
        .and_then(|text| text.get())
        .unwrap_or("")
}

/// Whether a container starts what its image starts, or that program by name.
fn is_plain_launch(container: &Container, program: &str) -> bool {
    if container.unread.is_some() {
        return false;
    }
    let words = container.words();
    words.is_empty()
        || words
            .first()
            .is_some_and(|word| path::name(word).starts_with(program))
}

/// The files of the project that were put into a container and look like a format, with their paths inside.
fn placed(files: &mut Files, container: &Container, format: Format) -> Vec<(String, FileId)> {
    let pairs: Vec<(String, String)> = container
        .view
        .placed()
        .map(|(target, path)| (target.to_owned(), path.to_owned()))
        .collect();
    let mut out = Vec::new();
    for (target, path) in pairs {
        if files.is_inline(&path) {
            let id = files.open(&path);
            let read = id.filter(|id| guess(&path, files.text(*id)) == Some(format));
            out.extend(read.map(|id| (target, id)));
            continue;
        }
        for (target, path) in files_at(files.host, &target, &path, format) {
            if let Some(id) = files.open(&path)
                && (guess(&path, files.text(id)) == Some(format))
            {
                out.push((target, id));
            }
        }
    }
    out
}

/// A placed file, or the files of a placed folder that is a home of the format. A whole source tree is none.
fn files_at(host: &dyn Host, target: &str, placed: &str, format: Format) -> Vec<(String, String)> {
    match host.stat(placed) {
        Some(PathKind::File) => {
            const OTHER: &[&str] = &[
                ".sh", ".py", ".js", ".json", ".html", ".pem", ".crt", ".key", ".sql", ".ini",
                ".lua",
            ];
            let skip = OTHER.iter().any(|ending| placed.ends_with(ending));
            if skip {
                Vec::new()
            } else {
                vec![(target.to_owned(), placed.to_owned())]
            }
        }
        Some(PathKind::Dir) => {
            let home = if format == Format::Nginx {
                "nginx"
            } else {
                "haproxy"
            };
            if !target.contains(home) {
                return Vec::new();
            }
            host.list(placed)
                .into_iter()
                .filter(|entry| !entry.is_dir)
                .filter_map(|entry| {
                    Some((
                        path::absolute(target, &entry.path),
                        path::below(placed, &entry.path)?,
                    ))
                })
                .collect()
        }
        _ => Vec::new(),
    }
}
