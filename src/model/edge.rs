//! Edges: hops in front of the stack. Those that no file of the tree shows are told by `[[edge]]` of `no502.toml`; each has
//! one route without links: it does not name an address, it is said to dial a service. Those that run in the stack
//! (Traefik, cloudflared) say themselves whom they dial.

mod labelled;
pub(super) mod shown;

use std::collections::BTreeSet;

use crate::finding::Gap;
use crate::model::chain::is_proxy;
use crate::model::knowledge;
use crate::model::sizes::Sizes;
use crate::model::{
    Address, Amount, Bind, Hop, HopId, HopKind, Key, Model, Pages, Protocol, Retry, Reuse, Route,
    RouteId, Setting, Step, Timeouts,
};
use crate::project::Project;
use crate::project::compose::NetworkMode;
use crate::settings::{Edge, Settings};

/// A way through edges, and what is behind the last of them.
pub(super) struct Front {
    /// The edges, outermost first.
    pub(super) steps: Vec<Step>,
    /// What the last one dials.
    pub(super) hops: BTreeSet<HopId>,
    /// Whether the services are named; if not, only what is open to the outside is reached.
    pub(super) named: bool,
}

/// Adds the edges of the settings as hops, each with its route.
pub(super) fn add(model: &mut Model, project: &mut Project, settings: &Settings) -> Vec<Front> {
    let edges = &settings.edges;
    let steps: Vec<Step> = edges.iter().map(|edge| hop(model, edge)).collect();
    let mut behind: Vec<Behind> = Vec::new();
    for (at, edge) in edges.iter().enumerate() {
        let found = look_behind(model, project, edges, at);
        for name in found.missing {
            let file = project.sources.get(name.span.file);
            model.gaps.push(Gap {
                path: file.path.clone(),
                line: Some(file.line(name.span.start)),
                reason: format!(
                    "{} leads to {}, which is no service and no edge here",
                    edge.name, name.value
                ),
            });
        }
        behind.push(Behind {
            edges: found.edges,
            hops: found.hops,
            named: !edge.to.is_empty(),
        });
    }
    let inner: BTreeSet<usize> = behind.iter().flat_map(|one| one.edges.clone()).collect();
    let mut fronts = Vec::new();
    for at in (0..edges.len()).filter(|at| !inner.contains(at)) {
        ways(&steps, &behind, vec![at], &mut fronts);
    }
    let shown = shown::fronts(model, &fronts);
    fronts.extend(shown);
    fronts
}

/// What one edge dials.
struct Behind {
    edges: Vec<usize>,
    hops: BTreeSet<HopId>,
    named: bool,
}

/// Every way from the edges of `path` on.
fn ways(steps: &[Step], behind: &[Behind], path: Vec<usize>, fronts: &mut Vec<Front>) {
    let Some(last) = path.last().map(|at| &behind[*at]) else {
        return;
    };
    for next in last.edges.iter().filter(|next| !path.contains(next)) {
        let longer = path.iter().copied().chain([*next]).collect();
        ways(steps, behind, longer, fronts);
    }
    if !last.hops.is_empty() {
        fronts.push(Front {
            steps: path.iter().map(|at| steps[*at]).collect(),
            hops: last.hops.clone(),
            named: last.named,
        });
    }
}

