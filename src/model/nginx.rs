//! An nginx process as a hop: its listeners, its upstreams, and every way through it with the values that hold there.

pub mod eaten;
mod listen;
pub mod own;
mod pages;
mod pass;
mod places;
mod retry;
mod reuse;
mod scope;
mod sizes;
mod tls;
mod unfilled;
mod upstream;
pub mod variables;

pub(crate) use pass::is_address;
pub use pass::{pass_names, path_behind_socket};
pub use places::{Pass, Place, passes, places, processes};
pub use reuse::stays_open;
pub use scope::Scope;
pub use unfilled::{Unfilled, unfilled};

use std::collections::HashMap;

use crate::model::defaults;
use crate::model::retry::Retry;
use crate::model::sizes::Sizes;
use crate::model::tls::Client;
use crate::model::version::image_version;
use crate::model::{
    Address, Amount, Errand, Hop, HopId, HopKind, Key, Link, LinkId, Model, Pages, Protocol,
    ProxyHeader, Reuse, Route, Setting, Timeouts,
};
use crate::project::Project;
use crate::project::image_name::moves_on;
use crate::project::nginx::NginxConf;
use crate::settings::Settings;
use crate::source::Span;
use crate::syntax::nginx::Directive;
use crate::syntax::proxy_value::nginx_time;
use crate::syntax::value::Text;
use pass::literal_twins;
use upstream::Upstream;

/// Adds the hop of an nginx process, its links and its routes.
pub(super) fn add(model: &mut Model, project: &Project, settings: &Settings, conf: &NginxConf) {
    let hop = HopId(u32::try_from(model.hops.len()).expect("fewer hops than u32::MAX"));
    let span = point(project, conf);
    let version = image_version(conf.image.as_ref(), settings.versions.get("nginx"), "nginx");
    let first = model.links.len();
    model.hops.push(Hop {
        listeners_complete: conf.complete && !conf.fragment,
        ..Hop::new(HopKind::Nginx, conf.service, span, version)
    });
    let mut reader = Reader {
        model,
        conf,
        hop,
        upstreams: Vec::new(),
        groups: HashMap::new(),
        listeners: HashMap::new(),
        links: HashMap::new(),
    };
    let main = Scope::new(&conf.directives);
    for http in main.own("http") {
        reader.http(&main.inner(block(http)));
    }
    for stream in main.own("stream") {
        reader.stream(&main.inner(block(stream)));
    }
    literal_twins(&mut model.links[first..]);
}

/// Where the process is best pointed at: the service's key, else the start of its main file.
fn point(project: &Project, conf: &NginxConf) -> Span {
    match conf.service {
        Some(at) => project.service(at).name.span,
        None => conf
            .directives
            .first()
            .map_or(Span::new(conf.main, 0, 0), |first| first.name.span),
    }
}

fn block(directive: &Directive) -> &[Directive] {
    directive.block.as_deref().unwrap_or(&[])
}

/// Whether a directive stands in a block or below it.
fn sets(directives: &[Directive], name: &str, depth: usize) -> bool {
    let below = |directive: &Directive| depth < 16 && sets(block(directive), name, depth + 1);
    let mut directives = directives.iter();
    directives.any(|directive| directive.name.value == name || below(directive))
}

/// What is being built for one process.
struct Reader<'a> {
    model: &'a mut Model,
    conf: &'a NginxConf,
    hop: HopId,
    upstreams: Vec<Upstream<'a>>,
    /// The first upstream of each name, in lower case: the names are host names.
    groups: HashMap<String, usize>,
    /// Where the hop has the listener of an address that does or does not expect the PROXY header.
    listeners: HashMap<(Address, ProxyHeader), usize>,
    /// One link for each place and protocol, however many routes lead there.
    links: HashMap<(Span, String, Protocol), LinkId>,
}

/// The server that a location belongs to.
struct Server {
    listeners: Vec<usize>,
    hosts: Vec<String>,
    /// For people: `shop.example.com`, or `:80` without a name.
    name: String,
}

