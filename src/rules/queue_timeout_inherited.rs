//! rules/queue-timeout-inherited.md

use std::collections::BTreeMap;

use crate::finding::{Effect, Severity};
use crate::model::haproxy::{Section, Server};
use crate::model::{Amount, HopId, Key, Route, Setting};
use crate::rules::Ctx;
use crate::rules::words::{Seen, count, duration};
use crate::source::Span;

/// So many requests at once are rare, and so is the queue behind them.
const MANY: u64 = 1_000;

/// A `timeout connect` above this is no usual one, and whoever writes it may mean the queue as well.
const SMALL: u64 = 10_000;

pub(super) fn check(cx: &mut Ctx) {
    let model = cx.model;
    // Whoever leaves it out in one backend leaves it out in all: it is one cause.
    let mut places: BTreeMap<HopId, Vec<(&Section, Span, u64)>> = BTreeMap::new();
    for section in model.sections.iter().filter(|section| section.reached) {
        if !section
            .server_lines
            .iter()
            .any(|server| may_queue(cx, section, server))
        {
            continue;
        }
        let mut routes = model
            .routes
            .iter()
            .filter(|route| route.links == section.servers);
        if let Some((span, ms)) = routes.find_map(inherited) {
            places
                .entry(section.hop)
                .or_default()
                .push((section, span, ms));
        }
    }
    for sections in places.into_values() {
        report(cx, &sections);
    }
}

/// Whether more requests can come to a server than it takes at once: HAProxy has no more than `maxconn` of `global`.
fn may_queue(cx: &Ctx, section: &Section, server: &Server) -> bool {
    let process = cx.model.process(section.hop);
    let most = process.and_then(|process| process.connections.as_ref());
    server
        .maxconn
        .as_ref()
        .is_some_and(|own| most.is_none_or(|most| own.value < most.value))
}

/// The `timeout connect` that limits the queue of a route, where it is smaller than what the app is given.
fn inherited(route: &Route) -> Option<(Span, u64)> {
    let (queue, connect) = (
        route.timeouts.get(&Key::Queue)?,
        route.timeouts.get(&Key::Connect)?,
    );
    let span = connect.span().filter(|span| queue.span() == Some(*span))?;
    let read = route.timeouts.get(&Key::Read).and_then(Setting::value)?;
    match connect.value()? {
        Amount::Finite(ms) if *ms <= SMALL && Amount::Finite(*ms) < *read => Some((span, *ms)),
        _ => None,
    }
}

fn report(cx: &mut Ctx, sections: &[(&Section, Span, u64)]) {
    let (section, connect, ms) = sections[0];
    let limited = |section: &Section| -> Vec<Server> {
        let servers = section.server_lines.iter();
        servers
            .filter(|server| server.maxconn.is_some())
            .cloned()
            .collect()
    };
    let servers: Vec<Server> = sections
        .iter()
        .flat_map(|(section, ..)| limited(section))
        .collect();
    let Some(most) = servers.first().and_then(|server| server.maxconn.clone()) else {
        return;
    };
    let waits = duration(Amount::Finite(ms));
    let who = match sections.len() {
        1 => format!("{} {}", section.kind, section.name),
        several => count(several, "backend"),
    };
    let message = format!(
        "maxconn {} lets requests wait in the queue of {who}, for {waits}: no `timeout queue`, so `timeout connect` limits it",
        most.value
    );
    let tcp = section.tcp;
    let finding = cx.report(most.span, message);
    finding.here(format!("the next request after {} waits", most.value));
    let mut told = vec![most.span];
    for server in &servers {
        let Some(other) = &server.maxconn else {
            continue;
        };
        if !told.contains(&other.span) && told.len() < 4 {
            finding.label(other.span, "and here");
            told.push(other.span);
        }
    }
    finding
        .label(connect, format!("and is answered after {waits}"))
        .help("set `timeout queue` to what a client may be made to wait, `30s` say")
        .because("for", &who)
        .because("connect", ms);
    if servers
        .iter()
        .all(|server| server.maxconn.as_ref().is_none_or(|most| most.value > MANY))
    {
        finding.severity(Severity::Info);
    }
    let seen = if tcp {
        Seen::of(Effect::Closed, &[])
    } else {
        Seen::of(Effect::Response, &[503])
    };
    finding.seen(seen.logged("HAProxy logs `sQ--`"));
}
