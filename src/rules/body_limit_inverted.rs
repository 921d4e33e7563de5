//! rules/body-limit-inverted.md

use std::collections::HashMap;

use crate::model::{Amount, HopId, Model, Route, Step};
use crate::rules::Ctx;
use crate::rules::words::{bytes, soften, stated};

pub(super) fn check(cx: &mut Ctx) {
    let model: &Model = cx.model;
    // The way that takes the largest body behind each way: which of them a request takes depends on its path.
    let mut largest: HashMap<(usize, HopId), Option<Step>> = HashMap::new();
    let mut order = Vec::new();
    for (outer, inner) in model.neighbours() {
        let (Some(front), Some(behind)) = (outer.route, inner.route) else {
            continue;
        };
        let key = (front.0 as usize, inner.hop);
        let known = largest.entry(key).or_insert_with(|| {
            order.push((outer, key));
            Some(inner)
        });
        let before = known.and_then(|step| body(model, step));
        *known = match (before, model.route(behind).sizes.body.value()) {
            (Some(before), Some(here)) if *here > before => Some(inner),
            (Some(_), Some(_)) => *known,
            // One that is not known may take anything.
            _ => None,
        };
    }
    let mut seen = Vec::new();
    for (outer, key) in order {
        let Some(inner) = largest[&key] else { continue };
        let (Some(front), Some(behind)) = (outer.route, inner.route) else {
            continue;
        };
        let (front, behind) = (model.route(front), model.route(behind));
        let cause = (front.sizes.body.span(), inner.hop, behind.sizes.body.span());
        if is_inverted(front, behind) && !seen.contains(&cause) {
            seen.push(cause);
            report(cx, outer, inner, front, behind);
        }
    }
}

fn body(model: &Model, step: Step) -> Option<Amount> {
    model.route(step.route?).sizes.body.value().copied()
}

/// Whether someone has allowed larger bodies in front, and forgotten the hop behind.
fn is_inverted(front: &Route, behind: &Route) -> bool {
    let (outer, inner) = (&front.sizes.body, &behind.sizes.body);
    outer.span().is_some() && matches!((outer.value(), inner.value()), (Some(o), Some(i)) if o > i)
}

fn report(cx: &mut Ctx, outer: Step, inner: Step, front: &Route, behind: &Route) {
    let (large, small) = (&front.sizes.body, &behind.sizes.body);
    let (Some(place), Some(many), Some(Amount::Finite(few))) =
        (large.span(), large.value().copied(), small.value().copied())
    else {
        return;
    };
    let many = match many {
        Amount::Finite(many) => bytes(many),
        Amount::Infinite => "any length".to_owned(),
    };
    let (proxy, next) = (cx.hop_name(outer.hop), cx.hop_name(inner.hop));
    let message = format!(
        "{proxy} takes bodies of {many}, {next} behind it refuses those above {}",
        bytes(few)
    );
    let finding = cx.report(place, message);
    finding
        .here(format!("bodies of {many}"))
        .label(
            small.span().unwrap_or(behind.span),
            stated(&format!("{} at most", bytes(few)), small),
        )
        .help(format!(
            "set `client_max_body_size` of {next} to that of {proxy}, or lower the one in front: \
             what is refused there is refused before it is sent on"
        ))
        .because("outer", &many)
        .because("inner", few);
    soften(finding, &[large, small]);
}
