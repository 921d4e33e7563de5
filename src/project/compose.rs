//! A compose project as it is deployed: merged, interpolated, with the place of everything.

mod check;
mod consistency;
mod environment;
mod find;
mod load;
mod merge;
mod outline;
mod reader;
mod service;
mod stack;
pub mod tree;

use crate::finding::{Gap, SyntaxError};
use crate::host::Host;
use crate::settings::Settings;
use crate::source::{FileId, Sources, Span, Spanned};
use crate::syntax::value::Text;

/// Reads every stack among the compose files that a walk found. Files are added to `sources` once each, syntax errors
/// to `errors`, and what could not be read or known to `gaps`.
pub fn load_stacks(
    host: &dyn Host,
    settings: &Settings,
    sources: &mut Sources,
    candidates: &[String],
    errors: &mut Vec<SyntaxError>,
    gaps: &mut Vec<Gap>,
) -> Vec<Stack> {
    let mut reader = reader::Reader::new(host, sources, errors, gaps);
    find::plans(&mut reader, settings, candidates)
        .iter()
        .map(|plan| {
            let mut merged = load::load(&mut reader, plan);
            stack::stack(&mut reader, plan, &mut merged)
        })
        .collect()
}

/// One stack of the files given, in order, as `docker compose -f a -f b` merges them, with its whole tree. One file
/// alone, of a name that compose looks for, brings its override.
pub fn load_files(
    host: &dyn Host,
    sources: &mut Sources,
    files: &[String],
    errors: &mut Vec<SyntaxError>,
    gaps: &mut Vec<Gap>,
) -> (Stack, tree::Tree) {
    let mut reader = reader::Reader::new(host, sources, errors, gaps);
    let plan = match files {
        [only] => load::Plan::of(&find::with_override(host, only)),
        several => load::Plan::of(several),
    };
    let mut merged = load::load(&mut reader, &plan);
    let stack = stack::stack(&mut reader, &plan, &mut merged);
    (stack, merged.root)
}

/// One compose project.
#[derive(Debug, Clone, Default)]
pub struct Stack {
    /// Path of the main file below the root.
    pub path: String,
    /// Folder below the root that relative paths start from; `""` is the root.
    pub directory: String,
    /// Project name: `name:`, `COMPOSE_PROJECT_NAME`, or the folder's name; `None` if that is the unnamed root.
    pub name: Option<String>,
    /// Whether services may be missing from it: a file, an `include` or an `extends` could not be read.
    pub incomplete: bool,
    /// Every file that took part.
    pub files: Vec<FileId>,
    /// Whether nothing but the files themselves says that they are deployed together: what is missing then may stand
    /// in a file that was not thought of.
    pub guessed: bool,
    /// In the order of the files.
    pub services: Vec<Service>,
    /// Declared networks, `default` included if any service uses it.
    pub networks: Vec<Network>,
    /// Declared volumes.
    pub volumes: Vec<Volume>,
    /// Declared configs: the file that each one is, where known.
    pub configs: Vec<FileObject>,
    /// Declared secrets.
    pub secrets: Vec<FileObject>,
    /// What compose itself would refuse or warn of, each place once.
    pub faults: Vec<Fault>,
}

impl Stack {
    /// A network's name in Docker, so that two stacks on one external network agree.
    pub fn docker_name(&self, key: &str) -> String {
        let mut networks = self.networks.iter();
        self.name_of(networks.find(|network| network.key.value == key), key)
    }

    /// The same where the declaration is at hand, if there is one.
    pub(super) fn name_of(&self, network: Option<&Network>, key: &str) -> String {
        match network {
            Some(network) if network.external || network.name.is_some() => network
                .name
                .as_ref()
                .and_then(|name| name.get())
                .unwrap_or(key)
                .to_owned(),
            _ => match &self.name {
                Some(name) => format!("{name}_{key}"),
                None => format!("{}#{key}", self.path),
            },
        }
    }
}

/// What kind of fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Compose refuses the project.
    Invalid,
    /// A key is given twice in one mapping; the last one counts where it is accepted.
    RepeatedKey,
    /// `${NAME:?}` of a variable that no environment file sets: the machine's own may, so that it is a gap too.
    Unset,
}

