//! rules/max-fails-cascade.md

use std::collections::{BTreeSet, HashMap};

use crate::model::chain::reached;
use crate::model::{Bind, HopKind, Link, Target};
use crate::rules::localhost_dual_stack::{bind, is_localhost};
use crate::rules::peers::{Group, groups};
use crate::rules::{Ctx, grouped};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    for group in groups(cx) {
        if let Some(one) = one_process(cx, &group) {
            report(cx, &group, &one);
        }
    }
    let aside = cascades(cx);
    for links in grouped(cx, |_, link| aside.contains(&link.span).then_some(())) {
        localhost(cx, &links);
    }
}

/// The service or process that all servers of a group are, if there are several of them and none to fall back on.
fn one_process(cx: &Ctx, group: &Group) -> Option<String> {
    let links: Vec<&Link> = group.peers.iter().map(|peer| peer.link).collect();
    let by_default = group.peers.iter().all(super::peers::Peer::fails_by_default);
    if links.len() < 2 || !by_default || links.iter().any(|link| link.spare) {
        return None;
    }
    let service = |link: &Link| match link.target {
        Target::Service { service, .. } => Some(service),
        _ => None,
    };
    if let Some(first) = service(links[0]) {
        let several = cx.project.service(first).replicas.as_ref();
        let alone = several.is_none_or(|replicas| replicas.value <= 1);
        let same = links.iter().all(|link| service(link) == Some(first));
        return (alone && same).then(|| format!("the container of {}", cx.service_name(first)));
    }
    let (hop, _) = reached(&links[0].target)?;
    let same = links
        .iter()
        .all(|link| reached(&link.target).is_some_and(|(other, _)| other == hop));
    same.then(|| cx.hop_name(hop))
}

fn report(cx: &mut Ctx, group: &Group, one: &str) {
    let number = group.peers.len();
    let name = group
        .place
        .opener
        .map_or(group.peers[0].server.span, |opener| {
            opener.args.first().map_or(opener.span, |name| name.span)
        });
    let target = match group.peers[0].link.target {
        Target::Service { service, .. } => Some(cx.service_span(service)),
        _ => None,
    };
    let finding = cx.report(
        group.peers[0].link.span,
        format!("all {number} servers of this group are {one}: one restart puts all of them aside for 10s"),
    );
    finding.here("one failure, and no request for 10s");
    for peer in &group.peers[1..] {
        finding.label(peer.link.span, "the same, at the same moment");
    }
    finding.label(name, "its last server is put aside like the first");
    if let Some(target) = target {
        finding.label(target, "restarts as one");
    }
    finding
        .help("add `max_fails=0` to each of them, or keep one of them: a single server is never put aside")
        .because("servers", number);
}

/// `localhost` to an app that listens on IPv4 alone: ::1 has failed already when the app restarts.
fn two_addresses(cx: &Ctx, link: &Link) -> bool {
    let nginx = cx.model.hop(link.from).kind == HopKind::Nginx;
    nginx && is_localhost(link) && bind(cx, link).is_some_and(Bind::is_v4_only)
}

fn localhost(cx: &mut Ctx, links: &[&Link]) {
    let listener = reached(&links[0].target).map(|(hop, at)| {
        let place = &cx.model.hop(hop).listeners[at].address;
        (
            place.span().unwrap_or(cx.model.hop(hop).span),
            cx.hop_name(hop),
        )
    });
    let Some((place, app)) = listener else {
        return;
    };
    let finding = cx.report(
        links[0].span,
        format!("localhost is two servers to nginx, and {app} is one of them: its restart puts both aside for 10s"),
    );
    finding
        .here("::1, where nobody listens, and 127.0.0.1")
        .repeats(links)
        .label(place, format!("{app} listens on IPv4 alone"))
        .help("dial 127.0.0.1: a single server is never put aside")
        .because("app", &app);
}

/// The places of links to `localhost` that this rule tells of: one failure puts the address aside, since its group says
/// nothing else and has no other server.
pub(super) fn cascades(cx: &Ctx) -> BTreeSet<Span> {
    let mut links = cx
        .model
        .links
        .iter()
        .filter(|link| two_addresses(cx, link))
        .peekable();
    if links.peek().is_none() {
        return BTreeSet::new();
    }
    let alone: HashMap<Span, bool> = groups(cx)
        .iter()
        .flat_map(|group| {
            let alone = group.peers.len() == 1 && group.peers[0].fails_by_default();
            let peers: Vec<_> = group
                .peers
                .iter()
                .map(|peer| (peer.link.span, alone))
                .collect();
            peers
        })
        .collect();
    links
        .filter(|link| {
            let grouped = alone.get(&link.span).copied();
            grouped.unwrap_or(link.group.is_none())
        })
        .map(|link| link.span)
        .collect()
}
