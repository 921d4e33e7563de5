//! rules/localhost-dual-stack.md

use crate::finding::{Confidence, Effect, Severity};
use crate::model::chain::{is_proxy, reached};
use crate::model::{Address, Bind, DeadEnd, Dialled, HopKind, Link, Route, Target};
use crate::rules::max_fails_cascade::cascades;
use crate::rules::{Ctx, grouped};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let told = cascades(cx);
    for links in grouped(cx, |cx, link| doubtful(cx, link).then_some(())) {
        let links: Vec<&Link> = links
            .into_iter()
            .filter(|link| !told.contains(&link.span))
            .collect();
        if !links.is_empty() {
            report(cx, &links);
        }
    }
}

/// A link to `localhost`, unless it is known that nothing listens there or that the app listens on both addresses. Those that
/// are written in Go (Traefik, cloudflared) try the other address by themselves.
fn doubtful(cx: &Ctx, link: &Link) -> bool {
    if !is_proxy(&cx.model.hop(link.from).kind) {
        return false;
    }
    let nowhere = matches!(link.target, Target::Nowhere(DeadEnd::OwnLoopback));
    is_localhost(link) && !nowhere && bind(cx, link) != Some(&Bind::Any)
}

/// Whether a link dials `localhost`, which may be ::1 and 127.0.0.1.
pub(super) fn is_localhost(link: &Link) -> bool {
    matches!(&link.dialled, Dialled::Tcp { host, .. } if host.value == "localhost")
}

/// Where the app that a link leads to listens, if that is known.
pub(super) fn bind<'a>(cx: &Ctx<'a>, link: &Link) -> Option<&'a Bind> {
    let (hop, at) = reached(&link.target)?;
    match cx.model.hop(hop).listeners[at].address.value()? {
        Address::Tcp { bind, .. } => Some(bind),
        Address::Unix(_) => None,
    }
}

fn report(cx: &mut Ctx, links: &[&Link]) {
    let haproxy = cx.model.hop(links[0].from).kind == HopKind::HaProxy;
    let off = links.iter().find_map(|link| forbidden(cx, link));
    let v4 = links
        .iter()
        .any(|link| bind(cx, link).is_some_and(Bind::is_v4_only));
    let place = links
        .iter()
        .find_map(|link| reached(&link.target))
        .map(|(hop, at)| &cx.model.hop(hop).listeners[at])
        .and_then(|listener| listener.address.span());
    let (message, here) = if haproxy {
        (
            "HAProxy takes one address of localhost, and that is ::1 where IPv6 is on",
            "::1 or 127.0.0.1",
        )
    } else {
        (
            "localhost is two servers to nginx, ::1 and 127.0.0.1, where IPv6 is on",
            "::1 and 127.0.0.1",
        )
    };
    let finding = cx.report(links[0].span, message);
    finding.here(here).repeats(links);
    if let Some(off) = off {
        finding.label(off, "and the other one must not be tried");
    }
    if let Some(place) = place.filter(|_| v4) {
        finding.label(place, "takes no connections over IPv6");
    }
    finding
        .help("write 127.0.0.1, or ::1 if that is where the app listens")
        .because("links", links.len());
    if haproxy {
        finding.outcome(Effect::Response, &[503]);
    }
    if !((haproxy && v4) || off.is_some()) {
        finding.severity(Severity::Info);
    }
    if !v4 {
        finding.at_most(Confidence::Medium);
    }
}

/// Where it is written that nginx must not try the second address.
fn forbidden(cx: &Ctx, link: &Link) -> Option<Span> {
    let leads = |route: &&Route| {
        let mut links = route.links.iter().map(|id| cx.model.link(*id));
        links.any(|other| other.span == link.span)
    };
    cx.passes.iter().find_map(|pass| {
        let (directive, _) = pass.place.scope.find("proxy_next_upstream")?;
        let off = directive.args.first().is_some_and(|arg| arg.value == "off");
        let here = pass.place.hop == link.from && pass.routes.iter().any(leads);
        (off && here && pass.directive.name.value == "proxy_pass").then_some(directive.span)
    })
}
