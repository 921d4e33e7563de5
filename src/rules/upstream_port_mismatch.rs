//! rules/upstream-port-mismatch.md

use crate::finding::{Confidence, Severity};
use crate::model::{Dialled, Link, ServiceRef, Target};
use crate::rules::listening::{addresses, certain};
use crate::rules::upstream_server_portless::silently_80;
use crate::rules::{Ctx, grouped};

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, missed) {
        if let Some((service, port)) = missed(cx, links[0]) {
            report(cx, &links, service, port);
        }
    }
}

/// A service that certainly takes no connections on the port that a link dials, and that does not publish it either:
/// then `published-port-upstream` explains more.
fn missed(cx: &Ctx, link: &Link) -> Option<(ServiceRef, u16)> {
    let Target::Service {
        service,
        port,
        hop: None,
    } = link.target
    else {
        return None;
    };
    if !matches!(link.dialled, Dialled::Tcp { .. }) || port == 0 || silently_80(cx, link) {
        return None;
    }
    let crossed = cx
        .published(service, port)
        .is_some_and(|(_, target)| target != port);
    (!crossed && cx.listening(service).is_some()).then_some((service, port))
}

fn report(cx: &mut Ctx, links: &[&Link], service: ServiceRef, port: u16) {
    let Some(listeners) = cx.listening(service) else {
        return;
    };
    let (name, open) = (cx.service_name(service).to_owned(), addresses(&listeners));
    let (hop, listener) = listeners[0];
    let place = listener.address.span().unwrap_or(cx.service_span(service));
    let (from, to, runs) = (cx.program(links[0].from), cx.program(hop), cx.hop_name(hop));
    let seen = cx.refused(links[0]);
    let finding = cx.report(
        links[0].span,
        format!("{from} dials port {port} of {name}, {to} listens on {open}"),
    );
    finding
        .here(format!("dials {}", links[0].written))
        .repeats(links)
        .label(place, format!("{runs} listens on {open}"))
        .help(format!(
            "dial the port that {to} listens on ({open}), or let {to} listen on {port}"
        ))
        .seen(seen)
        .because("service", &name)
        .because("port", port);
    if !certain(&listeners) {
        finding
            .severity(Severity::Warning)
            .at_most(Confidence::Medium);
    }
}
