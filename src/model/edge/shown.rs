//! Edges that the tree shows by itself: a Traefik and a cloudflared are services, and what they dial is written in their
//! flags and files, and for Traefik in the labels of the containers that it listens to.

use std::collections::{BTreeSet, HashMap};

use super::labelled::{self, Labelled};
use crate::model::app::passing::{Passing, Way};
use crate::model::app::traefik::own_transport;
use crate::model::nginx::is_address;
use crate::model::sizes::Sizes;
use crate::model::{
    Dialled, Hop, HopId, HopKind, Key, Link, LinkId, Lookup, Model, Pages, Protocol, Retry, Reuse,
    Route, RouteId, Setting, Step, Target, Timeouts, knowledge,
};
use crate::project::{Project, ServiceRef};
use crate::source::{Span, Spanned};
use crate::syntax::proxy_value::upstream_url;
use crate::syntax::value::Text;

use super::Front;

/// Adds the links and ways of the proxies that were read as apps are, and what is certainly in front of them.
pub(in crate::model) fn add(model: &mut Model, project: &Project, passings: &[(HopId, Passing)]) {
    let listening: BTreeSet<usize> = passings
        .iter()
        .filter(|(_, passing)| passing.labels.is_some())
        .filter_map(|(hop, _)| Some(model.hop(*hop).service?.stack))
        .collect();
    for (hop, passing) in passings {
        let mut writer = Writer {
            model,
            project,
            hop: *hop,
            passing,
            known: HashMap::new(),
        };
        for way in &passing.ways {
            writer.way(way);
        }
        let (Some(labels), Some(at)) = (&passing.labels, writer.model.hop(*hop).service) else {
            continue;
        };
        for labelled in labelled::ways(project, at, labels, &listening) {
            writer.labelled(&labelled, at);
        }
    }
}

/// Cloudflare in front of every cloudflared that dials something, where no `[[edge]]` stands there.
pub(super) fn fronts(model: &mut Model, told: &[Front]) -> Vec<Front> {
    let tunnels: Vec<HopId> = (0..model.hops.len())
        .map(|at| HopId(u32::try_from(at).unwrap_or(u32::MAX)))
        .filter(|id| model.hop(*id).kind == HopKind::Edge("cloudflared".to_owned()))
        .filter(|id| model.routes.iter().any(|route| route.hop == *id))
        .filter(|id| !told.iter().any(|front| front.hops.contains(id)))
        .collect();
    let (Some(row), Some(first)) = (knowledge::edge("cloudflare"), tunnels.first()) else {
        return Vec::new();
    };
    let span = model.hop(*first).span;
    let times = super::defaults(row).into_iter();
    // What it keeps towards the tunnel is the tunnel's own affair.
    let timeouts = times.filter(|(key, _)| matches!(key, Key::Read | Key::ClientIdle));
    let hop = HopId(u32::try_from(model.hops.len()).unwrap_or(u32::MAX));
    let version = Setting::unknown("an edge has no version");
    let kind = HopKind::Edge(row.name.clone());
    model.hops.push(Hop::new(kind, None, span, version));
    let route = RouteId(u32::try_from(model.routes.len()).unwrap_or(u32::MAX));
    model.routes.push(Route {
        name: row.name.clone(),
        on_timeout: super::on_timeout(Some(row), false),
        pages: Pages::default(),
        reuse: Reuse::Off("it reaches the stack through the tunnel".to_owned()),
        ..bare(hop, span, timeouts.collect())
    });
    let step = Step {
        hop,
        route: Some(route),
        link: None,
    };
    vec![Front {
        steps: vec![step],
        hops: tunnels.into_iter().collect(),
        named: true,
    }]
}

/// A way of which no more is known than its times.
fn bare(hop: HopId, span: Span, timeouts: Timeouts) -> Route {
    Route {
        hop,
        name: String::new(),
        listeners: Vec::new(),
        hosts: Vec::new(),
        span,
        links: Vec::new(),
        protocol: Protocol::Http,
        timeouts,
        retry: Setting::assumed(
            Retry::default(),
            "an edge",
            "",
            "an edge sends a request once",
        ),
        on_timeout: Some(504),
        pages: Pages::default(),
        sizes: Sizes::unknown("its sizes are not read"),
        reuse: Reuse::Unknown("its idle time is not known".to_owned()),
        upgrades: false,
    }
}

