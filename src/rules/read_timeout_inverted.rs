//! rules/read-timeout-inverted.md

use crate::finding::{Effect, Severity};
use crate::model::budget::longest;
use crate::model::{Amount, HopKind, Key};
use crate::rules::Ctx;
use crate::rules::inversion::{Inversion, Mended, inversions};
use crate::rules::waits::Places;
use crate::rules::words::{Seen, apart, count, duration, soften, stated};

pub(super) fn check(cx: &mut Ctx) {
    let found = inversions(cx, Key::Read, &[Key::Read], Mended::Outside);
    if found.is_empty() {
        return;
    }
    let places = Places::of(cx);
    for inversion in found {
        report(cx, &places, &inversion);
    }
}

fn report(cx: &mut Ctx, places: &Places, inversion: &Inversion) {
    let Some((short, long)) = inversion.values() else {
        return;
    };
    let model = cx.model;
    let (front, behind) = (
        cx.hop_name(inversion.outer.hop),
        cx.hop_name(inversion.inner.hop),
    );
    let route = inversion.route(model);
    let status = inversion
        .outer
        .route
        .and_then(|id| model.route(id).on_timeout);
    let message = message(cx, (&front, short), (&behind, long));
    let help = help(cx, places, inversion);
    let is_haproxy = model.hop(inversion.outer.hop).kind == HopKind::HaProxy;
    let gives_up = format!("gives up after {}", duration(short));
    let would_wait = format!("would wait {}", duration(long));
    let [(primary, here), (other, there)] = inversion.ends(model, &gives_up, &would_wait);
    let flow = inversion.flow(cx, &gives_up, &would_wait);

    let mut others = inversion.others(model, Key::Read);
    others.retain(|(place, _)| ![primary, other, route].contains(place));
    let finding = cx.report(primary, message);
    finding.flow = flow;
    finding.here(here);
    if ![primary, other].contains(&route) && inversion.ways > 1 {
        finding.label(route, count(inversion.ways, "way"));
    }
    finding.label(other, there);
    for (place, setting) in others {
        let waits = setting.value().copied().unwrap_or(Amount::Infinite);
        let said = format!("would wait {}", duration(waits));
        finding.label(place, stated(&said, setting));
    }
    finding
        .help(help)
        .because("outer", short)
        .because("inner", long);
    match status {
        Some(504) if is_haproxy => {
            finding.seen(Seen::of(Effect::Response, &[504]).logged("HAProxy logs `sH--`"))
        }
        Some(status) => finding.outcome(Effect::Response, &[status]),
        None => finding.outcome(Effect::Closed, &[]),
    };
    if inversion.waits.span().is_none() && inversion.behind.span().is_none() {
        finding.severity(Severity::Info);
    }
    soften(finding, &[inversion.waits, inversion.behind]);
}

fn message(cx: &Ctx, (front, short): (&str, Amount), (behind, long): (&str, Amount)) -> String {
    let (waits, would_wait) = (duration(short), duration(long));
    if short == long {
        return format!(
            "{front} waits {waits}, exactly as long as {behind} behind it, and the outer one wins"
        );
    }
    let both = format!("{front} waits {waits}, {behind} behind it {would_wait}");
    match (apart(long, short), apart(short, long)) {
        (Some(longer), _) => format!("{both}, which is {longer} longer"),
        (_, Some(shorter)) => format!("{both}, which is {shorter} shorter{}", cx.asked_for()),
        _ => both,
    }
}

/// The outer hops are raised where they can be. An edge is no file of the tree, so there the inner ones give way.
fn help(cx: &Ctx, places: &Places, inversion: &Inversion) -> String {
    let why = "then answers 504 itself, and knows why";
    let behind = cx.program(inversion.inner.hop);
    if !inversion.is_at_edge(cx.model)
        && let Some(waits) = places.raised(&inversion.all)
    {
        let more = cx.propose(&waits, "more", "in front of");
        // Else nobody knows why one time that is written asks for three of it.
        let total = longest(cx.model, inversion.inner);
        let tries = match (total, inversion.behind.value()) {
            (Some(total), Some(Amount::Finite(once))) if total >= 2 * once => {
                let all = duration(Amount::Finite(total));
                format!("may try other peers for {all} in all, ")
            }
            _ => String::new(),
        };
        return format!("{more}: {behind} {tries}{why}");
    }
    let waits = places.lowered(&inversion.all);
    let less = cx.propose(&waits, "less", "behind");
    format!("{less}: {behind} {why}")
}
