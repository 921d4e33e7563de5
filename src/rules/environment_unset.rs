//! rules/environment-unset.md

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Effect, Finding, Severity};
use crate::model::HopId;
use crate::model::haproxy::{Unset, unset};
use crate::model::nginx::unfilled;
use crate::rules::Ctx;
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    nginx(cx);
    haproxy(cx);
}

/// What envsubst leaves is a variable to nginx, and one that it does not know.
fn nginx(cx: &mut Ctx) {
    let mut places: BTreeMap<(HopId, String), Vec<Span>> = BTreeMap::new();
    for word in unfilled(cx.project) {
        places
            .entry((word.hop, word.name))
            .or_default()
            .push(word.span);
    }
    for ((hop, name), spans) in places {
        let message = format!(
            "envsubst leaves ${{{name}}} as it is: the environment of {} has no {name}",
            owner(cx, hop)
        );
        let finding = report(cx, hop, &name, &spans, message);
        finding
            .here("nginx knows no such variable, or takes the text for a name")
            .severity(Severity::Warning)
            .outcome(Effect::NoStart, &[]);
    }
}

/// HAProxy takes an unset variable for an empty text.
fn haproxy(cx: &mut Ctx) {
    let reached = cx.model.sections.iter().filter(|section| section.is_used());
    let servers = reached.flat_map(|section| &section.servers);
    let dialled: BTreeSet<Span> = servers.map(|id| cx.model.link(*id).span).collect();
    let mut places: BTreeMap<(HopId, String), Vec<Unset>> = BTreeMap::new();
    for address in unset(cx.project) {
        let harmless = if address.is_bind {
            !lacks_port(&address.left)
        } else {
            !dialled.contains(&address.span) && !address.left.is_empty()
        };
        if !harmless {
            places
                .entry((address.hop, address.name.clone()))
                .or_default()
                .push(address);
        }
    }
    for ((hop, name), addresses) in places {
        let fatal = addresses
            .iter()
            .find(|address| address.is_bind || address.left.is_empty());
        let first = fatal.unwrap_or(&addresses[0]);
        let mut spans: Vec<Span> = addresses.iter().map(|address| address.span).collect();
        spans.retain(|span| *span != first.span);
        spans.insert(0, first.span);
        let place = owner(cx, hop);
        let left = match first.left.as_str() {
            "" => "no address".to_owned(),
            left => left.to_owned(),
        };
        let message = format!("the environment of {place} has no {name}, and HAProxy reads {left}");
        let here = match (fatal, lacks_port(&first.left)) {
            (Some(_), _) => "HAProxy does not start with it",
            (None, false) => "dials its own container instead",
            (None, true) => "dials the port that the client came to",
        };
        let effect = fatal.map(|_| Effect::NoStart);
        let finding = report(cx, hop, &name, &spans, message);
        finding.here(here);
        match effect {
            Some(effect) => finding.outcome(effect, &[]),
            None => finding.outcome(Effect::Response, &[503]),
        };
    }
}

fn lacks_port(address: &str) -> bool {
    address.is_empty() || address.ends_with(':')
}

fn owner(cx: &Ctx, hop: HopId) -> String {
    match cx.model.hop(hop).service {
        Some(service) => cx.service_name(service).to_owned(),
        None => cx.program(hop),
    }
}

fn report<'a>(
    cx: &'a mut Ctx,
    hop: HopId,
    name: &str,
    spans: &[Span],
    message: String,
) -> &'a mut Finding {
    let (place, owner) = (cx.model.hop(hop).span, owner(cx, hop));
    let finding = cx.report(spans[0], message);
    finding.again(spans[1..].iter().copied());
    finding
        .label(place, format!("sets no {name}"))
        .help(format!(
            "set {name} in `environment` of {owner}, or write its value"
        ))
        .because("variable", name);
    finding
}
