//! rules/header-buffer-small.md

use std::collections::HashSet;

use crate::finding::Severity;
use crate::model::{Amount, HopKind, Model, Setting, Step};
use crate::rules::Ctx;
use crate::rules::words::{bytes, soften, stated};

/// From here on an outer limit holds nearly every head that an app makes (bytes).
const AMPLE: u64 = 8192;

pub(super) fn check(cx: &mut Ctx) {
    let model: &Model = cx.model;
    let mut seen = HashSet::new();
    for (outer, inner) in model.neighbours() {
        if let Some((small, large)) = limits(model, outer, inner)
            && seen.insert((outer.hop, inner.hop, small.span(), large.span()))
        {
            report(cx, outer, inner, small, large);
        }
    }
}

/// Both limits, if the inner one was raised on purpose and the outer one is below it.
fn limits(model: &Model, outer: Step, inner: Step) -> Option<(&Setting<Amount>, &Setting<Amount>)> {
    let small = &model.route(outer.route?).sizes.response_head;
    let large = &model.route(inner.route?).sizes.response_head;
    large.span()?;
    (small.value()? < large.value()?).then_some((small, large))
}

fn report(
    cx: &mut Ctx,
    outer: Step,
    inner: Step,
    small: &Setting<Amount>,
    large: &Setting<Amount>,
) {
    let (Some(Amount::Finite(few)), Some(Amount::Finite(many))) = (small.value(), large.value())
    else {
        return;
    };
    let model = cx.model;
    let (front, behind) = (cx.hop_name(outer.hop), cx.hop_name(inner.hop));
    let way = outer
        .route
        .map_or(model.hop(outer.hop).span, |id| model.route(id).span);
    let message = format!(
        "{front} takes response heads of {}, {behind} behind it passes on up to {}",
        bytes(*few),
        bytes(*many)
    );
    let help = match model.hop(outer.hop).kind {
        HopKind::HaProxy => format!("set `tune.bufsize {}` in `global`", many + 1024),
        _ => format!(
            "set `proxy_buffer_size {0}` and `proxy_buffers 8 {0}` in {front} as well",
            bytes(*many)
        ),
    };
    let finding = cx.report(small.span().unwrap_or(way), message);
    finding.here(stated(&format!("{} for a head", bytes(*few)), small));
    if let Some(span) = large.span() {
        finding.label(span, format!("raised to {}", bytes(*many)));
    }
    finding
        .help(help)
        .because("outer", few)
        .because("inner", many);
    if *few >= AMPLE {
        finding.severity(Severity::Info);
    }
    soften(finding, &[small]);
}
