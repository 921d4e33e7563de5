//! rules/health-check-wrong.md

use std::collections::{BTreeMap, HashMap};

use crate::finding::{Confidence, Severity};
use crate::model::chain::reached;
use crate::model::haproxy::{ProbeHead, Section, Server};
use crate::model::nginx::Place;
use crate::model::{Dialled, HopId, Link, Target};
use crate::rules::listening::{addresses, certain};
use crate::rules::{Ctx, compose_healthcheck};
use crate::source::{Span, Spanned};

pub(super) fn check(cx: &mut Ctx) {
    heads(cx);
    redirects(cx);
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

/// A check that wants a status other than the redirect which the nginx behind is told to answer with.
fn redirects(cx: &mut Ctx) {
    let model = cx.model;
    let mut places: HashMap<HopId, Vec<&Place>> = HashMap::new();
    for place in cx.places.iter().filter(|place| !place.stream) {
        places.entry(place.hop).or_default().push(place);
    }
    let probed = |section: &&Section| section.reached && !section.tcp;
    for section in model.sections.iter().filter(probed) {
        let probe = &section.probe;
        let (Some(head), Some(expects)) = (&probe.head, &probe.expects) else {
            continue;
        };
        let uri = head.uri.as_deref().unwrap_or("/");
        let servers = section
            .server_lines
            .iter()
            .filter(|server| asks_the_app(server));
        let links: Vec<&Link> = servers.map(|server| model.link(server.link)).collect();
        let found = links.iter().find_map(|link| {
            let (hop, _) = reached(&link.target)?;
            let (span, status) = redirect(places.get(&hop)?, uri)?;
            (!wants(&expects.value, status)?).then_some((hop, span, status))
        });
        if let Some((hop, span, status)) = found {
            report_redirect(cx, expects, uri, &links, (hop, span, status));
        }
    }
}

/// Whether `status 200` or `status 200-399` has a status; `None` for anything else that a check may want.
fn wants(expects: &str, status: u16) -> Option<bool> {
    let codes = expects.strip_prefix("status ")?;
    // plain: numbers and ranges with commas between
    let ranges = codes.split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some((first.trim().parse::<u16>().ok()?)..=(last.trim().parse().ok()?))
    });
    let ranges: Vec<_> = ranges.collect::<Option<_>>()?;
    Some(ranges.iter().any(|range| range.contains(&status)))
}

/// Where an nginx of one server says that it answers a path with a redirect, whatever the host.
fn redirect(places: &[&Place], uri: &str) -> Option<(Span, u16)> {
    let mut servers = places.iter().filter(|place| place.context() == "server");
    let (server, other) = (servers.next()?, servers.next());
    if other.is_some() || !server.is_whole() {
        return None;
    }
    let is_exact = |place: &&&Place| {
        let args = place.opener.map_or(&[][..], |opener| &opener.args);
        let words: Vec<&str> = args.iter().map(|word| word.value.as_str()).collect();
        place.context() == "location" && words == ["=", uri]
    };
    let back = server.scope.own("return").next();
    let exact = || places.iter().find(is_exact)?.scope.own("return").next();
    let back = back.or_else(exact)?;
    let status: u16 = back.args.first()?.value.parse().ok()?;
    matches!(status, 301 | 302 | 303 | 307 | 308).then_some((back.span, status))
}

fn report_redirect(
    cx: &mut Ctx,
    expects: &Spanned<String>,
    uri: &str,
    links: &[&Link],
    (hop, span, status): (HopId, Span, u16),
) {
    let app = cx.hop_name(hop);
    let seen = cx.serverless(links[0]);
    let wanted = &expects.value;
    let message = format!(
        "the health check wants {wanted} for {uri}, and {app} answers {status}: HAProxy takes it for down"
    );
    let finding = cx.report(expects.span, message);
    finding.here(format!("wants {wanted}"));
    for link in links {
        finding.label(link.span, "is probed with it");
    }
    finding
        .label(span, format!("answers {status}"))
        .help("ask for a path that is answered with 200, or leave `expect` out: 2xx and 3xx then count as alive")
        .seen(seen)
        .severity(Severity::Error)
        .because("wants", wanted)
        .because("answers", status);
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
