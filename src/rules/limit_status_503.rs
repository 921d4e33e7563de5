//! rules/limit-status-503.md

use std::collections::HashSet;

use crate::model::HopId;
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::syntax::nginx::Directive;

/// What limits, what its answer is set with, and what makes it only a line in the log.
const LIMITS: [[&str; 3]; 2] = [
    ["limit_req", "limit_req_status", "limit_req_dry_run"],
    ["limit_conn", "limit_conn_status", "limit_conn_dry_run"],
];

pub(super) fn check(cx: &mut Ctx) {
    for [limit, status, dry] in LIMITS {
        // One that is set somewhere was thought of: what holds elsewhere may be meant.
        let thought: HashSet<HopId> = cx
            .places
            .iter()
            .filter(|place| place.scope.own(status).next().is_some())
            .map(|place| place.hop)
            .collect();
        let mut alike = Alike::new();
        let http = cx.places.iter().filter(|place| !place.stream);
        for place in http.filter(|place| place.is_whole() && !thought.contains(&place.hop)) {
            if !place.scope.flag(dry, false) {
                for directive in place.scope.own(limit) {
                    alike.add(place.hop, directive.span, directive);
                }
            }
        }
        for (_, limits) in alike.groups() {
            report(cx, limit, status, &limits);
        }
    }
}

fn report(cx: &mut Ctx, limit: &str, status: &str, limits: &[&Directive]) {
    let finding = cx.report(
        limits[0].span,
        format!("whoever is over this {limit} gets 503, as if the app were down"),
    );
    finding
        .here(format!("no {status}: 503"))
        .again(limits[1..].iter().map(|directive| directive.span))
        .help(format!(
            "set `{status} 429;`, which clients know to wait for and which no alarm takes for an outage"
        ))
        .because("places", limits.len());
}
