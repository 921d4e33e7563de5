//! rules/published-port-unserved.md

use std::collections::HashSet;

use crate::model::{Address, HopKind, ServiceRef};
use crate::project::compose::{NetworkMode, Port};
use crate::rules::listening::{addresses, certain};
use crate::rules::{Ctx, words};

pub(super) fn check(cx: &mut Ctx) {
    let beside: HashSet<ServiceRef> = cx.project.beside().map(|(at, _)| at).collect();
    let services: Vec<ServiceRef> = cx.project.services().map(|(at, _)| at).collect();
    for at in services.into_iter().filter(|at| !beside.contains(at)) {
        let unserved = unserved(cx, at);
        if !unserved.is_empty() {
            report(cx, at, &unserved);
        }
    }
}

/// The published ports of a service behind which its proxies certainly do not listen.
fn unserved<'a>(cx: &Ctx<'a>, at: ServiceRef) -> Vec<&'a Port> {
    let project = cx.project;
    let service = project.service(at);
    let is_proxy = |kind: &HopKind| matches!(kind, HopKind::Nginx | HopKind::HaProxy);
    let mut hops = cx.model.hops_of(at);
    let alone = cx.model.alone.contains(&at) && hops.all(|(_, hop)| is_proxy(&hop.kind));
    if !alone || service.network_mode.value != NetworkMode::Networks {
        return Vec::new();
    }
    let Some(listeners) = cx.listening(at).filter(|all| certain(all)) else {
        return Vec::new();
    };
    // The official image has a server on 80 of its own until something takes the place of its default.conf.
    let shipped = project
        .container(at)
        .view
        .is_image("/etc/nginx/conf.d/default.conf");
    let served = |port: u16| {
        (port == 80 && shipped)
            || listeners
                .iter()
                .any(|(_, one)| one.address.value().and_then(Address::port) == Some(port))
    };
    let lonely = |port: &&Port| {
        port.target
            .is_some_and(|(first, last)| !(first..=last).any(served))
    };
    let tcp = service.ports.iter().filter(|port| port.protocol == "tcp");
    tcp.filter(lonely).collect()
}

fn report(cx: &mut Ctx, at: ServiceRef, ports: &[&Port]) {
    let Some(listeners) = cx.listening(at) else {
        return;
    };
    let (name, program) = (cx.service_name(at).to_owned(), cx.program(listeners[0].0));
    let shown: Vec<String> = ports.iter().filter_map(|port| range(port)).collect();
    let shown = words::list(&shown.iter().map(String::as_str).collect::<Vec<_>>());
    let listens = addresses(&listeners);
    let places: Vec<_> = listeners
        .iter()
        .filter_map(|(_, one)| one.address.span())
        .collect();
    let message =
        format!("{name} publishes its port {shown}, and {program} listens on {listens} only");
    let finding = cx.report(ports[0].span, message);
    finding.here(format!("leads to a port that {program} does not bind"));
    finding.again(ports[1..].iter().map(|port| port.span));
    for (nth, span) in places.iter().enumerate() {
        if !places[..nth].contains(span) {
            finding.label(*span, "listens here");
        }
    }
    finding
        .help(format!(
            "let {program} listen on {shown}, or take it out of `ports`"
        ))
        .because("service", &name)
        .because("port", &shown);
}

fn range(port: &Port) -> Option<String> {
    let (first, last) = port.target?;
    Some(if first == last {
        first.to_string()
    } else {
        format!("{first}-{last}")
    })
}