impl<'a> Reader<'a> {
    fn http(&mut self, http: &Scope<'a>) {
        self.read_upstreams(http);
        for server in http.own("server") {
            let scope = http.inner(block(server));
            let listeners = self.listen(&scope, false);
            let entry = self.server(&scope, listeners);
            let guards = errands(block(server), 0);
            self.locations(&scope, &entry, "", &guards, 0);
            self.keep_clients(&scope, block(server));
        }
    }

    /// How long a server keeps the connections of its clients where it answers by itself. That no route says.
    fn keep_clients(&mut self, scope: &Scope<'a>, server: &[Directive]) {
        let name = "keepalive_timeout";
        let is_set = |directive: &Directive| sets(block(directive), name, 0);
        let own = if server.iter().any(is_set) {
            Setting::unknown("a location sets it")
        } else {
            self.time(scope, name, name)
        };
        let timeouts = &mut self.model.hops[self.hop.0 as usize].timeouts;
        let other = timeouts.get(&Key::ClientIdle);
        let differs = other.is_some_and(|other| other.value() != own.value());
        let all = if differs {
            Setting::unknown("its servers differ")
        } else {
            own
        };
        timeouts.insert(Key::ClientIdle, all);
    }

    fn stream(&mut self, stream: &Scope<'a>) {
        self.read_upstreams(stream);
        for server in stream.own("server") {
            let scope = stream.inner(block(server));
            let listeners = self.listen(&scope, true);
            let entry = self.server(&scope, listeners);
            if let Some(pass) = scope.own("proxy_pass").next_back() {
                self.stream_route(&scope, &entry, pass);
            }
        }
    }

    fn read_upstreams(&mut self, scope: &Scope<'a>) {
        self.upstreams = scope.own("upstream").filter_map(Upstream::new).collect();
        self.groups.clear();
        for (at, upstream) in self.upstreams.iter().enumerate() {
            let name = upstream.name.value.to_ascii_lowercase();
            self.groups.entry(name).or_insert(at);
        }
    }

    fn server(&self, scope: &Scope<'a>, listeners: Vec<usize>) -> Server {
        let names = scope
            .own("server_name")
            .flat_map(|directive| &directive.args);
        let hosts: Vec<String> = names
            .map(|name| name.value.to_ascii_lowercase())
            .filter(|name| name != "_" && !name.is_empty())
            .collect();
        let port = listeners
            .first()
            .map(|at| self.model.hop(self.hop).listeners[*at].address.clone());
        let port = port
            .and_then(|address| address.value().map(crate::model::Address::short))
            .unwrap_or_default();
        let name = hosts.first().cloned().unwrap_or(port);
        Server {
            listeners,
            hosts,
            name,
        }
    }

    /// Every location below a block, `if` and `limit_except` included, that passes requests on.
    fn locations(
        &mut self,
        scope: &Scope<'a>,
        server: &Server,
        path: &str,
        guards: &[(String, Errand)],
        depth: usize,
    ) {
        if depth > 16 {
            return;
        }
        for directive in scope.directives() {
            let inner = match directive.name.value.as_str() {
                "location" => directive.args.last().map_or("", |arg| arg.value.as_str()),
                "if" | "limit_except" => path,
                _ => continue,
            };
            let below = scope.inner(block(directive));
            self.locations(&below, server, inner, guards, depth + 1);
        }
        for (name, family) in pass::FAMILIES {
            if let Some(directive) = scope.own(name).next_back() {
                let mut errands = guards.iter().filter(|(called, _)| called == path);
                let errand = errands.next().map(|(_, errand)| *errand);
                self.route(scope, server, path, directive, *family, errand);
            }
        }
    }

