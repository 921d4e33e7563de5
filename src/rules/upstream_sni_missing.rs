//! rules/upstream-sni-missing.md

use crate::finding::{Confidence, Severity};
use crate::model::nginx::is_address;
use crate::model::tls::Client;
use crate::model::{Dialled, HopId, Link, LinkId, Origin, Target};
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::rules::words::{list, soften};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let mut alike = Alike::new();
    for client in &cx.model.tls {
        if let Some(lack) = lack(cx, client) {
            alike.add((client.hop, lack), client.span, client);
        }
    }
    for ((hop, lack), clients) in alike.groups() {
        report(cx, hop, &lack, &clients);
    }
}

/// What a handshake lacks.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Lack {
    /// A name; a listener of the project refuses whoever sends none, and says so there.
    Demanded(HopId, Span),
    /// A name; these hosts outside may need one.
    Unsent(Vec<String>),
    /// The right name: that of an upstream is sent to these hosts outside.
    Group(String, Vec<String>),
}

fn lack(cx: &Ctx, client: &Client) -> Option<Lack> {
    let sent = client.sni.value()?;
    let mut links = client.links.iter();
    if sent.is_none()
        && let Some((hop, place)) = links.find_map(|id| demanded(cx, *id))
    {
        return Some(Lack::Demanded(hop, place));
    }
    let links = client.links.iter().map(|id| cx.model.link(*id));
    let mut hosts: Vec<String> = links.filter_map(outside).collect();
    hosts.dedup();
    let chosen = client.name.origin().is_some_and(Origin::is_written);
    match sent {
        _ if hosts.is_empty() => None,
        None => Some(Lack::Unsent(hosts)),
        Some(name) if chosen || name.contains('.') => None,
        Some(name) => Some(Lack::Group(name.clone(), hosts)),
    }
}

/// The listener of the project that a link reaches, if it refuses whoever names no server.
fn demanded(cx: &Ctx, link: LinkId) -> Option<(HopId, Span)> {
    let (hop, terms) = cx.model.terms(link)?;
    Some((hop, terms.wants_name.span()?)).filter(|_| terms.wants_name.value() == Some(&true))
}

/// The host of a link that leads out of the project, which may have any number of certificates.
fn outside(link: &Link) -> Option<String> {
    match (&link.target, &link.dialled) {
        (Target::External, Dialled::Tcp { host, .. }) => {
            Some(host.value.clone()).filter(|host| is_full_name(host))
        }
        _ => None,
    }
}

fn is_full_name(host: &str) -> bool {
    host.contains('.') && !is_address(host)
}

fn report(cx: &mut Ctx, hop: HopId, lack: &Lack, clients: &[&Client]) {
    let first = clients[0];
    let program = cx.program(hop);
    let message = match lack {
        Lack::Demanded(behind, _) => format!(
            "{program} opens TLS without a name, and {} takes nobody without one",
            cx.hop_name(*behind)
        ),
        Lack::Unsent(hosts) => format!(
            "{program} opens TLS to {} without a name (SNI), which a host with several certificates refuses",
            named(hosts)
        ),
        Lack::Group(name, hosts) => format!(
            "{program} opens TLS to {} under the name {name}, which is that of the upstream",
            named(hosts)
        ),
    };
    let here = match lack {
        Lack::Group(name, _) => format!("{name} is sent"),
        _ => "no name is sent".to_owned(),
    };
    let help = help(cx, lack, first);
    let seen = cx.refused(cx.model.link(first.links[0]));
    let finding = cx.report(first.span, message);
    finding
        .here(here)
        .again(clients[1..].iter().map(|client| client.span))
        .help(help)
        .seen(seen);
    match lack {
        Lack::Demanded(_, place) => {
            finding.label(*place, "refuses a handshake that names no server");
        }
        Lack::Unsent(_) => {
            finding.severity(Severity::Info).at_most(Confidence::Medium);
        }
        Lack::Group(..) => {
            finding
                .severity(Severity::Warning)
                .at_most(Confidence::Medium);
        }
    }
    soften(finding, &[&first.sni]);
}

fn help(cx: &Ctx, lack: &Lack, client: &Client) -> String {
    match (lack, client.module) {
        (Lack::Demanded(behind, _), Some(module)) => format!(
            "set `{module}_server_name on;`, and `{module}_name` to a name that {} has a certificate for",
            cx.hop_name(*behind)
        ),
        (Lack::Demanded(behind, _), None) => format!(
            "add `sni str(…)` with a name that {} has a certificate for",
            cx.hop_name(*behind)
        ),
        (Lack::Unsent(hosts) | Lack::Group(_, hosts), None) => format!(
            "add `sni str({0})` to the server line, and `check-sni {0}` if it is checked",
            hosts[0]
        ),
        (Lack::Group(_, hosts), Some(module)) => format!("set `{module}_name {};`", hosts[0]),
        (Lack::Unsent(hosts), Some(module)) => {
            let name = client.name.value().and_then(Option::as_deref);
            if name.is_some_and(is_full_name) {
                format!("set `{module}_server_name on;`")
            } else {
                format!(
                    "set `{module}_server_name on;` and `{module}_name {};`",
                    hosts[0]
                )
            }
        }
    }
}

fn named(hosts: &[String]) -> String {
    list(&hosts.iter().map(String::as_str).collect::<Vec<_>>())
}
