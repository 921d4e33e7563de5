//! rules/proxy-protocol-mismatch.md

use crate::finding::Effect;
use crate::model::chain::reached;
use crate::model::{Address, HopId, HopKind, Link, Protocol, ProxyHeader};
use crate::rules::{Ctx, grouped};

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, apart) {
        if let Some((hop, at, mismatch)) = apart(cx, links[0]) {
            report(cx, &links, hop, at, mismatch);
        }
    }
}

/// What is wrong between two hops.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Mismatch {
    /// A header that is taken for a request.
    Sent,
    /// A header that is taken from others only.
    SentFromAfar,
    /// No header where one is expected.
    Missing,
}

/// The hop and the listener that a link leads to, and what is wrong between the two.
fn apart(cx: &Ctx, link: &Link) -> Option<(HopId, usize, Mismatch)> {
    let (hop, at) = reached(&link.target)?;
    let target = cx.model.hop(hop);
    let address = target.listeners[at].address.value()?;
    // Of several servers on one socket, one that expects the header makes all of them expect it.
    let expects = target.listeners.iter().any(|listener| {
        listener.address.value() == Some(address) && listener.proxy_header == ProxyHeader::Expected
    });
    let header = match (&target.kind, target.listeners[at].proxy_header) {
        _ if expects => ProxyHeader::Expected,
        // These have no such option; others may have one that is not looked for.
        (HopKind::App(name), ProxyHeader::Unknown)
            if matches!(name.as_str(), "uvicorn" | "php-fpm") =>
        {
            ProxyHeader::Refused
        }
        (_, header) => header,
    };
    let afar =
        || cx.machine(link.from) != cx.machine(hop) && matches!(address, Address::Tcp { .. });
    let mismatch = match (header, link.sends_proxy_protocol) {
        (ProxyHeader::Expected, false) => Mismatch::Missing,
        (ProxyHeader::Refused, true) => Mismatch::Sent,
        (ProxyHeader::TakenFromLoopback, true) if afar() => Mismatch::SentFromAfar,
        _ => return None,
    };
    Some((hop, at, mismatch))
}

fn report(cx: &mut Ctx, links: &[&Link], hop: HopId, at: usize, mismatch: Mismatch) {
    let target = cx.model.hop(hop);
    let listener = &target.listeners[at];
    let place = listener.address.span().unwrap_or(target.span);
    let (from, runs) = (cx.program(links[0].from), cx.hop_name(hop));
    let http = links[0].protocol != Protocol::Tcp;
    let message = match mismatch {
        Mismatch::Sent => {
            format!("{from} sends the PROXY header to {runs}, which takes it for a bad request")
        }
        Mismatch::SentFromAfar => format!(
            "{from} sends the PROXY header to {runs}, which takes it from its own machine alone"
        ),
        Mismatch::Missing => format!("{runs} expects the PROXY header, and {from} sends none"),
    };
    let help = help(cx, links[0], hop, mismatch);
    let (here, there) = match mismatch {
        Mismatch::Sent => ("sends the header", "expects none"),
        Mismatch::SentFromAfar => ("sends the header", "takes it from 127.0.0.1 and ::1"),
        Mismatch::Missing => ("sends no header", "expects the header"),
    };
    // A proxy in mode tcp hands the answer of an http listener on as it is.
    let answers = http || listener.protocol.value() == Some(&Protocol::Http);
    let finding = cx.report(links[0].span, message);
    finding
        .here(here)
        .repeats(links)
        .label(place, there)
        .help(help)
        .because("hop", runs);
    match mismatch {
        Mismatch::Sent if answers => finding.outcome(Effect::Response, &[400]),
        Mismatch::SentFromAfar if answers => finding.outcome(Effect::Response, &[403]),
        Mismatch::Missing if http => finding.outcome(Effect::Response, &[502]),
        _ => finding.outcome(Effect::Closed, &[]),
    };
}

fn help(cx: &Ctx, link: &Link, hop: HopId, mismatch: Mismatch) -> String {
    let target = cx.model.hop(hop);
    let (from, to) = (cx.program(link.from), cx.program(hop));
    let nginx = cx.model.hop(link.from).kind == HopKind::Nginx;
    let http = link.protocol != Protocol::Tcp;
    let word = match &target.kind {
        HopKind::HaProxy => "accept-proxy",
        HopKind::App(name) if name == "gunicorn" => "--proxy-protocol",
        _ => "proxy_protocol",
    };
    let lets = matches!(&target.kind, HopKind::App(name) if name != "gunicorn");
    match (mismatch, nginx && http) {
        (Mismatch::Sent, _) if lets => {
            format!("take the PROXY header out: {to} has no option for it")
        }
        (Mismatch::Sent, _) => {
            format!("take `send-proxy` out, or let {to} expect the header (`{word}`)")
        }
        (Mismatch::SentFromAfar, _) => {
            format!("name the addresses of {from} in `--proxy-allow-from`; `*` is any")
        }
        (Mismatch::Missing, true) => {
            format!(
                "take `{word}` out of {to}: `proxy_pass` of nginx cannot send the header in http"
            )
        }
        (Mismatch::Missing, false) if nginx => "add `proxy_protocol on`".to_owned(),
        (Mismatch::Missing, false) => {
            format!("add `send-proxy` to the server, or take `{word}` out of {to}")
        }
    }
}
