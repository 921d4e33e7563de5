//! rules/socket-missing.md

use crate::model::{Address, DeadEnd, Link, ServiceRef, Target};
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
        let bound = bound(cx, proxy);
        let help = match bound.first() {
            Some((_, path, owner)) => format!(
                "put the socket of {owner} ({path}) on a volume that both mount, and dial it at its path in {service}"
            ),
            None => {
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
        for (span, path, owner) in bound {
            finding.label(span, format!("{owner} binds {path}"));
        }
        finding
            .help(help)
            .seen(seen)
            .because("socket", &links[0].written);
    }
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
