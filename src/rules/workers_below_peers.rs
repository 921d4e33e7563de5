//! rules/workers-below-peers.md

use std::collections::HashMap;

use crate::finding::Effect;
use crate::model::chain::reached;
use crate::model::nginx::Place;
use crate::model::{Address, Amount, HopId, HopKind, Key, Link, LinkId, Origin, Setting};
use crate::rules::alike::Alike;
use crate::rules::words::{Seen, soften};
use crate::rules::{Ctx, backlog_small, file_limit_low};
use crate::source::Spanned;

/// An app that is full before its proxy is.
struct Full<'a> {
    link: &'a Link,
    app: HopId,
    /// How many requests the proxy lets through at a time.
    lets: Spanned<u64>,
    slots: &'a Setting<Amount>,
    backlog: &'a Setting<Amount>,
    /// Both in numbers.
    room: (u64, u64),
    is_socket: bool,
}

pub(super) fn check(cx: &mut Ctx) {
    let allowed = allowed(cx);
    let mut alike = Alike::new();
    for (at, link) in cx.model.links.iter().enumerate() {
        let id = LinkId(u32::try_from(at).unwrap_or(u32::MAX));
        if let Some(lets) = allowed.of(link, id)
            && let Some(full) = full(cx, link, lets)
        {
            alike.add((link.from, full.app, full.lets.span), link.span, full);
        }
    }
    for (_, links) in alike.groups() {
        report(cx, &links);
    }
}

/// How many requests at a time are let through.
struct Allowed {
    /// By a process as a whole.
    processes: HashMap<HopId, Spanned<u64>>,
    /// To a server of HAProxy with a `maxconn` of its own.
    servers: HashMap<LinkId, Spanned<u64>>,
}

impl Allowed {
    fn of(&self, link: &Link, id: LinkId) -> Option<Spanned<u64>> {
        let own = self.servers.get(&id);
        own.or_else(|| self.processes.get(&link.from)).cloned()
    }
}

fn allowed(cx: &Ctx) -> Allowed {
    let model = cx.model;
    let mut processes = HashMap::new();
    for process in &model.processes {
        processes.extend(process.connections.clone().map(|most| (process.hop, most)));
    }
    let mut servers = HashMap::new();
    for section in &model.sections {
        // The frontend that takes fewest may be the one in front of this app.
        if let Some(most) = section.maxconn.as_ref().and_then(number)
            && processes
                .get(&section.hop)
                .is_none_or(|known: &Spanned<u64>| most.value < known.value)
        {
            processes.insert(section.hop, most);
        }
        let lines = section.server_lines.iter();
        servers.extend(lines.filter_map(|server| Some((server.link, server.maxconn.clone()?))));
    }
    processes.extend(nginx(cx));
    Allowed { processes, servers }
}

fn number(word: &Spanned<String>) -> Option<Spanned<u64>> {
    let number = word.value.parse().ok()?;
    Some(Spanned::new(number, word.span))
}

/// Half of the connections of nginx's worker processes: a request that is passed on takes two. `auto` is one process at
/// least. A group whose servers have `max_conns` lets fewer through, so that process is left out.
fn nginx(cx: &Ctx) -> HashMap<HopId, Spanned<u64>> {
    let mut found: HashMap<HopId, Spanned<u64>> = HashMap::new();
    let mut limited = Vec::new();
    for place in cx.places {
        match place.context() {
            "events" => {
                let most = connections(place);
                found.extend(most.map(|most| (place.hop, most)));
            }
            "upstream"
                if place.scope.own("server").any(|server| {
                    server
                        .args
                        .iter()
                        .any(|arg| arg.value.starts_with("max_conns="))
                }) =>
            {
                limited.push(place.hop);
            }
            _ => {}
        }
    }
    for hop in limited {
        found.remove(&hop);
    }
    found
}

fn connections(events: &Place) -> Option<Spanned<u64>> {
    let each = file_limit_low::number(events, "worker_connections")?;
    let workers = events.scope.word("worker_processes");
    let workers = workers.and_then(|word| word.value.parse().ok());
    let all = (each.value / 2).saturating_mul(workers.unwrap_or(1));
    Some(Spanned::new(all, each.span))
}

/// An app whose workers take one connection at a time each, where more are let through than it works on and queues.
fn full<'a>(cx: &Ctx<'a>, link: &'a Link, lets: Spanned<u64>) -> Option<Full<'a>> {
    let (app, at) = reached(&link.target).filter(|_| !link.down)?;
    let hop = cx.model.hop(app);
    let one_each = matches!(
        hop.timeouts.get(&Key::KeepaliveIdle)?.value()?,
        Amount::Finite(0)
    );
    let (slots, listener) = (hop.slots.as_ref()?, &hop.listeners[at]);
    let backlog = listener.backlog.as_ref()?;
    let (Amount::Finite(works), Amount::Finite(waits)) = (*slots.value()?, *backlog.value()?)
    else {
        return None;
    };
    let waits = waits.min(backlog_small::LONGEST);
    let is_socket = matches!(listener.address.value(), Some(Address::Unix(_)));
    let known = slots.span().is_some() && backlog.origin().is_some_and(Origin::is_certain);
    let mine = known && !(is_socket && waits < backlog_small::ENOUGH);
    (one_each && mine && lets.value > works + waits).then_some(Full {
        link,
        app,
        lets,
        slots,
        backlog,
        room: (works, waits),
        is_socket,
    })
}

fn report(cx: &mut Ctx, links: &[Full]) {
    let first = &links[0];
    let (from, app) = (cx.program(first.link.from), cx.hop_name(first.app));
    let (lets, (works, waits)) = (first.lets.value, first.room);
    let seen = match (&cx.model.hop(first.link.from).kind, first.is_socket) {
        (HopKind::Nginx, true) => Seen::of(Effect::Response, &[502]),
        (HopKind::Nginx, false) => Seen::of(Effect::Response, &[504]),
        _ => cx.failed(first.link),
    };
    let message = format!(
        "{from} lets {lets} requests through at a time, {app} works on {works} and lets {waits} more wait: beyond those no connection is taken"
    );
    let help = match cx.model.hop(first.link.from).kind {
        HopKind::HaProxy => format!(
            "give the server `maxconn {}` or less, and set `timeout queue`: HAProxy's own queue is fair, and its length is in the log",
            works + waits
        ),
        _ => format!(
            "answer what is beyond {} with `limit_conn` and 429, or give the app more workers",
            works + waits
        ),
    };
    let finding = cx.report(first.lets.span, message);
    finding.here(format!("{lets} at a time"));
    if let Some(span) = first.slots.span() {
        finding.label(span, format!("works on {works}"));
    }
    if let Some(span) = first.backlog.span() {
        finding.label(span, format!("lets {waits} wait"));
    }
    for full in links {
        finding.label(full.link.span, format!("dials {}", full.link.written));
    }
    finding
        .help(help)
        .seen(seen)
        .because("lets", lets)
        .because("works", works)
        .because("waits", waits);
    soften(finding, &[first.backlog]);
}