/// A structural fault of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Whether compose refuses it.
    pub kind: FaultKind,
    /// What it is about, if several places may have one cause: `network back`.
    pub about: Option<String>,
    /// Where.
    pub span: Span,
    /// What is wrong, lower case, no full stop.
    pub message: String,
}

impl Fault {
    fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            kind: FaultKind::Invalid,
            about: None,
            span,
            message: message.into(),
        }
    }
}

/// A network.
#[derive(Debug, Clone)]
pub struct Network {
    /// Key in `networks:`.
    pub key: Spanned<String>,
    /// Its name in Docker where `name:` or `external:` gives one.
    pub name: Option<Text>,
    /// Whether another stack owns it.
    pub external: bool,
    /// Whether nothing outside can be reached from it.
    pub internal: bool,
}

/// A named volume.
#[derive(Debug, Clone)]
pub struct Volume {
    /// Key in `volumes:`.
    pub key: Spanned<String>,
    /// Its name in Docker where one is given.
    pub name: Option<Text>,
    /// Whether it comes from elsewhere.
    pub external: bool,
}

/// A config or a secret.
#[derive(Debug, Clone)]
pub struct FileObject {
    /// Key in `configs:` or `secrets:`.
    pub key: Spanned<String>,
    /// `file:`, below the root where it can be resolved.
    pub file: Option<Text>,
    /// `content:`, with its span.
    pub content: Option<Text>,
}

/// Shell or exec form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// One string, given to a shell (Dockerfile) or split into words (compose).
    Shell(Text),
    /// Words.
    Exec(Vec<Text>),
}

/// `build:`.
#[derive(Debug, Clone, Default)]
pub struct Build {
    /// Folder below the root; `Err` if it is unknown or outside (a URL).
    pub context: Option<Text>,
    /// Dockerfile below the root.
    pub dockerfile: Option<Text>,
    /// `dockerfile_inline`.
    pub inline: Option<Text>,
    /// `target`.
    pub target: Option<Text>,
    /// `args`.
    pub args: Vec<(Spanned<String>, Option<Text>)>,
}

/// One published port.
#[derive(Debug, Clone)]
pub struct Port {
    /// Address on the host; `None` for all.
    pub host_ip: Option<String>,
    /// First and last port on the host; `None` if Docker chooses or it is unknown.
    pub published: Option<(u16, u16)>,
    /// First and last port in the container; `None` if it is unknown.
    pub target: Option<(u16, u16)>,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// Where it is written.
    pub span: Span,
}

/// Where a mount comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountSource {
    /// A path below the root (`""` is the root itself).
    Path(String),
    /// A path outside the root: absolute, `~` or above it.
    Outside(String),
    /// A named volume, by key.
    Volume(String),
    /// A config or secret, by key.
    Object(String),
    /// An anonymous volume or tmpfs.
    Anonymous,
    /// Unknown, and why.
    Unknown(String),
}

/// One mount: volume, bind, tmpfs, config or secret.
#[derive(Debug, Clone)]
pub struct Mount {
    /// What is mounted.
    pub source: MountSource,
    /// Path inside the container, normalised; `None` if unknown.
    pub target: Option<String>,
    /// `ro`.
    pub read_only: bool,
    /// Whether it is a tmpfs.
    pub tmpfs: bool,
    /// Long form with `bind.create_host_path: false`.
    pub must_exist: bool,
    /// Where it is written.
    pub span: Span,
}

/// A network that a service is on.
#[derive(Debug, Clone)]
pub struct Membership {
    /// Key of the network.
    pub network: Spanned<String>,
    /// Further names on it.
    pub aliases: Vec<Text>,
    /// `ipv4_address` / `ipv6_address`.
    pub addresses: Vec<Text>,
}

/// `network_mode`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkMode {
    /// Networks as listed, or the default one.
    Networks,
    /// The host's.
    Host,
    /// None at all.
    None,
    /// Another service's.
    Service(String),
    /// That of a container, by its name.
    Container(String),
    /// Unknown: a plugin's, or what a variable says.
    Other(String),
}

