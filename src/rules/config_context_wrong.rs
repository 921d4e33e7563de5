//! rules/config-context-wrong.md

use crate::project::nginx::NginxConf;
use crate::rules::Ctx;
use crate::source::{FileId, Span};
use crate::syntax::nginx::Directive;

pub(super) fn check(cx: &mut Ctx) {
    let project = cx.project;
    for conf in project
        .nginx
        .iter()
        .filter(|conf| conf.service.is_some() && !conf.unmounted)
    {
        if let Some(bare) = bare(conf) {
            report(cx, conf, bare, &Wrong::Bare);
        }
        for whole in wholes(conf) {
            report(cx, conf, whole, &Wrong::Whole);
        }
    }
}

enum Wrong {
    /// A part of `http {}` as the main file.
    Bare,
    /// A main file that is included into `http {}`.
    Whole,
}

/// The first directive of a main file that belongs into `http {}`.
fn bare(conf: &NginxConf) -> Option<&Directive> {
    if !conf.given {
        return None;
    }
    let main = |one: &&Directive| one.block.is_some() && ["http", "events"].contains(&name(one));
    let mains: Vec<FileId> = conf
        .directives
        .iter()
        .filter(main)
        .map(|one| one.span.file)
        .collect();
    conf.directives.iter().find(|directive| {
        let is_block = directive.block.is_some();
        // In a file that has an http of its own it is a slip within the file, and an error of its syntax.
        matches!(name(directive), "server" | "upstream" | "location" | "map")
            && is_block
            && !mains.contains(&directive.span.file)
    })
}

/// The first directive of each file that only stands in a main file, inside `http {}`.
fn wholes(conf: &NginxConf) -> Vec<&Directive> {
    const MAIN: [&str; 5] = ["events", "http", "stream", "worker_processes", "user"];
    let mut found: Vec<&Directive> = Vec::new();
    let http = conf
        .directives
        .iter()
        .filter(|directive| directive.name.value == "http");
    for http in http {
        for directive in http.block.iter().flatten() {
            let known = found
                .iter()
                .any(|other| other.span.file == directive.span.file);
            let is_included = directive.span.file != http.span.file;
            if MAIN.contains(&name(directive)) && is_included && !known {
                found.push(directive);
            }
        }
    }
    found
}

fn name(directive: &Directive) -> &str {
    directive.name.value.as_str()
}

fn report(cx: &mut Ctx, conf: &NginxConf, directive: &Directive, wrong: &Wrong) {
    let Some(service) = conf.service else { return };
    let (service_name, place) = (
        cx.service_name(service).to_owned(),
        cx.service_span(service),
    );
    let path = cx.project.sources.get(directive.span.file).path.clone();
    let name = &directive.name.value;
    let mount = mount(cx, conf, directive.span).unwrap_or(place);
    let (message, here, help) = match wrong {
        Wrong::Bare => (
            format!(
                "{path} is the nginx.conf of {service_name}, and its {name} stands outside of http {{}}"
            ),
            "only allowed in http {}",
            format!(
                "mount {path} under /etc/nginx/conf.d/, which the nginx.conf of the image includes into http {{}}"
            ),
        ),
        Wrong::Whole => (
            format!(
                "{path} is included into the http {{}} of {service_name}, and holds {name}, which only a main file may"
            ),
            "only allowed in a main file",
            format!("mount {path} as /etc/nginx/nginx.conf, or keep only its server {{}} blocks"),
        ),
    };
    cx.report(directive.name.span, message)
        .here(here)
        .label(mount, "put in place here")
        .help(help)
        .because("file", &path)
        .because("directive", name);
}

/// The mount that puts a file into its container.
fn mount(cx: &Ctx, conf: &NginxConf, at: Span) -> Option<Span> {
    let service = cx.project.service(conf.service?);
    let file = &cx.project.sources.get(at.file).path;
    let mounts = service.mounts.iter().filter(|mount| {
        matches!(&mount.source, crate::project::compose::MountSource::Path(path) if file.starts_with(path.as_str()))
    });
    mounts.map(|mount| mount.span).next()
}
