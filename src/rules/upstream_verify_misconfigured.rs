//! rules/upstream-verify-misconfigured.md

use crate::finding::{Confidence, Effect, Severity};
use crate::model::nginx::is_address;
use crate::model::tls::Client;
use crate::model::{Dialled, HopId, Origin};
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let mut alike = Alike::new();
    for client in cx.model.tls.iter().filter(|client| checks(client)) {
        if let Some(fault) = fault(cx, client) {
            let cause = client.verify.span();
            alike.add((client.hop, cause, fault), client.span, client);
        }
    }
    for ((hop, cause, fault), clients) in alike.groups() {
        report(cx, hop, cause, &fault, &clients);
    }
}

/// Why a certificate that is checked cannot be found right.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Fault {
    /// No file says whom to trust.
    NoAuthority,
    /// nginx holds the certificate against an address, and looks for names alone.
    Address(String),
    /// nginx holds the certificate against the name of an upstream that is no name of a host.
    Group(String),
}

fn checks(client: &Client) -> bool {
    client.verify.value() == Some(&true)
}

fn fault(cx: &Ctx, client: &Client) -> Option<Fault> {
    if client.trusted.value()?.is_none() {
        return Some(Fault::NoAuthority);
    }
    client.module?;
    let name = client.name.value()?.as_ref()?;
    let hosts = || client.links.iter().map(|id| &cx.model.link(*id).dialled);
    let is =
        |dialled: &Dialled| matches!(dialled, Dialled::Tcp { host, .. } if host.value == *name);
    if is_address(name) {
        return Some(Fault::Address(name.clone()));
    }
    let written = client.name.origin().is_some_and(Origin::is_written);
    let of_group = !written && !name.contains('.') && !hosts().any(is);
    of_group.then(|| Fault::Group(name.clone()))
}

fn report(cx: &mut Ctx, hop: HopId, cause: Option<Span>, fault: &Fault, clients: &[&Client]) {
    let program = cx.program(hop);
    let first = clients[0];
    let module = first.module.unwrap_or("ssl");
    let (message, here, help) = match (fault, first.module) {
        (Fault::NoAuthority, Some(_)) => (
            format!("{program} is to check the certificate of this upstream, and nothing says whom it trusts"),
            format!("no {module}_trusted_certificate holds here"),
            format!("set `{module}_trusted_certificate /etc/ssl/certs/ca-certificates.crt;`, or the file of your own authority"),
        ),
        (Fault::NoAuthority, None) => (
            format!("{program} checks the certificate of this server, and no ca-file says whom it trusts"),
            "`ssl` without `ca-file`".to_owned(),
            "add `ca-file` with the file of your authority (`@system-ca` for the public ones), or `verify none` if nobody can stand between the two".to_owned(),
        ),
        (Fault::Address(name), _) => (
            format!("{program} looks for {name} among the names of the certificate, which are names of hosts"),
            format!("the certificate is held against {name}"),
            format!("set `{module}_name` to a name that the certificate has"),
        ),
        (Fault::Group(name), _) => (
            format!("{program} looks for {name}, the name of the upstream, among the names of the certificate"),
            format!("the certificate is held against {name}"),
            format!("set `{module}_name` to a name that the certificate has"),
        ),
    };
    let finding = cx.report(first.span, message);
    finding
        .here(here)
        .again(clients[1..].iter().map(|client| client.span))
        .help(help)
        .because("places", clients.len());
    if let Some(cause) = cause {
        finding.label(cause, "the certificate is checked");
    }
    if *fault == Fault::NoAuthority {
        finding.outcome(Effect::NoStart, &[]);
    } else {
        finding
            .severity(Severity::Warning)
            .at_most(Confidence::Medium);
    }
}
