//! rules/read-timeout-inverted.md

use crate::finding::{Effect, Severity};
use crate::model::budget::longest;
use crate::model::{Amount, Key};
use crate::rules::Ctx;
use crate::rules::inversion::{Inversion, inversions};
use crate::rules::waits::{lowered, raised};
use crate::rules::words::{count, duration, soften};

pub(super) fn check(cx: &mut Ctx) {
    for inversion in inversions(cx, "read-timeout-inverted", Key::Read, &[Key::Read]) {
        report(cx, &inversion);
    }
}

fn report(cx: &mut Ctx, inversion: &Inversion) {
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
    let message = match (short, long) {
        _ if short == long => format!(
            "{front} waits {}, exactly as long as {behind} behind it, and the outer one wins",
            duration(short)
        ),
        // Where one of them has the wrong unit, the difference says nothing.
        (Amount::Finite(short), Amount::Finite(long)) if (long - short) % 1000 == 0 => format!(
            "{front} waits {}, {behind} behind it {}, which is {} longer",
            duration(Amount::Finite(short)),
            duration(Amount::Finite(long)),
            duration(Amount::Finite(long - short))
        ),
        _ => format!(
            "{front} waits {}, {behind} behind it {}",
            duration(short),
            duration(long)
        ),
    };
    let help = help(cx, inversion);
    let gives_up = format!("gives up after {}", duration(short));
    let would_wait = format!("would wait {}", duration(long));
    let [(primary, here), (other, there)] = inversion.ends(model, &gives_up, &would_wait);
    let flow = inversion.flow(cx, &gives_up, &would_wait);
    let finding = cx.report(primary, message);
    finding.flow = flow;
    finding.here(here);
    if ![primary, other].contains(&route) && inversion.ways > 1 {
        finding.label(route, count(inversion.ways, "way"));
    }
    finding
        .label(other, there)
        .help(help)
        .because("outer", short)
        .because("inner", long);
    match status {
        Some(status) => finding.outcome(Effect::Response, &[status]),
        None => finding.outcome(Effect::Closed, &[]),
    };
    if inversion.waits.span().is_none() && inversion.behind.span().is_none() {
        finding.severity(Severity::Info);
    }
    soften(finding, &[inversion.waits, inversion.behind]);
}

/// The outer hops are raised where they can be. An edge is no file of the tree, so there the inner ones give way.
fn help(cx: &Ctx, inversion: &Inversion) -> String {
    let (model, chain, at) = (cx.model, inversion.chain, inversion.at);
    let why = "then answers 504 itself, and knows why";
    let behind = cx.program(inversion.inner.hop);
    let total = longest(model, inversion.inner);
    let waits = total
        .filter(|_| !inversion.is_at_edge(model))
        .and_then(|total| raised(model, chain, at, total));
    if let Some(waits) = waits {
        let more = cx.propose(&waits, "more", "in front of");
        return format!("{more}: {behind} {why}");
    }
    let Some(Amount::Finite(limit)) = inversion.waits.value() else {
        return format!("give {behind} a read timeout");
    };
    let waits = lowered(model, chain, at + 1, *limit);
    let less = cx.propose(&waits, "less", "behind");
    format!("{less}: {behind} {why}")
}
