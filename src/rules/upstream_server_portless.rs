//! rules/upstream-server-portless.md

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Confidence, Severity};
use crate::model::haproxy::{Server, Way};
use crate::model::{Address, Dialled, HopKind, Link, Protocol, ServiceRef, Target};
use crate::rules::listening::{addresses, certain};
use crate::rules::{Ctx, grouped};
use crate::source::Spanned;

pub(super) fn check(cx: &mut Ctx) {
    haproxy(cx);
    nginx(cx);
}

/// HAProxy dials the port that the client came to, which is right only where both sides have the same one.
fn haproxy(cx: &mut Ctx) {
    let model = cx.model;
    for process in &model.processes {
        let mut ways: BTreeMap<usize, Vec<&Way>> = BTreeMap::new();
        for way in &process.ways {
            ways.entry(way.back).or_default().push(way);
        }
        for (back, ways) in ways {
            for server in &model.sections[back].server_lines {
                if let Some(host) = &server.portless {
                    judge(cx, server, host, &ways);
                }
            }
        }
    }
}

fn judge(cx: &mut Ctx, server: &Server, host: &str, ways: &[&Way]) -> Option<()> {
    let model = cx.model;
    let link = model.link(server.link);
    let hop = model.hop(link.from);
    let mut ports: BTreeSet<u16> = BTreeSet::new();
    for at in ways.iter().flat_map(|way| &way.listeners) {
        ports.insert(hop.listeners[*at].address.value().and_then(Address::port)?);
    }
    let mut reached: Vec<(u16, ServiceRef, bool)> = Vec::new();
    for port in &ports {
        let dialled = Dialled::Tcp {
            host: Spanned::new(host.to_ascii_lowercase(), link.span),
            port: *port,
            port_written: false,
        };
        let Target::Service { service, hop, .. } = cx.model.lead(cx.project, link.from, &dialled)
        else {
            return None;
        };
        reached.push((*port, service, hop.is_some()));
    }
    let missed: Vec<u16> = reached
        .iter()
        .filter(|(_, _, open)| !open)
        .map(|(port, ..)| *port)
        .collect();
    let (_, service, _) = reached.first().copied()?;
    if missed.is_empty() {
        return None;
    }
    let all = missed.len() == reached.len();
    report(cx, link, service, &missed, ways, all)
}

fn report(
    cx: &mut Ctx,
    link: &Link,
    service: ServiceRef,
    missed: &[u16],
    ways: &[&Way],
    all: bool,
) -> Option<()> {
    let model = cx.model;
    let listeners = cx.listening(service)?;
    let (name, open) = (cx.service_name(service).to_owned(), addresses(&listeners));
    let (hop, listener) = listeners[0];
    let place = listener.address.span().unwrap_or(cx.service_span(service));
    let (to, runs) = (cx.program(hop), cx.hop_name(hop));
    let shown: Vec<String> = missed.iter().map(|port| format!(":{port}")).collect();
    let shown = shown.join(" and ");
    let seen = cx.refused(link);
    let message = format!(
        "server {} has no port, so HAProxy dials the one that the client came to ({shown}); {to} listens on {open}",
        link.written
    );
    let listens = &model.hop(link.from).listeners;
    let places: BTreeSet<_> = ways
        .iter()
        .flat_map(|way| &way.listeners)
        .filter(|at| {
            let port = listens[**at].address.value().and_then(Address::port);
            port.is_some_and(|port| missed.contains(&port))
        })
        .filter_map(|at| listens[*at].address.span())
        .collect();
    let finding = cx.report(link.span, message);
    finding.here(format!("means {name}{shown}"));
    for place in places {
        finding.label(place, "clients come here");
    }
    finding
        .label(place, format!("{runs} listens on {open}"))
        .help(format!("write the port: `{}{open}`", link.written))
        .seen(seen)
        .because("server", &link.written)
        .because("ports", &shown);
    if !all || !certain(&listeners) {
        finding.severity(Severity::Warning);
    }
    if !certain(&listeners) {
        finding.at_most(Confidence::Medium);
    }
    Some(())
}

/// nginx takes port 80 for a `server` without one, and `fastcgi_pass` and its kin have no other idea.
fn nginx(cx: &mut Ctx) {
    for links in grouped(cx, |cx, link| {
        silently_80(cx, link).then(|| link.written.clone())
    }) {
        let link = links[0];
        let family = link.protocol.as_str();
        let usual = match link.protocol {
            Protocol::Fastcgi => "9000, php-fpm's own",
            Protocol::H2c => "50051, as gRPC servers mostly do",
            _ => "the one that the app binds",
        };
        let seen = cx.refused(link);
        let group = link.group.clone();
        let message = format!(
            "server {} has no port, so nginx dials 80, where {family} is hardly spoken",
            link.written
        );
        let finding = cx.report(link.span, message);
        finding
            .here(format!("means {}:80", link.written))
            .repeats(&links);
        if let Some(group) = group {
            finding.label(group.span, format!("{family} is spoken to this group"));
        }
        finding
            .help(format!("write the port: {usual}"))
            .seen(seen)
            .severity(Severity::Warning)
            .because("server", &link.written);
    }
}

/// Whether a link to an upstream of FastCGI, uwsgi, SCGI or gRPC has no port, and nothing is known to listen on 80.
pub(super) fn silently_80(cx: &Ctx, link: &Link) -> bool {
    let portless = matches!(
        link.dialled,
        Dialled::Tcp {
            port_written: false,
            ..
        }
    );
    let speaks = matches!(
        link.protocol,
        Protocol::Fastcgi | Protocol::Uwsgi | Protocol::Scgi | Protocol::H2c
    );
    let there = matches!(link.target, Target::Service { hop: Some(_), .. });
    let nginx = cx.model.hop(link.from).kind == HopKind::Nginx;
    nginx && portless && speaks && link.group.is_some() && !there
}
