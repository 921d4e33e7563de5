//! Which proxy config belongs to which service: by mount, by `COPY`, by the command, and where nothing says it, by
//! being the only one of its kind beside the only service that lacks one.

use std::collections::BTreeSet;

use crate::host::Host;
use crate::host::path;
use crate::project::container::{Location, Seen};
use crate::project::files::Files;
use crate::project::haproxy::HaproxyConf;
use crate::project::image::Container;
use crate::project::nginx::{Expander, NginxConf, Root};
use crate::project::{Envsubst, Found, Project, ServiceRef};
use crate::source::{FileId, Span, Spanned};
use crate::syntax::nginx::Directive;
use crate::syntax::{Format, guess};

/// The nginx.conf of the official image, as far as rules look at it.
const SHIPPED_NGINX: &str =
    "http {\n    keepalive_timeout 65;\n    include /etc/nginx/conf.d/*.conf;\n}\n";
/// What packages of other distributions include.
const PACKAGED_NGINX: &str = "http {\n    include /etc/nginx/conf.d/*.conf;\n    include /etc/nginx/http.d/*.conf;\n    include /etc/nginx/sites-enabled/*;\n}\nstream {\n    include /etc/nginx/stream.d/*.conf;\n}\n";

/// Fills `containers`, `nginx`, `haproxy`, `unfinished` and the syntax errors of a project.
pub fn attach(host: &dyn Host, project: &mut Project, found: &Found) {
    let mut sources = std::mem::take(&mut project.sources);
    let mut gaps = std::mem::take(&mut project.gaps);
    let mut files = Files::new(host, &mut sources, &mut gaps);
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
        if let Some(conf) = haproxy_of(&mut files, container, at, &mut claimed) {
            project.haproxy.push(conf);
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
    project.errors.append(&mut files.errors);
    let (nginx, haproxy) = files.trees();
    project
        .errors
        .extend(nginx.into_values().flat_map(|tree| tree.errors));
    for (id, tree) in haproxy {
        project.errors.extend(tree.errors);
        if tree.final_newline_missing {
            project.unfinished.push(id);
        }
    }
    project.unfinished.sort();
    project.errors.sort_by_key(|error| error.span);
    project.sources = sources;
    project.gaps = gaps;
}

/// The repository of an image without registry, tag and digest: `nginx`, `bitnami/nginx`.
pub fn repository(image: &str) -> &str {
    let bare = image.rfind('@').map_or(image, |at| &image[..at]);
    let tail = bare.rfind('/').map_or(0, |at| at + 1);
    let bare = bare[tail..]
        .rfind(':')
        .map_or(bare, |at| &bare[..tail + at]);
    let is_registry = |host: &str| host.contains(['.', ':']) || host == "localhost";
    match bare.find('/') {
        Some(at) if is_registry(&bare[..at]) => bare[at + 1..].trim_start_matches("library/"),
        _ => bare.trim_start_matches("library/"),
    }
}

/// The tag of an image, if it has one.
pub fn tag(image: &str) -> Option<&str> {
    let bare = image.rfind('@').map_or(image, |at| &image[..at]);
    let tail = bare.rfind('/').map_or(0, |at| at + 1);
    bare[tail..].rfind(':').map(|at| &bare[tail + at + 1..])
}

/// Whether the image is an nginx whose files lie where those of the official one do.
pub fn is_nginx_image(image: &str) -> bool {
    const KNOWN: &[&str] = &[
        "nginx",
        "nginxinc/nginx-unprivileged",
        "nginx/nginx-unprivileged",
        "openresty/openresty",
        "jonasal/nginx-certbot",
        "nginxproxy/nginx-proxy",
        "chainguard/nginx",
        "ubuntu/nginx",
    ];
    KNOWN.contains(&repository(image))
}

/// Whether the image is a HAProxy.
pub fn is_haproxy_image(image: &str) -> bool {
    const KNOWN: &[&str] = &[
        "haproxy",
        "haproxytech/haproxy-alpine",
        "haproxytech/haproxy-debian",
        "haproxytech/haproxy-ubuntu",
    ];
    KNOWN.contains(&repository(image))
}

fn image_of(container: &Container) -> &str {
    container
        .image
        .as_ref()
        .and_then(|text| text.get())
        .unwrap_or("")
}

fn nginx_of(
    files: &mut Files,
    container: &Container,
    at: ServiceRef,
    claimed: &mut BTreeSet<FileId>,
) -> Option<NginxConf> {
    let image = image_of(container);
    let known = is_nginx_image(image);
    let placed = placed(files, container, Format::Nginx);
    let runs = container.words().iter().any(|word| word.contains("nginx"));
    if !known && (placed.is_empty() || is_haproxy_image(image)) && !(runs && !placed.is_empty()) {
        return None;
    }
    let at_home = placed
        .iter()
        .any(|(target, _)| target.contains("nginx") || target.contains("openresty"));
    if !known && !runs && !at_home {
        return None;
    }
    let inside = main_path(container);
    let envsubst = container.envsubst();
    let (main, main_given) = match container.view.look(files.host, &inside) {
        Seen::File(path) => (files.open(&path)?, true),
        Seen::Elsewhere(Location::Image(_)) if known => (
            files.shipped("nginx.conf of the image", SHIPPED_NGINX),
            false,
        ),
        Seen::Elsewhere(Location::Image(_)) => (
            files.shipped("nginx.conf of the package", PACKAGED_NGINX),
            false,
        ),
        _ => (
            files.shipped("nginx.conf that is not in the tree", "http {\n}\n"),
            false,
        ),
    };
    let filled_by_command = container
        .words()
        .iter()
        .any(|word| word.contains("envsubst"));
    let prefix = path::parent(&inside);
    let mut expander = Expander::new(
        files,
        Root::Container(&container.view),
        prefix,
        Some(&envsubst),
    );
    let mut directives = expander.file(main, main_given && filled_by_command);
    let mut included = std::mem::take(&mut expander.included);
    let mut point = main;
    for (_, id) in placed
        .iter()
        .filter(|(target, _)| is_loose(target, container, known))
    {
        if included.contains(id) {
            continue;
        }
        let extra = expander.file(*id, true);
        if is_main(&extra) && main_given {
            continue;
        }
        if !main_given {
            point = *id;
        }
        directives.extend(wrap(extra, *id));
        included.extend(std::mem::take(&mut expander.included));
    }
    if point == main && !main_given {
        point = placed
            .iter()
            .map(|(_, id)| *id)
            .find(|id| included.contains(id))
            .unwrap_or(main);
    }
    let complete = expander.complete;
    let unmounted = false;
    let alone = known && is_plain_launch(container, "nginx");
    claimed.extend(included);
    let image = container.image.clone().filter(|_| known);
    Some(NginxConf {
        service: Some(at),
        main: point,
        directives,
        complete,
        fragment: false,
        image,
        unmounted,
        alone,
    })
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

/// The main file: what `-c` names, else the compiled-in path.
fn main_path(container: &Container) -> String {
    let words = container.words();
    let named = words
        .iter()
        .position(|word| *word == "-c")
        .and_then(|at| words.get(at + 1));
    match named {
        Some(file) if words.iter().any(|word| word.contains("nginx")) => {
            path::absolute("/etc/nginx", file)
        }
        _ if repository(image_of(container)) == "openresty/openresty" => {
            "/usr/local/openresty/nginx/conf/nginx.conf".to_owned()
        }
        _ => "/etc/nginx/nginx.conf".to_owned(),
    }
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
    use crate::host::PathKind;
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

/// Whether a config lies where nothing includes it and something must put it in place: an envsubst command or a script.
fn is_loose(target: &str, container: &Container, known: bool) -> bool {
    let named = container.words().iter().any(|word| word.contains(target));
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

fn haproxy_of(
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
    let sections = ids
        .iter()
        .flat_map(|id| files.haproxy(*id).sections.clone())
        .collect();
    let (environment, image) = (
        container.envsubst(),
        container.image.clone().filter(|_| known),
    );
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

/// nginx files that no container takes: mains with what they include, and the rest folder by folder.
fn host_nginx(
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
        .collect();
    if let ([_], [service]) = (confs.as_slice(), lonely.as_slice()) {
        let mut conf = confs.remove(0);
        let container = &project.containers[service.stack][service.service];
        conf.service = Some(*service);
        conf.unmounted = true;
        conf.image.clone_from(&container.image);
        conf.alone = is_nginx_image(image_of(container)) && is_plain_launch(container, "nginx");
        project.nginx.retain(|conf| conf.service != Some(*service));
        confs.push(conf);
    }
    project.nginx.extend(confs);
}

/// Whether a service's nginx has nothing of the project in it.
fn is_bare(conf: &NginxConf, files: &Files) -> bool {
    conf.service.is_some() && files.sources.get(conf.main).path.starts_with('<')
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
        image: None,
        unmounted: false,
        alone: false,
    }
}

/// HAProxy files that no container takes.
fn host_haproxy(files: &mut Files, project: &mut Project, orphans: &[FileId]) {
    let lonely: Vec<ServiceRef> = project
        .services()
        .map(|(at, _)| at)
        .filter(|at| is_haproxy_image(image_of(project.container(*at))))
        .filter(|at| !project.haproxy.iter().any(|conf| conf.service == Some(*at)))
        .collect();
    for main in orphans {
        let sections = files.haproxy(*main).sections.clone();
        let mut conf = HaproxyConf {
            service: None,
            main: *main,
            sections,
            complete: true,
            environment: Envsubst {
                variables: Vec::new(),
                open: Some("it runs outside the project".to_owned()),
            },
            image: None,
            unmounted: false,
            alone: false,
        };
        if let ([_], [service]) = (orphans, lonely.as_slice()) {
            let container = project.container(*service);
            conf.service = Some(*service);
            conf.unmounted = true;
            conf.image.clone_from(&container.image);
            conf.environment = container.envsubst();
            conf.alone = is_plain_launch(container, "haproxy");
        }
        project.haproxy.push(conf);
    }
}