    fn route(
        &mut self,
        scope: &Scope<'a>,
        server: &Server,
        path: &str,
        directive: &'a Directive,
        family: pass::Family,
        errand: Option<Errand>,
    ) {
        let Some(arg) = directive.args.first() else {
            return;
        };
        let Some(passed) = self.pass(scope, arg, family, errand) else {
            return;
        };
        let peers = passed
            .links
            .iter()
            .filter(|id| !self.model.link(**id).spare)
            .count();
        let mut timeouts = self.timeouts(scope, family.prefix, peers);
        let secured = self.secured(scope, family.prefix, directive, &passed);
        self.model.tls.extend(secured);
        let upstream = passed.upstream.map(|at| &self.upstreams[at]);
        let version = self.model.hop(self.hop).version.clone();
        let seen = self.seen();
        let image = self.conf.image.as_ref().and_then(Text::get);
        let moves_on = image.is_some_and(moves_on);
        let reuse = reuse::reuse(
            scope,
            upstream,
            family,
            &version,
            self.conf.fragment,
            moves_on,
        );
        if reuse.may_keep() {
            let (idle, requests) = reuse::limits(upstream, &version);
            timeouts.insert(Key::KeepaliveIdle, idle);
            timeouts.insert(Key::KeepaliveRequests, requests);
        }
        let route = Route {
            hop: self.hop,
            name: format!("{}{path}", server.name),
            listeners: server.listeners.clone(),
            hosts: server.hosts.clone(),
            span: directive.span,
            protocol: passed.protocol,
            links: passed.links,
            timeouts,
            retry: retry::retry(scope, family.prefix, upstream, seen),
            on_timeout: Some(504),
            pages: pages::pages(scope, family.prefix),
            sizes: sizes::sizes(scope, family.prefix, upstream, &version, seen),
            reuse,
            upgrades: reuse::upgrades(scope),
        };
        self.model.routes.push(route);
    }

    fn stream_route(&mut self, scope: &Scope<'a>, server: &Server, directive: &'a Directive) {
        let Some(arg) = directive.args.first() else {
            return;
        };
        let Some(passed) = self.pass(scope, arg, pass::STREAM, None) else {
            return;
        };
        let secured = self.secured(scope, pass::STREAM.prefix, directive, &passed);
        self.model.tls.extend(secured);
        let mut timeouts = Timeouts::new();
        timeouts.insert(
            Key::Connect,
            self.time(
                scope,
                "proxy_connect_timeout",
                "stream_proxy_connect_timeout",
            ),
        );
        timeouts.insert(
            Key::Read,
            self.time(scope, "proxy_timeout", "stream_proxy_timeout"),
        );
        let route = Route {
            hop: self.hop,
            name: server.name.clone(),
            listeners: server.listeners.clone(),
            hosts: Vec::new(),
            span: directive.span,
            protocol: Protocol::Tcp,
            links: passed.links,
            timeouts,
            retry: Setting::default_of(
                Retry {
                    connect: true,
                    ..Retry::default()
                },
                "nginx",
                "",
                "ngx_stream_proxy_module, proxy_next_upstream",
            ),
            on_timeout: None,
            pages: Pages::default(),
            sizes: Sizes::unknown("stream passes bytes on"),
            reuse: Reuse::Off("stream passes bytes on".to_owned()),
            upgrades: false,
        };
        self.model.routes.push(route);
    }

    /// How a block opens TLS to its peers, if it does.
    fn secured(
        &self,
        scope: &Scope<'a>,
        prefix: pass::Prefix,
        directive: &Directive,
        passed: &pass::Passed,
    ) -> Option<Client> {
        if !passed.secure {
            return None;
        }
        let dialling = tls::Dialling {
            hop: self.hop,
            span: directive.span,
            links: &passed.links,
            host: passed.host.as_deref(),
        };
        let asked = tls::Asked {
            scope,
            version: &self.model.hop(self.hop).version,
            seen: self.seen(),
        };
        tls::client(&asked, prefix, &dialling)
    }

    /// Whether nothing that holds in a block can have escaped the reader.
    fn seen(&self) -> bool {
        self.conf.complete && !self.conf.fragment
    }

