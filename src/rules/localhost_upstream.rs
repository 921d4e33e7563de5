//! rules/localhost-upstream.md

use crate::model::{DeadEnd, Dialled, Link, ServiceRef, Target};
use crate::rules::{Ctx, grouped};

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, own) {
        let (Some(port), Some(proxy)) = (own(cx, links[0]), cx.model.hop(links[0].from).service)
        else {
            continue;
        };
        let (service, place) = (cx.service_name(proxy).to_owned(), cx.service_span(proxy));
        let (from, (effect, status)) = (cx.program(links[0].from), cx.refused(links[0]));
        let help = match likely(cx, proxy, port) {
            Some(name) => format!("dial {name}:{port}: each container has a localhost of its own"),
            None => {
                "dial the service by its name: each container has a localhost of its own".to_owned()
            }
        };
        let message = format!(
            "{from} dials {} inside the container of {service}, where nothing listens on {port}",
            links[0].written
        );
        let finding = cx.report(links[0].span, message);
        finding
            .here("this container itself, not the machine it runs on")
            .repeats(&links)
            .label(place, format!("{service} runs {from} alone"))
            .help(help)
            .outcome(effect, status)
            .because("port", port);
    }
}

fn own(_: &Ctx, link: &Link) -> Option<u16> {
    match (&link.target, &link.dialled) {
        (Target::Nowhere(DeadEnd::OwnLoopback), Dialled::Tcp { port, .. }) => Some(*port),
        _ => None,
    }
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
