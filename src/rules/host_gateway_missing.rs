//! rules/host-gateway-missing.md

use crate::finding::Confidence;
use crate::model::{Bind, Dialled, Link, ServiceRef, Target};
use crate::project::compose::{NetworkMode, Port};
use crate::rules::{Ctx, grouped};

/// The names that Docker Desktop gives the machine it runs on.
const NAMES: [&str; 2] = ["host.docker.internal", "gateway.docker.internal"];

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, unnamed) {
        if let Some((proxy, host)) = unnamed(cx, links[0]) {
            nameless(cx, &links, proxy, &host);
        }
    }
    for links in grouped(cx, local_only) {
        if let Some((service, port)) = local_only(cx, links[0]) {
            shut(cx, &links, service, port);
        }
    }
}

/// A link to the host by Docker Desktop's name, from a container of a network, if nothing gives it that name.
fn unnamed(cx: &Ctx, link: &Link) -> Option<(ServiceRef, String)> {
    let (proxy, host) = to_host(cx, link)?;
    let service = cx.project.service(proxy);
    let given = service.extra_hosts.iter().any(|(name, _)| {
        name.get()
            .is_none_or(|name| name.eq_ignore_ascii_case(host))
    });
    (!given).then(|| (proxy, host.to_owned()))
}

/// Whether a link dials the host by a name of Docker Desktop's: no other container has to be there first.
pub(super) fn is_to_host(link: &Link) -> bool {
    matches!(&link.dialled, Dialled::Tcp { host, .. } if NAMES.contains(&host.value.as_str()))
}

fn to_host<'a>(cx: &Ctx, link: &'a Link) -> Option<(ServiceRef, &'a str)> {
    let proxy = cx.model.hop(link.from).service?;
    let Dialled::Tcp { host, .. } = &link.dialled else {
        return None;
    };
    let networked = cx.project.service(proxy).network_mode.value == NetworkMode::Networks;
    (networked && NAMES.contains(&host.value.as_str())).then_some((proxy, host.value.as_str()))
}

/// A link through the host to a port that a service publishes on the host's loopback alone.
fn local_only(cx: &Ctx, link: &Link) -> Option<(ServiceRef, u16)> {
    if unnamed(cx, link).is_some() {
        return None;
    }
    to_host(cx, link)?;
    let (Target::Service { service, .. }, Dialled::Tcp { port, .. }) =
        (&link.target, &link.dialled)
    else {
        return None;
    };
    let (published, _) = cx.published(*service, *port)?;
    is_local(published).then_some((*service, *port))
}

fn is_local(port: &Port) -> bool {
    port.host_ip
        .as_deref()
        .map(Bind::of)
        .is_some_and(|bind| bind.is_loopback())
}

fn nameless(cx: &mut Ctx, links: &[&Link], proxy: ServiceRef, host: &str) {
    let (name, place) = (cx.service_name(proxy).to_owned(), cx.service_span(proxy));
    let from = cx.program(links[0].from);
    let seen = cx.unnamed(links[0]);
    let message = format!(
        "{from} dials {host}, and nothing gives {name} that name: only Docker Desktop does"
    );
    cx.report(links[0].span, message)
        .here(format!("dials {}", links[0].written))
        .repeats(links)
        .label(place, "no `extra_hosts`")
        .help(format!(
            "add `extra_hosts: [\"{host}:host-gateway\"]` to {name}"
        ))
        .seen(seen)
        .because("host", host)
        .because("service", &name);
}

fn shut(cx: &mut Ctx, links: &[&Link], service: ServiceRef, port: u16) {
    let Some((published, _)) = cx.published(service, port) else {
        return;
    };
    let (name, from) = (
        cx.service_name(service).to_owned(),
        cx.program(links[0].from),
    );
    let seen = cx.refused(links[0]);
    let message = format!(
        "{from} dials port {port} of the host, which {name} publishes on 127.0.0.1 only: a container comes from another address"
    );
    cx.report(links[0].span, message)
        .here(format!("dials {}", links[0].written))
        .repeats(links)
        .label(published.span, "for the host itself alone")
        .help(format!("dial {name} by its name over a common network"))
        .seen(seen)
        .at_most(Confidence::Medium)
        .because("service", &name)
        .because("port", port);
}
