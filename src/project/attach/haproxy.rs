//! Which files make one HAProxy: those of a container, or those that lie in the tree for a HAProxy on the host.

use std::collections::{BTreeMap, BTreeSet};

use super::{image_of, is_plain_launch, placed};
use crate::host::path;
use crate::project::container::{Location, Seen};
use crate::project::files::Files;
use crate::project::haproxy::HaproxyConf;
use crate::project::image::{Container, split};
use crate::project::image_name::{is_haproxy_image, tag};
use crate::project::nginx::Missing;
use crate::project::{Envsubst, Project, ServiceRef};
use crate::source::{FileId, Spanned};
use crate::syntax::Format;
use crate::syntax::haproxy::{
    Reader, Section, Variable, expand, map_choice, map_values, parse_by, pattern_files,
};
use crate::syntax::nginx::looks_like_template;
use crate::syntax::value::Text;

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
    let given = haproxy_paths(&words, workdir(container));
    for inside in &given {
        match container.view.look(files.host, inside) {
            Seen::File(path) => ids.extend(files.open(&path)),
            Seen::Dir(path) => ids.extend(folder(files, &path)),
            _ => complete = false,
        }
    }
    let mut misplaced = None;
    if ids.is_empty() {
        let nothing = given.iter().all(|inside| container.view.is_image(inside));
        let plain = known && !container.built && is_plain_launch(container, "haproxy");
        misplaced = placed
            .first()
            .filter(|_| nothing && plain)
            .and_then(|(target, _)| Some((target.clone(), given.first()?.clone())));
        ids.extend(placed.iter().map(|(_, id)| *id));
        complete &= ids.is_empty();
    }
    claimed.extend(placed.iter().map(|(_, id)| *id));
    claimed.extend(&ids);
    let main = *ids.first()?;
    let image = container.image.clone().filter(|_| known);
    let sections = sections(files, &ids, &container.envsubst(), image.as_ref());
    let environment = with_global(container.envsubst(), &sections);
    let alone = known && is_plain_launch(container, "haproxy");
    Some(HaproxyConf {
        service: Some(at),
        main,
        maps: maps(files, container, &sections),
        missing: missing(files, container, &sections, alone),
        sections,
        complete,
        environment,
        image,
        unmounted: false,
        alone,
        misplaced,
    })
}

/// The map files that give names of backends, as the container sees them. HAProxy looks for a relative path in the folder
/// that it starts in, unless `default-path` says otherwise.
fn maps(
    files: &mut Files,
    container: &Container,
    sections: &[Section],
) -> BTreeMap<String, Vec<Spanned<String>>> {
    let lines = || sections.iter().flat_map(|section| &section.lines);
    let moved = lines().any(|line| line.words[0].text == "default-path");
    let chosen = lines().filter(|line| line.words[0].text == "use_backend");
    let choices = chosen.filter_map(|line| map_choice(&line.words.get(1)?.text));
    let mut maps = BTreeMap::new();
    for choice in choices.filter(|choice| choice.path.starts_with('/') || !moved) {
        let inside = path::absolute(workdir(container), &choice.path);
        if let Seen::File(place) = container.view.look(files.host, &inside)
            && let Some(file) = files.open(&place)
        {
            let values = map_values(file, files.text(file));
            maps.insert(choice.path, values);
        }
    }
    maps
}

/// Maps and lists of patterns that are not there, in folders that are mounted from the tree. Something else in the container
/// may make them.
fn missing(
    files: &Files,
    container: &Container,
    sections: &[Section],
    alone: bool,
) -> Vec<Missing> {
    if !alone || container.built {
        return Vec::new();
    }
    let lines = sections.iter().flat_map(|section| &section.lines);
    let named = lines
        .filter(|line| !line.conditional)
        .flat_map(pattern_files);
    let missing = named.filter_map(|named| {
        let Seen::Absent(place) = container.view.look(files.host, &named.value) else {
            return None;
        };
        let folder = container.view.look(files.host, path::parent(&named.value));
        let Seen::Dir(folder) = folder else {
            return None;
        };
        (!files.host.is_ignored(&place)).then_some(Missing {
            span: named.span,
            inside: named.value,
            folder,
        })
    });
    missing.collect()
}

/// The sections of all files, with one branch of every `.if` that this HAProxy's version and environment decide.
fn sections(
    files: &mut Files,
    ids: &[FileId],
    environment: &Envsubst,
    image: Option<&Text>,
) -> Vec<Section> {
    let tag = image.and_then(|image| tag(image.get()?));
    let variable = |name: &str| match environment.value(name) {
        Some(value) => Variable::Set(value.to_owned()),
        // What HAProxy sets by itself is not asked for.
        None if environment.lacks(name) && !name.starts_with("HAPROXY_") => Variable::Unset,
        None => Variable::Unknown,
    };
    let reader = Reader {
        version: tag.filter(|tag| tag.starts_with(|c: char| c.is_ascii_digit())),
        environment: &variable,
    };
    let mut sections = Vec::new();
    for id in ids {
        let tree = files.haproxy(*id);
        if tree.is_conditional {
            sections.extend(parse_by(*id, files.text(*id), &reader).sections);
        } else {
            sections.extend(tree.sections.clone());
        }
    }
    sections
}

