//! rules/health-check-wrong.md

use std::collections::BTreeMap;

use crate::finding::{Confidence, Severity};
use crate::model::haproxy::{ProbeHead, Section, Server};
use crate::model::{Dialled, Link, Target};
use crate::rules::listening::{addresses, certain};
use crate::rules::{Ctx, compose_healthcheck};
use crate::source::{Span, Spanned};

pub(super) fn check(cx: &mut Ctx) {
    heads(cx);
    ports(cx);
    compose_healthcheck::check(cx);
}

/// `option httpchk` with a request that many apps refuse. What probes another port asks another program, which is
/// usually made for it.
fn heads(cx: &mut Ctx) {
    let model = cx.model;
    let mut asked: BTreeMap<Span, (&Spanned<String>, &'static str, Vec<&Section>)> =
        BTreeMap::new();
    for section in model
        .sections
        .iter()
        .filter(|section| section.reached && !section.tcp)
    {
        let probe = &section.probe;
        let (Some(option), Some(head)) = (&probe.option, &probe.head) else {
            continue;
        };
        let connects = probe.rules.iter().any(|rule| rule.value == "connect");
        let asks = section.server_lines.iter().any(asks_the_app);
        if let Some(flaw) = flaw(head).filter(|_| asks && !connects) {
            let known = asked
                .entry(option.span)
                .or_insert((option, flaw, Vec::new()));
            known.2.push(section);
        }
    }
    for (option, flaw, sections) in asked.into_values() {
        report_head(cx, option, flaw, &sections);
    }
}

fn asks_the_app(server: &Server) -> bool {
    server.check.is_some() && server.check_port.is_none() && !server.probed_elsewhere
}

const BARE: &str = "OPTIONS / in HTTP/1.0 without a Host header";
const HOSTLESS: &str = "HTTP/1.1 without a Host header";

fn flaw(head: &ProbeHead) -> Option<&'static str> {
    let version = head.version.as_deref().unwrap_or("");
    if head.method.is_none() && head.uri.is_none() && !head.host {
        Some(BARE)
    } else if version.starts_with("HTTP/1.1") && !head.host {
        Some(HOSTLESS)
    } else {
        None
    }
}

fn report_head(cx: &mut Ctx, option: &Spanned<String>, flaw: &'static str, sections: &[&Section]) {
    let model = cx.model;
    let refused = if flaw == BARE {
        "an app that answers it with 404 or 405 is down for HAProxy"
    } else {
        "an app that answers it with 400 is down for HAProxy"
    };
    let finding = cx.report(
        option.span,
        format!("the health check asks {flaw}: {refused}"),
    );
    finding.here(format!("asks {flaw}"));
    for section in sections {
        let checked = section
            .server_lines
            .iter()
            .filter(|server| asks_the_app(server));
        for server in checked.take(3) {
            finding.label(model.link(server.link).span, "is probed with it");
        }
    }
    finding
        .help(if flaw == BARE {
            "say what to ask: `http-check send meth GET uri /health ver HTTP/1.1 hdr Host www.example.com`"
        } else {
            "add the header: `http-check send meth GET uri /health ver HTTP/1.1 hdr Host www.example.com`"
        })
        .because("asks", flaw)
        .because("for", &sections[0].name);
}

/// A check on a port that nobody listens on: the server is down from the first probe on.
fn ports(cx: &mut Ctx) {
    let model = cx.model;
    for section in model.sections.iter().filter(|section| section.reached) {
        for server in &section.server_lines {
            let link = model.link(server.link);
            if server.check.is_some()
                && !server.probed_elsewhere
                && let Some(port) = &server.check_port
            {
                report_port(cx, link, port);
            }
        }
    }
}

fn report_port(cx: &mut Ctx, link: &Link, port: &Spanned<u16>) -> Option<()> {
    let Dialled::Tcp { host, .. } = &link.dialled else {
        return None;
    };
    let probed = Dialled::Tcp {
        host: host.clone(),
        port: port.value,
        port_written: true,
    };
    let Target::Service {
        service, hop: None, ..
    } = cx.model.lead(cx.project, link.from, &probed)
    else {
        return None;
    };
    let listeners = cx.listening(service)?;
    let (name, open) = (cx.service_name(service).to_owned(), addresses(&listeners));
    let (hop, listener) = listeners[0];
    let place = listener.address.span().unwrap_or(cx.service_span(service));
    let runs = cx.hop_name(hop);
    let message = format!(
        "the check of {name} dials port {}, {} listens on {open}: HAProxy takes it for down",
        port.value,
        cx.program(hop)
    );
    let seen = cx.serverless(link);
    let finding = cx.report(port.span, message);
    finding
        .here(format!("probes port {}", port.value))
        .label(link.span, "while requests go here")
        .label(place, format!("{runs} listens on {open}"))
        .help("probe a port that is open, or leave `port` out to probe the one that is dialled")
        .seen(seen)
        .severity(Severity::Error)
        .because("service", &name)
        .because("port", port.value);
    if !certain(&listeners) {
        finding
            .severity(Severity::Warning)
            .at_most(Confidence::Medium);
    }
    Some(())
}
