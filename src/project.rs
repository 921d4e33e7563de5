//! Which files belong together: discovery, compose projects, includes, templates, and what a container sees.

pub mod attach;
pub mod compose;
pub mod container;
pub mod files;
pub mod haproxy;
pub mod image;
pub mod image_name;
mod inline;
mod namespace;
pub mod nginx;
pub mod nginx_image;

use std::collections::BTreeSet;

use crate::finding::{Gap, SyntaxError};
use crate::host::Host;
use crate::host::path;
use crate::settings::Settings;
use crate::source::{FileId, SourceFile, Sources};
use crate::syntax::{Format, guess};
use namespace::{Namespaces, Networks};

/// A service of a stack: indexes into [`Project::stacks`] and `Stack::services`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceRef {
    /// Index of the stack.
    pub stack: usize,
    /// Index of the service in it.
    pub service: usize,
}

/// The variables that a process finds in its environment.
#[derive(Debug, Clone, Default)]
pub struct Envsubst {
    /// Name and value; `None` if it is set to something unknown.
    pub variables: Vec<(String, Option<String>)>,
    /// Why others may be set as well, if so.
    pub open: Option<String>,
}

impl Envsubst {
    /// The value of a variable, if it is known.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.variables
            .iter()
            .rev()
            .find(|(key, _)| key == name)?
            .1
            .as_deref()
    }

    /// Whether a variable is certainly set nowhere.
    pub fn lacks(&self, name: &str) -> bool {
        self.open.is_none() && !self.variables.iter().any(|(key, _)| key == name)
    }
}

/// Everything that was read, before any meaning.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// All files.
    pub sources: Sources,
    /// Compose projects.
    pub stacks: Vec<compose::Stack>,
    /// What each service's container is: by stack, then by service.
    pub containers: Vec<Vec<image::Container>>,
    /// nginx processes.
    pub nginx: Vec<nginx::NginxConf>,
    /// HAProxy processes.
    pub haproxy: Vec<haproxy::HaproxyConf>,
    /// systemd units, `.service` and `.socket`.
    pub units: Vec<FileId>,
    /// Files that pm2 starts apps from.
    pub ecosystems: Vec<FileId>,
    /// HAProxy files whose last line has no line feed.
    pub unfinished: Vec<FileId>,
    /// Syntax errors of every format.
    pub errors: Vec<SyntaxError>,
    /// What could not be read or known.
    pub gaps: Vec<Gap>,
    namespaces: Namespaces,
    networks: Networks,
}

impl Project {
    /// Reads what is below the root of a host.
    pub fn load(host: &dyn Host, settings: &Settings) -> Self {
        let mut project = Self::default();
        let found = discover(host, &mut project);
        project.stacks = compose::load_stacks(
            host,
            settings,
            &mut project.sources,
            &found.compose,
            &mut project.errors,
            &mut project.gaps,
        );
        project.namespaces = Namespaces::of(&project.stacks);
        project.networks = Networks::of(&project.stacks);
        attach::attach(host, &mut project, &found);
        project.gaps.sort();
        project.gaps.dedup();
        project
    }

    /// A service of a stack.
    pub fn service(&self, at: ServiceRef) -> &compose::Service {
        &self.stacks[at.stack].services[at.service]
    }

    /// The container of a service.
    pub fn container(&self, at: ServiceRef) -> &image::Container {
        &self.containers[at.stack][at.service]
    }

    /// The service whose network namespace a service lives in.
    pub fn namespace(&self, of: ServiceRef) -> ServiceRef {
        self.namespaces.owner(of)
    }

    /// Every service that shares a network namespace with one, itself included, in their order.
    pub fn housemates(&self, of: ServiceRef) -> Vec<ServiceRef> {
        self.namespaces.mates(of)
    }

    /// The names in Docker of the networks that a service is on.
    pub fn networks_of(&self, at: ServiceRef) -> Vec<String> {
        self.networks.names(self.namespace(at))
    }

    /// Whether two services are on one network, by its name in Docker.
    pub fn share_network(&self, a: ServiceRef, b: ServiceRef) -> bool {
        self.networks.meet(self.namespace(a), self.namespace(b))
    }

