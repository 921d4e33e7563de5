//! rules/fpm-client-denied.md

use crate::model::chain::reached;
use crate::model::{Bind, HopId, Link};
use crate::rules::{Ctx, grouped};
use crate::source::Spanned;

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, |cx, link| {
        denied(cx, link).map(|(listener, _)| listener)
    }) {
        if let Some(((hop, _), admits)) = denied(cx, links[0]) {
            let admits = admits.clone();
            report(cx, &links, hop, &admits);
        }
    }
}

/// A listener, as hop and index.
type At = (HopId, usize);

/// A listener whose list of clients certainly lacks every address of the proxy that dials it.
fn denied<'a>(cx: &Ctx<'a>, link: &Link) -> Option<(At, &'a Spanned<Vec<String>>)> {
    let (hop, at) = reached(&link.target)?;
    let admits = cx.model.hop(hop).listeners[at].admits.as_ref()?;
    if cx.machine(link.from) == cx.machine(hop) {
        return None;
    }
    let others = admits
        .value
        .iter()
        .filter(|one| !Bind::of(one).is_loopback());
    let others: Vec<&String> = others.collect();
    let known = addresses(cx, link.from);
    let lacks = |own: &[String]| own.iter().all(|own| !others.contains(&own));
    // An address that Docker hands out may be any of those that are listed.
    let certain = others.is_empty() || known.is_some_and(|own| lacks(&own));
    certain.then_some(((hop, at), admits))
}

/// The addresses of a proxy, if every network gives it a fixed one.
fn addresses(cx: &Ctx, hop: HopId) -> Option<Vec<String>> {
    let service = cx.project.service(cx.model.hop(hop).service?);
    let mut all = Vec::new();
    for membership in &service.networks {
        let own = membership.addresses.iter();
        let own: Vec<String> = own
            .filter_map(|text| text.get().map(str::to_owned))
            .collect();
        if own.is_empty() {
            return None;
        }
        all.extend(own);
    }
    (!all.is_empty()).then_some(all)
}

fn report(cx: &mut Ctx, links: &[&Link], hop: HopId, admits: &Spanned<Vec<String>>) {
    let (from, app) = (cx.program(links[0].from), cx.hop_name(hop));
    let seen = cx.failed(links[0]);
    let list = admits.value.join(", ");
    let message =
        format!("{app} takes connections from {list} only, {from} dials it from another address");
    let finding = cx.report(admits.span, message);
    finding.here("closes every other connection at once");
    for link in links {
        finding.label(link.span, format!("dials {}", link.written));
    }
    finding
        .help("drop `listen.allowed_clients`, and let a network that only the proxy is on keep others out")
        .seen(seen)
        .because("clients", list);
}
