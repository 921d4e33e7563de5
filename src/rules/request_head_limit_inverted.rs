//! rules/request-head-limit-inverted.md

use std::collections::HashSet;

use crate::model::{Amount, HopKind, Model, Step};
use crate::rules::Ctx;
use crate::rules::words::{bytes, soften, stated};

/// What both proxies pass on without a word in their configs: nginx one line of 8k and four of them, HAProxy 15k.
const PASSED: u64 = 8192;

pub(super) fn check(cx: &mut Ctx) {
    let model: &Model = cx.model;
    let mut seen = HashSet::new();
    for chain in &model.chains {
        let [.., proxy, app] = chain.steps.as_slice() else {
            continue;
        };
        let reads = matches!(model.hop(proxy.hop).kind, HopKind::Nginx | HopKind::HaProxy)
            && proxy
                .route
                .is_some_and(|id| model.route(id).on_timeout.is_some());
        if reads && app.route.is_none() && seen.insert((proxy.hop, app.hop)) {
            report(cx, *proxy, *app);
        }
    }
}

fn report(cx: &mut Ctx, proxy: Step, app: Step) {
    let model = cx.model;
    let hop = model.hop(app.hop);
    let Some(limit) = hop.head.as_ref() else {
        return;
    };
    let few = match limit.value() {
        Some(Amount::Finite(few)) if *few < PASSED => *few,
        _ => return,
    };
    let (front, behind) = (cx.hop_name(proxy.hop), cx.hop_name(app.hop));
    let way = proxy.route.map_or(hop.span, |id| model.route(id).span);
    let message = format!(
        "{behind} drops requests with a head above {}, {front} passes on {} and more",
        bytes(few),
        bytes(PASSED)
    );
    let finding = cx.report(limit.span().unwrap_or(hop.span), message);
    finding
        .here(stated(&format!("{} for a head", bytes(few)), limit))
        .label(way, "requests come this way")
        .help(format!(
            "let {behind} take as much as its proxy: `--buffer-size 32768`, or `buffer-size = 32768` in its ini file"
        ))
        .because("limit", few);
    soften(finding, &[limit]);
}
