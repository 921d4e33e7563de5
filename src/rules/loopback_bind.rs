//! rules/loopback-bind.md

use crate::model::chain::reached;
use crate::model::{Address, HopId, Link};
use crate::rules::words::soften;
use crate::rules::{Ctx, grouped};

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, shut_out) {
        if let Some((hop, at)) = shut_out(cx, links[0]) {
            report(cx, &links, hop, at);
        }
    }
}

/// A listener that takes connections of its own machine only, dialled from another.
fn shut_out(cx: &Ctx, link: &Link) -> Option<(HopId, usize)> {
    let (hop, at) = reached(&link.target)?;
    let listener = &cx.model.hop(hop).listeners[at];
    let loopback = matches!(
        listener.address.value(),
        Some(Address::Tcp { bind, .. }) if bind.is_loopback()
    );
    if !loopback {
        return None;
    }
    (cx.machine(link.from) != cx.machine(hop)).then_some((hop, at))
}

fn report(cx: &mut Ctx, links: &[&Link], hop: HopId, at: usize) {
    let Some(service) = cx.model.hop(hop).service else {
        return;
    };
    let setting = &cx.model.hop(hop).listeners[at].address;
    let port = setting.value().and_then(Address::port).unwrap_or_default();
    let (name, to) = (cx.service_name(service).to_owned(), cx.program(hop));
    let (from, seen) = (cx.program(links[0].from), cx.refused(links[0]));
    let place = setting.span().unwrap_or(cx.service_span(service));
    let message = format!(
        "{to} of {name} listens on 127.0.0.1:{port} only, {from} dials it from another container"
    );
    let finding = cx.report(place, message);
    finding.here(match setting.span() {
        Some(_) => "binds the container's own loopback".to_owned(),
        None => format!("binds loopback: {to}'s default, no setting found"),
    });
    for link in links {
        finding.label(link.span, format!("dials {}", link.written));
    }
    finding
        .help(format!("let {to} listen on 0.0.0.0:{port}: the loopback of a container is out of reach for all others"))
        .seen(seen)
        .because("service", &name)
        .because("port", port);
    soften(finding, &[setting]);
}
