//! Hops, listeners, links, routes and chains: what the configs of a project mean together. Every value is a
//! [`Setting`], which carries its origin or says why it is unknown.

mod address;
pub mod app;
pub mod budget;
pub mod chain;
pub mod defaults;
mod edge;
pub mod haproxy;
pub mod heap;
mod key;
pub mod knowledge;
pub mod nginx;
mod pages;
pub mod probe;
mod process;
mod proxy_header;
mod resolve;
pub mod retry;
mod reuse;
pub mod setting;
pub mod sizes;
pub mod tls;
pub mod verdict;
pub mod version;
pub mod websocket;

use std::collections::{BTreeMap, BTreeSet};

pub use address::{Access, Address, Amount, Bind};
pub use budget::Budget;
pub use key::Key;
pub use pages::{Errand, Pages};
pub use proxy_header::ProxyHeader;
pub use resolve::Directory;
pub use retry::Retry;
pub use reuse::Reuse;
pub use setting::{Origin, Setting};
pub use sizes::Sizes;

use crate::finding::Gap;
use crate::host::Host;
use crate::project::Project;
pub use crate::project::ServiceRef;
use crate::settings::Settings;
use crate::source::{Span, Spanned};
use crate::syntax::certificate::Certificate;

/// Index into [`Model::hops`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HopId(pub u32);

/// Index into [`Model::links`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u32);

/// Index into [`Model::routes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(pub u32);

/// What speaks on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// HTTP/1.x in clear.
    Http,
    /// HTTP over TLS.
    Https,
    /// HTTP/2 in clear, gRPC included.
    H2c,
    /// FastCGI.
    Fastcgi,
    /// The uwsgi protocol.
    Uwsgi,
    /// SCGI.
    Scgi,
    /// memcached.
    Memcached,
    /// Bytes, passed on unread.
    Tcp,
}

impl Protocol {
    /// The word for it in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::H2c => "h2c",
            Self::Fastcgi => "fastcgi",
            Self::Uwsgi => "uwsgi",
            Self::Scgi => "scgi",
            Self::Memcached => "memcached",
            Self::Tcp => "tcp",
        }
    }
}

/// One place where a hop takes connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The address, or why it is unknown.
    pub address: Setting<Address>,
    /// What it speaks, or why that is unknown.
    pub protocol: Setting<Protocol>,
    /// What it makes of the PROXY header in front of what it speaks.
    pub proxy_header: ProxyHeader,
    /// How many connections wait to be accepted, if that is known of an app.
    pub backlog: Option<Setting<Amount>>,
    /// The only addresses that it takes connections from (php-fpm's `listen.allowed_clients`), if it says so.
    pub admits: Option<Spanned<Vec<String>>>,
    /// Who may connect to a socket in the file system, if that is known.
    pub access: Option<Access>,
    /// What it asks of a TLS handshake; `None` where it speaks none, or where nothing is known.
    pub tls: Option<tls::Terms>,
}

/// The timeouts that apply to a hop or a route; a key that is absent does not apply.
pub type Timeouts = BTreeMap<Key, Setting<Amount>>;

/// What kind of process a hop is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HopKind {
    /// nginx.
    Nginx,
    /// HAProxy.
    HaProxy,
    /// An app server, by the name of its program in `rules/defaults`.
    App(String),
    /// An edge in front of others: one of the stack itself of which only the links are read (Traefik, cloudflared), or one
    /// that no file of the tree shows (a load balancer).
    Edge(String),
}

/// How an app stops, apart from the time that it gives its requests (`Key::Grace`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stopping {
    /// The signal on which it finishes its requests, if that is not SIGTERM.
    pub drains_on: Option<String>,
    /// Whether it ignores SIGTERM where it is process 1, and nothing is seen that would be process 1 in its place.
    pub deaf: bool,
}

