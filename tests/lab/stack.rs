//! The services of an example, each on loopback addresses of its own, so that ports stay as the page writes them.
//!
//! A service has two addresses: one for its networks, and one that is `127.0.0.1` inside its container. What listens on
//! the second one only is out of reach for the other services, as it is in Docker.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use no502::page::File;
use serde_json::Value;

use super::yaml;

/// Ports below 1024 are not for an unprivileged process: they move up by this.
const LIFT: u16 = 20_000;

/// The port of the lab for a port of the page.
pub(crate) fn lift(port: u16) -> u16 {
    if port < 1024 { port + LIFT } else { port }
}

/// All services of an example.
pub(crate) struct Stack {
    /// In the order of the compose file; the one service `host` if there is none.
    pub(crate) services: Vec<Service>,
    /// Hosts outside the project that a stub stands in for.
    pub(crate) outside: BTreeMap<String, Ipv4Addr>,
    /// Where the lab's name server listens.
    pub(crate) dns: SocketAddr,
    /// Where a name server answers that knows no service, as those of the internet do.
    pub(crate) public_dns: SocketAddr,
}

/// One service.
pub(crate) struct Service {
    /// Its key.
    pub(crate) name: String,
    /// Its address for the other services.
    pub(crate) address: Ipv4Addr,
    /// `127.0.0.1` inside its container.
    pub(crate) own: Ipv4Addr,
    /// Names that others on one of its networks know it by.
    names: Vec<String>,
    networks: Vec<String>,
    /// `extra_hosts`.
    hosts: BTreeMap<String, String>,
    /// Whether it runs: no inactive profile, not zero replicas.
    pub(crate) runs: bool,
    /// Without registry and tag: `nginx`, `php`.
    pub(crate) image: String,
    /// Tag of the image.
    pub(crate) tag: String,
    /// `command` after `entrypoint`, or the `CMD` of its Dockerfile; empty if nothing says it.
    pub(crate) argv: Vec<String>,
    /// `environment`.
    pub(crate) env: BTreeMap<String, String>,
    /// Whether it publishes ports.
    pub(crate) publishes: bool,
    /// Signal that it is stopped with.
    pub(crate) stop_signal: String,
    /// How long it is left after that before it is killed, as compose writes it.
    pub(crate) stop_grace: String,
    /// How many files it may open, if `ulimits` says it.
    pub(crate) files: Option<u64>,
    /// Target and source of every mount and copy, the longest target first.
    mounts: Vec<(String, Mount)>,
    /// Its file system.
    pub(crate) root: PathBuf,
}

/// What a mount puts in place.
#[derive(Debug, Clone)]
enum Mount {
    /// A file or a folder of the page.
    Project(String),
    /// A named volume.
    Volume(PathBuf),
}

impl Stack {
    /// Reads the compose file of an example, if there is one.
    pub(crate) fn read(files: &[File], dir: &Path, net: [u8; 2]) -> Result<Self, String> {
        let compose = files.iter().find(|(path, _)| is_compose(path));
        let value = compose.map_or(Ok(Value::Null), |(_, text)| yaml::read(text))?;
        let mut stack = Self {
            services: Vec::new(),
            outside: BTreeMap::new(),
            dns: SocketAddr::new(Ipv4Addr::new(127, net[0], net[1], 2).into(), 5353),
            public_dns: SocketAddr::new(Ipv4Addr::new(127, net[0], net[1], 3).into(), 5353),
        };
        let at = |index: usize| u8::try_from(10 + 2 * index).expect("a page has few services");
        let address = |last: u8| Ipv4Addr::new(127, net[0], net[1], last);
        for (index, (name, body)) in object(&value["services"]).enumerate() {
            let mut service = Service::read(name, body, files, dir);
            (service.address, service.own) = (address(at(index)), address(at(index) + 1));
            stack.services.push(service);
        }
        stack.share_namespaces(&value);
        if compose.is_none() {
            let mut host = Service::read("host", &Value::Null, files, dir);
            // On a machine without containers every address is everybody's.
            (host.address, host.own) = (address(at(0)), address(at(0)));
            host.publishes = true;
            host.argv = files
                .iter()
                .find_map(|(path, text)| exec_start(path, text))
                .unwrap_or_default();
            stack.services.push(host);
        }
        Ok(stack)
    }

    /// A service that shares the network of another one has its addresses.
    fn share_namespaces(&mut self, value: &Value) {
        for index in 0..self.services.len() {
            let mode = value["services"][&self.services[index].name]["network_mode"].as_str();
            let Some(other) = mode.and_then(|mode| mode.strip_prefix("service:")) else {
                continue;
            };
            if let Some(owner) = self.service(other) {
                let (address, own, networks) = (owner.address, owner.own, owner.networks.clone());
                let service = &mut self.services[index];
                (service.address, service.own, service.networks) = (address, own, networks);
            }
        }
    }

