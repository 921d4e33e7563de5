//! rules/resolver-wrong-scope.md

use std::collections::HashMap;
use std::net::IpAddr;

use crate::finding::{Confidence, Severity};
use crate::model::{Dialled, HopId, Link, Lookup, Target};
use crate::project::ServiceRef;
use crate::project::compose::NetworkMode;
use crate::rules::Ctx;
use crate::source::Span;
use crate::syntax::nginx::Directive;
use crate::syntax::proxy_value::upstream_url;

/// Docker's own name server, which each container on a network of its own has at this address.
const DOCKER: &str = "127.0.0.11";

pub(super) fn check(cx: &mut Ctx) {
    let mut resolvers: HashMap<Span, &Directive> = HashMap::new();
    for place in cx.places {
        resolvers.extend(
            place
                .scope
                .own("resolver")
                .map(|resolver| (resolver.span, resolver)),
        );
    }
    // The cause is the resolver: one finding for all that is looked up through it.
    let mut index: HashMap<(HopId, Span), usize> = HashMap::new();
    let mut groups: Vec<(Fault, Vec<&Link>)> = Vec::new();
    for link in &cx.model.links {
        let Lookup::Running(span) = link.lookup else {
            continue;
        };
        let Some(fault) = resolvers
            .get(&span)
            .and_then(|resolver| fault(cx, link, resolver))
        else {
            continue;
        };
        let at = *index.entry((link.from, span)).or_insert(groups.len());
        if at == groups.len() {
            groups.push((fault, Vec::new()));
        }
        groups[at].1.push(link);
    }
    for (fault, links) in groups {
        report(cx, &fault, &links);
    }
}

/// Why a resolver does not know a name.
struct Fault {
    resolver: Span,
    kind: Kind,
    /// The servers that do not, as written.
    servers: String,
    proxy: ServiceRef,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// All of its servers are on the internet.
    Public,
    /// One of them is.
    Mixed,
    /// It is Docker's, and this container has none.
    Absent,
}

fn fault(cx: &Ctx, link: &Link, resolver: &Directive) -> Option<Fault> {
    let proxy = cx.model.hop(link.from).service?;
    let Dialled::Tcp { host, .. } = &link.dialled else {
        return None;
    };
    let servers: Vec<&str> = resolver
        .args
        .iter()
        .map(|arg| arg.value.as_str())
        .filter(|arg| !arg.contains('='))
        .collect();
    let addresses: Vec<IpAddr> = servers
        .iter()
        .map(|server| address(server))
        .collect::<Option<_>>()?;
    let of = |wanted: fn(&IpAddr) -> bool| {
        let chosen = servers
            .iter()
            .zip(&addresses)
            .filter(|(_, address)| wanted(address));
        chosen.map(|(server, _)| *server).collect::<Vec<_>>()
    };
    let (public, docker) = (of(is_public), of(is_docker));
    let kind = match (public.len(), docker.len()) {
        (0, docker) if docker == servers.len() && lacks_docker(cx, proxy) => Kind::Absent,
        (0, _) => return None,
        (_, _) if !is_service(cx, link, proxy, &host.value) => return None,
        (public, _) if public == servers.len() => Kind::Public,
        _ => Kind::Mixed,
    };
    let servers = if kind == Kind::Absent { docker } else { public };
    Some(Fault {
        resolver: resolver.span,
        kind,
        servers: servers.join(" and "),
        proxy,
    })
}

/// Whether a name is that of a service, which nobody outside of its networks knows.
fn is_service(cx: &Ctx, link: &Link, proxy: ServiceRef, host: &str) -> bool {
    let by_hosts = cx.project.service(proxy).extra_hosts.iter();
    let mut by_hosts = by_hosts.filter_map(|(name, _)| name.get());
    matches!(link.target, Target::Service { service, .. } if service != proxy)
        && !host.contains('.')
        && !by_hosts.any(|name| name.eq_ignore_ascii_case(host))
}

/// Docker answers at its own address only in containers on networks that somebody made: not on the host's, and not on
/// the one called `bridge`.
fn lacks_docker(cx: &Ctx, proxy: ServiceRef) -> bool {
    match &cx.project.service(proxy).network_mode.value {
        NetworkMode::Host => true,
        NetworkMode::Other(mode) => mode == "bridge",
        _ => false,
    }
}

fn address(server: &str) -> Option<IpAddr> {
    upstream_url(server)?.host?.parse().ok()
}

fn is_docker(address: &IpAddr) -> bool {
    address.to_string() == DOCKER
}

/// Whether an address is one of the internet: neither private, nor the machine's own, nor a carrier's.
fn is_public(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let carrier = first == 100 && (64..128).contains(&second);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || carrier)
        }
        IpAddr::V6(v6) => v6.segments()[0] & 0xe000 == 0x2000,
    }
}

fn report(cx: &mut Ctx, fault: &Fault, links: &[&Link]) {
    let Dialled::Tcp { host, .. } = &links[0].dialled else {
        return;
    };
    let seen = cx.refused(links[0]);
    let name = cx.service_name(fault.proxy).to_owned();
    let mode = cx.project.service(fault.proxy).network_mode.span;
    let target = match links[0].target {
        Target::Service { service, .. } => Some(cx.service_span(service)),
        _ => None,
    };
    let (message, here, help) = words(fault, &host.value, &name);
    let finding = cx.report(fault.resolver, message);
    finding.here(here);
    for link in links {
        finding.label(link.span, "looked up there");
    }
    match (fault.kind, target) {
        (Kind::Absent, _) => {
            finding.label(mode, "no network of its own");
        }
        (_, Some(target)) => {
            finding.label(target, "a service");
        }
        _ => {}
    }
    finding
        .help(help)
        .seen(seen)
        .because("host", &host.value)
        .because("servers", &fault.servers);
    if fault.kind == Kind::Mixed {
        finding
            .severity(Severity::Warning)
            .at_most(Confidence::Medium);
    }
}

/// Message, what is to be seen at the resolver, and help.
fn words(fault: &Fault, host: &str, name: &str) -> (String, &'static str, String) {
    let servers = &fault.servers;
    match fault.kind {
        Kind::Public => (
            format!(
                "nginx asks {servers} for {host}, a service that only Docker's name server knows"
            ),
            "a name server of the internet",
            format!(
                "write `resolver {DOCKER} valid=10s;`: Docker's passes on what it does not know"
            ),
        ),
        Kind::Mixed => (
            format!(
                "nginx asks its name servers in turn, and {servers} does not know {host}, a service"
            ),
            "one of them is on the internet",
            format!("leave {servers} out: Docker's name server passes on what it does not know"),
        ),
        Kind::Absent => (
            format!("nginx asks {servers} for {host}, and {name} has no name server there"),
            "Docker's, in containers with a network of their own",
            format!("give {name} a network of the project, or name the machine's own name server"),
        ),
    }
}