/// One process that takes requests.
#[derive(Debug, Clone)]
pub struct Hop {
    /// What it is.
    pub kind: HopKind,
    /// The service that runs it; `None` for a process on the host.
    pub service: Option<ServiceRef>,
    /// Where it is best pointed at: a service's key, the main config's first line.
    pub span: Span,
    /// Version, e.g. `1.27.3`; as precise as the tree tells.
    pub version: Setting<String>,
    /// Where it takes connections; empty if that is unknown.
    pub listeners: Vec<Listener>,
    /// Whether `listeners` is all of them; if not, another port may be open as well.
    pub listeners_complete: bool,
    /// Its own timeouts that belong to no route (an app's).
    pub timeouts: Timeouts,
    /// How many requests an app works on at a time; `None` if nothing limits that, or if nothing is known.
    pub slots: Option<Setting<Amount>>,
    /// How an app stops.
    pub stopping: Stopping,
    /// The longest head of a request that it takes without a word of refusal (bytes), where a longer one ends in a closed
    /// connection; `None` if it answers, or if nothing is known.
    pub head: Option<Setting<Amount>>,
    /// Whether it is an app that certainly takes no HTTP/2 in clear.
    pub http1_only: bool,
    /// Where it is said, by a word or by its absence, that nothing starts it again after a crash; of a process of the machine
    /// alone.
    pub stays_down: Option<Span>,
}

/// What stands where a link is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialled {
    /// Host (name or address, lower case, no brackets) and port.
    Tcp {
        /// The host.
        host: Spanned<String>,
        /// The port, written or the scheme's.
        port: u16,
        /// Whether the port is written.
        port_written: bool,
    },
    /// A socket path as the proxy sees it.
    Unix(Spanned<String>),
    /// Unknown, and why.
    Unknown(String),
}

/// Why a name certainly leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadEnd {
    /// No service, alias, `extra_hosts` or FQDN.
    UnknownHost,
    /// A service that shares no network with the proxy.
    Disjoint(ServiceRef),
    /// The one service of the name, which its stack leaves off the network (its name in Docker, where it is declared) that it
    /// declares for the proxy's sake.
    LeftOff(ServiceRef, Spanned<String>),
    /// A service whose profile is not active with the proxy's.
    Profile(ServiceRef),
    /// `localhost` of the proxy's own container, where nothing listens on the port.
    OwnLoopback,
    /// A socket path that no process binds; with the reason.
    NoSocket(String),
}

/// What a link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A service of the project, dialled over a shared network or its own namespace.
    Service {
        /// The service.
        service: ServiceRef,
        /// Port inside its container; 0 for a socket.
        port: u16,
        /// The hop and the listener that take the connection; `None` if none is known to.
        hop: Option<(HopId, usize)>,
    },
    /// A process on the host, or the host itself.
    Host {
        /// Port on the host; 0 for a socket.
        port: u16,
        /// The hop and the listener that take the connection, if known.
        hop: Option<(HopId, usize)>,
    },
    /// An address or a name outside the project.
    External,
    /// Certainly nowhere.
    Nowhere(DeadEnd),
    /// Unknown, and why.
    Unknown(String),
}

/// When a proxy looks up the name that it dials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// At the start; without an answer the process does not start.
    AtStart,
    /// While running, through the resolver that is named there.
    Running(Span),
    /// While running, but no resolver is in scope: every request fails.
    NoResolver,
    /// Not at all: an address, a socket, a name that the hosts file has.
    Never,
    /// Unknown, and why.
    Unknown(String),
}

