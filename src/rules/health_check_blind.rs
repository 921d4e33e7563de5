//! rules/health-check-blind.md

use std::collections::BTreeSet;

use crate::model::chain::{is_proxy, reached};
use crate::model::haproxy::Section;
use crate::model::{HopId, Link, Protocol};
use crate::rules::Ctx;

pub(super) fn check(cx: &mut Ctx) {
    let model = cx.model;
    for section in model.sections.iter().filter(|section| section.reached) {
        // With one server there is nowhere else to go, and the check decides nothing.
        let decides = section.servers.len() > 1 && section.probe.option.is_none();
        let blind: Vec<(&Link, HopId)> = section
            .server_lines
            .iter()
            .filter(|server| server.check.is_some() && !server.probed_elsewhere)
            .filter(|server| decides && server.check_port.is_none())
            .filter_map(|server| {
                let link = model.link(server.link);
                Some((link, proxy_behind(cx, link)?))
            })
            .collect();
        if let Some((_, hop)) = blind.first().copied() {
            report(cx, section, &blind, hop);
        }
    }
}

/// The http proxy that a link leads to, if it passes on what comes to that listener.
fn proxy_behind(cx: &Ctx, link: &Link) -> Option<HopId> {
    let model = cx.model;
    let (hop, at) = reached(&link.target)?;
    let passes = model.routes.iter().any(|route| {
        route.hop == hop && route.listeners.contains(&at) && route.protocol != Protocol::Tcp
    });
    (passes && is_proxy(&model.hop(hop).kind) && hop != link.from).then_some(hop)
}

fn report(cx: &mut Ctx, section: &Section, servers: &[(&Link, HopId)], hop: HopId) {
    let to = cx.program(hop);
    let hops: BTreeSet<HopId> = servers.iter().map(|(_, hop)| *hop).collect();
    let message = format!(
        "the check of {} {} only connects, and {} takes connections while the app behind it is dead",
        section.kind,
        section.name,
        if hops.len() == 1 {
            cx.hop_name(hop)
        } else {
            to.clone()
        }
    );
    let place = cx.model.hop(hop).span;
    let finding = cx.report(servers[0].0.span, message);
    finding.here(format!("{to} answers, whatever is behind it"));
    finding
        .again(servers[1..].iter().map(|(link, _)| link.span))
        .label(place, format!("{to} passes requests on"))
        .help("add `option httpchk` and `http-check send meth GET uri /health ver HTTP/1.1 hdr Host www.example.com`, with a path that goes all the way to the app")
        .because("section", &section.name);
}