    /// Services whose proxy config only lies beside them, mounted nowhere, with its main file.
    pub fn beside(&self) -> impl Iterator<Item = (ServiceRef, FileId)> {
        let nginx = self.nginx.iter().filter(|conf| conf.unmounted);
        let haproxy = self.haproxy.iter().filter(|conf| conf.unmounted);
        let all = nginx.map(|conf| (conf.service, conf.main));
        let all = all.chain(haproxy.map(|conf| (conf.service, conf.main)));
        all.filter_map(|(service, main)| Some((service?, main)))
    }

    /// Every service of every stack.
    pub fn services(&self) -> impl Iterator<Item = (ServiceRef, &compose::Service)> {
        self.stacks.iter().enumerate().flat_map(|(stack, project)| {
            project
                .services
                .iter()
                .enumerate()
                .map(move |(service, s)| (ServiceRef { stack, service }, s))
        })
    }
}

/// What the walk found, by format.
#[derive(Debug, Default)]
pub struct Found {
    /// Compose files.
    pub compose: Vec<String>,
    /// nginx files, whole or fragments.
    pub nginx: BTreeSet<FileId>,
    /// HAProxy files.
    pub haproxy: BTreeSet<FileId>,
}

fn discover(host: &dyn Host, project: &mut Project) -> Found {
    let mut found = Found::default();
    let walk = host.walk();
    for (path, reason) in walk.unreadable {
        project.gaps.push(Gap {
            path,
            line: None,
            reason,
        });
    }
    for path in walk.files.iter().filter(|path| is_candidate(path)) {
        let bytes = match host.read(path) {
            Ok(bytes) => bytes,
            Err(reason) => {
                project.gaps.push(Gap {
                    path: path.clone(),
                    line: None,
                    reason,
                });
                continue;
            }
        };
        let file = SourceFile::new(path.clone(), bytes);
        if is_unit(path) {
            if file.text.contains("ExecStart=") || file.text.contains("ListenStream=") {
                project.units.push(project.sources.add(file));
            }
            continue;
        }
        if ECOSYSTEMS.contains(&path::name(path)) {
            project.ecosystems.push(project.sources.add(file));
            continue;
        }
        match guess(path, &file.text) {
            Some(Format::Compose) => {
                found.compose.push(path.clone());
                project.sources.add(file);
            }
            Some(Format::Nginx) => {
                found.nginx.insert(project.sources.add(file));
            }
            Some(Format::Haproxy) => {
                found.haproxy.insert(project.sources.add(file));
            }
            _ => {}
        }
    }
    found
}

/// What pm2 calls its own config.
const ECOSYSTEMS: [&str; 2] = ["ecosystem.config.js", "ecosystem.config.cjs"];

fn is_unit(path: &str) -> bool {
    path.ends_with(".service") || path.ends_with(".socket")
}

/// Whether a file is worth reading for its name. A config of another name is read when a compose file or a Dockerfile
/// puts it into a container.
fn is_candidate(path: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "yaml", "yml", "conf", "cfg", "template", "tmpl", "tpl", "j2", "erb", "vhost", "nginx",
        "inc", "haproxy",
    ];
    const FOLDERS: &[&str] = &[
        "conf.d",
        "sites-available",
        "sites-enabled",
        "http.d",
        "stream.d",
        "vhosts.d",
    ];
    let name = path::name(path);
    let lower = name.to_ascii_lowercase();
    let ending = lower.rfind('.').map_or("", |at| &lower[at + 1..]);
    const SOURCES: &[&str] = &[
        "py", "js", "ts", "tsx", "go", "rs", "java", "rb", "php", "md", "html", "css", "json",
        "sh", "png", "svg", "txt",
    ];
    if ENDINGS.contains(&ending) || is_unit(path) || ECOSYSTEMS.contains(&name) {
        return true;
    }
    if SOURCES.contains(&ending) {
        return false;
    }
    let folder = path::name(path::parent(path));
    lower.contains("nginx")
        || lower.contains("haproxy")
        || FOLDERS.contains(&folder)
        || folder == "nginx" && ending.is_empty()
}