/// One place where a proxy says whom to dial.
#[derive(Debug, Clone)]
pub struct Link {
    /// The proxy.
    pub from: HopId,
    /// The address as written.
    pub span: Span,
    /// The same for people: `http://web:8000`, `web:8000`, `unix:/run/app.sock`.
    pub written: String,
    /// What the proxy speaks.
    pub protocol: Protocol,
    /// Whom it dials.
    pub dialled: Dialled,
    /// What that leads to.
    pub target: Target,
    /// Name of the upstream or backend that holds it, if any.
    pub group: Option<Spanned<String>>,
    /// Marked `down`, `backup`, `disabled`: no request goes there at first.
    pub spare: bool,
    /// Marked `down`, `disabled` or of weight 0: no request goes there until someone changes that.
    pub down: bool,
    /// When its name is looked up.
    pub lookup: Lookup,
    /// Whether the PROXY header is sent.
    pub sends_proxy_protocol: bool,
    /// Whether the proxy probes it (HAProxy `check`).
    pub checked: bool,
    /// What it is dialled for beside the request itself.
    pub errand: Option<Errand>,
}

/// One way through a proxy: from a listener to a group of peers.
#[derive(Debug, Clone)]
pub struct Route {
    /// The proxy.
    pub hop: HopId,
    /// For people: `shop.example.com/api/`, `fe → be`.
    pub name: String,
    /// Indexes into the hop's listeners.
    pub listeners: Vec<usize>,
    /// Server names of the entry, lower case; empty for any.
    pub hosts: Vec<String>,
    /// Where the way is chosen: `proxy_pass`, `use_backend`.
    pub span: Span,
    /// The peers; none for the route of an edge that is only said to dial a service.
    pub links: Vec<LinkId>,
    /// What the proxy speaks to them.
    pub protocol: Protocol,
    /// Timeouts that apply.
    pub timeouts: Timeouts,
    /// After which failures a request is sent again. How often is `Key::Tries` or `Key::Retries`.
    pub retry: Setting<Retry>,
    /// What the client gets when `Key::Read` runs out; `None` where bytes are passed on, and the connection is closed.
    pub on_timeout: Option<u16>,
    /// What the client gets in place of the errors of the proxy.
    pub pages: Pages,
    /// Heads, bodies, and connections that are kept.
    pub sizes: Sizes,
    /// Reuse of connections to the peers.
    pub reuse: Reuse,
    /// Whether it upgrades connections (websocket).
    pub upgrades: bool,
}

/// One step of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The hop.
    pub hop: HopId,
    /// The way through it; `None` for the last hop.
    pub route: Option<RouteId>,
    /// The link to the next hop; `None` for the last one and for an edge that no file of the tree shows.
    pub link: Option<LinkId>,
}

/// An inversion between two hops of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// Id of the rule that explains it.
    pub rule: &'static str,
    /// Index of the outer hop's step.
    pub outer: usize,
    /// Index of the inner hop's step.
    pub inner: usize,
    /// What the client gets, if it gets an answer.
    pub status: Option<u16>,
    /// After how many milliseconds.
    pub after_ms: Option<u64>,
}

/// A way from an edge to an app, or as far as it can be followed. Ways that are equal but for their name are one.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Edge first.
    pub steps: Vec<Step>,
    /// How many ways it stands for.
    pub count: usize,
    /// Where a hop gives up before the one in front of it, or keeps what the next has closed.
    pub verdicts: Vec<Verdict>,
    /// What becomes of a request that takes as long as was asked; `None` if nobody asked.
    pub budget: Option<Budget>,
}

/// What the configs of a project mean together.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Every process.
    pub hops: Vec<Hop>,
    /// The processes of each service.
    pub by_service: BTreeMap<ServiceRef, Vec<HopId>>,
    /// Every place where a proxy says whom to dial.
    pub links: Vec<Link>,
    /// Every way through a proxy.
    pub routes: Vec<Route>,
    /// Those of them that pass `Upgrade` on, by the proxy that does.
    pub upgrading: BTreeMap<HopId, Vec<RouteId>>,
    /// Links to the address that a container has on whichever of its networks Docker names first, if the proxy is not on all
    /// of them.
    pub by_chance: BTreeSet<LinkId>,
    /// Every place where a proxy opens TLS to its peers.
    pub tls: Vec<tls::Client>,
    /// The certificates of each file that such a place leads to.
    pub certificates: Vec<Vec<Certificate>>,
    /// Sections of HAProxy, for rules that judge the section itself.
    pub sections: Vec<haproxy::Section>,
    /// HAProxy processes: what belongs to no section that passes traffic.
    pub processes: Vec<haproxy::Process>,
    /// Every way through all of them.
    pub chains: Vec<Chain>,
    /// Services of which not all is known that they run, and why.
    pub opaque: BTreeMap<ServiceRef, String>,
    /// Services whose proxy is the only process in its container.
    pub alone: BTreeSet<ServiceRef>,
    /// Services of which every process is known: their command lines were followed to the last one.
    pub followed: BTreeSet<ServiceRef>,
    /// What could not be known.
    pub gaps: Vec<Gap>,
    /// Seconds since 1970, by which certificates are judged.
    pub now: i64,
    /// Who may answer to a name, an address or a port of the host.
    pub directory: Directory,
}

