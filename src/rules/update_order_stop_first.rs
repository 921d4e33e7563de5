//! rules/update-order-stop-first.md

use std::collections::{BTreeMap, HashSet};

use crate::model::{ServiceRef, Target};
use crate::project::compose::Service;
use crate::rules::{Ctx, words};

pub(super) fn check(cx: &mut Ctx) {
    for dialled in dialled(cx).into_values() {
        let gone = dialled.iter().copied();
        let gone: Vec<ServiceRef> = gone
            .filter(|at| stops_first(cx.project.service(*at)))
            .collect();
        if !gone.is_empty() {
            stop_first(cx, &gone);
        }
        for at in dialled {
            if starts_unchecked(cx, at) {
                unchecked(cx, at);
            }
        }
    }
}

/// By stack the services that a proxy dials, each once.
fn dialled(cx: &Ctx) -> BTreeMap<usize, Vec<ServiceRef>> {
    let mut found: BTreeMap<usize, Vec<ServiceRef>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for link in &cx.model.links {
        if let Target::Service { service, .. } = link.target
            && seen.insert(service)
        {
            found.entry(service.stack).or_default().push(service);
        }
    }
    found
}

/// Whether an update takes the only task away before the next one is there.
fn stops_first(service: &Service) -> bool {
    let Some(swarm) = &service.swarm else {
        return false;
    };
    let one = service
        .replicas
        .as_ref()
        .is_none_or(|count| count.value == 1);
    let order = match &swarm.update_order {
        Some(order) => order.get() == Some("stop-first"),
        None => true,
    };
    one && order && swarm.certain && !swarm.everywhere
}

/// Whether an update takes the old task away although nothing says when the new one answers.
fn starts_unchecked(cx: &Ctx, at: ServiceRef) -> bool {
    let (service, container) = (cx.project.service(at), cx.project.container(at));
    let order = service
        .swarm
        .as_ref()
        .and_then(|swarm| swarm.update_order.as_ref());
    let image = container.image.as_ref().and_then(|text| text.get());
    // An image of one's own may bring a healthcheck.
    let seen = container.unread.is_none() && (container.built || image.is_none_or(is_bare));
    order.and_then(|text| text.get()) == Some("start-first")
        && match &service.healthcheck {
            Some(check) => check.disabled,
            None => !container.healthcheck && seen,
        }
}

fn is_bare(image: &str) -> bool {
    crate::model::knowledge::healthcheck(image) == Some(false)
}

fn stop_first(cx: &mut Ctx, gone: &[ServiceRef]) {
    let names: Vec<&str> = gone.iter().map(|at| cx.service_name(*at)).collect();
    let names = words::list(&names);
    let place = |at: &ServiceRef| {
        let service = cx.project.service(*at);
        let swarm = service.swarm.as_ref();
        swarm.map_or(service.name.span, |swarm| {
            swarm
                .update_order
                .as_ref()
                .map_or(swarm.span, |order| order.span)
        })
    };
    let places: Vec<_> = gone.iter().map(place).collect();
    let verb = if gone.len() == 1 { "has" } else { "have" };
    let message =
        format!("{names} {verb} one task, and an update stops it before it starts the next one");
    let finding = cx.report(places[0], message);
    finding.here("the order of an update is stop-first");
    finding.again(places[1..].iter().copied());
    finding
        .help("set `update_config: { order: start-first }` and a healthcheck, or run two replicas")
        .because("services", &names);
}

fn unchecked(cx: &mut Ctx, at: ServiceRef) {
    let service = cx.project.service(at);
    let name = service.name.value.clone();
    let Some(order) = service
        .swarm
        .as_ref()
        .and_then(|swarm| swarm.update_order.clone())
    else {
        return;
    };
    let place = service.name.span;
    let message = format!(
        "an update of {name} stops the old task as soon as the new one runs, and no healthcheck says when that one answers"
    );
    cx.report(order.span, message)
        .here("start-first")
        .label(place, "no healthcheck")
        .help(format!(
            "give {name} a healthcheck: the old task then stays until the new one is healthy"
        ))
        .because("service", &name);
}
