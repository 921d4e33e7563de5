//! rules/port-taken-twice.md

use std::collections::{BTreeMap, HashMap};

use crate::finding::{Confidence, Severity};
use crate::host::path;
use crate::model::{Address, Bind, HopKind, Origin, ServiceRef};
use crate::project::compose::{NetworkMode, Port, Service};
use crate::rules::Ctx;
use crate::source::{Span, Spanned};

pub(super) fn check(cx: &mut Ctx) {
    for stack in 0..cx.project.stacks.len() {
        let claims = claims(cx, stack);
        let guessed = cx.project.stacks[stack].guessed;
        let mut told = vec![false; claims.len()];
        let ports = Ports::of(&claims);
        for (at, claim) in claims.iter().enumerate() {
            if told[at] {
                continue;
            }
            let mut rivals = ports.near(claim);
            rivals.retain(|other| {
                *other > at && !told[*other] && claim.meets(&claims[*other], guessed)
            });
            if rivals.is_empty() {
                continue;
            }
            for other in &rivals {
                told[*other] = true;
            }
            let rivals: Vec<&Claim> = rivals.iter().map(|other| &claims[*other]).collect();
            report(cx, claim, &rivals);
        }
        for claim in claims.iter().filter(|claim| claim.published) {
            let copies = cx.project.service(claim.service).replicas.clone();
            if let Some(copies) = copies.filter(|copies| copies.value > 1) {
                report_copies(cx, claim, &copies);
            }
        }
    }
}

/// Where to look for claims of the same port: a proxy may have thousands of listeners, and a stack thousands of services.
struct Ports<'a> {
    by_first: HashMap<Group<'a>, BTreeMap<u16, Vec<usize>>>,
    /// By how much the last port of a claim exceeds its first, at most.
    widest: u16,
}

/// Claims of one network and protocol: all, those of one address, or those that are of more than one (`""`).
type Group<'a> = (Option<ServiceRef>, &'a str, Option<&'a str>);

impl<'a> Ports<'a> {
    fn of(claims: &'a [Claim]) -> Self {
        let mut by_first: HashMap<Group, BTreeMap<u16, Vec<usize>>> = HashMap::new();
        for (at, claim) in claims.iter().enumerate() {
            for address in [None, Some(claim.address())] {
                let group = (claim.network, claim.protocol.as_str(), address);
                let ports = by_first.entry(group).or_default();
                ports.entry(claim.ports.0).or_default().push(at);
            }
        }
        let widths = claims.iter().map(|c| c.ports.1.saturating_sub(c.ports.0));
        Self {
            by_first,
            widest: widths.max().unwrap_or(0),
        }
    }

    /// Claims that may have a port in common with one, in their order.
    fn near(&self, claim: &'a Claim) -> Vec<usize> {
        let from = claim.ports.0.saturating_sub(self.widest);
        let groups: &[Option<&str>] = match claim.address() {
            "" => &[None],
            own => &[Some(own), Some("")],
        };
        let mut near: Vec<usize> = Vec::new();
        for address in groups {
            let group = (claim.network, claim.protocol.as_str(), *address);
            let ports = self.by_first.get(&group).into_iter();
            let starts = ports.flat_map(|ports| ports.range(from..=claim.ports.1.max(from)));
            near.extend(starts.flat_map(|(_, claims)| claims));
        }
        near.sort_unstable();
        near
    }
}

/// One address that a process or Docker itself binds.
struct Claim {
    service: ServiceRef,
    /// Whose network it is: a service's, or `None` for the host's.
    network: Option<ServiceRef>,
    protocol: String,
    bind: Bind,
    ports: (u16, u16),
    /// Whether a HAProxy binds it: two of them share a port, because both ask the kernel for it (`SO_REUSEPORT`).
    shares: bool,
    /// Whether it is one port that Docker binds on the host for certain.
    published: bool,
    span: Span,
}

impl Claim {
    /// The one address that it is of; empty for several.
    fn address(&self) -> &str {
        match &self.bind {
            Bind::One(address) => address,
            _ => "",
        }
    }

    fn meets(&self, other: &Claim, guessed: bool) -> bool {
        let apart = |a: &Bind, b: &Bind| match (a, b) {
            (Bind::Unknown(_), _) | (_, Bind::Unknown(_)) => true,
            (Bind::Any | Bind::AnyV4, _) | (_, Bind::Any | Bind::AnyV4) => false,
            (a, b) => a != b && !(a.is_loopback() && b.is_loopback()),
        };
        let one_process = self.service == other.service && !(self.published && other.published);
        self.network == other.network
            && self.protocol == other.protocol
            && self.ports.0 <= other.ports.1
            && other.ports.0 <= self.ports.1
            && !apart(&self.bind, &other.bind)
            && !one_process
            && !(self.shares && other.shares)
            && self.span != other.span
            // Two files that only look as if they were deployed together.
            && !(guessed && self.span.file != other.span.file)
    }
}