fn hop(model: &mut Model, edge: &Edge) -> Step {
    let row = edge.preset.as_deref().and_then(knowledge::edge);
    let passes_bytes = row.is_some_and(knowledge::Edge::passes_bytes);
    let timeouts = times(edge, row, passes_bytes);
    let hop = HopId(u32::try_from(model.hops.len()).unwrap_or(u32::MAX));
    let route = RouteId(u32::try_from(model.routes.len()).unwrap_or(u32::MAX));
    let version = Setting::unknown("an edge has no version");
    let kind = HopKind::Edge(edge.name.clone());
    model.hops.push(Hop::new(kind, None, edge.span, version));
    model.routes.push(Route {
        hop,
        name: edge.name.clone(),
        listeners: Vec::new(),
        hosts: Vec::new(),
        span: edge.span,
        links: Vec::new(),
        protocol: if passes_bytes {
            Protocol::Tcp
        } else {
            Protocol::Http
        },
        retry: Setting::assumed(
            Retry::default(),
            &edge.name,
            "",
            "an edge sends a request once",
        ),
        on_timeout: on_timeout(row, passes_bytes),
        pages: Pages::default(),
        sizes: Sizes::unknown("an edge is no file of the tree"),
        reuse: reuse(passes_bytes, &timeouts),
        timeouts,
        upgrades: false,
    });
    Step {
        hop,
        route: Some(route),
        link: None,
    }
}

/// What is written, over the numbers of the preset.
fn times(edge: &Edge, row: Option<&knowledge::Edge>, passes_bytes: bool) -> Timeouts {
    let mut timeouts = row.map(defaults).unwrap_or_default();
    for time in &edge.times {
        let Some(key) = Key::of(time.key) else {
            continue;
        };
        let amount = time.ms.map_or(Amount::Infinite, Amount::Finite);
        timeouts.insert(key, Setting::written(amount, time.span));
    }
    if !passes_bytes {
        for key in [Key::Read, Key::KeepaliveIdle] {
            timeouts.entry(key).or_insert_with(|| {
                Setting::unknown(format!("no number is known for {}", edge.name))
            });
        }
    }
    timeouts
}

/// The numbers of a preset. What can be changed at the edge is assumed, since no file of the tree tells.
fn defaults(row: &knowledge::Edge) -> Timeouts {
    let mut timeouts = Timeouts::new();
    for (name, value) in &row.numbers {
        let Some((key, zero)) = key_of(name, row) else {
            continue;
        };
        let amount = match (key.is_count(), *value) {
            (false, 0.0) => zero,
            (true, count) => Amount::whole(count),
            (false, seconds) => Amount::whole(seconds * 1000.0),
        };
        let setting = if row.configurable {
            Setting::assumed(amount, &row.name, "", &row.source)
        } else {
            Setting::default_of(amount, &row.name, "", &row.source)
        };
        timeouts.insert(key, setting);
    }
    timeouts
}

/// What a number of the table is here, and what 0 means.
fn key_of(name: &str, row: &knowledge::Edge) -> Option<(Key, Amount)> {
    Some(match name {
        "connect_timeout_s" => (Key::Connect, Amount::Infinite),
        "write_timeout_s" => (Key::Send, Amount::Infinite),
        "response_timeout_s" => (Key::Read, Amount::Infinite),
        "queue_timeout_s" => (Key::Queue, Amount::Infinite),
        "client_keepalive_s" => (Key::ClientIdle, Amount::Finite(0)),
        "upstream_idle_s" if row.passes_bytes() => (Key::Tunnel, Amount::Infinite),
        "upstream_idle_s" => (Key::KeepaliveIdle, Amount::Finite(0)),
        "keepalive_requests" => (Key::KeepaliveRequests, Amount::Infinite),
        "connect_attempts" | "retries" => (Key::Tries, Amount::Infinite),
        _ => return None,
    })
}

/// What a client gets when the edge has waited long enough; 504 unless its table has a status of its own.
fn on_timeout(row: Option<&knowledge::Edge>, passes_bytes: bool) -> Option<u16> {
    let own = row.and_then(|row| row.numbers.get("timeout_status"));
    let own = own.and_then(|status| match Amount::whole(*status) {
        Amount::Finite(status) => u16::try_from(status).ok(),
        Amount::Infinite => None,
    });
    own.or(Some(504)).filter(|_| !passes_bytes)
}

