//! rules/backlog-small.md

use crate::finding::{Confidence, Severity};
use crate::model::chain::reached;
use crate::model::{Address, Amount, HopId, Link, Origin, ServiceRef, Setting};
use crate::project::compose::NetworkMode;
use crate::rules::words::{count, soften, stated};
use crate::rules::{Ctx, grouped};
use crate::source::Span;

/// A queue shorter than this is shorter than every server's own default but the development servers'. Source: the
/// measured backlogs of `rules/defaults`, of which uwsgi's 100 is the least.
pub(super) const ENOUGH: u64 = 100;

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, short_queue) {
        if let Some((hop, at)) = short_queue(cx, links[0]) {
            report(cx, &links, hop, at);
        }
    }
    for links in grouped(cx, too_long) {
        if let Some(queue) = too_long(cx, links[0]) {
            refused(cx, &links, &queue);
        }
    }
}

/// What a container's kernel allows if nothing is written. Source: Linux 5.4, `SOMAXCONN`, which each network namespace
/// begins with; it was 128 before.
pub(super) const LONGEST: u64 = 4096;

/// A queue that is longer than the kernel allows.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Queue {
    service: ServiceRef,
    asked: u64,
    place: Span,
    most: u64,
    written: Option<Span>,
}

/// uWSGI does not start with one; other servers get a shorter one than they asked for. Measured with 2.0.21.
fn too_long(cx: &Ctx, link: &Link) -> Option<Queue> {
    let (hop, at) = reached(&link.target)?;
    let app = cx.model.hop(hop);
    let service = app.service.filter(|_| app.kind.as_str() == "uwsgi")?;
    let described = cx.project.service(cx.project.namespace(service));
    if described.network_mode.value != NetworkMode::Networks {
        return None;
    }
    let backlog = app.listeners[at].backlog.as_ref()?;
    let (Some(Amount::Finite(asked)), Some(place)) = (backlog.value(), backlog.span()) else {
        return None;
    };
    let told = described.longest_queue.as_ref();
    let most = told.map_or(LONGEST, |told| told.value);
    (*asked > most).then(|| Queue {
        service,
        asked: *asked,
        place,
        most,
        written: told.map(|told| told.span),
    })
}

fn refused(cx: &mut Ctx, links: &[&Link], queue: &Queue) {
    let (name, seen) = (
        cx.service_name(queue.service).to_owned(),
        cx.failed(links[0]),
    );
    let (asked, most) = (queue.asked, queue.most);
    let whose = match queue.written {
        Some(_) => "net.core.somaxconn of its container is",
        None => "Linux allows a container, no setting found,",
    };
    let message = format!(
        "uwsgi asks for a queue of {asked} in {name}, and {whose} {most}: it does not start"
    );
    let finding = cx.report(queue.place, message);
    finding
        .here(format!("a queue of {asked}"))
        .help(format!(
            "ask for {most} or less, or write `sysctls: {{net.core.somaxconn: {asked}}}` at {name}"
        ))
        .seen(seen)
        .because("backlog", asked);
    for link in links {
        finding.label(link.span, format!("dials {}", link.written));
    }
    match queue.written {
        Some(place) => {
            finding.severity(Severity::Error);
            finding.label(place, "the longest queue that this container may have");
        }
        None => {
            finding.at_most(Confidence::Medium);
        }
    }
}

/// A socket in the file system with a queue that a burst fills: one that somebody wrote, or the default of a server that
/// has a short one. On TCP the kernel lets the proxy try again until its connect timeout ends.
fn short_queue(cx: &Ctx, link: &Link) -> Option<(HopId, usize)> {
    let (hop, at) = reached(&link.target)?;
    let listener = &cx.model.hop(hop).listeners[at];
    let backlog = listener.backlog.as_ref()?;
    let is_socket = matches!(listener.address.value(), Some(Address::Unix(_)));
    let short = matches!(backlog.value(), Some(Amount::Finite(n)) if *n < ENOUGH);
    let certain = backlog.origin().is_some_and(Origin::is_certain);
    (is_socket && short && certain).then_some((hop, at))
}

fn report(cx: &mut Ctx, links: &[&Link], hop: HopId, at: usize) {
    let model = cx.model;
    let listener = &model.hop(hop).listeners[at];
    let (Some(backlog), Some(Address::Unix(path))) = (&listener.backlog, listener.address.value())
    else {
        return;
    };
    let Some(Amount::Finite(waiting)) = backlog.value() else {
        return;
    };
    let written = backlog.span().or(listener.address.span());
    let place = written.unwrap_or(model.hop(hop).span);
    let waiting = usize::try_from(*waiting).unwrap_or(usize::MAX);
    let (from, app) = (cx.program(links[0].from), cx.program(hop));
    let seen = cx.failed(links[0]);
    let slots = model.hop(hop).slots.as_ref();
    let served = match slots.and_then(Setting::value) {
        Some(Amount::Finite(n)) => format!(" behind the {n} that it works on"),
        _ => String::new(),
    };
    let message = format!(
        "{app} lets {} wait on {path}{served}, and {from} is refused the next one at once",
        count(waiting, "connection")
    );
    let finding = cx.report(place, message);
    finding.here(stated(&format!("a queue of {waiting}"), backlog));
    if let Some(span) = slots.and_then(Setting::span).filter(|span| *span != place) {
        finding.label(span, "worked on at a time");
    }
    for link in links {
        finding.label(link.span, format!("dials {}", link.written));
    }
    let help = if backlog.span().is_some() {
        format!(
            "leave the queue at {app}'s own length, or make it longer than the bursts that come: up to net.core.somaxconn"
        )
    } else {
        format!(
            "dial {app} over TCP, where the kernel tries again, or start a server whose queue can be set"
        )
    };
    finding.help(help).seen(seen).because("backlog", waiting);
    soften(finding, &[backlog]);
}
