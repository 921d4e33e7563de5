//! rules/next-upstream-off.md

use std::collections::{BTreeMap, HashSet};

use crate::model::{HopId, LinkId, Reuse, Route};
use crate::rules::Ctx;
use crate::rules::words::first_of;
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let mut causes: BTreeMap<(HopId, Span), Vec<&Route>> = BTreeMap::new();
    let inverted = inverted(cx);
    for (span, route) in forbidden(cx) {
        if !inverted.contains(&(route.hop, route.links.as_slice())) {
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
    for pass in cx.passes {
        let name = NAMES
            .iter()
            .find(|(name, _)| pass.directive.name.value == *name);
        let Some((directive, _)) = name.and_then(|(_, name)| pass.place.scope.find(name)) else {
            continue;
        };
        if directive.args.first().is_none_or(|arg| arg.value != "off") {
            continue;
        }
        let kept = pass.routes.iter().copied();
        let kept = kept.filter(|route| matches!(route.reuse, Reuse::On(_)));
        found.extend(kept.map(|route| (directive.span, route)));
    }
    found
}

/// The ways that `keepalive-inverted` has told of already, by process and peers.
fn inverted<'a>(cx: &Ctx<'a>) -> HashSet<(HopId, &'a [LinkId])> {
    let model = cx.model;
    let told = model.chains.iter().flat_map(|chain| {
        let verdicts = chain.verdicts.iter();
        let own = verdicts.filter(|verdict| verdict.rule == "keepalive-inverted");
        own.filter_map(|verdict| chain.steps[verdict.outer].route)
    });
    told.map(|id| model.route(id))
        .map(|route| (route.hop, route.links.as_slice()))
        .collect()
}
