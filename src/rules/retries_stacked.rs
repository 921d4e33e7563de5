//! rules/retries-stacked.md

use std::collections::HashSet;

use crate::finding::Severity;
use crate::model::budget::executions;
use crate::model::{HopKind, LinkId, Model, Retry, Route, Step};
use crate::rules::Ctx;
use crate::rules::words::count;
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let model: &Model = cx.model;
    let mut seen = HashSet::new();
    for (outer, inner) in model.neighbours() {
        if let Some(stacked) = Stacked::of(model, outer, inner)
            && seen.insert((outer.hop, inner.hop, stacked.place, stacked.peers()))
        {
            report(cx, &stacked);
        }
    }
}

/// Two proxies that both repeat what failed.
struct Stacked<'a> {
    outer: Step,
    inner: Step,
    /// Where the outer one is told to.
    place: Span,
    behind: &'a Route,
    repeats: &'a Retry,
    /// How often each asks for one request, and how often the app is asked in all.
    times: [usize; 3],
}

impl<'a> Stacked<'a> {
    fn of(model: &'a Model, outer: Step, inner: Step) -> Option<Self> {
        let behind = model.route(inner.route?);
        let place = model.route(outer.route?).retry.value()?.span?;
        let times = [
            executions(model, &[outer]),
            executions(model, &[inner]),
            executions(model, &[outer, inner]),
        ];
        // Where the outer one does not repeat what the inner one gives up on, the app is asked by the inner one alone.
        let [front, back, all] = times;
        (front > 1 && back > 1 && all > front && all >= 2 * back).then_some(Self {
            outer,
            inner,
            place,
            behind,
            repeats: behind.retry.value()?,
            times,
        })
    }

    fn peers(&self) -> &'a [LinkId] {
        &self.behind.links
    }
}

fn report(cx: &mut Ctx, stacked: &Stacked) {
    let model = cx.model;
    let (front, behind) = (
        cx.hop_name(stacked.outer.hop),
        cx.hop_name(stacked.inner.hop),
    );
    let [outer, inner, all] = stacked.times;
    let message = format!(
        "{front} sends what failed up to {}, {behind} behind it {}: the app may be asked {} for one request",
        count(outer, "time"),
        count(inner, "time"),
        count(all, "time")
    );
    let help = match model.hop(stacked.outer.hop).kind {
        HopKind::HaProxy => format!(
            "write `retry-on conn-failure` in {front}: {behind} knows the peers, and repeats what can be repeated"
        ),
        _ => format!(
            "take the statuses out of `proxy_next_upstream` in {front}: {behind} has asked its own peers already"
        ),
    };
    let place = stacked.repeats.span;
    let told = place.is_some();
    let finding = cx.report(stacked.place, message);
    finding.here(format!("asks up to {}", count(outer, "time")));
    match place {
        Some(span) => {
            finding.label(span, format!("each of them {}", count(inner, "time")));
        }
        None => {
            for id in stacked.peers().iter().take(inner) {
                finding.label(model.link(*id).span, "asked in turn");
            }
        }
    }
    finding
        .help(help)
        .because("outer", outer)
        .because("inner", inner)
        .because("product", all);
    if !told {
        finding.severity(Severity::Info);
    }
}