struct Writer<'a> {
    model: &'a mut Model,
    project: &'a Project,
    hop: HopId,
    passing: &'a Passing,
    /// Links by place and address: two ways to one place are one link.
    known: HashMap<(Span, String), LinkId>,
}

impl Writer<'_> {
    /// A way of a file or a flag.
    fn way(&mut self, way: &Way) {
        let links: Vec<LinkId> = way.urls.iter().filter_map(|url| self.url(url)).collect();
        let Some(span) = way.urls.first().map(|url| url.span) else {
            return;
        };
        let times = self.times(&way.timeouts);
        let named = Route {
            name: way.name.clone(),
            hosts: way.hosts.clone(),
            links,
            ..bare(self.hop, span, times)
        };
        self.route(named, &way.entries);
    }

    /// A way that labels tell.
    fn labelled(&mut self, way: &Labelled, proxy: ServiceRef) {
        let links: Vec<LinkId> = match &way.named {
            Some(name) => {
                let mut named = self.passing.named.iter();
                let urls = named.find(|(known, _)| known == name).map(|(_, urls)| urls);
                let urls: Vec<Text> = urls.cloned().unwrap_or_default();
                urls.iter().filter_map(|url| self.url(url)).collect()
            }
            None => {
                let peers = way.peers.iter();
                peers
                    .map(|peer| self.container(peer, way.protocol, proxy))
                    .collect()
            }
        };
        let own = if way.peers.iter().any(|peer| peer.transport) {
            own_transport()
        } else {
            Timeouts::new()
        };
        let times = match way.protocol {
            Protocol::Tcp => Timeouts::new(),
            _ => self.times(&own),
        };
        let named = Route {
            name: way.name.clone(),
            hosts: way.hosts.clone(),
            links,
            ..bare(self.hop, way.span, times)
        };
        self.route(named, &way.entries);
    }

    /// The times of a way over those of the whole process.
    fn times(&self, own: &Timeouts) -> Timeouts {
        let mut times = self.passing.timeouts.clone();
        times.extend(own.clone());
        times
    }

    /// Adds a way, unless it leads to nobody; it speaks what its first link does.
    fn route(&mut self, mut route: Route, entries: &[String]) {
        let Some(first) = route.links.first() else {
            return;
        };
        route.protocol = self.model.link(*first).protocol;
        let known = self.model.hop(self.hop).listeners.len();
        let by_name = |at: &usize| match self.passing.entries.get(*at) {
            Some(name) if !entries.is_empty() => entries.contains(name),
            _ => true,
        };
        route.listeners = (0..known).filter(by_name).collect();
        let tcp = route.protocol == Protocol::Tcp;
        route.on_timeout = route.on_timeout.filter(|_| !tcp);
        route.reuse = match &self.passing.closes {
            _ if tcp => Reuse::Off("it passes each connection on as it is".to_owned()),
            Some(why) => Reuse::Off(why.clone()),
            None => super::reuse(false, &route.timeouts),
        };
        self.model.routes.push(route);
    }

    fn link(&mut self, link: Link) -> LinkId {
        let next = LinkId(u32::try_from(self.model.links.len()).unwrap_or(u32::MAX));
        let known = self.known.entry((link.span, link.written.clone()));
        let id = *known.or_insert(next);
        if id == next {
            self.model.links.push(link);
        }
        id
    }

    /// A URL as it is written; `None` for what is answered by the proxy itself.
    fn url(&mut self, url: &Text) -> Option<LinkId> {
        let written = url.value.clone().unwrap_or_default();
        let (protocol, dialled) = match &url.value {
            Err(why) => (Protocol::Http, Dialled::Unknown(why.clone())),
            Ok(text) => dialled(text, url.span)?,
        };
        let named = matches!(&dialled, Dialled::Tcp { host, .. } if !is_address(&host.value));
        let lookup = if named {
            Lookup::Running(url.span)
        } else {
            Lookup::Never
        };
        let target = self.model.lead(self.project, self.hop, &dialled);
        Some(self.link(bare_link(
            self.hop, url.span, written, protocol, dialled, lookup, target,
        )))
    }

    /// A container that is dialled by the address that Docker gives it.
    fn container(
        &mut self,
        peer: &labelled::Peer,
        protocol: Protocol,
        proxy: ServiceRef,
    ) -> LinkId {
        let name = &self.project.service(peer.service).name.value;
        let protocol = peer.scheme.unwrap_or(protocol);
        let (dialled, target) = match &peer.port {
            Err(why) => (Dialled::Unknown(why.clone()), Target::Unknown(why.clone())),
            Ok(port) => {
                let dialled = Dialled::Tcp {
                    host: Spanned::new(name.clone(), peer.span),
                    port: *port,
                    port_written: true,
                };
                let network = peer.network.as_deref();
                (
                    dialled,
                    self.model.reach(
                        self.project,
                        (self.hop, proxy),
                        peer.service,
                        *port,
                        network,
                    ),
                )
            }
        };
        let written = match &peer.port {
            Ok(port) => format!("{}://{name}:{port}", protocol.as_str()),
            Err(_) => name.clone(),
        };
        let id = self.link(bare_link(
            self.hop,
            peer.span,
            written,
            protocol,
            dialled,
            Lookup::Never,
            target,
        ));
        if self.is_chance(proxy, peer) {
            self.model.by_chance.insert(id);
        }
        id
    }

    /// Whether nothing says on which of its networks a container is dialled, and only some of them lead there. Source:
    /// Traefik's pkg/provider/docker/shared.go takes the first of a map.
    fn is_chance(&self, proxy: ServiceRef, peer: &labelled::Peer) -> bool {
        let theirs = self.project.networks_of(peer.service);
        let named = peer.network.as_ref();
        let told = named.is_some_and(|network| theirs.contains(network));
        let ours = self.project.networks_of(proxy);
        let shared = theirs.iter().filter(|name| ours.contains(name)).count();
        !told && shared > 0 && shared < theirs.len()
    }
}

