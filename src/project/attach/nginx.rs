//! Which files make one nginx: those of a container, or those that lie in the tree for an nginx on the host.

use std::collections::BTreeSet;

use super::{image_of, is_plain_launch, placed};
use crate::host::path;
use crate::project::container::{Location, Seen};
use crate::project::files::Files;
use crate::project::image::Container;
use crate::project::image_name::{is_haproxy_image, repository};
use crate::project::nginx::{Expander, FILLED_INTO, NginxConf, Root, template_of};
use crate::project::nginx_image::nginx_image;
use crate::project::{Envsubst, Project, ServiceRef};
use crate::source::{FileId, Span, Spanned};
use crate::syntax::Format;
use crate::syntax::nginx::Directive;

/// What packages of other distributions include.
const PACKAGED_NGINX: &str = "http {\n    include /etc/nginx/conf.d/*.conf;\n    include /etc/nginx/http.d/*.conf;\n    include /etc/nginx/sites-enabled/*;\n}\nstream {\n    include /etc/nginx/stream.d/*.conf;\n}\n";

/// The nginx of a service, if it runs one.
pub(super) fn nginx_of(
    files: &mut Files,
    container: &Container,
    at: ServiceRef,
    claimed: &mut BTreeSet<FileId>,
) -> Option<NginxConf> {
    let placed = placed(files, container, Format::Nginx);
    if !runs_nginx(container, &placed) {
        return None;
    }
    let image = nginx_image(image_of(container));
    let known = image.is_some();
    let inside = main_path(container);
    let envsubst = container.envsubst();
    let filled_into = filled_into(&envsubst);
    let main = main_file(files, container, &inside, filled_into)?;
    let (root, folder) = (Root::Container(&container.view), path::parent(&inside));
    let mut expander = Expander::new(files, root, folder, Some(&envsubst));
    expander.official = official(container);
    filled_into.clone_into(&mut expander.filled_into);
    let mut directives = expander.file(main.id, main.filled);
    let mut included = std::mem::take(&mut expander.included);
    let loose = placed
        .iter()
        .filter(|(target, _)| is_loose(target, container, known));
    let mut last_loose = None;
    for (_, id) in loose {
        if included.contains(id) {
            continue;
        }
        let extra = expander.file(*id, true);
        if is_main(&extra) && main.given {
            continue;
        }
        last_loose = Some(*id);
        directives.extend(wrap(extra, *id));
        included.extend(std::mem::take(&mut expander.included));
    }
    let complete = expander.complete && image.is_none_or(|image| !image.writes);
    let (templates, missing) = (expander.templates, expander.missing);
    let point = last_loose
        .or(first_included(&placed, &included))
        .filter(|_| !main.given)
        .unwrap_or(main.id);
    claimed.extend(included);
    Some(NginxConf {
        service: Some(at),
        main: point,
        directives,
        complete,
        fragment: false,
        templates,
        environment: prepared(container),
        image: container.image.clone().filter(|_| known),
        unmounted: false,
        alone: known && is_plain_launch(container, "nginx"),
        given: main.given,
        missing,
    })
}

/// The file that findings about a whole process point at, in place of a shipped main: the first one of the project.
fn first_included(placed: &[(String, FileId)], included: &BTreeSet<FileId>) -> Option<FileId> {
    let mut ids = placed.iter().map(|(_, id)| *id);
    ids.find(|id| included.contains(id))
}

/// The official image, if a container is that and nothing else: nothing built on it, no command or script of its own
/// that could put files in place.
fn official(container: &Container) -> Option<String> {
    let image = image_of(container);
    let as_shipped = repository(image) == "nginx"
        && !container.built
        && is_plain_launch(container, "nginx")
        && container.view.is_bare_below("/docker-entrypoint.d");
    as_shipped.then(|| image.to_owned())
}

/// What the entrypoint fills templates from: the container's environment, and what scripts beside it export.
fn prepared(container: &Container) -> Envsubst {
    let mut environment = container.envsubst();
    let mut placed = container.view.placed();
    if placed.any(|(target, _)| target.starts_with("/docker-entrypoint.d")) {
        environment.open = Some("a script of the project runs before it".to_owned());
    }
    environment
}

