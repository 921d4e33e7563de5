//! rules/keepalive-uncapped-children.md

use std::collections::HashSet;

use crate::model::{Amount, Model, Protocol, Reuse, Route, Setting, Step};
use crate::rules::Ctx;
use crate::rules::words::soften;

pub(super) fn check(cx: &mut Ctx) {
    let model: &Model = cx.model;
    let mut seen = HashSet::new();
    for (outer, app) in model.neighbours() {
        let route = outer.route.map(|id| model.route(id));
        if let Some((kept, children)) = route.and_then(|route| starved(model, route, app))
            && seen.insert((outer.hop, kept.span(), app.hop))
        {
            report(cx, outer, app, kept, children);
        }
    }
}

/// Connections that may lie idle, and the children that they hold, where there are no more of these than of those.
fn starved<'a>(
    model: &'a Model,
    route: &'a Route,
    app: Step,
) -> Option<(&'a Setting<Amount>, &'a Setting<Amount>)> {
    let holds = route.protocol == Protocol::Fastcgi && matches!(route.reuse, Reuse::On(_));
    let kept = route.sizes.kept.as_ref().filter(|_| holds)?;
    let children = model.hop(app.hop).slots.as_ref()?;
    (kept.value()? >= children.value()?).then_some((kept, children))
}

fn report(
    cx: &mut Ctx,
    outer: Step,
    app: Step,
    kept: &Setting<Amount>,
    children: &Setting<Amount>,
) {
    let (Some(place), Some(many), Some(few)) = (kept.span(), kept.value(), children.value()) else {
        return;
    };
    let (proxy, fpm) = (cx.hop_name(outer.hop), cx.hop_name(app.hop));
    let message = format!(
        "{proxy} keeps up to {many} idle connections to {fpm}, each of which holds one of its {few} children"
    );
    let help = match few {
        Amount::Finite(few) if *few > 1 => format!(
            "keep fewer connections than there are children (`keepalive {}` or less), or set `fastcgi_keep_conn off`",
            few / 2
        ),
        _ => "set `fastcgi_keep_conn off`".to_owned(),
    };
    let finding = cx.report(place, message);
    finding.here(format!("{many} idle connections"));
    if let Some(span) = children.span() {
        finding.label(span, format!("{few} children"));
    }
    finding
        .help(help)
        .because("kept", many)
        .because("children", few);
    soften(finding, &[kept, children]);
}