/// Everything that the services of a stack bind on the host, or in a network that they share.
fn claims(cx: &Ctx, stack: usize) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (service, one) in cx.project.stacks[stack].services.iter().enumerate() {
        let at = ServiceRef { stack, service };
        if one.inactive {
            continue;
        }
        match &one.network_mode.value {
            NetworkMode::Networks => {
                claims.extend(one.ports.iter().filter_map(|port| published(at, port)));
                claims.extend(bound(cx, at, Some(at)));
            }
            NetworkMode::Host => claims.extend(bound(cx, at, None)),
            NetworkMode::Service(_) => {
                let owner = Some(cx.project.namespace(at)).filter(|owner| *owner != at);
                claims.extend(
                    owner
                        .into_iter()
                        .flat_map(|owner| bound(cx, at, Some(owner))),
                );
            }
            NetworkMode::None | NetworkMode::Container(_) | NetworkMode::Other(_) => {}
        }
    }
    claims
}

/// A port that Docker binds on the host; of a range that is longer than what it leads to it takes a free one.
fn published(service: ServiceRef, port: &Port) -> Option<Claim> {
    let (ports, target) = (port.published?, port.target?);
    if ports.0 == 0 || ports.1 - ports.0 != target.1 - target.0 {
        return None;
    }
    Some(Claim {
        service,
        network: None,
        protocol: port.protocol.clone(),
        bind: port.host_ip.as_deref().map_or(Bind::Any, Bind::of),
        ports,
        shares: false,
        published: true,
        span: port.span,
    })
}

/// What the processes of a service bind for certain.
fn bound(cx: &Ctx, service: ServiceRef, network: Option<ServiceRef>) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (_, hop) in cx.model.hops_of(service) {
        for listener in &hop.listeners {
            let certain = listener.address.origin().is_some_and(Origin::is_certain);
            let Some(Address::Tcp { bind, port }) = listener.address.value() else {
                continue;
            };
            if !certain {
                continue;
            }
            claims.push(Claim {
                service,
                network,
                protocol: "tcp".to_owned(),
                bind: bind.clone(),
                ports: (*port, *port),
                shares: hop.kind == HopKind::HaProxy,
                published: false,
                span: listener.address.span().unwrap_or(cx.service_span(service)),
            });
        }
    }
    claims
}

/// Every container of a service wants what its `ports` say.
fn report_copies(cx: &mut Ctx, claim: &Claim, copies: &Spanned<u32>) {
    let stack = &cx.project.stacks[claim.service.stack];
    let services = &stack.services;
    let any = |told: fn(&Service) -> bool| services.iter().any(told);
    // A swarm publishes the port once for all of them; `mode` alone stands in files for compose as well.
    let named = ["stack", "swarm"].map(|word| path::name(&stack.path).contains(word));
    if named.contains(&true) || any(|one| one.swarm.as_ref().is_some_and(|swarm| swarm.certain)) {
        return;
    }
    let composed = any(|one| {
        let waits = one.depends_on.iter().any(|dependency| !dependency.short);
        one.build.is_some() || waits || !one.profiles.is_empty() || one.container_name.is_some()
    });
    let name = cx.service_name(claim.service).to_owned();
    let (port, count) = (claim.ports.0, copies.value);
    let last = u32::from(port) + count - 1;
    let message = format!(
        "{name} is to run {count} times, and each wants port {port} of the host: only the first one starts"
    );
    let finding = cx.report(claim.span, message);
    finding
        .here("taken by the first one")
        .label(copies.span, format!("{count} containers"))
        .help(format!(
            "publish a range that has a port for each of them (`{port}-{last}:…`), or none, and put a proxy in front"
        ))
        .because("port", port)
        .because("services", &name);
    // Nothing else in the files tells a swarm, where this is right, from compose.
    if !composed {
        finding
            .severity(Severity::Warning)
            .at_most(Confidence::Medium);
    }
}

fn report(cx: &mut Ctx, first: &Claim, rivals: &[&Claim]) {
    let (a, b) = (
        cx.service_name(first.service).to_owned(),
        cx.service_name(rivals[0].service).to_owned(),
    );
    let port = first.ports.0.max(rivals[0].ports.0);
    let (where_, help) = match first.network {
        None => (
            "of the host".to_owned(),
            "publish one of them on another port, or put them into profiles that are never active together",
        ),
        Some(owner) => (
            format!("in the network of {}", cx.service_name(owner)),
            "let one of them listen on another port: they share one network namespace",
        ),
    };
    let who = if a == b {
        format!("{a} takes port {port} {where_} twice")
    } else {
        format!("{a} and {b} both take port {port} {where_}")
    };
    let finding = cx.report(
        rivals[0].span,
        format!("{who}: the second one does not start"),
    );
    finding
        .here("taken already")
        .label(first.span, "taken here");
    for rival in &rivals[1..] {
        finding.label(rival.span, "and wanted here");
    }
    finding
        .help(help)
        .because("port", port)
        .because("services", format!("{a} {b}"));
}