    /// The service of a name.
    pub(crate) fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// What a name or an address means inside a service; `None` if it is unknown there.
    pub(crate) fn resolve(&self, from: &Service, host: &str) -> Option<Ipv4Addr> {
        if host == "localhost" {
            return Some(from.own);
        }
        if let Some(written) = from.hosts.get(host) {
            return self.resolve(from, written);
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            return match address {
                IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Some(from.own),
                IpAddr::V4(address) if address.is_loopback() => Some(from.own),
                IpAddr::V6(address) if address.is_loopback() => Some(from.own),
                IpAddr::V4(address) => Some(address),
                IpAddr::V6(_) => None,
            };
        }
        self.known(from, host)
    }

    /// What Docker's name server says: services on a common network, by every name, and the world outside.
    pub(crate) fn known(&self, from: &Service, host: &str) -> Option<Ipv4Addr> {
        let near = |service: &&Service| {
            service.runs
                && service.names.iter().any(|name| name == host)
                && service
                    .networks
                    .iter()
                    .any(|network| from.networks.contains(network))
        };
        let service = self
            .services
            .iter()
            .find(near)
            .map(|service| service.address);
        service.or_else(|| self.outside.get(host).copied())
    }
}

impl Service {
    fn read(name: &str, body: &Value, files: &[File], dir: &Path) -> Self {
        let (image, tag) = image(body, files);
        let mut service = Self {
            name: name.to_owned(),
            address: Ipv4Addr::LOCALHOST,
            own: Ipv4Addr::LOCALHOST,
            names: vec![name.to_owned()],
            networks: Vec::new(),
            hosts: BTreeMap::new(),
            runs: runs(body),
            image,
            tag,
            argv: [words(&body["entrypoint"]), words(&body["command"])].concat(),
            env: pairs(&body["environment"], '='),
            publishes: body["ports"]
                .as_array()
                .is_some_and(|ports| !ports.is_empty()),
            stop_signal: body["stop_signal"].as_str().unwrap_or("SIGTERM").to_owned(),
            stop_grace: body["stop_grace_period"]
                .as_str()
                .unwrap_or("10s")
                .to_owned(),
            files: body["ulimits"]["nofile"]
                .as_str()
                .and_then(|files| files.parse().ok()),
            mounts: Vec::new(),
            root: dir.join(name),
        };
        service
            .names
            .extend(body["container_name"].as_str().map(str::to_owned));
        service.hosts = pairs(
            &body["extra_hosts"],
            if body["extra_hosts"].is_object() {
                '='
            } else {
                ':'
            },
        );
        service.read_networks(body);
        service.read_volumes(body, dir);
        service.read_dockerfile(body, files);
        service
            .mounts
            .sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        service
    }

    fn read_networks(&mut self, body: &Value) {
        let networks = &body["networks"];
        self.networks = match (body["network_mode"].as_str(), networks) {
            (Some(mode), _) => vec![mode.to_owned()],
            (None, Value::Null) => vec!["default".to_owned()],
            (None, list) => words(list)
                .into_iter()
                .chain(object(list).map(|(name, _)| name.to_owned()))
                .collect(),
        };
        for (_, network) in object(networks) {
            self.names.extend(words(&network["aliases"]));
        }
    }

    fn read_volumes(&mut self, body: &Value, dir: &Path) {
        for volume in body["volumes"].as_array().into_iter().flatten() {
            let mut parts = volume.as_str().unwrap_or_default().split(':');
            let source = volume["source"]
                .as_str()
                .or_else(|| parts.next())
                .unwrap_or_default();
            let target = volume["target"].as_str().or_else(|| parts.next());
            let Some(target) = target else { continue };
            let mount = if source.starts_with('.') || volume["type"] == "bind" {
                Mount::Project(clean(source))
            } else {
                Mount::Volume(dir.join("volumes").join(source))
            };
            self.mounts
                .push((target.trim_end_matches('/').to_owned(), mount));
        }
    }

    /// The last stage's `COPY` and `CMD`.
    fn read_dockerfile(&mut self, body: &Value, files: &[File]) {
        let Some((context, text)) = dockerfile(body, files) else {
            return;
        };
        let mut command = Vec::new();
        let mut workdir = "/".to_owned();
        for line in text.replace("\\\n", " ").lines() {
            let (word, rest) = line.trim().split_once(' ').unwrap_or_default();
            match word.to_ascii_uppercase().as_str() {
                "FROM" => command.clear(),
                "WORKDIR" => rest.trim().clone_into(&mut workdir),
                "CMD" | "ENTRYPOINT" => {
                    let list = serde_json::from_str(rest).unwrap_or(Value::String(rest.to_owned()));
                    command.extend(words(&list));
                }
                "ENV" => {
                    let (key, value) = rest.split_once(['=', ' ']).unwrap_or_default();
                    self.env
                        .entry(key.to_owned())
                        .or_insert_with(|| value.trim_matches('"').to_owned());
                }
                "COPY" | "ADD" => {
                    let parts: Vec<&str> = rest
                        .split_whitespace()
                        .filter(|word| !word.starts_with("--"))
                        .collect();
                    let Some((target, sources)) = parts.split_last() else {
                        continue;
                    };
                    for source in sources {
                        let source = clean(&format!("{context}/{source}"));
                        let name = source.rsplit('/').next().unwrap_or_default();
                        let target = match *target {
                            "." | "./" => format!("{workdir}/{name}"),
                            dir if dir.ends_with('/') && !source.is_empty() => {
                                format!("{dir}{name}")
                            }
                            file => file.trim_end_matches('/').to_owned(),
                        };
                        self.mounts.push((target, Mount::Project(source)));
                    }
                }
                _ => {}
            }
        }
        if self.argv.is_empty() {
            self.argv = command;
        }
    }

