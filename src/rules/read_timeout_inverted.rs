//! rules/read-timeout-inverted.md

use crate::finding::{Effect, Severity};
use crate::model::verdict::timeout;
use crate::model::{Amount, Key, Model, Protocol};
use crate::rules::Ctx;
use crate::rules::inversion::{Inversion, inversions};
use crate::rules::words::{count, duration, soften};

/// How much longer an outer hop should wait than the one behind it (milliseconds): time for the inner 504 to be written
/// and read.
const MARGIN: u64 = 5000;

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
    let passes_bytes = inversion
        .outer
        .route
        .is_some_and(|id| model.route(id).protocol == Protocol::Tcp);
    let message = if short == long {
        format!(
            "{front} waits {}, exactly as long as {behind} behind it, and the outer one wins",
            duration(short)
        )
    } else {
        format!(
            "{front} waits {}, {behind} behind it {}",
            duration(short),
            duration(long)
        )
    };
    let [(primary, here), (other, there)] = inversion.ends(
        model,
        &format!("gives up after {}", duration(short)),
        &format!("would wait {}", duration(long)),
    );
    let finding = cx.report(primary, message);
    finding.here(here);
    if ![primary, other].contains(&route) && inversion.ways > 1 {
        finding.label(route, count(inversion.ways, "way"));
    }
    finding
        .label(other, there)
        .help(help(model, inversion, (short, &front), (long, &behind)))
        .because("outer", short)
        .because("inner", long);
    if passes_bytes {
        finding.outcome(Effect::Closed, &[]);
    }
    if inversion.waits.span().is_none() && inversion.behind.span().is_none() {
        finding.severity(Severity::Info);
    }
    soften(finding, &[inversion.waits, inversion.behind]);
}

/// A proposal that holds for the whole chain: raising a hop must not put it above the one in front of it.
fn help(
    model: &Model,
    inversion: &Inversion,
    (short, front): (Amount, &str),
    (long, behind): (Amount, &str),
) -> String {
    if inversion.is_at_edge(model) {
        return format!(
            "let {behind} wait less than {}: it then answers 504 itself, and knows why",
            duration(short)
        );
    }
    let Amount::Finite(long) = long else {
        return format!(
            "give {behind} a read timeout below the {} of {front}",
            duration(short)
        );
    };
    let wanted = Amount::Finite(long + MARGIN);
    let in_front = inversion.chain.steps[..inversion.at].iter().rev();
    let limit = in_front
        .filter_map(|step| timeout(model, *step, Key::Read)?.value().copied())
        .find(|limit| *limit <= wanted);
    match limit {
        None => format!(
            "let {front} wait {} or more: {behind} then answers 504 itself, and knows why",
            duration(wanted)
        ),
        Some(limit) => format!(
            "let {behind} wait less than {}: {front} cannot be raised above the {} of the hop in front of it",
            duration(short),
            duration(limit)
        ),
    }
}
