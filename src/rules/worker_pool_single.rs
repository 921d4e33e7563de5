//! rules/worker-pool-single.md

use crate::model::chain::reached;
use crate::model::{Amount, HopId, Key, Link, Setting};
use crate::rules::words::duration;
use crate::rules::{Ctx, grouped};

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, single) {
        if let Some(hop) = single(cx, links[0]) {
            report(cx, &links, hop);
        }
    }
}

/// An app that is told to work on one request at a time.
fn single(cx: &Ctx, link: &Link) -> Option<HopId> {
    let (hop, _) = reached(&link.target)?;
    let slots = cx.model.hop(hop).slots.as_ref()?;
    let one = slots.value() == Some(&Amount::Finite(1)) && slots.span().is_some();
    (one && link.errand.is_none()).then_some(hop)
}

fn report(cx: &mut Ctx, links: &[&Link], hop: HopId) {
    let model = cx.model;
    let Some(place) = model.hop(hop).slots.as_ref().and_then(Setting::span) else {
        return;
    };
    let (from, app) = (cx.program(links[0].from), cx.hop_name(hop));
    let dials = |id: &crate::model::LinkId| {
        links
            .iter()
            .any(|link| std::ptr::eq(model.link(*id), *link))
    };
    let route = model
        .routes
        .iter()
        .find(|route| route.links.iter().any(dials));
    let waits = route.and_then(|route| route.timeouts.get(&Key::Read)?.value().copied());
    let message = match waits {
        Some(waits) => format!(
            "{app} works on 1 request at a time, {from} waits {} for each that stands behind it",
            duration(waits)
        ),
        None => format!("{app} works on 1 request at a time, and {from} sends it all that come"),
    };
    let finding = cx.report(place, message);
    finding.here("one worker");
    for link in links {
        finding.label(link.span, format!("dials {}", link.written));
    }
    finding
        .help("give it more workers, or threads: one slow request holds up every other one")
        .because("slots", 1);
}
