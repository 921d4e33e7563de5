//! rules/networks-disjoint.md

use crate::finding::{Confidence, Effect, Severity};
use crate::model::{DeadEnd, Link, Lookup, ServiceRef, Target};
use crate::project::compose::NetworkMode;
use crate::rules::{Ctx, grouped};
use crate::source::Spanned;

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, apart) {
        let (target, proxy) = (apart(cx, links[0]), cx.model.hop(links[0].from).service);
        if let (Some(target), Some(proxy)) = (target, proxy) {
            report(cx, &links, proxy, target);
        }
    }
    let model = cx.model;
    for id in &model.by_chance {
        left_to_chance(cx, model.link(*id));
    }
}

/// A container of several networks, of which the proxy takes any.
fn left_to_chance(cx: &mut Ctx, link: &Link) {
    let (Target::Service { service, .. }, Some(proxy)) =
        (&link.target, cx.model.hop(link.from).service)
    else {
        return;
    };
    let (a, b) = (networks(cx, proxy), networks(cx, *service));
    let (name, from) = (cx.service_name(*service).to_owned(), cx.program(link.from));
    let (place, target_place) = (cx.service_span(proxy), cx.service_span(*service));
    let message = format!(
        "{from} takes the address of {name} on any of {b}, and is itself on {a}: whichever network Docker names first"
    );
    cx.report(link.span, message)
        .here(format!("dials {}", link.written))
        .label(place, format!("on {a}"))
        .label(target_place, format!("on {b}"))
        .help("name the network that both are on in the label `traefik.docker.network`, or for all in `providers.docker.network`")
        .outcome(Effect::Response, &[504])
        .severity(Severity::Warning)
        .at_most(Confidence::Medium)
        .because("service", &name);
}

fn report(cx: &mut Ctx, links: &[&Link], proxy: ServiceRef, target: ServiceRef) {
    let (a, b) = (networks(cx, proxy), networks(cx, target));
    let (service, to) = (
        cx.service_name(proxy).to_owned(),
        cx.service_name(target).to_owned(),
    );
    let from = cx.program(links[0].from);
    let (place, target_place) = (cx.service_span(proxy), cx.service_span(target));
    let seen = cx.unreached(links[0]);
    // Only where a label says which network to take do they share another one.
    let labelled = cx.project.share_network(proxy, target);
    let left_off = left_off(links[0]);
    let (message, meet) = if let Some(Spanned { value: network, .. }) = left_off {
        (
            format!(
                "{from} dials {to} on {network}, and {to} is on {b} alone: its stack declares {network} and puts no service on it"
            ),
            format!("add {network} to the networks of {to}"),
        )
    } else if labelled {
        (
            format!(
                "{from} dials {to} on a network that {service} is not on: it is on {a}, {to} on {b}"
            ),
            format!(
                "let `traefik.docker.network` name a network that {service} and {to} are both on"
            ),
        )
    } else {
        (
            format!(
                "{from} dials {to}, but {service} is on {a} and {to} on {b}: they share no network"
            ),
            format!("put {service} and {to} on one network"),
        )
    };
    let why = match links[0].lookup {
        Lookup::Never => "Docker drops what one network sends to an address of another",
        _ => "a name is known only on the networks of its service",
    };
    let finding = cx.report(links[0].span, message);
    finding
        .here(format!("dials {}", links[0].written))
        .repeats(links)
        .label(place, format!("{service} is on {a}"))
        .label(target_place, format!("{to} is on {b}"))
        .help(format!("{meet}: {why}"))
        .seen(seen)
        .because("service", &to);
    if let Some(network) = left_off {
        finding
            .label(network.span, "declared, and used by no service")
            .severity(Severity::Warning)
            .at_most(Confidence::Medium);
    }
}

/// The network that a stack declares and puts nobody on.
fn left_off(link: &Link) -> Option<&Spanned<String>> {
    match &link.target {
        Target::Nowhere(DeadEnd::LeftOff(_, network)) => Some(network),
        _ => None,
    }
}

/// A network that nobody declares is `compose-invalid`, and keeps the whole project from starting.
fn apart(cx: &Ctx, link: &Link) -> Option<ServiceRef> {
    match &link.target {
        Target::Nowhere(DeadEnd::Disjoint(service) | DeadEnd::LeftOff(service, _)) => {
            let proxy = cx.model.hop(link.from).service;
            let known = |at: ServiceRef| declares_its_networks(cx, at);
            (known(*service) && proxy.is_none_or(known)).then_some(*service)
        }
        _ => None,
    }
}

fn declares_its_networks(cx: &Ctx, at: ServiceRef) -> bool {
    let declared = &cx.project.stacks[at.stack].networks;
    let mut own = cx.project.service(at).networks.iter();
    let is_known = |name: &str| name == "default" || declared.iter().any(|it| it.key.value == name);
    own.all(|membership| is_known(&membership.network.value))
}

fn networks(cx: &Ctx, service: ServiceRef) -> String {
    let service = cx.project.service(service);
    let names: Vec<&str> = service
        .networks
        .iter()
        .map(|membership| membership.network.value.as_str())
        .collect();
    match &service.network_mode.value {
        NetworkMode::Host => "the host's network".to_owned(),
        NetworkMode::Service(other) => format!("the network of {other}"),
        NetworkMode::Networks if !names.is_empty() => names.join(", "),
        _ => "no network".to_owned(),
    }
}