    fn timeouts(&self, scope: &Scope<'a>, prefix: pass::Prefix, peers: usize) -> Timeouts {
        let mut timeouts = Timeouts::new();
        for (key, name) in prefix.timeouts() {
            timeouts.insert(key, self.time(scope, name, name));
        }
        timeouts.insert(Key::Tries, self.tries(scope, prefix, peers));
        timeouts.insert(
            Key::ClientHeader,
            self.time(scope, "client_header_timeout", "client_header_timeout"),
        );
        timeouts.insert(
            Key::ClientBody,
            self.time(scope, "client_body_timeout", "client_body_timeout"),
        );
        timeouts.insert(
            Key::ClientIdle,
            self.time(scope, "keepalive_timeout", "keepalive_timeout"),
        );
        timeouts
    }

    /// Attempts in all. `proxy_next_upstream off` leaves one; else each peer is tried at most once, unless
    /// `proxy_next_upstream_tries` stops before.
    fn tries(&self, scope: &Scope<'a>, prefix: pass::Prefix, peers: usize) -> Setting<Amount> {
        let finite = |n: usize| Amount::Finite(u64::try_from(n.max(1)).unwrap_or(u64::MAX));
        if let Some((directive, inherited)) = scope.find(prefix.next_upstream())
            && directive.args.first().is_some_and(|arg| arg.value == "off")
        {
            return written(finite(1), directive.span, inherited);
        }
        if let Some((directive, inherited)) = scope.find(prefix.tries())
            && let Some(tries) = directive
                .args
                .first()
                .and_then(|arg| arg.value.parse::<usize>().ok())
            && tries > 0
        {
            return written(finite(tries.min(peers)), directive.span, inherited);
        }
        if self.conf.fragment {
            return Setting::unknown(UNSEEN);
        }
        Setting::default_of(
            finite(peers),
            "nginx",
            "",
            "one attempt for each peer, ngx_http_upstream_module",
        )
    }

    /// A time that is written as `name` or holds by default as `setting`.
    fn time(&self, scope: &Scope<'a>, name: &'static str, setting: &str) -> Setting<Amount> {
        match scope.find(name) {
            Some((directive, inherited)) => match directive
                .args
                .first()
                .and_then(|arg| nginx_time(&arg.value))
            {
                Some(ms) => written(Amount::Finite(ms), directive.span, inherited),
                None => Setting::unknown(format!("{name} is no plain time")),
            },
            None if !self.seen() => Setting::unknown(self.unseen()),
            None => defaults::setting("nginx", setting, &self.model.hop(self.hop).version),
        }
    }

    /// Why a value is unknown that is written nowhere.
    fn unseen(&self) -> String {
        match self.conf.missing.first() {
            Some(missing) => format!("{}, which is not there, may set it", missing.inside),
            None => UNSEEN.to_owned(),
        }
    }

    fn add_link(&mut self, link: Link) -> LinkId {
        let key = (link.span, link.written.clone(), link.protocol);
        if let Some(id) = self.links.get(&key) {
            return *id;
        }
        let id = LinkId(u32::try_from(self.model.links.len()).expect("fewer links than u32::MAX"));
        self.model.links.push(link);
        self.links.insert(key, id);
        id
    }
}

/// Why a value of a fragment is unknown.
const UNSEEN: &str = "a file that was not seen may set it";

fn written<T>(value: T, span: Span, inherited: bool) -> Setting<T> {
    if inherited {
        Setting::inherited(value, span)
    } else {
        Setting::written(value, span)
    }
}

/// Paths that `auth_request` and `mirror` call below a block.
fn errands(directives: &[Directive], depth: usize) -> Vec<(String, Errand)> {
    let mut paths = Vec::new();
    for directive in directives {
        let errand = match directive.name.value.as_str() {
            "auth_request" => Errand::Guard,
            "mirror" => Errand::Mirror,
            _ if depth < 16 => {
                paths.extend(errands(block(directive), depth + 1));
                continue;
            }
            _ => continue,
        };
        let path = directive.args.first().map(|arg| arg.value.clone());
        paths.extend(path.map(|path| (path, errand)));
    }
    paths
}
