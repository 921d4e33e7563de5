//! rules/upstream-host-unknown.md

use std::collections::HashSet;

use crate::model::{DeadEnd, Dialled, HopKind, Link, Lookup, ServiceRef, Target};
use crate::rules::words::list;
use crate::rules::{Ctx, grouped};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let elsewhere = answered(cx);
    let missing = |cx: &Ctx, link: &Link| {
        unknown(cx, link)
            .filter(|_| link.lookup == Lookup::AtStart || !elsewhere.contains(&link.span))
    };
    for links in grouped(cx, missing) {
        let (Some(host), Some(proxy)) =
            (unknown(cx, links[0]), cx.model.hop(links[0].from).service)
        else {
            continue;
        };
        let names = known_names(cx, proxy);
        let (place, service) = (cx.service_span(proxy), cx.service_name(proxy).to_owned());
        let from = cx.program(links[0].from);
        let seen = cx.unnamed(links[0]);
        let message = format!(
            "{from} dials {host}, and no service, alias or host of that name can be reached from {service}"
        );
        let finding = cx.report(links[0].span, message);
        finding
            .here(format!("nothing answers to {host}"))
            .repeats(&links)
            .label(place, format!("{service} can reach {names}"))
            .help(format!("name a service that shares a network with {service} ({names}), or correct the spelling"))
            .seen(seen)
            .because("host", &host);
    }
}

/// Places whose name answers in one of the stacks that share the file. Where it is looked up for each request, the
/// stacks without it just do without that part.
fn answered(cx: &Ctx) -> HashSet<Span> {
    let links = cx.model.links.iter();
    let reached = links.filter(|link| matches!(link.target, Target::Service { .. }));
    reached.map(|link| link.span).collect()
}

fn unknown(cx: &Ctx, link: &Link) -> Option<String> {
    // HAProxy with `resolvers` starts without the name and dials it once there is one.
    let waits = matches!(link.lookup, Lookup::Running(_))
        && cx.model.hop(link.from).kind == HopKind::HaProxy;
    match (&link.target, &link.dialled) {
        (Target::Nowhere(DeadEnd::UnknownHost), Dialled::Tcp { host, .. }) if !waits => {
            Some(host.value.clone())
        }
        _ => None,
    }
}

/// The services that a proxy can name, for the label and the help.
fn known_names(cx: &Ctx, proxy: ServiceRef) -> String {
    let mine: Vec<&str> = cx
        .project
        .service(proxy)
        .networks
        .iter()
        .map(|m| m.network.value.as_str())
        .collect();
    let services = cx.project.stacks[proxy.stack].services.iter();
    let names: Vec<&str> = services
        .filter(|service| service.name.value != cx.service_name(proxy))
        .filter(|service| {
            service
                .networks
                .iter()
                .any(|m| mine.contains(&m.network.value.as_str()))
        })
        .map(|service| service.name.value.as_str())
        .collect();
    if names.is_empty() {
        return "no other service".to_owned();
    }
    list(&names)
}
