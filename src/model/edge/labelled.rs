//! The ways that Traefik takes from the labels of containers: routers, and the services that they lead to.
//!
//! Source: Traefik's `pkg/provider/docker` and its reference for labels. A router without a service takes the only one of
//! its container; a container without routers is given one, for its only service.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Protocol;
use crate::model::app::passing::Labels;
use crate::project::compose::Service;
use crate::project::{Project, ServiceRef};
use crate::source::Span;
use crate::syntax::rule;
use crate::syntax::value::Text;

/// One way.
pub(super) struct Labelled {
    /// For people.
    pub(super) name: String,
    /// Server names, lower case.
    pub(super) hosts: Vec<String>,
    /// Entry points, lower case; empty for all.
    pub(super) entries: Vec<String>,
    /// Where it is chosen.
    pub(super) span: Span,
    /// What it speaks, unless a peer says otherwise.
    pub(super) protocol: Protocol,
    /// The containers that answer.
    pub(super) peers: Vec<Peer>,
    /// The service of a file that answers in their place.
    pub(super) named: Option<String>,
}

/// One container behind a way.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) service: ServiceRef,
    /// The port inside, or why it is unknown.
    pub(super) port: Result<u16, String>,
    /// Where the port is written, else the service's key.
    pub(super) span: Span,
    /// `loadbalancer.server.scheme`.
    pub(super) scheme: Option<Protocol>,
    /// `traefik.docker.network`, or the provider's.
    pub(super) network: Option<String>,
    /// Whether a transport of its own sets its times.
    pub(super) transport: bool,
}

/// A router, and the name of the service that it leads to.
struct Router<'a> {
    name: &'a str,
    rule: Option<&'a Text>,
    service: Option<&'a Text>,
    entries: Option<&'a Text>,
    span: Span,
}

/// What one container's labels say in one protocol.
struct Told<'a> {
    routers: BTreeMap<&'a str, Router<'a>>,
    services: BTreeMap<&'a str, Vec<(String, &'a Text)>>,
}

/// Every way to the containers that a Traefik takes part of.
pub(super) fn ways(
    project: &Project,
    proxy: ServiceRef,
    labels: &Labels,
    listening: &BTreeSet<usize>,
) -> Vec<Labelled> {
    let mut found = Vec::new();
    let containers: Vec<(ServiceRef, &Service)> = project
        .services()
        .filter(|(at, service)| is_seen(project, proxy, labels, listening, (*at, service)))
        .collect();
    for (word, protocol) in [("http", Protocol::Http), ("tcp", Protocol::Tcp)] {
        let all: Vec<(ServiceRef, &Service, Told)> = containers
            .iter()
            .map(|(at, service)| (*at, *service, told(word, of(service, labels))))
            .collect();
        let mut peers: BTreeMap<&str, Vec<Peer>> = BTreeMap::new();
        for (at, service, told) in &all {
            for (name, keys) in &told.services {
                let peer = peer(*at, service, labels, keys);
                peers.entry(name).or_default().push(peer);
            }
        }
        for (at, service, told) in &all {
            found.extend(of_container((*at, service), told, labels, protocol, &peers));
        }
    }
    found
}

fn of<'a>(service: &'a Service, labels: &Labels) -> &'a [(crate::source::Spanned<String>, Text)] {
    if labels.swarm {
        &service.swarm_labels
    } else {
        &service.labels
    }
}

/// A label by its name, in which case means nothing.
fn label<'a>(service: &'a Service, labels: &Labels, name: &str) -> Option<&'a Text> {
    let mut all = of(service, labels).iter();
    let (_, text) = all.find(|(key, _)| key.value.eq_ignore_ascii_case(name))?;
    Some(text)
}

/// Whether a Traefik takes a container: it asks for it, carries the label that is needed, and no other Traefik is nearer.
fn is_seen(
    project: &Project,
    proxy: ServiceRef,
    labels: &Labels,
    listening: &BTreeSet<usize>,
    (at, service): (ServiceRef, &Service),
) -> bool {
    let enabled = label(service, labels, "traefik.enable").map(Text::get);
    let wanted = match enabled {
        Some(Some(word)) => word.eq_ignore_ascii_case("true"),
        Some(None) => false,
        None => labels.all,
    };
    let has = |(name, value): &(String, String)| {
        label(service, labels, name).and_then(Text::get) == Some(value)
    };
    // Where nobody asks for anything, it would be told a way by its name, which is not meant.
    let any = of(service, labels).iter().any(|(key, _)| {
        let key = key.value.to_ascii_lowercase();
        key.starts_with("traefik.http.") || key.starts_with("traefik.tcp.")
    });
    let near = at.stack == proxy.stack
        || !listening.contains(&at.stack) && project.share_network(proxy, at);
    let active = !service.inactive || project.service(proxy).inactive;
    wanted && any && near && active && labels.needed.as_ref().is_none_or(has)
}

