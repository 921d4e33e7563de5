//! rules/start-order-unguarded.md

use std::collections::{HashMap, HashSet};

use crate::finding::{Effect, Severity};
use crate::model::{Dialled, HopKind, Link, Lookup, ServiceRef, Target};
use crate::project::Project;
use crate::project::compose::{Service, Stack};
use crate::rules::host_gateway_missing::is_to_host;
use crate::rules::replicas_zero;
use crate::rules::words::list;
use crate::rules::{Ctx, grouped};

pub(super) fn check(cx: &mut Ctx) {
    let order = Order::of(cx);
    for links in grouped(cx, |cx, link| unguarded(cx, &order, link)) {
        if let Some(proxy) = unguarded(cx, &order, links[0]) {
            report(cx, &order, &links, proxy);
        }
    }
}

/// The proxy of a link whose name is looked up at the start, if it does not wait until the service is healthy.
fn unguarded(cx: &Ctx, order: &Order, link: &Link) -> Option<ServiceRef> {
    let proxy = cx.model.hop(link.from).service?;
    let Target::Service { service, .. } = link.target else {
        return None;
    };
    let named = matches!(link.dialled, Dialled::Tcp { .. })
        && link.lookup == Lookup::AtStart
        && !is_to_host(link)
        && replicas_zero::none(cx, link).is_none()
        && !order.swarms.contains(&proxy.stack);
    (named
        && service.stack == proxy.stack
        && service != proxy
        && order.before(cx, proxy, service) != Some(Before::Healthy))
    .then_some(proxy)
}

/// How far a service has come when the proxy starts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Before {
    /// Its container has, so that its name exists.
    Started,
    /// It has answered its healthcheck, or has done its work.
    Healthy,
}

/// What is there when a proxy starts.
struct Order<'a> {
    /// For each proxy the services that it waits for, through others too.
    waits: HashMap<ServiceRef, HashMap<&'a str, Before>>,
    /// The stacks that a swarm runs for sure: it knows no `depends_on`, and starts a task again by default.
    swarms: HashSet<usize>,
}

impl<'a> Order<'a> {
    fn of(cx: &Ctx<'a>) -> Self {
        let project: &'a Project = cx.project;
        let named = |stack: &'a Stack| -> HashMap<&'a str, &'a Service> {
            let services = stack.services.iter();
            services
                .map(|service| (service.name.value.as_str(), service))
                .collect()
        };
        let stacks: Vec<_> = project.stacks.iter().map(named).collect();
        let certain = |stack: &Stack| {
            let mut services = stack.services.iter();
            services.any(|service| service.swarm.as_ref().is_some_and(|swarm| swarm.certain))
        };
        let mut waits = HashMap::new();
        for link in &cx.model.links {
            if let Some(proxy) = cx.model.hop(link.from).service {
                waits
                    .entry(proxy)
                    .or_insert_with(|| waited_for(project.service(proxy), &stacks[proxy.stack]));
            }
        }
        let numbered = project.stacks.iter().enumerate();
        Self {
            waits,
            swarms: numbered
                .filter(|(_, stack)| certain(stack))
                .map(|(at, _)| at)
                .collect(),
        }
    }

    /// How far a service has come when the proxy starts, if the proxy waits for it.
    fn before(&self, cx: &Ctx, proxy: ServiceRef, target: ServiceRef) -> Option<Before> {
        self.waits
            .get(&proxy)?
            .get(cx.service_name(target))
            .copied()
    }
}

/// The services that one waits for: each of them has started only after what it waits for itself.
fn waited_for<'a>(
    proxy: &'a Service,
    all: &HashMap<&'a str, &'a Service>,
) -> HashMap<&'a str, Before> {
    let mut known: HashMap<&str, Before> = HashMap::new();
    let mut waiting = vec![proxy];
    while let Some(service) = waiting.pop() {
        let linked = service.links.iter().map(|(name, _)| (name.as_str(), ""));
        let depends = service.depends_on.iter();
        let depends = depends.map(|d| (d.service.value.as_str(), d.condition.value.as_str()));
        for (name, condition) in depends.chain(linked) {
            let before = match condition {
                "service_healthy" | "service_completed_successfully" => Before::Healthy,
                _ => Before::Started,
            };
            match known.get_mut(name) {
                Some(best) => *best = before.max(*best),
                None => {
                    known.insert(name, before);
                    waiting.extend(all.get(name).copied());
                }
            }
        }
    }
    known
}

fn report(cx: &mut Ctx, order: &Order, links: &[&Link], proxy: ServiceRef) {
    let mut targets = targets(links);
    let ordered = |target: &ServiceRef| order.before(cx, proxy, *target).is_some();
    let all_ordered = targets.iter().all(ordered);
    targets.retain(|target| all_ordered || !ordered(target));
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

/// The services of which this rule says that nothing starts them again.
pub(super) fn exiting(cx: &Ctx) -> HashSet<ServiceRef> {
    if !cx.settings.runs("start-order-unguarded", false) {
        return HashSet::new();
    }
    let order = Order::of(cx);
    let exits = |link: &Link| match link.target {
        Target::Service { service, .. } => unguarded(cx, &order, link)
            .filter(|proxy| order.before(cx, *proxy, service).is_none())
            .filter(|proxy| !restarts(cx.project.service(*proxy))),
        _ => None,
    };
    cx.model.links.iter().filter_map(exits).collect()
}

/// Whether something starts the service again; an unknown policy counts as one.
pub(super) fn restarts(service: &Service) -> bool {
    let never = |policy: &str| matches!(policy, "no" | "none" | "false" | "");
    service
        .restart
        .as_ref()
        .is_some_and(|policy| !policy.get().is_some_and(never))
}
