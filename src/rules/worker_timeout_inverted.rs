//! rules/worker-timeout-inverted.md

use crate::finding::Confidence;
use crate::model::verdict::answers_when_killed;
use crate::model::version::Versions;
use crate::model::{Amount, Key};
use crate::rules::Ctx;
use crate::rules::inversion::{Inversion, Mended, inversions};
use crate::rules::waits::{Places, is_fixed};
use crate::rules::words::{count, duration, soften};

pub(super) fn check(cx: &mut Ctx) {
    let found = inversions(cx, Key::Read, &[Key::Worker], Mended::Between);
    if found.is_empty() {
        return;
    }
    let places = Places::of(cx);
    for inversion in found {
        report(cx, &places, &inversion);
    }
}

fn report(cx: &mut Ctx, places: &Places, inversion: &Inversion) {
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
    let message = message(cx, (&proxy, waits), (&app, killed));
    let help = help(cx, places, inversion, waits, killed);
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
        .help(help)
        .because("outer", waits)
        .because("inner", killed);
    finding.status = status.to_vec();
    if inversion.behind.span().is_none() {
        finding.at_most(Confidence::Medium);
    }
    soften(finding, &[inversion.waits, inversion.behind]);
}

fn message(cx: &Ctx, (proxy, waits): (&str, Amount), (app, killed): (&str, Amount)) -> String {
    let both = format!(
        "{proxy} waits {}, {app} kills the worker of a request after {}",
        duration(waits),
        duration(killed)
    );
    if waits == killed {
        return format!("{both} as well{}", cx.asked_for());
    }
    both + &cx.apart(waits, killed, ["earlier", "later"])
}

fn help(cx: &Ctx, places: &Places, inversion: &Inversion, waits: Amount, killed: Amount) -> String {
    let app = cx.program(inversion.inner.hop);
    let longer = match waits {
        Amount::Finite(ms) => {
            let longer = duration(Amount::Finite(ms.saturating_add(cx.margin())));
            Some(format!("let {app} have {longer} or more"))
        }
        Amount::Infinite => None,
    };
    let shorter = match killed {
        Amount::Finite(ms) if !is_fixed(cx.model, inversion.outer) => {
            let waits = places.ending_before(&inversion.all, ms);
            Some(cx.propose(&waits, "less", "behind"))
        }
        _ => None,
    };
    let ways: Vec<String> = longer.into_iter().chain(shorter).collect();
    format!(
        "{}: a slow request then ends as a 504, and no worker dies",
        ways.join(", or ")
    )
}
