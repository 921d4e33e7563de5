//! rules/image-path-missing.md

use crate::host::path;
use crate::project::container::Location;
use crate::project::haproxy::HaproxyConf;
use crate::project::image_name::repository;
use crate::rules::Ctx;
use crate::source::Span;
use crate::syntax::haproxy::Word;

pub(super) fn check(cx: &mut Ctx) {
    let project = cx.project;
    for conf in &project.haproxy {
        if !is_official(cx, conf) {
            continue;
        }
        if let Some((target, read)) = &conf.misplaced {
            misplaced(cx, conf, target, read);
        }
        for (word, lack) in lacking(cx, conf) {
            missing(cx, conf, word, &lack);
        }
    }
}

/// Whether the official image runs as it is.
fn is_official(cx: &Ctx, conf: &HaproxyConf) -> bool {
    let image = conf.image.as_ref().and_then(|text| text.get());
    let built = conf
        .service
        .is_some_and(|at| cx.project.container(at).built);
    image.is_some_and(|image| repository(image) == "haproxy") && !built && !conf.unmounted
}

/// What the image has not: a file, or the folder of a socket.
struct Lack {
    path: String,
    is_socket: bool,
}

/// The paths of a config that certainly lead nowhere in the image.
fn lacking<'a>(cx: &Ctx, conf: &'a HaproxyConf) -> Vec<(&'a Word, Lack)> {
    let Some(service) = conf.service else {
        return Vec::new();
    };
    let view = &cx.project.container(service).view;
    let from_image = |inside: &str| matches!(view.locate(inside), Location::Image(_));
    let mut found: Vec<(&Word, Lack)> = Vec::new();
    for line in conf.sections.iter().flat_map(|section| &section.lines) {
        let words: Vec<&str> = line.words.iter().map(|word| word.text.as_str()).collect();
        let (at, is_socket) = match words.as_slice() {
            ["errorfile", _, file, ..] if file.starts_with('/') => (2, false),
            ["stats", "socket", file, ..] if file.starts_with('/') => (2, true),
            _ => continue,
        };
        let word = &line.words[at];
        let needed = if is_socket {
            path::parent(&word.text)
        } else {
            &word.text
        };
        let known = found
            .iter()
            .any(|(_, lack)| path::parent(&lack.path) == path::parent(&word.text));
        if !word.has_env
            && !line.conditional
            && from_image(needed)
            && !ships(needed, is_socket)
            && !known
        {
            let path = word.text.clone();
            found.push((word, Lack { path, is_socket }));
        }
    }
    found
}

/// Whether the official image has a file, or a folder that a socket can lie in.
fn ships(inside: &str, is_folder: bool) -> bool {
    const FOLDERS: [&str; 8] = [
        "/",
        "/run",
        "/var/run",
        "/tmp",
        "/var/tmp",
        "/var/lib/haproxy",
        "/dev/shm",
        "/usr/local/etc/haproxy",
    ];
    if is_folder {
        return FOLDERS.contains(&inside);
    }
    const ERRORS: [&str; 7] = ["400", "403", "408", "500", "502", "503", "504"];
    let at_home = path::parent(inside) == "/usr/local/etc/haproxy/errors";
    let name = path::name(inside);
    // A path that the image could have for other reasons is not judged.
    (at_home
        && ERRORS
            .iter()
            .any(|code| name.strip_suffix(".http") == Some(*code)))
        || inside == "/dev/null"
}

fn misplaced(cx: &mut Ctx, conf: &HaproxyConf, target: &str, read: &str) {
    let Some(service) = conf.service else { return };
    let (name, place) = (
        cx.service_name(service).to_owned(),
        cx.service_span(service),
    );
    let mounts = &cx.project.service(service).mounts;
    let mount = mounts
        .iter()
        .find(|mount| {
            mount
                .target
                .as_deref()
                .is_some_and(|at| path::strip(target, at).is_some())
        })
        .map_or(place, |mount| mount.span);
    let message =
        format!("{name} has its config at {target}, and haproxy reads {read}, where nothing is");
    cx.report(mount, message)
        .here("not where it is read")
        .label(Span::new(conf.main, 0, 0), "never read")
        .help(format!(
            "mount it at {read}, or name it in the command: `haproxy -f {target}`"
        ))
        .because("service", &name)
        .because("path", target);
}

fn missing(cx: &mut Ctx, conf: &HaproxyConf, word: &Word, lack: &Lack) {
    let Some(service) = conf.service else { return };
    let (name, place) = (
        cx.service_name(service).to_owned(),
        cx.service_span(service),
    );
    let folder = path::parent(&lack.path);
    let (message, help) = if lack.is_socket {
        (
            format!(
                "the socket {} cannot be made: the haproxy image of {name} has no folder {folder}",
                lack.path
            ),
            format!("put it under /var/lib/haproxy, or mount a tmpfs at {folder}"),
        )
    } else {
        (
            format!(
                "{} is not in the haproxy image of {name}, and nothing is mounted there",
                lack.path
            ),
            format!(
                "use /usr/local/etc/haproxy/errors/{}, or mount the files at {folder}",
                path::name(&lack.path)
            ),
        )
    };
    cx.report(word.span, message)
        .here("haproxy stops here")
        .label(place, "runs the official image")
        .help(help)
        .because("path", &lack.path);
}
