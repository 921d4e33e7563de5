//! Which files make one HAProxy: those of a container, or those that lie in the tree for a HAProxy on the host.

use std::collections::BTreeSet;

use super::{image_of, is_plain_launch, placed};
use crate::host::path;
use crate::project::container::Seen;
use crate::project::files::Files;
use crate::project::haproxy::HaproxyConf;
use crate::project::image::Container;
use crate::project::image_name::is_haproxy_image;
use crate::project::{Envsubst, Project, ServiceRef};
use crate::source::FileId;
use crate::syntax::Format;
use crate::syntax::haproxy::{Section, expand};

/// The HAProxy of a service, if it runs one.
pub(super) fn haproxy_of(
    files: &mut Files,
    container: &Container,
    at: ServiceRef,
    claimed: &mut BTreeSet<FileId>,
) -> Option<HaproxyConf> {
    let image = image_of(container);
    let known = is_haproxy_image(image);
    let words = container.words();
    let runs = words.iter().any(|word| word.contains("haproxy"));
    let placed = placed(files, container, Format::Haproxy);
    if !known
        && (placed.is_empty()
            || !(runs || placed.iter().any(|(target, _)| target.contains("haproxy"))))
    {
        return None;
    }
    let mut complete = true;
    let mut ids = Vec::new();
    for inside in haproxy_paths(&words) {
        match container.view.look(files.host, &inside) {
            Seen::File(path) => ids.extend(files.open(&path)),
            Seen::Dir(path) => ids.extend(folder(files, &path)),
            _ => complete = false,
        }
    }
    if ids.is_empty() {
        ids.extend(placed.iter().map(|(_, id)| *id));
        complete &= ids.is_empty();
    }
    claimed.extend(placed.iter().map(|(_, id)| *id));
    claimed.extend(&ids);
    let main = *ids.first()?;
    let sections: Vec<Section> = ids
        .iter()
        .flat_map(|id| files.haproxy(*id).sections.clone())
        .collect();
    let environment = with_global(container.envsubst(), &sections);
    let image = container.image.clone().filter(|_| known);
    let alone = known && is_plain_launch(container, "haproxy");
    Some(HaproxyConf {
        service: Some(at),
        main,
        sections,
        complete,
        environment,
        image,
        unmounted: false,
        alone,
    })
}

/// What `-f` names, else where the official images' command looks.
fn haproxy_paths(words: &[&str]) -> Vec<String> {
    let mut paths = Vec::new();
    for pair in words.windows(2).filter(|pair| pair[0] == "-f") {
        paths.push(path::absolute("/usr/local/etc/haproxy", pair[1]));
    }
    if paths.is_empty() {
        paths.push("/usr/local/etc/haproxy/haproxy.cfg".to_owned());
    }
    paths
}

/// The files of a folder that is given to `-f`: those that end in `.cfg`, in order.
fn folder(files: &mut Files, folder: &str) -> Vec<FileId> {
    let entries = files.host.list(folder);
    let names = entries
        .iter()
        .filter(|entry| !entry.is_dir && entry.path.ends_with(".cfg"));
    names
        .filter_map(|entry| files.open(&path::below(folder, &entry.path)?))
        .collect()
}

/// HAProxy files that no container takes.
pub(super) fn host_haproxy(files: &mut Files, project: &mut Project, orphans: &[FileId]) {
    let lonely: Vec<ServiceRef> = project
        .services()
        .map(|(at, _)| at)
        .filter(|at| is_haproxy_image(image_of(project.container(*at))))
        .filter(|at| !project.haproxy.iter().any(|conf| conf.service == Some(*at)))
        .collect();
    for main in orphans {
        let sections = files.haproxy(*main).sections.clone();
        let outside = Envsubst {
            variables: Vec::new(),
            open: Some("it runs outside the project".to_owned()),
        };
        let environment = with_global(outside, &sections);
        let mut conf = HaproxyConf {
            service: None,
            main: *main,
            sections,
            complete: true,
            environment,
            image: None,
            unmounted: false,
            alone: false,
        };
        if let ([_], [service]) = (orphans, lonely.as_slice()) {
            let container = project.container(*service);
            conf.service = Some(*service);
            conf.unmounted = true;
            conf.image.clone_from(&container.image);
            conf.environment = with_global(container.envsubst(), &conf.sections);
            conf.alone = is_plain_launch(container, "haproxy");
        }
        project.haproxy.push(conf);
    }
}

/// An environment with what `global` sets: `setenv` in any case, `presetenv` where nothing else does.
fn with_global(mut environment: Envsubst, sections: &[Section]) -> Envsubst {
    let global = sections
        .iter()
        .filter(|section| section.kind.value == "global");
    for line in global.flat_map(|section| &section.lines) {
        let [keyword, name, value, ..] = line.words.as_slice() else {
            continue;
        };
        let value = expand(value, &|name| environment.value(name).map(str::to_owned));
        let value = value.ok().filter(|_| !line.conditional);
        match keyword.text.as_str() {
            "setenv" => environment.variables.push((name.text.clone(), value)),
            "presetenv" if environment.lacks(&name.text) => {
                environment.variables.push((name.text.clone(), value));
            }
            _ => {}
        }
    }
    environment
}
