//! rules/resolver-missing.md

use std::collections::BTreeSet;

use crate::finding::Effect;
use crate::model::nginx::unfilled;
use crate::model::{DeadEnd, Dialled, Errand, Link, Lookup, Target};
use crate::rules::{Ctx, grouped};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    // A template's variable that nothing fills keeps nginx from starting: `environment-unset` says so.
    let unfilled: BTreeSet<Span> = unfilled(cx.project).iter().map(|word| word.span).collect();
    for links in grouped(cx, unresolved) {
        if unfilled.contains(&links[0].span) {
            continue;
        }
        let Some(host) = unresolved(cx, links[0]) else {
            continue;
        };
        let service = cx.model.hop(links[0].from).service;
        let status: &[u16] = match links[0].errand {
            Some(Errand::Guard) => &[500],
            Some(Errand::Mirror) => &[],
            None => &[502],
        };
        let place = service.map(|service| cx.service_span(service));
        let message = format!(
            "a variable makes nginx look {host} up for each request, and no resolver is set"
        );
        let finding = cx.report(links[0].span, message);
        finding
            .here(format!("no resolver defined to resolve {host}"))
            .repeats(&links);
        if let Some(place) = place {
            finding.label(place, "runs this nginx");
        }
        finding
            .help(match service {
                Some(_) => "add `resolver 127.0.0.11 valid=10s;` (Docker's own), or name an upstream block without a port",
                None => "add a `resolver`, or name an upstream block without a port",
            })
            .outcome(Effect::Response, status)
            .because("host", &host);
    }
}

/// A name that nobody has is `upstream-host-unknown`: a resolver would not find it either.
fn unresolved(cx: &Ctx, link: &Link) -> Option<String> {
    let nobody = matches!(link.target, Target::Nowhere(DeadEnd::UnknownHost))
        && cx.settings.runs("upstream-host-unknown", false);
    match (&link.lookup, &link.dialled) {
        (Lookup::NoResolver, Dialled::Tcp { host, .. }) if !nobody => Some(host.value.clone()),
        _ => None,
    }
}