fn reuse(passes_bytes: bool, timeouts: &Timeouts) -> Reuse {
    if passes_bytes {
        return Reuse::Off("it passes each connection on as it is".to_owned());
    }
    match timeouts.get(&Key::KeepaliveIdle) {
        Some(Setting::Known {
            value: Amount::Finite(0),
            ..
        }) => Reuse::Off("it keeps no idle connection".to_owned()),
        Some(Setting::Known { origin, .. }) => Reuse::On(origin.span()),
        Some(Setting::Unknown(why)) => Reuse::Unknown(why.clone()),
        None => Reuse::Unknown("its idle time is not known".to_owned()),
    }
}

#[derive(Default)]
struct Found<'a> {
    edges: Vec<usize>,
    hops: BTreeSet<HopId>,
    missing: Vec<&'a crate::source::Spanned<String>>,
}

fn look_behind<'a>(model: &Model, project: &Project, edges: &'a [Edge], at: usize) -> Found<'a> {
    let mut found = Found::default();
    if edges[at].to.is_empty() {
        if at + 1 < edges.len() {
            found.edges.push(at + 1);
        } else {
            found.hops = open_to_the_outside(model, project);
        }
        return found;
    }
    for name in &edges[at].to {
        if let Some(next) = edges.iter().position(|edge| edge.name == name.value) {
            found.edges.push(next);
            continue;
        }
        let named = |hop: &&HopId| {
            let hop = model.hop(**hop);
            let service = hop.service.map(|at| project.service(at));
            match service {
                Some(service) => service.name.value == name.value,
                None => !matches!(hop.kind, HopKind::Edge(_)) && hop.kind.as_str() == name.value,
            }
        };
        let hops: Vec<HopId> = ids(model).collect();
        let hops: Vec<HopId> = hops.iter().filter(named).copied().collect();
        let known = project
            .services()
            .any(|(_, service)| service.name.value == name.value);
        if hops.is_empty() && !known {
            found.missing.push(name);
        }
        found.hops.extend(hops);
    }
    found
}

fn ids(model: &Model) -> impl Iterator<Item = HopId> {
    (0..model.hops.len()).map(|at| HopId(u32::try_from(at).unwrap_or(u32::MAX)))
}

/// The proxies that publish a port or run on the host. Without any proxy, the apps that do and speak HTTP; if none
/// publishes a port, as under an orchestrator, every proxy.
fn open_to_the_outside(model: &Model, project: &Project) -> BTreeSet<HopId> {
    let is_seen = |hop: &Hop| matches!(hop.kind, HopKind::Edge(_)) && hop.service.is_some();
    let proxies = || {
        let hops = ids(model).map(|id| (id, model.hop(id)));
        hops.filter(|(_, hop)| is_proxy(&hop.kind) || is_seen(hop))
            .map(|(id, _)| id)
    };
    let open = |id: &HopId| match model.hop(*id).service {
        None => true,
        Some(at) => {
            let service = project.service(at);
            let on_host = service.network_mode.value == NetworkMode::Host;
            !service.inactive && (on_host || !service.ports.is_empty())
        }
    };
    if proxies().next().is_none() {
        return ids(model)
            .filter(|id| speaks_http(model.hop(*id)) && open(id))
            .collect();
    }
    let reached: BTreeSet<HopId> = proxies().filter(open).collect();
    if reached.is_empty() {
        return proxies().collect();
    }
    reached
}

fn speaks_http(hop: &Hop) -> bool {
    matches!(hop.kind, HopKind::App(_))
        && hop.listeners.iter().any(|listener| {
            let http = matches!(
                listener.protocol.value(),
                Some(Protocol::Http | Protocol::Https)
            );
            http && !is_loopback(listener.address.value())
        })
}

/// Whether nothing outside the machine or the container can dial an address.
pub(super) fn is_loopback(address: Option<&Address>) -> bool {
    matches!(
        address,
        Some(
            Address::Tcp {
                bind: Bind::Loopback | Bind::LoopbackV4,
                ..
            } | Address::Unix(_)
        )
    )
}