    /// Where a path inside the container is on this machine.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        for (target, mount) in &self.mounts {
            let Mount::Volume(volume) = mount else {
                continue;
            };
            match inside.strip_prefix(target.as_str()) {
                Some("") => return volume.clone(),
                Some(rest) if rest.starts_with('/') => return volume.join(&rest[1..]),
                _ => {}
            }
        }
        self.root.join(inside.trim_start_matches('/'))
    }

    /// The files that mounts and copies put into the container: path inside and text.
    pub(crate) fn mounted<'a>(&self, files: &[File<'a>]) -> Vec<(String, &'a str)> {
        let mut mounted = Vec::new();
        for (target, mount) in &self.mounts {
            let Mount::Project(source) = mount else {
                continue;
            };
            for (path, text) in files {
                let below = if source.is_empty() {
                    Some(*path)
                } else {
                    path.strip_prefix(source.as_str())
                };
                match below {
                    Some("") => mounted.push((target.clone(), *text)),
                    Some(rest) if source.is_empty() || rest.starts_with('/') => {
                        mounted.push((format!("{target}/{}", rest.trim_start_matches('/')), *text));
                    }
                    _ => {}
                }
            }
        }
        mounted
    }

    /// The folders of its volumes.
    pub(crate) fn volumes(&self) -> impl Iterator<Item = &PathBuf> {
        self.mounts.iter().filter_map(|(_, mount)| match mount {
            Mount::Volume(dir) => Some(dir),
            Mount::Project(_) => None,
        })
    }
}

/// Whether a file is the compose file of an example.
pub(crate) fn is_compose(path: &str) -> bool {
    [
        "compose.yaml",
        "compose.yml",
        "docker-compose.yaml",
        "docker-compose.yml",
    ]
    .contains(&path)
}

fn clean(path: &str) -> String {
    let parts = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}

fn image(body: &Value, files: &[File]) -> (String, String) {
    let from = dockerfile(body, files).and_then(|(_, text)| {
        let last = text
            .lines()
            .rev()
            .find_map(|line| line.trim().strip_prefix("FROM "))?;
        last.split_whitespace().next().map(str::to_owned)
    });
    let written = body["image"].as_str().map(str::to_owned);
    let full = from.or(written).unwrap_or_default();
    let last = full.rsplit('/').next().unwrap_or_default();
    let (name, tag) = last.split_once(':').unwrap_or((last, ""));
    (name.to_owned(), tag.to_owned())
}

/// Build context and text of the Dockerfile of a service.
fn dockerfile<'a>(body: &Value, files: &[File<'a>]) -> Option<(String, &'a str)> {
    let build = &body["build"];
    let context = clean(
        build
            .as_str()
            .or_else(|| build["context"].as_str())
            .unwrap_or(if build.is_null() { return None } else { "." }),
    );
    let name = build["dockerfile"].as_str().unwrap_or("Dockerfile");
    let path = clean(&format!("{context}/{name}"));
    let (_, text) = files.iter().find(|(file, _)| *file == path)?;
    Some((context, text))
}

fn runs(body: &Value) -> bool {
    let none = |value: &Value| value.as_str() == Some("0");
    let replicas = &body["deploy"]["replicas"];
    body["profiles"].as_array().is_none_or(Vec::is_empty)
        && !none(replicas)
        && !none(&body["scale"])
}

fn object(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

/// A list of strings, or a command line split as a shell would.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        Value::String(line) => split(line),
        _ => Vec::new(),
    }
}

/// What a systemd unit runs.
fn exec_start(path: &str, text: &str) -> Option<Vec<String>> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))?;
    path.ends_with(".service")
        .then(|| split(line.trim_start_matches(['-', '@', ':', '+', '!'])))
}

fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.replace("$$", "$").chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn pairs(value: &Value, between: char) -> BTreeMap<String, String> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let listed = words(value).into_iter().filter_map(|item| {
        let (key, value) = item.split_once(between)?;
        Some((key.to_owned(), value.to_owned()))
    });
    listed
        .chain(object(value).map(|(key, value)| (key.to_owned(), text(value))))
        .collect()
}