/// Why the config of a HAProxy image could not be read, if something is put where it looks.
pub(super) fn unread_haproxy(container: &Container) -> Option<String> {
    if !is_haproxy_image(image_of(container)) {
        return None;
    }
    let paths = haproxy_paths(&container.words(), workdir(container));
    paths.iter().find_map(|inside| {
        let why = match container.view.locate(inside) {
            Location::Image(_) | Location::Repo(_) | Location::Inline(_) => return None,
            Location::Volume(name, _) => format!("it lies on the volume {name}"),
            Location::Outside(path) => format!("{path} lies outside the project"),
            Location::Foreign(foreign) => foreign.why(),
            Location::Own(_) => "something writes it while it runs".to_owned(),
            Location::Unknown(why) => why,
        };
        Some(format!("config {inside}: {why}"))
    })
}

/// The folder that a HAProxy starts in.
fn workdir(container: &Container) -> &str {
    match container.working_dir.as_str() {
        // The official images' own.
        "/" if is_haproxy_image(image_of(container)) => "/var/lib/haproxy",
        other => other,
    }
}

/// Whether nothing was put where a container's HAProxy looks: not a file that is not read here either.
fn is_left_as_shipped(container: &Container) -> bool {
    let mut paths = haproxy_paths(&container.words(), workdir(container)).into_iter();
    paths.all(|inside| container.view.is_image(&inside))
}

/// What `-f` names, and what stands behind `--`; else where the official images' command looks. `-C` is where HAProxy
/// goes before it reads them.
fn haproxy_paths(words: &[String], workdir: &str) -> Vec<String> {
    let mut folder = workdir.to_owned();
    let mut names = Vec::new();
    // A shell is given the whole line in one word.
    let lines = |word: &String| {
        if word.contains(" -f ") {
            split(word).collect()
        } else {
            vec![word.clone()]
        }
    };
    let mut words = words.iter().flat_map(lines);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-f" => names.extend(words.next()),
            "-C" => folder = path::absolute(&folder, &words.next().unwrap_or_default()),
            "--" => names.extend(words.by_ref()),
            _ => {}
        }
    }
    if names.is_empty() {
        return vec!["/usr/local/etc/haproxy/haproxy.cfg".to_owned()];
    }
    let paths = names.iter().map(|name| path::absolute(&folder, name));
    paths.collect()
}

/// The files of a folder that is given to `-f`: those that end in `.cfg`, in order, hidden ones left out.
fn folder(files: &mut Files, folder: &str) -> Vec<FileId> {
    let entries = files.host.list(folder);
    let hidden = |path: &str| path.starts_with('.') || path.contains("/.");
    let names = entries
        .iter()
        .filter(|entry| !entry.is_dir && entry.path.ends_with(".cfg") && !hidden(&entry.path));
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
        .filter(|at| is_left_as_shipped(project.container(*at)))
        .collect();
    let parts = Parts::of(files, orphans);
    for main in orphans.iter().filter(|id| !parts.joined.contains(id)) {
        let mut sections = files.haproxy(*main).sections.clone();
        for part in parts.of_whole.get(main).into_iter().flatten() {
            sections.extend(files.haproxy(*part).sections.clone());
        }
        // A loose part may be given to each file that lies beside it.
        let complete = looks_like_template(files.text(*main)).is_none()
            && !parts.loose_in.contains(folder_of(files, *main));
        let outside = Envsubst {
            variables: Vec::new(),
            open: Some("it runs outside the project".to_owned()),
        };
        let environment = with_global(outside, &sections);
        let mut conf = HaproxyConf {
            service: None,
            main: *main,
            sections,
            complete,
            environment,
            image: None,
            unmounted: false,
            alone: false,
            maps: BTreeMap::new(),
            missing: Vec::new(),
            misplaced: None,
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

/// Files with neither `global` nor `defaults`, which HAProxy is given beside others: `-f haproxy.cfg -f conf.d`.
#[derive(Default)]
struct Parts {
    /// What lies in `conf.d` beside a `haproxy.cfg`, where the unit of Red Hat's package reads it.
    of_whole: BTreeMap<FileId, Vec<FileId>>,
    /// All of these.
    joined: BTreeSet<FileId>,
    /// Folders with parts of which the rest is not known.
    loose_in: BTreeSet<String>,
}

impl Parts {
    fn of(files: &mut Files, orphans: &[FileId]) -> Self {
        let mut mains: BTreeMap<String, Vec<FileId>> = BTreeMap::new();
        let mut parts = Vec::new();
        for id in orphans {
            let folder = folder_of(files, *id).to_owned();
            let general =
                |section: &Section| matches!(section.kind.value.as_str(), "global" | "defaults");
            // One of that name is taken for a whole one: HAProxy starts without both sections.
            let named = path::name(&files.sources.get(*id).path).starts_with("haproxy");
            if named || files.haproxy(*id).sections.iter().any(general) {
                mains.entry(folder).or_default().push(*id);
            } else {
                parts.push((*id, folder));
            }
        }
        let mut out = Self::default();
        for (part, folder) in parts {
            match mains.get(path::parent(&folder)).map(Vec::as_slice) {
                Some([main]) if path::name(&folder) == "conf.d" => {
                    out.of_whole.entry(*main).or_default().push(part);
                    out.joined.insert(part);
                }
                _ => {
                    out.loose_in.insert(folder);
                }
            }
        }
        out
    }
}

fn folder_of<'a>(files: &'a Files, id: FileId) -> &'a str {
    path::parent(&files.sources.get(id).path)
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
