//! The processes of every service as hops: what a container starts, read by the recogniser of app servers.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::{Host, PathKind, path};
use crate::model::app::passing::{Passing, passing};
use crate::model::app::{ContainerFiles, Inside, Launch, Process, recognise, unit};
use crate::model::chain::reached;
use crate::model::knowledge::Known;
use crate::model::{Amount, Hop, HopId, HopKind, Key, Model, Protocol, Reuse, Setting};
use crate::project::Project;
use crate::project::ServiceRef;
use crate::project::compose::Command;
use crate::project::container::{Foreign, Location, Seen, View};
use crate::project::files::Files;
use crate::project::image::Container;
use crate::settings::Settings;
use crate::source::{FileId, Span};
use crate::syntax::value::Text;

/// Adds a hop for every app, in the containers and on the machine itself. One reader serves them all: a file is read
/// once, and one that cannot be read is a gap. What comes back is whom the proxies among them dial.
pub(super) fn add(
    model: &mut Model,
    host: &dyn Host,
    project: &mut Project,
    settings: &Settings,
) -> Vec<(HopId, Passing)> {
    let known = Known::new(settings);
    let mut sources = std::mem::take(&mut project.sources);
    let mut gaps = Vec::new();
    let mut reader = Files::new(host, &mut sources, &mut gaps);
    let passings = add_of_services(model, project, &mut reader, known);
    add_of_machine(model, project, &mut reader, known);
    project.sources = sources;
    model.gaps.extend(gaps);
    passings
}

/// The processes of every service; proxies whose config was read are hops already.
fn add_of_services(
    model: &mut Model,
    project: &Project,
    reader: &mut Files,
    known: Known<'_>,
) -> Vec<(HopId, Passing)> {
    let mut passings = Vec::new();
    let proxied: BTreeSet<ServiceRef> = model.hops.iter().filter_map(|hop| hop.service).collect();
    let services: Vec<ServiceRef> = project.services().map(|(at, _)| at).collect();
    for at in services {
        let launch = launch(project, at);
        let container = project.container(at);
        let mut files = Contained {
            view: &container.view,
            context: container.context.as_deref(),
            reader,
        };
        let (processes, why) = recognise(&launch, &mut files, known);
        // An image that runs a proxy and nothing else is known, whether the recogniser knows it or not.
        if (processes.is_empty() || why.is_some()) && !model.alone.contains(&at) {
            let why = why.unwrap_or_else(|| "nothing tells what it runs".to_owned());
            model.opaque.insert(at, why);
        }
        if !processes.is_empty() && !model.opaque.contains_key(&at) && is_told(&launch) {
            model.followed.insert(at);
        }
        for process in processes {
            let kind = match process.program.as_str() {
                "nginx" | "haproxy" if proxied.contains(&at) => {
                    continue;
                }
                "nginx" => HopKind::Nginx,
                "haproxy" => HopKind::HaProxy,
                "traefik" | "cloudflared" => HopKind::Edge(process.name.clone()),
                _ => HopKind::App(process.name.clone()),
            };
            let id = HopId(u32::try_from(model.hops.len()).unwrap_or(u32::MAX));
            let passing = passing(&launch, &mut files, known, &process);
            passings.extend(passing.map(|passing| (id, passing)));
            model.hops.push(hop(kind, Some(at), process, known));
        }
    }
    passings
}

/// Whether nothing but what the project writes is started. The entry points of Docker's official images run what they
/// are given and end there; what another image's adds is not known.
fn is_told(launch: &Launch) -> bool {
    let image = launch.image.as_ref().and_then(Text::get);
    // plain: an official image is the one whose name has no folder
    let official = image.is_some_and(|image| !image.contains('/'));
    launch.entrypoint.is_some() || launch.command.is_some() && official
}

/// What a systemd unit or pm2 starts on the machine itself. The proxies there are read from their own configs.
fn add_of_machine(model: &mut Model, project: &Project, reader: &mut Files, known: Known<'_>) {
    add_of_units(model, project, reader, known);
    for &id in &project.ecosystems {
        let path = reader.sources.get(id).path.clone();
        let words = ["pm2-runtime", path::name(&path)];
        let span = Span::new(id, 0, 0);
        let launch = Launch {
            entrypoint: None,
            command: Some(Command::Exec(
                words.map(|word| Text::known(word, span)).to_vec(),
            )),
            environment: Vec::new(),
            environment_open: Some("the machine may set it".to_owned()),
            working_dir: format!("/{}", path::parent(&path)),
            image: None,
            built: false,
            span,
        };
        for process in of_machine(&launch, reader, known, Some("")) {
            let kind = HopKind::App(process.name.clone());
            model.hops.push(hop(kind, None, process, known));
        }
    }
}

