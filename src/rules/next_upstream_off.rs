//! rules/next-upstream-off.md

use std::collections::BTreeMap;

use crate::model::nginx::passing;
use crate::model::{HopId, Reuse, Route};
use crate::rules::Ctx;
use crate::rules::words::first_of;
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let mut causes: BTreeMap<(HopId, Span), Vec<&Route>> = BTreeMap::new();
    for (span, route) in forbidden(cx) {
        if !inverted(cx, route) {
            let routes = causes.entry((route.hop, span)).or_default();
            if routes.iter().all(|known| known.span != route.span) {
                routes.push(route);
            }
        }
    }
    for ((_, span), routes) in causes {
        let kept = match &routes[0].reuse {
            Reuse::On(span) => *span,
            _ => None,
        };
        let finding = cx.report(
            span,
            "nginx keeps connections to the app, and must not try again when the app has just closed one",
        );
        finding
            .here("a GET on a closed connection is a 502 as well")
            .label(routes[0].span, first_of(routes.len()));
        if let Some(kept) = kept {
            finding.label(kept, "connections are kept");
        }
        finding
            .help("remove it, or use `proxy_next_upstream_tries 1`: that leaves the one repetition on a fresh connection")
            .because("routes", routes.len());
    }
}

/// Ways that reuse connections under a `proxy_next_upstream off`, with its place.
pub(super) fn forbidden<'a>(cx: &Ctx<'a>) -> Vec<(Span, &'a Route)> {
    const NAMES: &[(&str, &str)] = &[
        ("proxy_pass", "proxy_next_upstream"),
        ("fastcgi_pass", "fastcgi_next_upstream"),
        ("uwsgi_pass", "uwsgi_next_upstream"),
        ("scgi_pass", "scgi_next_upstream"),
        ("grpc_pass", "grpc_next_upstream"),
    ];
    let mut found = Vec::new();
    let model = cx.model;
    for (place, pass) in passing(cx.places) {
        let name = NAMES.iter().find(|(name, _)| pass.name.value == *name);
        let Some((directive, _)) = name.and_then(|(_, name)| place.scope.find(name)) else {
            continue;
        };
        if directive.args.first().is_none_or(|arg| arg.value != "off") {
            continue;
        }
        let routes = model.routes.iter().filter(|route| {
            route.hop == place.hop && route.span == pass.span && matches!(route.reuse, Reuse::On(_))
        });
        found.extend(routes.map(|route| (directive.span, route)));
    }
    found
}

/// Whether `keepalive-inverted` has told of the same way already.
fn inverted(cx: &Ctx, route: &Route) -> bool {
    cx.model.chains.iter().any(|chain| {
        chain.verdicts.iter().any(|verdict| {
            let told = chain.steps[verdict.outer]
                .route
                .map(|id| cx.model.route(id));
            verdict.rule == "keepalive-inverted"
                && told.is_some_and(|told| told.hop == route.hop && told.links == route.links)
        })
    })
}