impl Hop {
    /// A process of which no more is known: no listener, no time of its own.
    pub fn new(
        kind: HopKind,
        service: Option<ServiceRef>,
        span: Span,
        version: Setting<String>,
    ) -> Self {
        Self {
            kind,
            service,
            span,
            version,
            listeners: Vec::new(),
            listeners_complete: false,
            slots: None,
            stopping: Stopping::default(),
            head: None,
            http1_only: false,
            stays_down: None,
            timeouts: Timeouts::new(),
        }
    }
}

impl HopKind {
    /// The name of the program, for people and for JSON.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Nginx => "nginx",
            Self::HaProxy => "haproxy",
            Self::App(name) | Self::Edge(name) => name,
        }
    }
}

impl Model {
    /// Joins a project; further files of the apps are read through the host and added to its sources.
    pub fn build(host: &dyn Host, project: &mut Project, settings: &Settings) -> Self {
        let mut model = Self::default();
        for conf in &project.nginx {
            nginx::add(&mut model, project, settings, conf);
            model.alone.extend(conf.service.filter(|_| conf.alone));
        }
        for conf in &project.haproxy {
            haproxy::add(&mut model, project, settings, conf);
            model.alone.extend(conf.service.filter(|_| conf.alone));
        }
        let passings = process::add(&mut model, host, project, settings);
        for (at, hop) in model.hops.iter().enumerate() {
            if let Some(service) = hop.service {
                let id = HopId(u32::try_from(at).unwrap_or(u32::MAX));
                model.by_service.entry(service).or_default().push(id);
            }
        }
        resolve::resolve(&mut model, project);
        process::kept_by_proxies(&mut model);
        tls::read(&mut model, host, project);
        edge::shown::add(&mut model, project, &passings);
        let fronts = edge::add(&mut model, project, settings);
        model.find_upgrading();
        chain::follow(&mut model, &fronts);
        model
    }

    /// The hop of an id.
    pub fn hop(&self, id: HopId) -> &Hop {
        &self.hops[id.0 as usize]
    }

    /// The link of an id.
    pub fn link(&self, id: LinkId) -> &Link {
        &self.links[id.0 as usize]
    }

    /// The route of an id.
    pub fn route(&self, id: RouteId) -> &Route {
        &self.routes[id.0 as usize]
    }

    /// Every two neighbours of every chain, the outer one first.
    pub fn neighbours(&self) -> impl Iterator<Item = (Step, Step)> {
        let chains = self.chains.iter();
        chains.flat_map(|chain| chain.steps.windows(2).map(|pair| (pair[0], pair[1])))
    }

    /// What a HAProxy has beside its sections.
    pub fn process(&self, hop: HopId) -> Option<&haproxy::Process> {
        self.processes.iter().find(|process| process.hop == hop)
    }

    /// The hops that a service runs.
    pub fn hops_of(&self, service: ServiceRef) -> impl Iterator<Item = (HopId, &Hop)> {
        let hops = self.by_service.get(&service).into_iter().flatten();
        hops.map(|id| (*id, self.hop(*id)))
    }
}