/// What the units of systemd start.
fn add_of_units(model: &mut Model, project: &Project, reader: &mut Files, known: Known<'_>) {
    let units: Vec<(String, unit::Unit)> = project
        .units
        .iter()
        .map(|&id| {
            let path = reader.sources.get(id).path.clone();
            let unit = with_drop_ins(reader, id, &path);
            (path, unit)
        })
        .collect();
    let mut sockets: BTreeMap<String, Vec<&unit::Unit>> = BTreeMap::new();
    for (path, unit) in &units {
        if let Some(service) = activated(path, unit) {
            sockets.entry(service).or_default().push(unit);
        }
    }
    for (path, unit) in &units {
        let root = mirrored(path).map(str::to_owned);
        let mut read = |file: &str| {
            let path = path::below(root.as_deref()?, file.trim_start_matches('/'))?;
            let id = is_file(reader.host, &path).then(|| reader.open(&path))??;
            Some((id, reader.text(id).to_owned()))
        };
        let Some(launch) = unit::launch(unit, &mut read).filter(|_| path.ends_with(".service"))
        else {
            continue;
        };
        let is_awaited = sockets.contains_key(path);
        for mut process in of_machine(&launch, reader, known, root.as_deref()) {
            // With a socket of its own, the next connection starts it again.
            process.stays_down = unit.stays_down(process.span).filter(|_| !is_awaited);
            for socket in sockets.get(path).into_iter().flatten() {
                let protocol = process.listeners.first();
                let protocol = protocol.map(|own| own.protocol.clone());
                let unread = || Setting::unknown("what it speaks on a socket is not known");
                let opened = unit::sockets(socket, &protocol.unwrap_or_else(unread));
                // What systemd opens takes the place of what the program would, if that takes it.
                if unit::takes_sockets(&process) {
                    process.listeners.clear();
                }
                process.listeners.extend(opened);
                process.listeners_complete = false;
            }
            let kind = HopKind::App(process.name.clone());
            model.hops.push(hop(kind, None, process, known));
        }
    }
}

/// How long php-fpm keeps an idle connection is the word of the proxy in front: with `FCGI_KEEP_CONN` for ever, else not at
/// all. Measured with php-fpm 8.2.
pub(super) fn kept_by_proxies(model: &mut Model) {
    let mut kept = BTreeSet::new();
    for route in &model.routes {
        if route.protocol == Protocol::Fastcgi && matches!(route.reuse, Reuse::On(_)) {
            let targets = route.links.iter().map(|link| &model.link(*link).target);
            kept.extend(targets.filter_map(|target| Some(reached(target)?.0)));
        }
    }
    for hop in kept {
        let hop = &mut model.hops[hop.0 as usize];
        if let HopKind::App(program) = &hop.kind
            && program == "php-fpm"
        {
            let idle =
                Setting::default_of(Amount::Infinite, program, "", "measured php-fpm 8.2.35");
            hop.timeouts.insert(Key::KeepaliveIdle, idle);
        }
    }
}

/// A unit with its drop-ins: the files of the folder beside it that is named after it.
fn with_drop_ins(reader: &mut Files, id: FileId, path: &str) -> unit::Unit {
    let folder = format!("{path}.d");
    let entries = reader.host.list(&folder);
    let names = entries
        .iter()
        .filter(|entry| !entry.is_dir && entry.path.ends_with(".conf"));
    let paths: Vec<String> = names
        .filter_map(|entry| path::below(&folder, &entry.path))
        .collect();
    let drop_ins: Vec<FileId> = paths.iter().filter_map(|path| reader.open(path)).collect();
    let parts = [id].into_iter().chain(drop_ins);
    unit::Unit::new(
        parts
            .map(|id| (id, reader.text(id).to_owned()))
            .collect::<Vec<_>>(),
    )
}

/// The path of the service that a socket unit starts: the one that it names, else its namesake. One process for each
/// connection is no server.
fn activated(path: &str, unit: &unit::Unit) -> Option<String> {
    let stem = path.strip_suffix(".socket")?;
    let each = unit.value("Socket", "Accept");
    if each.is_some_and(|word| matches!(word.as_str(), "yes" | "true" | "on" | "1")) {
        return None;
    }
    match unit.value("Socket", "Service") {
        Some(name) => path::below(path::parent(path), &name),
        None => Some(format!("{stem}.service")),
    }
}

/// The folder of the tree that holds the machine's folders, by where a unit lies: `etc/systemd/system/shop.service`.
fn mirrored(path: &str) -> Option<&str> {
    let folder = path::parent(path);
    let homes = [
        "etc/systemd/system",
        "lib/systemd/system",
        "usr/lib/systemd/system",
    ];
    homes.iter().rev().find_map(|home| {
        let root = folder.strip_suffix(home)?;
        (root.is_empty() || root.ends_with('/')).then(|| root.trim_end_matches('/'))
    })
}

