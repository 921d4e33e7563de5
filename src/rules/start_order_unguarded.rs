//! rules/start-order-unguarded.md

use crate::finding::{Effect, Severity};
use crate::model::{Dialled, HopKind, Link, Lookup, ServiceRef, Target};
use crate::project::compose::Service;
use crate::rules::host_gateway_missing::is_to_host;
use crate::rules::replicas_zero;
use crate::rules::words::list;
use crate::rules::{Ctx, grouped};

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, unguarded) {
        if let Some(proxy) = unguarded(cx, links[0]) {
            report(cx, &links, proxy);
        }
    }
}

/// The proxy of a link whose name is looked up at the start, if it does not wait until the service is healthy.
fn unguarded(cx: &Ctx, link: &Link) -> Option<ServiceRef> {
    let proxy = cx.model.hop(link.from).service?;
    let Target::Service { service, .. } = link.target else {
        return None;
    };
    let named = matches!(link.dialled, Dialled::Tcp { .. })
        && link.lookup == Lookup::AtStart
        && !is_to_host(link)
        && replicas_zero::none(cx, link).is_none()
        // A swarm knows no `depends_on`, and starts a task again by default.
        && !cx.is_swarm(proxy);
    (named
        && service.stack == proxy.stack
        && service != proxy
        && before(cx, proxy, service) != Some(Before::Healthy))
    .then_some(proxy)
}

/// How far a service has come when the proxy starts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Before {
    /// Its container has, so that its name exists.
    Started,
    /// It has answered its healthcheck, or has done its work.
    Healthy,
}

/// What the proxy waits for of a service, through others too: each of them has started only after what it waits for.
fn before(cx: &Ctx, proxy: ServiceRef, target: ServiceRef) -> Option<Before> {
    let target = cx.service_name(target);
    let all = &cx.project.stacks[proxy.stack].services;
    let mut seen: Vec<&str> = Vec::new();
    let mut waiting = vec![cx.project.service(proxy)];
    let mut best = None;
    while let Some(service) = waiting.pop() {
        let linked = service.links.iter().map(|(name, _)| (name.as_str(), ""));
        let depends = service.depends_on.iter();
        let depends = depends.map(|d| (d.service.value.as_str(), d.condition.value.as_str()));
        for (name, condition) in depends.chain(linked) {
            if name == target {
                best = best.max(Some(match condition {
                    "service_healthy" | "service_completed_successfully" => Before::Healthy,
                    _ => Before::Started,
                }));
            } else if !seen.contains(&name) {
                seen.push(name);
                waiting.extend(all.iter().find(|service| service.name.value == name));
            }
        }
    }
    best
}

/// Whether the proxy starts after a service's container.
fn ordered(cx: &Ctx, proxy: ServiceRef, target: ServiceRef) -> bool {
    before(cx, proxy, target).is_some()
}

fn report(cx: &mut Ctx, links: &[&Link], proxy: ServiceRef) {
    let mut targets = targets(links);
    let all_ordered = targets.iter().all(|target| ordered(cx, proxy, *target));
    targets.retain(|target| all_ordered || !ordered(cx, proxy, *target));
    let late = |link: &&&Link| matches!(link.target, Target::Service { service, .. } if targets.contains(&service));
    let place = links
        .iter()
        .find(late)
        .map_or(links[0].span, |link| link.span);
    let service = cx.project.service(proxy);
    let (restarts, name) = (restarts(service), &service.name.value);
    let (from, is_haproxy) = (
        cx.program(links[0].from),
        cx.model.hop(links[0].from).kind == HopKind::HaProxy,
    );
    let names: Vec<&str> = targets
        .iter()
        .map(|target| cx.project.service(*target).name.value.as_str())
        .collect();
    let one = names.len() == 1;
    let (joined, names) = (names.join(", "), list(&names));
    let places: Vec<_> = targets
        .iter()
        .map(|target| cx.service_span(*target))
        .collect();
    let (message, here) = if all_ordered {
        (started_only(name, &names, one), "waits for the start only")
    } else {
        (
            too_early(name, &names, &from, restarts),
            lacks(service, restarts),
        )
    };
    let help = help(
        name,
        &names,
        targets
            .iter()
            .all(|target| cx.project.service(*target).healthcheck.is_some()),
        restarts,
    );
    let finding = cx.report(service.name.span, message);
    finding.here(here).label(place, "looked up while it starts");
    for place in places {
        finding.label(place, "may come later");
    }
    finding.help(help).because("waits for", &joined);
    if restarts || all_ordered {
        finding
            .severity(Severity::Info)
            .outcome(Effect::Response, if is_haproxy { &[503] } else { &[502] });
    }
}

fn too_early(name: &str, targets: &str, from: &str, restarts: bool) -> String {
    let then = if restarts {
        " and is started again"
    } else {
        ", and nothing starts it again"
    };
    format!("{name} may start before {targets}; {from} then exits{then}")
}

/// What the proxy's service lacks.
fn lacks(service: &Service, restarts: bool) -> &'static str {
    match (service.depends_on.is_empty(), restarts) {
        (true, true) => "no `depends_on`",
        (true, false) => "no `depends_on` and no `restart`",
        (false, true) => "depends on others only",
        (false, false) => "depends on others only, and has no `restart`",
    }
}

fn started_only(name: &str, targets: &str, one: bool) -> String {
    if one {
        format!("{name} starts once {targets} has started, not once it answers")
    } else {
        format!("{name} starts once {targets} have started, not once they answer")
    }
}

fn help(name: &str, targets: &str, checked: bool, restarts: bool) -> String {
    let check = if checked {
        String::new()
    } else {
        format!("give {targets} a healthcheck, ")
    };
    let restart = if restarts {
        ""
    } else {
        ", and give it `restart: unless-stopped`"
    };
    format!("{check}let {name} depend on {targets} with `condition: service_healthy`{restart}")
}

fn targets(links: &[&Link]) -> Vec<ServiceRef> {
    let mut targets = Vec::new();
    for link in links {
        if let Target::Service { service, .. } = link.target
            && !targets.contains(&service)
        {
            targets.push(service);
        }
    }
    targets
}

/// Whether this rule says of a service that nothing starts it again.
pub(super) fn exits_for_good(cx: &Ctx, proxy: ServiceRef) -> bool {
    let says = |link: &Link| match link.target {
        Target::Service { service, .. } => {
            unguarded(cx, link) == Some(proxy) && !ordered(cx, proxy, service)
        }
        _ => false,
    };
    cx.settings.runs("start-order-unguarded", false)
        && !restarts(cx.project.service(proxy))
        && cx.model.links.iter().any(says)
}

/// Whether something starts the service again; an unknown policy counts as one.
pub(super) fn restarts(service: &Service) -> bool {
    let never = |policy: &str| matches!(policy, "no" | "none" | "false" | "");
    service
        .restart
        .as_ref()
        .is_some_and(|policy| !policy.get().is_some_and(never))
}
