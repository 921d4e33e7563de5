//! rules/upstream-behind-profile.md

use crate::model::{DeadEnd, Link, ServiceRef, Target};
use crate::rules::{Ctx, grouped, words};

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, behind) {
        if let (Some(target), Some(proxy)) =
            (behind(cx, links[0]), cx.model.hop(links[0].from).service)
        {
            report(cx, &links, target, proxy);
        }
    }
}

fn behind(_: &Ctx, link: &Link) -> Option<ServiceRef> {
    match link.target {
        Target::Nowhere(DeadEnd::Profile(service)) => Some(service),
        _ => None,
    }
}

fn report(cx: &mut Ctx, links: &[&Link], target: ServiceRef, proxy: ServiceRef) {
    let (name, service) = (cx.service_name(target), cx.service_name(proxy));
    let profiles = &cx.project.service(target).profiles;
    let known: Vec<&str> = profiles.iter().filter_map(|text| text.get()).collect();
    let known = words::list(&known);
    let place = profiles
        .first()
        .map_or(cx.service_span(target), |text| text.span);
    let from = cx.program(links[0].from);
    let message = format!(
        "{from} dials {name}, which is only started with the profile {known}; {service} is started without it"
    );
    let help = format!("take {name} out of its profile, or put {service} into the same one");
    let seen = cx.unnamed(links[0]);
    let (name, proxy_place) = (name.to_owned(), cx.service_span(proxy));
    cx.report(links[0].span, message)
        .here(format!("dials {}", links[0].written))
        .repeats(links)
        .label(proxy_place, "in no profile that is active")
        .label(place, "not started by a plain `docker compose up`")
        .help(help)
        .seen(seen)
        .because("service", &name);
}