/// Whether a container runs nginx: its image is one, or its command or its folders say so of the configs placed in it.
fn runs_nginx(container: &Container, placed: &[(String, FileId)]) -> bool {
    let image = image_of(container);
    if nginx_image(image).is_some() {
        return true;
    }
    if placed.is_empty() {
        return false;
    }
    let at_home = placed
        .iter()
        .any(|(target, _)| target.contains("nginx") || target.contains("openresty"));
    names_word(container, "nginx") || (at_home && !is_haproxy_image(image))
}

/// Whether a word of the container's command holds a text.
fn names_word(container: &Container, text: &str) -> bool {
    container.words().iter().any(|word| word.contains(text))
}

/// The folder that the image's entrypoint fills templates into.
fn filled_into(environment: &Envsubst) -> &str {
    let told = environment.value("NGINX_ENVSUBST_OUTPUT_DIR");
    told.unwrap_or(FILLED_INTO).trim_end_matches('/')
}

/// The file that a process starts from.
struct Main {
    id: FileId,
    /// Whether the project has it; else it stands for the one of the image or the package.
    given: bool,
    /// Whether envsubst makes it of a template.
    filled: bool,
}

/// The file at the path of the main file, or what the image or the package ships in its place.
fn main_file(
    files: &mut Files,
    container: &Container,
    inside: &str,
    filled_into: &str,
) -> Option<Main> {
    let given = |id, filled| Main {
        id,
        given: true,
        filled,
    };
    if let Some(template) = template_of(filled_into, inside)
        && let Seen::File(path) = container.view.look(files.host, &template)
    {
        return files.open(&path).map(|id| given(id, true));
    }
    let image = nginx_image(image_of(container));
    let (name, text) = match (container.view.look(files.host, inside), image) {
        (Seen::File(path), _) => {
            return files
                .open(&path)
                .map(|id| given(id, names_word(container, "envsubst")));
        }
        (Seen::Elsewhere(Location::Image(_)), Some(image)) => (image.name(), image.text),
        (Seen::Absent(_), Some(image)) if image.seeds => (image.name(), image.text),
        (Seen::Elsewhere(Location::Image(_)), None) => {
            ("nginx.conf of the package".to_owned(), PACKAGED_NGINX)
        }
        _ => (
            "nginx.conf that is not in the tree".to_owned(),
            "http {\n}\n",
        ),
    };
    let id = files.shipped(&name, text);
    Some(Main {
        id,
        given: false,
        filled: false,
    })
}

/// Why the main file of a container's nginx could not be read, if a build takes it from elsewhere.
pub(super) fn unread_nginx(container: &Container) -> Option<String> {
    nginx_image(image_of(container))?;
    let inside = main_path(container);
    match container.view.locate(&inside) {
        Location::Foreign(foreign) => Some(format!("config {inside}: {}", foreign.why())),
        _ => None,
    }
}

/// The main file: what `-c` names, else the compiled-in path.
fn main_path(container: &Container) -> String {
    let words = container.words();
    // A shell has a `-c` too.
    let program =
        |word: &&String| !matches!(path::name(word), "nginx" | "nginx-debug" | "openresty");
    let mut own = words.iter().skip_while(program);
    let named = own.find(|word| *word == "-c").and_then(|_| own.next());
    match named {
        Some(file) => path::absolute("/etc/nginx", file),
        _ => nginx_image(image_of(container))
            .map_or("/etc/nginx/nginx.conf", |image| image.main)
            .to_owned(),
    }
}

/// Whether a config lies where nothing includes it and something must put it in place: an envsubst command or a script.
fn is_loose(target: &str, container: &Container, known: bool) -> bool {
    let named = names_word(container, target);
    let at_home = target.contains("/nginx/")
        && !target.contains("snippets")
        && !target.contains("sites-available");
    named
        || (!target.contains("/etc/nginx/") && known)
        || (container.built && at_home && !target.contains("/templates/"))
}

fn is_main(directives: &[Directive]) -> bool {
    directives
        .iter()
        .any(|directive| matches!(directive.name.value.as_str(), "http" | "events" | "stream"))
}