fn of_machine(
    launch: &Launch,
    reader: &mut Files,
    known: Known<'_>,
    root: Option<&str>,
) -> Vec<Process> {
    let mut files = Machine { root, reader };
    let (mut processes, _) = recognise(launch, &mut files, known);
    processes.retain(|process| !matches!(process.program.as_str(), "nginx" | "haproxy"));
    processes
}

fn hop(kind: HopKind, service: Option<ServiceRef>, process: Process, known: Known<'_>) -> Hop {
    let row = known.program(&process.program);
    Hop {
        http1_only: row.is_some_and(|row| row.http1_only),
        kind,
        service,
        span: process.span,
        version: process.version,
        listeners: process.listeners,
        listeners_complete: process.listeners_complete,
        timeouts: process.timeouts,
        slots: process.slots,
        stopping: process.stopping,
        head: process.head,
        stays_down: process.stays_down.filter(|_| service.is_none()),
    }
}

fn launch(project: &Project, at: ServiceRef) -> Launch {
    let container: &Container = project.container(at);
    let service = project.service(at);
    Launch {
        entrypoint: container.entrypoint.clone(),
        command: container.command.clone(),
        environment: container.environment.clone(),
        environment_open: container.environment_open.clone(),
        working_dir: container.working_dir.clone(),
        image: container.image.clone(),
        built: container.built,
        span: service.name.span,
    }
}

/// A container's files, read on demand.
struct Contained<'a, 'r> {
    view: &'a View,
    context: Option<&'a str>,
    reader: &'a mut Files<'r>,
}

impl ContainerFiles for Contained<'_, '_> {
    fn file(&mut self, path: &str) -> Inside {
        let host = self.reader.host;
        match self.view.look(host, path) {
            Seen::File(path) => open(self.reader, &path),
            Seen::Dir(path) => Inside::Unknown(format!("{path} is a folder")),
            Seen::Absent(path) if host.is_ignored(&path) => {
                Inside::Unknown(format!("{path} is not in the tree"))
            }
            Seen::Absent(_) => Inside::Absent,
            Seen::Elsewhere(
                Location::Image(path) | Location::Foreign(Foreign { inside: path, .. }),
            ) => Inside::Unknown(format!("{path} is in the image")),
            Seen::Elsewhere(_) => Inside::Unknown(format!("{path} is not of the project")),
        }
    }

    fn source(&mut self, path: &str) -> Inside {
        let below = self.context.and_then(|context| path::below(context, path));
        match below {
            Some(path) if is_file(self.reader.host, &path) => open(self.reader, &path),
            Some(_) => Inside::Absent,
            None => Inside::Unknown("it is built from no folder of the tree".to_owned()),
        }
    }

    fn taken_from(&self, path: &str) -> Option<String> {
        match self.view.locate(path) {
            Location::Foreign(foreign) => Some(foreign.source),
            _ => None,
        }
    }

    fn list(&mut self, path: &str) -> Result<Vec<String>, String> {
        self.view.list(self.reader.host, path)
    }

    fn placed(&self) -> Vec<String> {
        let placed = self.view.placed();
        placed.map(|(target, _)| target.to_owned()).collect()
    }

    fn text(&self, id: FileId) -> String {
        self.reader.text(id).to_owned()
    }
}

/// The files of the machine that the project is put on. What pm2 starts lies beside its config; where systemd's units
/// point to is unknown, unless the tree has the folders of the machine.
struct Machine<'a, 'r> {
    /// The folder of the tree that is the machine's root, if one is.
    root: Option<&'a str>,
    reader: &'a mut Files<'r>,
}

impl ContainerFiles for Machine<'_, '_> {
    fn file(&mut self, path: &str) -> Inside {
        let root = self.root;
        let below = root.and_then(|root| path::below(root, path.trim_start_matches('/')));
        match below.filter(|below| is_file(self.reader.host, below)) {
            Some(below) => open(self.reader, &below),
            None => Inside::Unknown(format!("{path} is on the machine")),
        }
    }

    fn source(&mut self, path: &str) -> Inside {
        self.file(path)
    }

    fn list(&mut self, path: &str) -> Result<Vec<String>, String> {
        Err(format!("{path} is on the machine"))
    }

    fn text(&self, id: FileId) -> String {
        self.reader.text(id).to_owned()
    }
}

fn is_file(host: &dyn Host, path: &str) -> bool {
    host.stat(path) == Some(PathKind::File)
}

fn open(reader: &mut Files, path: &str) -> Inside {
    match reader.open(path) {
        Some(id) => Inside::File(id),
        None => Inside::Unknown(format!("{path} could not be read")),
    }
}
