//! rules/worker-timeout-inverted.md

use crate::finding::Confidence;
use crate::model::verdict::answers_when_killed;
use crate::model::version::Versions;
use crate::model::{Amount, Key};
use crate::rules::Ctx;
use crate::rules::inversion::{Inversion, inversions};
use crate::rules::words::{count, duration, soften};

pub(super) fn check(cx: &mut Ctx) {
    for inversion in inversions(cx, "worker-timeout-inverted", Key::Read, &[Key::Worker]) {
        report(cx, &inversion);
    }
}

fn report(cx: &mut Ctx, inversion: &Inversion) {
    let Some((waits, killed)) = inversion.values() else {
        return;
    };
    let (proxy, app) = (
        cx.program(inversion.outer.hop),
        cx.program(inversion.inner.hop),
    );
    let route = inversion.route(cx.model);
    let status: &[u16] = match answers_when_killed(cx.model.hop(inversion.inner.hop)) {
        Versions::All => &[500],
        Versions::Some => &[500, 502],
        Versions::None => &[502],
    };
    let [(primary, here), (other, there)] = inversion.ends(
        cx.model,
        &format!("waits {}", duration(waits)),
        &format!("gives up after {}", duration(killed)),
    );
    let message = format!(
        "{proxy} waits {}, {app} kills the worker of a request after {}",
        duration(waits),
        duration(killed)
    );
    let at_edge = inversion.is_at_edge(cx.model);
    let flow = inversion.flow(
        cx,
        &format!("waits {}", duration(waits)),
        &format!("kills the worker of a request after {}", duration(killed)),
    );
    let finding = cx.report(primary, message);
    finding.flow = flow;
    finding.here(here);
    if ![primary, other].contains(&route) && !at_edge {
        finding.label(
            route,
            if inversion.ways > 1 {
                count(inversion.ways, "way")
            } else {
                "on this way".to_owned()
            },
        );
    }
    finding
        .label(other, there)
        .help(help(&proxy, &app, waits, killed))
        .because("outer", waits)
        .because("inner", killed);
    finding.status = status.to_vec();
    if inversion.behind.span().is_none() {
        finding.at_most(Confidence::Medium);
    }
    soften(finding, &[inversion.waits, inversion.behind]);
}

fn help(proxy: &str, app: &str, waits: Amount, killed: Amount) -> String {
    let lower = format!("let {proxy} wait less than {}", duration(killed));
    let why = "a slow request then ends as a 504, and no worker dies";
    match waits {
        Amount::Finite(_) => format!(
            "let {app} have more than the {} that {proxy} waits, or {lower}: {why}",
            duration(waits)
        ),
        Amount::Infinite => format!("{lower}: {why}"),
    }
}