/// One `depends_on`.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The service.
    pub service: Spanned<String>,
    /// `service_started`, `service_healthy` or `service_completed_successfully`.
    pub condition: Spanned<String>,
    /// Whether the short form was used.
    pub short: bool,
}

/// `healthcheck`.
#[derive(Debug, Clone)]
pub struct Healthcheck {
    /// `disable: true` or `test: NONE`.
    pub disabled: bool,
    /// The test; `Shell` for strings and `CMD-SHELL`, `Exec` for `CMD`.
    pub test: Option<Command>,
    /// The whole key.
    pub span: Span,
}

/// One service.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its key.
    pub name: Spanned<String>,
    /// From the key to the end of its last value.
    pub span: Span,
    /// `image`.
    pub image: Option<Text>,
    /// `build`.
    pub build: Option<Build>,
    /// `command`; `Some(Exec([]))` clears the image's.
    pub command: Option<Command>,
    /// `entrypoint`.
    pub entrypoint: Option<Command>,
    /// Effective environment, `env_file` first, `environment` over it. `None` value: passed through from the machine.
    pub environment: Vec<(Spanned<String>, Option<Text>)>,
    /// Whether an `env_file` could not be read, so that any variable may be set.
    pub environment_open: Option<String>,
    /// `ports`.
    pub ports: Vec<Port>,
    /// `volumes`, `tmpfs`, `configs` and `secrets` alike.
    pub mounts: Vec<Mount>,
    /// Networks; the default one if none is listed.
    pub networks: Vec<Membership>,
    /// `network_mode`.
    pub network_mode: Spanned<NetworkMode>,
    /// `depends_on`.
    pub depends_on: Vec<Dependency>,
    /// `healthcheck`.
    pub healthcheck: Option<Healthcheck>,
    /// `restart`, or `deploy.restart_policy.condition`.
    pub restart: Option<Text>,
    /// `container_name`.
    pub container_name: Option<Text>,
    /// `hostname`.
    pub hostname: Option<Text>,
    /// `links`: service and alias.
    pub links: Vec<(String, String)>,
    /// `extra_hosts`: name and address (`host-gateway` included).
    pub extra_hosts: Vec<(Text, Text)>,
    /// `profiles`; empty: always active.
    pub profiles: Vec<Text>,
    /// Whether its profiles are inactive in this stack.
    pub inactive: bool,
    /// `scale` or `deploy.replicas`.
    pub replicas: Option<Spanned<u32>>,
    /// `stop_signal`.
    pub stop_signal: Option<Text>,
    /// `stop_grace_period` in milliseconds.
    pub stop_grace_ms: Option<Spanned<u64>>,
    /// `init`.
    pub init: bool,
    /// `read_only`.
    pub read_only: Option<Span>,
    /// `working_dir`.
    pub working_dir: Option<Text>,
    /// `user`.
    pub user: Option<Text>,
    /// `group_add`.
    pub groups: Vec<Text>,
    /// `expose`; documentation only, binds nothing.
    pub expose: Vec<Text>,
    /// The hard limit of `ulimits.nofile`.
    pub open_files: Option<Spanned<u64>>,
    /// `net.core.somaxconn` of `sysctls`: the longest queue that a listener may have.
    pub longest_queue: Option<Spanned<u64>>,
    /// `mem_limit` or `deploy.resources.limits.memory`, in bytes.
    pub memory_limit: Option<Spanned<u64>>,
    /// Whether there is any limit, known or not.
    pub limits_memory: bool,
    /// What only a swarm looks at, if any of it is written.
    pub swarm: Option<Swarm>,
    /// `labels`: those of the container.
    pub labels: Vec<(Spanned<String>, Text)>,
    /// `deploy.labels`: those of the service in a swarm.
    pub swarm_labels: Vec<(Spanned<String>, Text)>,
}

/// Keys of `deploy` that compose ignores and a swarm follows.
#[derive(Debug, Clone)]
pub struct Swarm {
    /// The first of them.
    pub span: Span,
    /// `update_config.order`: `stop-first` or `start-first`.
    pub update_order: Option<Text>,
    /// Whether it is more than a `mode`, which files for compose have too.
    pub certain: bool,
    /// `mode: global`, or one that is not known: a task on every node.
    pub everywhere: bool,
}
