//! rules/restart-policy-absent.md

use std::collections::BTreeSet;

use crate::finding::{Effect, Severity};
use crate::model::{HopId, Link, Lookup, ServiceRef, Target};
use crate::rules::start_order_unguarded::{exiting, restarts};
use crate::rules::{Ctx, words};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let exiting = exiting(cx);
    for stack in 0..cx.project.stacks.len() {
        let path = request_path(cx, stack);
        let (up, mut down): (Vec<ServiceRef>, Vec<ServiceRef>) = path
            .into_iter()
            .partition(|at| restarts(cx.project.service(*at)));
        down.retain(|at| !exiting.contains(at));
        if !down.is_empty() {
            report(cx, &down, &up);
        }
    }
    of_machine(cx);
}

/// The apps of the machine that a proxy dials and that nothing starts again after a crash.
fn of_machine(cx: &mut Ctx) {
    let mut down: Vec<(HopId, Span)> = Vec::new();
    for link in &cx.model.links {
        if let Target::Host {
            hop: Some((hop, _)),
            ..
        } = link.target
            && let Some(place) = cx.model.hop(hop).stays_down
            && !down.iter().any(|(known, _)| *known == hop)
        {
            down.push((hop, place));
        }
    }
    let Some((_, first)) = down.first() else {
        return;
    };
    let names: BTreeSet<String> = down.iter().map(|(hop, _)| cx.program(*hop)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let fallen = words::list(&names);
    let finding = cx.report(
        *first,
        format!("nothing starts {fallen} again after a crash"),
    );
    finding.here("stays down");
    for (_, place) in &down[1..] {
        finding.label(*place, "stays down");
    }
    finding
        .help("give the unit `Restart=on-failure`, and the app of pm2 `autorestart: true`")
        .severity(Severity::Info)
        .because("services", &fallen);
}

/// The services of a stack that a request passes, proxies first. None of a swarm, which restarts what exits unless it
/// is told not to.
fn request_path(cx: &Ctx, stack: usize) -> Vec<ServiceRef> {
    let services = &cx.project.stacks[stack].services;
    if services.iter().any(|service| service.swarm.is_some()) {
        return Vec::new();
    }
    let mut path = Vec::new();
    let mut add = |at: ServiceRef| {
        let lasting = !cx.project.service(at).inactive && !ends_by_itself(cx, at);
        if at.stack == stack && lasting && !path.contains(&at) {
            path.push(at);
        }
    };
    let dialled = |link: &Link| match link.target {
        Target::Service { service, .. } => Some(service),
        _ => None,
    };
    for link in &cx.model.links {
        if let (Some(proxy), Some(_)) = (cx.model.hop(link.from).service, dialled(link)) {
            add(proxy);
        }
    }
    cx.model.links.iter().filter_map(dialled).for_each(add);
    path
}

/// Whether others wait for a service to end.
fn ends_by_itself(cx: &Ctx, at: ServiceRef) -> bool {
    let name = cx.service_name(at);
    let services = &cx.project.stacks[at.stack].services;
    services
        .iter()
        .flat_map(|service| &service.depends_on)
        .any(|d| d.service.value == name && d.condition.value == "service_completed_successfully")
}

/// The proxy among some services that exits if a name cannot be looked up while it starts.
fn exits(cx: &Ctx, down: &[ServiceRef]) -> Option<ServiceRef> {
    cx.model.links.iter().find_map(|link| {
        let named = link.lookup == Lookup::AtStart && matches!(link.target, Target::Service { .. });
        let proxy = cx.model.hop(link.from).service.filter(|_| named)?;
        down.contains(&proxy).then_some(proxy)
    })
}

fn report(cx: &mut Ctx, down: &[ServiceRef], up: &[ServiceRef]) {
    let names = |all: &[ServiceRef]| {
        let names: Vec<&str> = all.iter().map(|at| cx.service_name(*at)).collect();
        words::list(&names)
    };
    let (fallen, kept) = (names(down), names(up));
    // A stack without any policy is started by hand; where the others come back, the proxy is the one that was missed.
    let missed = exits(cx, down).filter(|_| !up.is_empty());
    // Docker starts what has `on-failure` again after a crash alone.
    let policy = |at: &ServiceRef| cx.project.service(*at).restart.as_ref();
    let survives = |at: &ServiceRef| {
        let text = policy(at).and_then(|text| text.get());
        !text.is_some_and(|text| text.starts_with("on-failure"))
    };
    let when = if missed.is_some() && !up.iter().any(survives) {
        "again after a crash"
    } else {
        "again after a crash or a reboot of the host"
    };
    let message = match (missed, up.len()) {
        (Some(_), 1) => format!("nothing starts {fallen} {when}, while {kept} comes back"),
        (Some(_), _) => format!("nothing starts {fallen} {when}, while {kept} come back"),
        (None, _) => format!("nothing starts {fallen} {when}"),
    };
    let first = missed.unwrap_or(down[0]);
    let place = |at: &ServiceRef| cx.service_span(*at);
    let others: Vec<Span> = down.iter().filter(|at| **at != first).map(place).collect();
    let policies: Vec<Span> = up.iter().filter_map(policy).map(|text| text.span).collect();
    let finding = cx.report(cx.service_span(first), message);
    finding.here("no `restart`");
    for span in others {
        finding.label(span, "no `restart`");
    }
    finding
        .help(format!("give {fallen} `restart: unless-stopped`"))
        .because("services", &fallen);
    if missed.is_some() {
        finding.outcome(Effect::Closed, &[]);
        for (nth, span) in policies.iter().enumerate() {
            if !policies[..nth].contains(span) {
                finding.label(*span, "comes back");
            }
        }
    } else {
        finding.severity(Severity::Info);
    }
}
