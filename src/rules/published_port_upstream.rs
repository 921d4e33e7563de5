//! rules/published-port-upstream.md

use std::collections::{HashMap, HashSet};

use crate::finding::{Confidence, Severity};
use crate::model::{Address, Dialled, Hop, Link, ServiceRef, Target};
use crate::project::compose::{NetworkMode, Port};
use crate::rules::{Ctx, grouped};

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, crossed) {
        if let Some((service, port)) = crossed(cx, links[0]) {
            report(cx, &links, service, port);
        }
    }
    let host = OnHost::of(cx);
    for links in grouped(cx, |_, link| host.missed(link)) {
        if let Some(port) = host.missed(links[0])
            && let Some((service, published)) = host.inside.get(&port).copied().flatten()
        {
            mirrored(cx, &links, port, service, published);
        }
    }
}

/// What is known of the ports of the host.
struct OnHost<'a> {
    /// By container port that some service publishes under another number: that service, if it is the only one.
    inside: HashMap<u16, Option<(ServiceRef, &'a Port)>>,
    /// Those that a process on the host itself listens on.
    open: HashSet<u16>,
    /// Whether all is known of what the tree starts there.
    is_known: bool,
}

impl<'a> OnHost<'a> {
    fn of(cx: &Ctx<'a>) -> Self {
        let mut inside = HashMap::new();
        for (at, service) in cx.project.services() {
            for port in service.ports.iter().filter(|port| port.protocol != "udp") {
                let (Some((target, _)), Some((outside, _))) = (port.target, port.published) else {
                    continue;
                };
                let only = inside.entry(target).or_insert(Some((at, port)));
                if outside == target || only.is_some_and(|(other, _)| other != at) {
                    *only = None;
                }
            }
        }
        let on_host = |hop: &&Hop| match hop.service {
            Some(at) => cx.project.service(at).network_mode.value == NetworkMode::Host,
            None => true,
        };
        let hops: Vec<&Hop> = cx.model.hops.iter().filter(on_host).collect();
        let listeners = hops.iter().flat_map(|hop| &hop.listeners);
        let addresses = listeners.map(|listener| listener.address.value());
        let unknown = cx
            .model
            .opaque
            .keys()
            .any(|at| cx.project.service(*at).network_mode.value == NetworkMode::Host);
        Self {
            inside,
            open: addresses
                .clone()
                .flatten()
                .filter_map(Address::port)
                .collect(),
            is_known: !unknown && addresses.clone().all(|address| address.is_some()),
        }
    }

    /// The port of the host that a link dials, where nothing of the tree listens on the host, and one service does so in its
    /// container.
    fn missed(&self, link: &Link) -> Option<u16> {
        let (Target::Host { port, hop: None }, Dialled::Tcp { .. }) = (&link.target, &link.dialled)
        else {
            return None;
        };
        let is_inside = self.inside.get(port).is_some_and(Option::is_some);
        (self.is_known && is_inside && !self.open.contains(port)).then_some(*port)
    }
}

/// A port of a container is dialled on the host.
fn mirrored(cx: &mut Ctx, links: &[&Link], port: u16, service: ServiceRef, published: &Port) {
    let (name, from) = (
        cx.service_name(service).to_owned(),
        cx.program(links[0].from),
    );
    let Some((outside, _)) = published.published else {
        return;
    };
    let seen = cx.refused(links[0]);
    let message = format!(
        "{from} dials port {port} of the host, which is the port of {name} inside its container; on the host it is {outside}"
    );
    cx.report(links[0].span, message)
        .here(format!("dials {}", links[0].written))
        .repeats(links)
        .label(
            published.span,
            format!("port {outside} of the host leads to port {port} of the container"),
        )
        .help(format!(
            "dial port {outside}: on the host a port of a container does not exist, only the one it is published as"
        ))
        .seen(seen)
        .severity(Severity::Warning)
        .at_most(Confidence::Medium)
        .because("service", &name)
        .because("port", port);
}

/// A link that dials the host's side of a published port over a network of containers.
fn crossed(cx: &Ctx, link: &Link) -> Option<(ServiceRef, u16)> {
    let Target::Service {
        service,
        port,
        hop: None,
    } = link.target
    else {
        return None;
    };
    let (_, target) = cx.published(service, port)?;
    (target != port).then_some((service, port))
}

fn report(cx: &mut Ctx, links: &[&Link], service: ServiceRef, port: u16) {
    let Some((published, target)) = cx.published(service, port) else {
        return;
    };
    let (name, from) = (
        cx.service_name(service).to_owned(),
        cx.program(links[0].from),
    );
    let sure = cx.listening(service).is_some();
    let seen = cx.refused(links[0]);
    let message = format!(
        "{from} dials {name} on {port}, its port on the host; inside its container it is {target}"
    );
    let finding = cx.report(links[0].span, message);
    finding
        .here(format!("dials {}", links[0].written))
        .repeats(links)
        .label(
            published.span,
            format!("port {port} of the host leads to port {target} of the container"),
        )
        .help(format!(
            "dial {name}:{target}: between containers a published port does not exist"
        ))
        .seen(seen)
        .because("service", &name)
        .because("port", port);
    if !sure {
        // The app may listen on both, which nobody can see here.
        finding
            .severity(Severity::Warning)
            .at_most(Confidence::Medium);
    }
}
