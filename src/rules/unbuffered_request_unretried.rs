//! rules/unbuffered-request-unretried.md

use crate::model::{HopId, HopKind, Link, Route};
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::rules::words::count;
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let mut alike = Alike::new();
    for route in &cx.model.routes {
        if let Some(off) = unbuffered(cx, route) {
            alike.add((route.hop, off), route.span, route);
        }
    }
    for ((hop, off), routes) in alike.groups() {
        report(cx, hop, off, &routes);
    }
}

/// Where request buffering is switched off, if another peer would have been there for a request that fails.
fn unbuffered(cx: &Ctx, route: &Route) -> Option<Span> {
    let whole = &route.sizes.whole_requests;
    let retries = route.retry.value().is_some_and(|retry| retry.close);
    let nginx = cx.model.hop(route.hop).kind == HopKind::Nginx;
    let off = whole.value() == Some(&false) && nginx && retries && peers(cx, route) > 1;
    whole.span().filter(|_| off)
}

fn peers(cx: &Ctx, route: &Route) -> usize {
    let links = route.links.iter().map(|id| cx.model.link(*id));
    links.filter(|link: &&Link| !link.down).count()
}

fn report(cx: &mut Ctx, hop: HopId, off: Span, routes: &[&Route]) {
    let peers = count(peers(cx, routes[0]), "peer");
    let program = cx.program(hop);
    let finding = cx.report(
        off,
        format!(
            "{program} has {peers}, and a request with a body is given up with the first that fails"
        ),
    );
    finding.here("the body is sent on as it comes: nothing is kept to send it again");
    for route in routes {
        finding.label(route.span, format!("to {peers}"));
    }
    finding
        .help("leave request buffering on where bodies are small, and off for the uploads alone")
        .because("ways", routes.len());
}