fn told<'a>(word: &str, labels: &'a [(crate::source::Spanned<String>, Text)]) -> Told<'a> {
    let mut told = Told {
        routers: BTreeMap::new(),
        services: BTreeMap::new(),
    };
    for (key, text) in labels {
        // plain: Traefik cuts the name of a label at every dot, and knows no quotes
        let mut parts = key.value.splitn(5, '.');
        let (root, kind, part) = (parts.next(), parts.next(), parts.next());
        let is = |part: Option<&str>, word: &str| {
            part.is_some_and(|part| part.eq_ignore_ascii_case(word))
        };
        let (Some(name), Some(rest)) = (parts.next(), parts.next()) else {
            continue;
        };
        if !is(root, "traefik") || !is(kind, word) {
            continue;
        }
        let rest = rest.to_ascii_lowercase();
        if is(part, "services") {
            told.services.entry(name).or_default().push((rest, text));
        } else if is(part, "routers") {
            let router = told.routers.entry(name).or_insert(Router {
                name,
                rule: None,
                service: None,
                entries: None,
                span: text.span,
            });
            match rest.as_str() {
                "rule" => {
                    router.rule = Some(text);
                    router.span = text.span;
                }
                "service" => router.service = Some(text),
                "entrypoints" => router.entries = Some(text),
                _ => {}
            }
        }
    }
    told
}

fn of_container(
    (at, service): (ServiceRef, &Service),
    told: &Told,
    labels: &Labels,
    protocol: Protocol,
    peers: &BTreeMap<&str, Vec<Peer>>,
) -> Vec<Labelled> {
    let only = || match told.services.len() {
        0 => Some(vec![peer(at, service, labels, &[])]),
        1 => told
            .services
            .keys()
            .next()
            .and_then(|name| peers.get(name).cloned()),
        // Traefik refuses to choose.
        _ => None,
    };
    let mut found = Vec::new();
    for router in told.routers.values() {
        let (answering, named) = match router.service {
            None => (only(), None),
            Some(text) => match text.get().map(place) {
                Some(Place::Here(name)) => (peers.get(name).cloned(), None),
                Some(Place::File(name)) => (Some(Vec::new()), Some(name.to_owned())),
                _ => (None, None),
            },
        };
        let Some(peers) = answering else {
            continue;
        };
        found.push(Labelled {
            protocol,
            peers,
            named,
            ..router.way()
        });
    }
    // Without a router it is given one for its name, which only HTTP has.
    if told.routers.is_empty()
        && told.services.len() == 1
        && protocol == Protocol::Http
        && let Some(peers) = only()
    {
        found.push(Labelled {
            name: service.name.value.clone(),
            hosts: Vec::new(),
            entries: Vec::new(),
            span: peers.first().map_or(service.name.span, |peer| peer.span),
            protocol,
            peers,
            named: None,
        });
    }
    found
}

impl Router<'_> {
    /// The way that it is, still without what answers.
    fn way(&self) -> Labelled {
        let rule = self.rule.and_then(Text::get).unwrap_or("");
        let entries = self.entries.and_then(Text::get).unwrap_or("");
        // plain: a list of names with commas between
        let entries = entries.split(',');
        let entries = entries.map(|name| name.trim().to_ascii_lowercase());
        Labelled {
            name: rule::name(rule).unwrap_or_else(|| self.name.to_owned()),
            hosts: rule::hosts(rule),
            entries: entries.filter(|name| !name.is_empty()).collect(),
            span: self.span,
            protocol: Protocol::Http,
            peers: Vec::new(),
            named: None,
        }
    }
}

/// Where the service of a router is defined.
enum Place<'a> {
    Here(&'a str),
    File(&'a str),
    Elsewhere,
}

fn place(service: &str) -> Place<'_> {
    // plain: one `@` at most stands between a name and its provider
    match service.split_once('@') {
        None | Some((_, "docker" | "swarm")) => {
            // plain: as above
            Place::Here(service.split('@').next().unwrap_or(service))
        }
        Some((name, "file")) => Place::File(name),
        Some(_) => Place::Elsewhere,
    }
}

fn peer(at: ServiceRef, service: &Service, labels: &Labels, keys: &[(String, &Text)]) -> Peer {
    let find = |name: &str| {
        keys.iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, text)| *text)
    };
    let port = find("loadbalancer.server.port");
    let scheme = find("loadbalancer.server.scheme").and_then(Text::get);
    let network = ["traefik.docker.network", "traefik.swarm.network"]
        .iter()
        .find_map(|name| label(service, labels, name));
    let network = match network {
        Some(text) => text.get().map(str::to_owned),
        None => labels.network.clone(),
    };
    Peer {
        service: at,
        port: match (find("loadbalancer.server.url"), port) {
            (Some(_), _) => Err("a label names a whole URL".to_owned()),
            (None, Some(text)) => match &text.value {
                Ok(raw) => raw.trim().parse().map_err(|_| format!("{raw} is no port")),
                Err(why) => Err(why.clone()),
            },
            (None, None) => Err(
                "no label names its port: Traefik takes the first that its image exposes"
                    .to_owned(),
            ),
        },
        span: port.map_or(service.name.span, |text| text.span),
        scheme: match scheme {
            Some("https") => Some(Protocol::Https),
            Some("h2c") => Some(Protocol::H2c),
            _ => None,
        },
        network,
        transport: find("loadbalancer.serverstransport").is_some(),
    }
}
