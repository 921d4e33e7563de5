//! rules/localhost-upstream.md

use crate::model::{Address, DeadEnd, Dialled, Link, ServiceRef, Target};
use crate::rules::words::list;
use crate::rules::{Ctx, grouped};

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, own) {
        let (Some(port), Some(proxy)) = (own(cx, links[0]), cx.model.hop(links[0].from).service)
        else {
            continue;
        };
        let (service, place) = (cx.service_name(proxy).to_owned(), cx.service_span(proxy));
        let (from, seen) = (cx.program(links[0].from), cx.refused(links[0]));
        let beside: Vec<String> = cx
            .model
            .hops_of(proxy)
            .filter(|(hop, _)| *hop != links[0].from)
            .map(|(hop, _)| cx.program(hop))
            .collect();
        let runs = if beside.is_empty() {
            format!("{service} runs {from} alone")
        } else {
            let names: Vec<&str> = beside.iter().map(String::as_str).collect();
            format!("{service} runs {from}, {}", list(&names))
        };
        let help = help(cx, links[0], proxy, port);
        let message = format!(
            "{from} dials {} inside the container of {service}, where nothing listens on {port}",
            links[0].written
        );
        let finding = cx.report(links[0].span, message);
        finding
            .here("this container itself, not the machine it runs on")
            .repeats(&links)
            .label(place, runs)
            .help(help)
            .seen(seen)
            .because("port", port);
    }
}

fn own(_: &Ctx, link: &Link) -> Option<u16> {
    match (&link.target, &link.dialled) {
        (Target::Nowhere(DeadEnd::OwnLoopback), Dialled::Tcp { port, .. }) => Some(*port),
        _ => None,
    }
}

fn help(cx: &Ctx, link: &Link, proxy: ServiceRef, port: u16) -> String {
    if let Some((name, address)) = beside(cx, link, proxy) {
        return match address {
            Address::Tcp { port, .. } => format!("dial port {port}, where {name} listens"),
            Address::Unix(path) => format!("dial unix:{path}, where {name} listens"),
        };
    }
    match likely(cx, proxy, port) {
        Some(name) => format!("dial {name}:{port}: each container has a localhost of its own"),
        None => {
            "dial the service by its name: each container has a localhost of its own".to_owned()
        }
    }
}

/// The only other listener in the proxy's container that speaks what the proxy speaks.
fn beside<'a>(cx: &'a Ctx, link: &Link, proxy: ServiceRef) -> Option<(String, &'a Address)> {
    let hops = cx.model.hops_of(proxy).filter(|(hop, _)| *hop != link.from);
    let mut found = hops.flat_map(|(hop, at)| {
        let fitting = at
            .listeners
            .iter()
            .filter(|listener| listener.protocol.value() == Some(&link.protocol));
        fitting.filter_map(move |listener| Some((hop, listener.address.value()?)))
    });
    let (hop, address) = found.next()?;
    found.next().is_none().then(|| (cx.program(hop), address))
}

/// The only other service that listens on the port.
fn likely(cx: &Ctx, proxy: ServiceRef, port: u16) -> Option<String> {
    let mut found = cx.model.hops.iter().filter_map(|hop| {
        let service = hop
            .service
            .filter(|service| service.stack == proxy.stack && *service != proxy)?;
        let mut ports = hop
            .listeners
            .iter()
            .filter_map(|listener| listener.address.value()?.port());
        ports
            .any(|open| open == port)
            .then(|| cx.service_name(service).to_owned())
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}
