//! rules/retry-budget-exceeded.md

use crate::finding::Severity;
use crate::model::budget::{Longest, outlasting};
use crate::model::verdict::timeout;
use crate::model::{Amount, Key};
use crate::rules::Ctx;
use crate::rules::inversion::{Inversion, Mended, inversions};
use crate::rules::waits::Places;
use crate::rules::words::{count, duration, soften};

pub(super) fn check(cx: &mut Ctx) {
    let found = inversions(cx, Key::Read, &[Key::Read], Mended::Between);
    if found.is_empty() {
        return;
    }
    let places = Places::of(cx);
    for inversion in found {
        report(cx, &places, &inversion);
    }
}

fn report(cx: &mut Ctx, places: &Places, inversion: &Inversion) {
    let model = cx.model;
    let Some(waits @ Amount::Finite(ms)) = inversion.waits.value().copied() else {
        return;
    };
    let Some(longest) = outlasting(model, inversion.inner, ms, cx.asked()) else {
        return;
    };
    let Some(each) = timeout(model, inversion.inner, longest.key) else {
        return;
    };
    let message = message(cx, inversion, &longest, waits);
    let help = help(cx, places, inversion, &longest, waits);
    let once = duration(Amount::Finite(longest.each));
    let gives_up = format!("gives up after {}", duration(waits));
    let inversion = inversion.comparing(each);
    let ends = inversion.ends(model, &gives_up, &format!("{once} for each attempt"));
    let [(primary, here), (other, there)] = ends;
    let route = inversion.inner.route.map(|id| model.route(id));
    let peers = route.map_or(&[][..], |route| &route.links);
    let tries = count(longest.attempts, "attempt");
    let flow = inversion.flow(cx, &gives_up, &format!("makes {tries} of {once}"));
    let finding = cx.report(primary, message);
    finding.flow = flow;
    finding.here(here).label(other, there);
    for id in peers
        .iter()
        .take(longest.attempts)
        .filter(|_| longest.by_peers)
    {
        finding.label(model.link(*id).span, "asked in turn");
    }
    finding
        .help(help)
        .because("outer", waits)
        .because("each", longest.each)
        .because("attempts", longest.attempts);
    if each.span().is_none() {
        finding.severity(Severity::Info);
    }
    soften(finding, &[inversion.waits, each]);
}

fn message(cx: &Ctx, inversion: &Inversion, longest: &Longest, waits: Amount) -> String {
    let what = match longest.key {
        Key::Connect => "to connect",
        _ => "for an answer",
    };
    let total = Amount::Finite(longest.total);
    let apart = cx.apart(total, waits, ["longer", "shorter"]);
    format!(
        "{} waits {}, {} behind it up to {}{apart}: {} of {} {what}",
        cx.hop_name(inversion.outer.hop),
        duration(waits),
        cx.hop_name(inversion.inner.hop),
        duration(total),
        count(longest.attempts, "attempt"),
        duration(Amount::Finite(longest.each)),
    )
}

fn help(
    cx: &Ctx,
    places: &Places,
    inversion: &Inversion,
    longest: &Longest,
    waits: Amount,
) -> String {
    let behind = cx.hop_name(inversion.inner.hop);
    let limit = match waits {
        Amount::Finite(limit) => limit,
        Amount::Infinite => u64::MAX,
    };
    let fit = (limit.saturating_sub(cx.asked().max(1)) / longest.each.max(1)).max(1);
    let fewer = if longest.by_peers {
        format!("set `proxy_next_upstream_tries` of {behind} to {fit}")
    } else {
        format!("set `retries` of {behind} to {}", fit - 1)
    };
    match places.raised(&inversion.all) {
        Some(waits) if !inversion.is_at_edge(cx.model) => {
            format!("{}, or {fewer}", cx.propose(&waits, "more", "in front of"))
        }
        _ => fewer,
    }
}