fn bare_link(
    from: HopId,
    span: Span,
    written: String,
    protocol: Protocol,
    dialled: Dialled,
    lookup: Lookup,
    target: Target,
) -> Link {
    Link {
        from,
        span,
        written,
        protocol,
        dialled,
        target,
        group: None,
        spare: false,
        down: false,
        lookup,
        sends_proxy_protocol: false,
        checked: false,
        errand: None,
    }
}

/// What speaks and whom it dials, by a URL; `None` for `http_status:404`, `hello_world` and their kind.
fn dialled(text: &str, span: Span) -> Option<(Protocol, Dialled)> {
    if let Some(path) = text.strip_prefix("unix:") {
        let path = Spanned::new(path.to_owned(), span);
        return Some((Protocol::Http, Dialled::Unix(path)));
    }
    let raw = upstream_url(text)?;
    let (protocol, usual) = match raw.scheme.as_deref()? {
        "http" | "ws" => (Protocol::Http, Some(80)),
        "https" | "wss" => (Protocol::Https, Some(443)),
        "h2c" => (Protocol::H2c, Some(80)),
        "tcp" => (Protocol::Tcp, None),
        "ssh" => (Protocol::Tcp, Some(22)),
        "rdp" => (Protocol::Tcp, Some(3389)),
        _ => return None,
    };
    let host = raw.host?;
    let written = raw.port.as_deref().map(str::parse::<u16>);
    let port = match written {
        Some(Ok(port)) => Some(port),
        Some(Err(_)) => None,
        None => usual,
    };
    let dialled = match port {
        Some(port) => Dialled::Tcp {
            host: Spanned::new(host.to_ascii_lowercase(), span),
            port,
            port_written: raw.port.is_some(),
        },
        None => Dialled::Unknown(format!("{text} has no plain port")),
    };
    Some((protocol, dialled))
}
