//! rules/proxy-protocol-mismatch.md

use crate::finding::Effect;
use crate::model::chain::reached;
use crate::model::{HopId, HopKind, Link, Protocol};
use crate::rules::{Ctx, grouped};

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, apart) {
        if let Some((hop, at, sends)) = apart(cx, links[0]) {
            report(cx, &links, hop, at, sends);
        }
    }
}

/// The hop and the listener that a link leads to, and whether it sends a header there, if that is not what is expected.
fn apart(cx: &Ctx, link: &Link) -> Option<(HopId, usize, bool)> {
    let (hop, at) = reached(&link.target)?;
    let target = cx.model.hop(hop);
    let address = target.listeners[at].address.value()?;
    // Of several servers on one socket, one that expects the header makes all of them expect it.
    let expects = target
        .listeners
        .iter()
        .any(|listener| listener.address.value() == Some(address) && listener.proxy_protocol);
    let knows = match &target.kind {
        HopKind::Nginx | HopKind::HaProxy => true,
        // These have no such option; others may have one that is not looked for.
        HopKind::App(name) => expects || matches!(name.as_str(), "uvicorn" | "php-fpm"),
        HopKind::Edge(_) => false,
    };
    (knows && link.sends_proxy_protocol != expects).then_some((hop, at, link.sends_proxy_protocol))
}

fn report(cx: &mut Ctx, links: &[&Link], hop: HopId, at: usize, sends: bool) {
    let target = cx.model.hop(hop);
    let listener = &target.listeners[at];
    let place = listener.address.span().unwrap_or(target.span);
    let (from, to, runs) = (cx.program(links[0].from), cx.program(hop), cx.hop_name(hop));
    let nginx = cx.model.hop(links[0].from).kind == HopKind::Nginx;
    let http = links[0].protocol != Protocol::Tcp;
    let message = if sends {
        format!("{from} sends the PROXY header to {runs}, which takes it for a bad request")
    } else {
        format!("{runs} expects the PROXY header, and {from} sends none")
    };
    let word = match target.kind {
        HopKind::HaProxy => "accept-proxy",
        _ => "proxy_protocol",
    };
    let help = match (sends, nginx && http) {
        (true, _) => format!("take `send-proxy` out, or let {to} expect the header (`{word}`)"),
        (false, true) => format!(
            "take `{word}` out of {to}: `proxy_pass` of nginx cannot send the header in http"
        ),
        (false, false) if nginx => "add `proxy_protocol on`".to_owned(),
        (false, false) => format!("add `send-proxy` to the server, or take `{word}` out of {to}"),
    };
    let finding = cx.report(links[0].span, message);
    finding
        .here(if sends {
            "sends the header"
        } else {
            "sends no header"
        })
        .repeats(links)
        .label(
            place,
            if sends {
                "expects none"
            } else {
                "expects the header"
            },
        )
        .help(help)
        .because("hop", runs);
    match (http, sends) {
        (false, _) => finding.outcome(Effect::Closed, &[]),
        (true, true) => finding.outcome(Effect::Response, &[400]),
        (true, false) => finding.outcome(Effect::Response, &[502]),
    };
}
