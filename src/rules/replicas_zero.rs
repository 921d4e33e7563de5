//! rules/replicas-zero.md

use crate::model::{Dialled, Link, ServiceRef, Target};
use crate::rules::{Ctx, grouped};

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, none) {
        if let Some(target) = none(cx, links[0]) {
            report(cx, &links, target);
        }
    }
}

/// The service behind a link of which no container runs.
pub(super) fn none(cx: &Ctx, link: &Link) -> Option<ServiceRef> {
    let Target::Service { service, .. } = link.target else {
        return None;
    };
    let count = cx.project.service(service).replicas.as_ref()?;
    (count.value == 0 && matches!(link.dialled, Dialled::Tcp { .. })).then_some(service)
}

fn report(cx: &mut Ctx, links: &[&Link], target: ServiceRef) {
    let (name, from) = (
        cx.service_name(target).to_owned(),
        cx.program(links[0].from),
    );
    let service = cx.project.service(target);
    let place = service
        .replicas
        .as_ref()
        .map_or(service.name.span, |count| count.span);
    let seen = cx.unnamed(links[0]);
    let message = format!("{from} dials {name}, of which 0 containers run: its name is unknown");
    cx.report(links[0].span, message)
        .here(format!("dials {}", links[0].written))
        .repeats(links)
        .label(place, "0 containers")
        .help(format!(
            "run at least one container of {name}, or take it out of the config of {from}"
        ))
        .seen(seen)
        .because("service", &name);
}
