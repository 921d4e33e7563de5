//! rules/retry-replays-post.md

use std::collections::BTreeMap;

use crate::model::{Amount, HopId, HopKind, Key, Retry, Reuse, Route, Setting};
use crate::rules::Ctx;
use crate::rules::words::first_of;
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let mut causes: BTreeMap<(HopId, Span), Vec<(&Route, &Retry)>> = BTreeMap::new();
    for route in &cx.model.routes {
        if let Some((span, retry)) = replays(cx, route) {
            let routes = causes.entry((route.hop, span)).or_default();
            if routes.iter().all(|(known, _)| known.span != route.span) {
                routes.push((route, retry));
            }
        }
    }
    for ((hop, span), routes) in causes {
        report(cx, hop, span, &routes);
    }
}

/// Where it is written that a POST is sent again after the app may have acted on it.
fn replays<'a>(cx: &Ctx<'a>, route: &'a Route) -> Option<(Span, &'a Retry)> {
    let retry = route.retry.value()?;
    let after_it_was_sent = retry.timeout || retry.close || !retry.statuses.is_empty();
    let haproxy = cx.model.hop(route.hop).kind == HopKind::HaProxy;
    let again = if haproxy {
        let retries = route.timeouts.get(&Key::Retries).and_then(Setting::value);
        retries.is_some_and(|retries| *retries > Amount::Finite(0))
    } else {
        // nginx needs another peer, or a kept connection that turned out to be closed.
        route.links.len() > 1 || matches!(route.reuse, Reuse::On(_))
    };
    let span = retry
        .span
        .filter(|_| retry.posts && after_it_was_sent && again)?;
    Some((span, retry))
}

fn report(cx: &mut Ctx, hop: HopId, span: Span, routes: &[(&Route, &Retry)]) {
    let (route, retry) = routes[0];
    let haproxy = cx.model.hop(hop).kind == HopKind::HaProxy;
    let mut after = Vec::new();
    if retry.close {
        after.push("closed the connection".to_owned());
    }
    if retry.timeout {
        after.push("did not answer in time".to_owned());
    }
    if let Some(status) = retry.statuses.first() {
        let more = if retry.statuses.len() > 1 {
            " and the like"
        } else {
            ""
        };
        after.push(format!("answered {status}{more}"));
    }
    let message = format!(
        "{} sends a POST again if the app {}: what the first one did is done twice",
        cx.program(hop),
        after.join(", or ")
    );
    let finding = cx.report(span, message);
    finding
        .here("POST, PUT and PATCH as well")
        .label(route.span, first_of(routes.len()))
        .help(if haproxy {
            "add `http-request disable-l7-retry if METH_POST` to the frontend or the backend"
        } else {
            "take `non_idempotent` out: nginx then sends again only what may be repeated"
        })
        .because("routes", routes.len());
}
