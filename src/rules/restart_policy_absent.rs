//! rules/restart-policy-absent.md

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::finding::{Effect, Severity};
use crate::model::{HopId, Link, Lookup, ServiceRef, Target};
use crate::rules::start_order_unguarded::{exiting, restarts};
use crate::rules::{Ctx, words};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let exiting = exiting(cx);
    let looking = looking_up(cx);
    for path in request_paths(cx).into_values() {
        let (up, mut down): (Vec<ServiceRef>, Vec<ServiceRef>) = path
            .into_iter()
            .partition(|at| restarts(cx.project.service(*at)));
        down.retain(|at| !exiting.contains(at));
        if let Some(first) = down.first() {
            let looking = looking.get(&first.stack).map_or(&[][..], Vec::as_slice);
            report(cx, &down, &up, looking);
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

/// By stack the services that a request passes, proxies first. None of a swarm, which restarts what exits unless it is
/// told not to.
fn request_paths(cx: &Ctx) -> BTreeMap<usize, Vec<ServiceRef>> {
    let swarms = cx.swarms();
    let ending = ending_by_themselves(cx);
    let dialled = |link: &Link| match link.target {
        Target::Service { service, .. } => Some(service),
        _ => None,
    };
    let links = cx.model.links.iter();
    let proxies = links.filter(|link| dialled(link).is_some());
    let proxies = proxies.filter_map(|link| cx.model.hop(link.from).service);
    let mut paths: BTreeMap<usize, Vec<ServiceRef>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for at in proxies.chain(cx.model.links.iter().filter_map(dialled)) {
        let named = ending.contains(&(at.stack, cx.service_name(at)));
        if !swarms[at.stack] && !cx.project.service(at).inactive && !named && seen.insert(at) {
            paths.entry(at.stack).or_default().push(at);
        }
    }
    paths
}

/// Stack and name of the services that others wait for to end.
fn ending_by_themselves<'a>(cx: &Ctx<'a>) -> HashSet<(usize, &'a str)> {
    let services = cx.project.services();
    let waits = services.flat_map(|(at, one)| one.depends_on.iter().map(move |d| (at.stack, d)));
    waits
        .filter(|(_, wait)| wait.condition.value == "service_completed_successfully")
        .map(|(stack, wait)| (stack, wait.service.value.as_str()))
        .collect()
}

/// By stack the proxies that exit if a name cannot be looked up while they start, each once, in the order of their links.
fn looking_up(cx: &Ctx) -> HashMap<usize, Vec<ServiceRef>> {
    let mut proxies: HashMap<usize, Vec<ServiceRef>> = HashMap::new();
    let mut seen = HashSet::new();
    for link in &cx.model.links {
        let named = link.lookup == Lookup::AtStart && matches!(link.target, Target::Service { .. });
        if let Some(proxy) = cx.model.hop(link.from).service.filter(|_| named)
            && seen.insert(proxy)
        {
            proxies.entry(proxy.stack).or_default().push(proxy);
        }
    }
    proxies
}

fn report(cx: &mut Ctx, down: &[ServiceRef], up: &[ServiceRef], looking: &[ServiceRef]) {
    let names = |all: &[ServiceRef]| {
        let names: Vec<&str> = all.iter().map(|at| cx.service_name(*at)).collect();
        words::list(&names)
    };
    let (fallen, kept) = (names(down), names(up));
    // A stack without any policy is started by hand; where the others come back, the proxy is the one that was missed.
    let mut exiting = looking.iter().filter(|at| down.contains(at));
    let missed = exiting.next().copied().filter(|_| !up.is_empty());
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
        let mut seen = HashSet::new();
        for span in policies.iter().filter(|span| seen.insert(**span)) {
            finding.label(*span, "comes back");
        }
    } else {
        finding.severity(Severity::Info);
    }
}
