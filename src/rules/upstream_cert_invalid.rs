//! rules/upstream-cert-invalid.md

use crate::finding::Severity;
use crate::model::tls::Client;
use crate::model::{Link, Model};
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::rules::words::{list, soften};
use crate::source::Span;
use crate::syntax::certificate::Certificate;

/// For how long before its end a certificate is told of (seconds): thirty days, which is how long before it ACME clients
/// renew one of ninety. One that is younger than that by nature is renewed by something.
const SOON: i64 = 30 * 24 * 3600;

pub(super) fn check(cx: &mut Ctx) {
    let model: &Model = cx.model;
    let mut alike = Alike::new();
    for (client, link, chain) in model.shown() {
        if client.verify.value() == Some(&true)
            && let Some(fault) = fault(model, client, chain)
        {
            let key = (client.hop, chain[0].span, fault);
            alike.add(key, client.span, (client, model.link(link), &chain[0]));
        }
    }
    for ((.., fault), ways) in alike.groups() {
        report(cx, &fault, &ways);
    }
}

/// Why a certificate is not taken.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Fault {
    /// It is no longer good.
    Expired,
    /// It is not good yet.
    Early,
    /// It is for other names than this one.
    Name(String),
    /// Nobody that is trusted has signed it; the last signer that was found, and what was searched.
    Unsigned(String, Span),
    /// It is good, for a short time.
    Ending,
}

fn fault(model: &Model, client: &Client, chain: &[Certificate]) -> Option<Fault> {
    let (own, now) = (chain.first()?, model.now);
    if own.until < now {
        return Some(Fault::Expired);
    }
    if own.from > now {
        return Some(Fault::Early);
    }
    if let Some(Some(name)) = client.name.value()
        && !own.is_for(name)
    {
        return Some(Fault::Name(name.clone()));
    }
    let authorities = client.authorities.map(|id| model.certificates(id));
    if let Some(authorities) = authorities
        && let Some(signer) = unsigned(chain, authorities)
    {
        return Some(Fault::Unsigned(signer, authorities[0].span));
    }
    let short = own.until - own.from <= 2 * SOON;
    (own.until - now < SOON && !short).then_some(Fault::Ending)
}

/// The signer at which the search from a certificate to an authority ends, if it finds none.
fn unsigned(chain: &[Certificate], authorities: &[Certificate]) -> Option<String> {
    let mut signer = &chain[0].issuer;
    for _ in 0..=chain.len() {
        if authorities
            .iter()
            .any(|authority| authority.subject == *signer)
        {
            return None;
        }
        let next = chain
            .iter()
            .find(|other| other.subject == *signer && other.issuer != *signer);
        match next {
            Some(next) => signer = &next.issuer,
            None => return Some(signer.clone()),
        }
    }
    None
}

fn report(cx: &mut Ctx, fault: &Fault, ways: &[(&Client, &Link, &Certificate)]) {
    let (client, link, own) = ways[0];
    let program = cx.program(client.hop);
    let (from, until) = &own.days;
    let hosts = list(&own.hosts.iter().map(String::as_str).collect::<Vec<_>>());
    let to = &link.written;
    let (message, shows) = match fault {
        Fault::Expired => (
            format!("{program} checks the certificate of {to}, which expired on {until}"),
            format!("good until {until}"),
        ),
        Fault::Early => (
            format!("{program} checks the certificate of {to}, which is not good before {from}"),
            format!("good from {from} on"),
        ),
        Fault::Name(name) => (
            format!("{program} checks the certificate of {to} for {name}, and it is for {hosts}"),
            format!("for {hosts}"),
        ),
        Fault::Unsigned(signer, _) => (
            format!("{program} checks the certificate of {to}, and trusts nobody who signed it"),
            format!("signed by {signer}, as far as the file goes"),
        ),
        Fault::Ending => (
            format!("{program} checks the certificate of {to}, which expires on {until}"),
            format!("good until {until}"),
        ),
    };
    let seen = cx.refused(link);
    let finding = cx.report(client.span, message);
    finding
        .here("the certificate is checked")
        .again(ways[1..].iter().map(|(client, ..)| client.span))
        .label(own.span, shows)
        .help(help(fault, client, own))
        .seen(seen);
    if let Some(place) = client.verify.span() {
        finding.label(place, "asks for the check");
    }
    if let Fault::Unsigned(_, place) = fault {
        finding.label(*place, "whom it trusts");
    }
    if *fault == Fault::Ending {
        finding.severity(Severity::Warning);
    }
    soften(finding, &[&client.verify]);
}

fn help(fault: &Fault, client: &Client, own: &Certificate) -> String {
    match fault {
        Fault::Expired | Fault::Early | Fault::Ending => {
            "renew it; if something outside the tree does, take the file out of the tree".to_owned()
        }
        Fault::Name(_) => {
            let name = own.hosts.first().map_or("…", String::as_str);
            match client.module {
                Some(module) => format!(
                    "set `{module}_name {name};`, or have the certificate made for the name that is dialled"
                ),
                None => format!(
                    "add `sni str({name})`, or have the certificate made for the name that is dialled"
                ),
            }
        }
        Fault::Unsigned(signer, _) => {
            format!(
                "add the certificate of {signer} to the file of authorities, and those between the two to that of the server"
            )
        }
    }
}