/// The context that the directives of a fragment need, put around them.
fn wrap(directives: Vec<Directive>, file: FileId) -> Vec<Directive> {
    if is_main(&directives) {
        return directives;
    }
    let span = directives
        .first()
        .map_or(Span::new(file, 0, 0), |first| first.span);
    let around = |name: &str, block: Vec<Directive>| Directive {
        name: Spanned::new(name.to_owned(), span),
        args: Vec::new(),
        block: Some(block),
        span,
    };
    let has = |wanted: &[&str]| {
        directives
            .iter()
            .any(|d| wanted.contains(&d.name.value.as_str()))
    };
    if !has(&["server", "upstream", "map"]) && has(&["location"]) {
        return vec![around("http", vec![around("server", directives)])];
    }
    let streams = |d: &Directive| {
        d.name.value == "server"
            && d.block
                .iter()
                .flatten()
                .any(|inner| inner.name.value == "proxy_pass")
    };
    let name = if directives.iter().any(streams) {
        "stream"
    } else {
        "http"
    };
    vec![around(name, directives)]
}

/// nginx files that no container takes: mains with what they include, and the rest folder by folder.
pub(super) fn host_nginx(
    files: &mut Files,
    project: &mut Project,
    orphans: &[FileId],
    claimed: &mut BTreeSet<FileId>,
) {
    let mut confs = Vec::new();
    for id in orphans {
        if is_main(&files.nginx(*id).directives.clone()) {
            confs.push(tree_conf(files, &[*id], claimed));
        }
    }
    let mut by_folder: Vec<(String, Vec<FileId>)> = Vec::new();
    for id in orphans.iter().filter(|id| !claimed.contains(id)) {
        let folder = path::parent(&files.sources.get(*id).path).to_owned();
        match by_folder.last_mut() {
            Some((last, ids)) if *last == folder => ids.push(*id),
            _ => by_folder.push((folder, vec![*id])),
        }
    }
    for (_, ids) in by_folder {
        confs.push(tree_conf(files, &ids, claimed));
    }
    let lonely: Vec<ServiceRef> = project
        .nginx
        .iter()
        .filter(|conf| is_bare(conf, files))
        .filter_map(|c| c.service)
        .filter(|at| is_left_as_shipped(project.container(*at)))
        .collect();
    if let ([_], [service]) = (confs.as_slice(), lonely.as_slice()) {
        let mut conf = confs.remove(0);
        let container = &project.containers[service.stack][service.service];
        conf.service = Some(*service);
        conf.unmounted = true;
        conf.image.clone_from(&container.image);
        conf.alone =
            nginx_image(image_of(container)).is_some() && is_plain_launch(container, "nginx");
        project.nginx.retain(|conf| conf.service != Some(*service));
        confs.push(conf);
    }
    project.nginx.extend(confs);
}

/// Whether nothing was put where a container's nginx looks: not a file that is not read here either.
fn is_left_as_shipped(container: &Container) -> bool {
    [
        "/etc/nginx/nginx.conf",
        "/etc/nginx/conf.d",
        "/etc/nginx/templates",
    ]
    .iter()
    .all(|inside| container.view.is_image(inside))
}

/// Whether a service's nginx has nothing of the project in it.
fn is_bare(conf: &NginxConf, files: &Files) -> bool {
    conf.service.is_some() && files.sources.get(conf.main).is_synthetic()
}

fn tree_conf(files: &mut Files, ids: &[FileId], claimed: &mut BTreeSet<FileId>) -> NginxConf {
    let main = ids[0];
    let folder = path::parent(&files.sources.get(main).path).to_owned();
    let home = [
        "conf.d",
        "sites-enabled",
        "sites-available",
        "http.d",
        "snippets",
    ]
    .contains(&path::name(&folder));
    let conf_prefix = if home {
        path::parent(&folder).to_owned()
    } else {
        folder
    };
    let prefix = format!("/{conf_prefix}");
    let mut expander = Expander::new(files, Root::Tree { conf_prefix }, &prefix, None);
    let mut directives = Vec::new();
    let mut fragment = false;
    for id in ids {
        let file = expander.file(*id, false);
        fragment |= !is_main(&file);
        directives.extend(wrap(file, *id));
    }
    claimed.extend(&expander.included);
    let complete = expander.complete;
    NginxConf {
        service: None,
        main,
        directives,
        complete,
        fragment,
        templates: BTreeSet::new(),
        environment: Envsubst::default(),
        image: None,
        unmounted: false,
        alone: false,
        given: true,
        missing: Vec::new(),
    }
}
