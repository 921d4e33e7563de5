//! rules/socket-missing.md

use std::collections::{HashMap, HashSet};

use crate::finding::{Confidence, Severity};
use crate::host::path;
use crate::model::{Address, DeadEnd, Dialled, HopId, Link, Protocol, ServiceRef, Target};
use crate::rules::socket_outside_chroot::is_outside;
use crate::rules::{Ctx, grouped};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, unbound) {
        let (Some((why, _)), Some(proxy)) =
            (unbound(cx, links[0]), cx.model.hop(links[0].from).service)
        else {
            continue;
        };
        let (service, place) = (cx.service_name(proxy).to_owned(), cx.service_span(proxy));
        let (from, seen) = (cx.program(links[0].from), cx.refused(links[0]));
        let (beside, bound) = (beside(cx, links[0].from, proxy), bound(cx, proxy));
        let why = match &beside {
            Some((_, address, owner)) => {
                format!("{owner} in the same container listens on {address}")
            }
            None => why,
        };
        let help = match (&beside, bound.first()) {
            (Some((_, address, owner)), _) => {
                format!("dial {address}, or let {owner} listen on the socket")
            }
            (None, Some((_, path, owner))) => format!(
                "put the socket of {owner} ({path}) on a volume that both mount, and dial it at its path in {service}"
            ),
            (None, None) => {
                "put the socket on a volume that both services mount, or dial a TCP port".to_owned()
            }
        };
        let message = format!(
            "{from} dials {}, which is not there: {why}",
            links[0].written
        );
        let finding = cx.report(links[0].span, message);
        finding
            .here(format!("dials {}", links[0].written))
            .repeats(&links)
            .label(place, format!("{service} sees its image and its mounts"));
        for (span, path, owner) in beside.into_iter().chain(bound) {
            finding.label(span, format!("{owner} binds {path}"));
        }
        finding
            .help(help)
            .seen(seen)
            .because("socket", &links[0].written);
    }
    let machine = Machine::of(cx);
    for links in grouped(cx, |cx, link| machine.elsewhere(cx, link)) {
        if let Some(socket) = machine.elsewhere(cx, links[0]) {
            astray(cx, &links, &socket);
        }
    }
}

/// A socket that a unit of the machine opens.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Socket {
    path: String,
    span: Span,
    hop: HopId,
    protocol: Protocol,
}

/// The sockets of the machine itself, as far as the tree tells.
struct Machine {
    /// By file name.
    bound: HashMap<String, Vec<Socket>>,
    /// The paths that proxies of the machine dial.
    dialled: HashSet<String>,
}

impl Machine {
    fn of(cx: &Ctx) -> Self {
        let mut bound: HashMap<String, Vec<Socket>> = HashMap::new();
        for (hop, listener) in cx.listeners_of_machine() {
            let (Some(Address::Unix(socket)), Some(span)) =
                (listener.address.value(), listener.address.span())
            else {
                continue;
            };
            let Some(protocol) = listener.protocol.value().copied() else {
                continue;
            };
            let name = path::name(socket).to_owned();
            bound.entry(name).or_default().push(Socket {
                path: socket.clone(),
                span,
                hop,
                protocol,
            });
        }
        let of_machine = |link: &&Link| cx.model.hop(link.from).service.is_none();
        let links = cx.model.links.iter().filter(of_machine);
        let dialled = links.filter_map(|link| match &link.dialled {
            Dialled::Unix(socket) => Some(socket.value.clone()),
            _ => None,
        });
        Self {
            bound,
            dialled: dialled.collect(),
        }
    }

    /// The only socket of the file name that a proxy of the machine dials at a path that nothing binds, if nobody dials that
    /// one.
    fn elsewhere(&self, cx: &Ctx, link: &Link) -> Option<Socket> {
        let (Target::Unknown(_), Dialled::Unix(socket)) = (&link.target, &link.dialled) else {
            return None;
        };
        if cx.model.hop(link.from).service.is_some() {
            return None;
        }
        let [only] = self.bound.get(path::name(&socket.value))?.as_slice() else {
            return None;
        };
        let fits = only.protocol == link.protocol && !self.dialled.contains(&only.path);
        fits.then(|| only.clone())
    }
}

fn astray(cx: &mut Ctx, links: &[&Link], socket: &Socket) {
    let (from, to) = (cx.program(links[0].from), cx.program(socket.hop));
    let (seen, open) = (cx.refused(links[0]), &socket.path);
    let message = format!("{from} dials {}, {to} listens on {open}", links[0].written);
    cx.report(links[0].span, message)
        .here(format!("dials {}", links[0].written))
        .repeats(links)
        .label(socket.span, format!("{to} listens on {open}"))
        .help(format!(
            "dial unix:{open}, or let {to} listen where {from} dials"
        ))
        .seen(seen)
        .severity(Severity::Warning)
        .at_most(Confidence::Medium)
        .because("socket", &links[0].written);
}

/// A socket outside of HAProxy's chroot has its own rule, which explains more.
fn unbound(cx: &Ctx, link: &Link) -> Option<(String, String)> {
    match &link.target {
        Target::Nowhere(DeadEnd::NoSocket(why)) if !is_outside(cx, link) => {
            Some((why.clone(), link.written.clone()))
        }
        _ => None,
    }
}

/// Where another process of the proxy's own container listens, if that is all of it: place, address and owner.
fn beside(cx: &Ctx, from: HopId, proxy: ServiceRef) -> Option<(Span, String, String)> {
    let mut others = cx.model.hops_of(proxy).filter(|(id, _)| *id != from);
    let (Some((id, hop)), None) = (others.next(), others.next()) else {
        return None;
    };
    let [listener] = hop.listeners.as_slice() else {
        return None;
    };
    let address = listener.address.value()?.short();
    let place = listener.address.span().unwrap_or(hop.span);
    Some((place, address, cx.program(id)))
}

/// The sockets that other services of the stack bind: place, path and owner.
fn bound(cx: &Ctx, proxy: ServiceRef) -> Vec<(Span, String, String)> {
    let mut sockets = Vec::new();
    for hop in &cx.model.hops {
        let Some(service) = hop
            .service
            .filter(|service| service.stack == proxy.stack && *service != proxy)
        else {
            continue;
        };
        for listener in &hop.listeners {
            if let Some(Address::Unix(path)) = listener.address.value() {
                let place = listener.address.span().unwrap_or(hop.span);
                sockets.push((place, path.clone(), cx.service_name(service).to_owned()));
            }
        }
    }
    sockets
}
