//! rules/protocol-mismatch.md

use crate::finding::{Confidence, Severity};
use crate::model::chain::{is_proxy, reached};
use crate::model::{HopId, HopKind, Link, Protocol};
use crate::rules::words::soften;
use crate::rules::{Ctx, grouped};

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, |cx, link| Some((apart(cx, link)?, link.protocol))) {
        if let Some((hop, at)) = apart(cx, links[0]) {
            report(cx, &links, hop, at);
        }
    }
}

fn apart(cx: &Ctx, link: &Link) -> Option<(HopId, usize)> {
    let (hop, at) = reached(&link.target)?;
    let target = cx.model.hop(hop);
    let heard = *target.listeners[at].protocol.value()?;
    // What a proxy passes on unread is for someone behind it to judge.
    let passed_on = heard == Protocol::Tcp && is_proxy(&target.kind);
    // Many servers take both versions of HTTP on one port.
    let may_agree = link.protocol == Protocol::H2c && heard == Protocol::Http && !target.http1_only;
    statuses(&cx.model.hop(link.from).kind, link.protocol, heard)
        .filter(|_| !passed_on && !may_agree)
        .map(|_| (hop, at))
}

/// What a client gets where a proxy speaks one protocol to a process that speaks another; `None` where they agree or
/// where it is not known. Measured: HTTP to a TLS listener of nginx is answered 400, of others 502.
fn statuses(from: &HopKind, spoken: Protocol, heard: Protocol) -> Option<&'static [u16]> {
    use Protocol::{Fastcgi, H2c, Http, Https, Scgi, Tcp, Uwsgi};
    let haproxy = *from == HopKind::HaProxy;
    match (spoken, heard) {
        _ if spoken == heard => None,
        (Http, Https) => Some(&[400, 502]),
        (Https, Http | Fastcgi | Uwsgi | Scgi) if haproxy => Some(&[503]),
        (Fastcgi, Http) if haproxy => Some(&[504]),
        (Https, Http) => Some(&[502, 504]),
        (Uwsgi | Scgi, Http) => Some(&[400, 502, 504]),
        // The answer to HTTP/2's preface is no frame of HTTP/2; HAProxy 2.6 and 3.2 see the connection closed.
        (H2c, Http) if haproxy => Some(&[502, 503]),
        (H2c, Http) => Some(&[502]),
        (Http | Https | H2c, Fastcgi | Uwsgi | Scgi) => Some(&[502]),
        (Fastcgi, Http | Https | Uwsgi | Scgi) => Some(&[502]),
        (Uwsgi, Fastcgi | Scgi | Https) | (Scgi, Fastcgi | Uwsgi | Https) => Some(&[502]),
        // A database behind http://: nginx passes its greeting on as HTTP/0.9, HAProxy answers 502.
        (Http, Tcp) => Some(&[502]),
        _ => None,
    }
}

fn report(cx: &mut Ctx, links: &[&Link], hop: HopId, at: usize) {
    let target = cx.model.hop(hop);
    let listener = &target.listeners[at];
    let (spoken, Some(heard)) = (links[0].protocol, listener.protocol.value().copied()) else {
        return;
    };
    let from_kind = &cx.model.hop(links[0].from).kind;
    let Some(status) = statuses(from_kind, spoken, heard) else {
        return;
    };
    let place = listener
        .protocol
        .span()
        .or(listener.address.span())
        .unwrap_or(target.span);
    let (from, to) = (cx.program(links[0].from), cx.hop_name(hop));
    let (says, speaks) = match (spoken, heard) {
        (Protocol::H2c, Protocol::Http) => ("HTTP/2", "HTTP/1 only"),
        (_, Protocol::Tcp) => (spoken.as_str(), "no HTTP"),
        _ => (spoken.as_str(), heard.as_str()),
    };
    let message = format!("{from} speaks {says} to {to}, which speaks {speaks}");
    let finding = cx.report(links[0].span, message);
    finding
        .here(format!("speaks {says} to {}", links[0].written))
        .repeats(links)
        .label(place, format!("{to} speaks {speaks} here"))
        .help(help(from_kind, spoken, heard))
        .because("spoken", spoken.as_str())
        .because("heard", heard.as_str());
    finding.status = status.to_vec();
    if heard == Protocol::Tcp {
        finding
            .severity(Severity::Warning)
            .at_most(Confidence::Medium);
    }
    soften(finding, &[&listener.protocol]);
}

fn help(from: &HopKind, spoken: Protocol, heard: Protocol) -> &'static str {
    match (from, heard) {
        (HopKind::Nginx, Protocol::Http) if spoken == Protocol::H2c => {
            "dial the port of the gRPC server, or use `proxy_pass http://…`"
        }
        (HopKind::HaProxy, Protocol::Https) => {
            "add `ssl` with a `ca-file` (or `verify none`) to the server line"
        }
        (HopKind::HaProxy, Protocol::Http) => "remove `ssl` and `proto` from the server line",
        (HopKind::HaProxy, Protocol::Fastcgi) => "use `proto fcgi` with a `fcgi-app`",
        (HopKind::HaProxy, _) => "use `mode tcp`, or dial another port",
        (_, Protocol::Http) => "use `proxy_pass http://…`",
        (_, Protocol::Https) => "use `proxy_pass https://…`, or let the target listen in clear",
        (_, Protocol::Fastcgi) => "use `fastcgi_pass`",
        (_, Protocol::Uwsgi) => "use `uwsgi_pass`, or let uWSGI open an `http-socket`",
        (_, Protocol::Scgi) => "use `scgi_pass`",
        (_, Protocol::H2c) => "use `grpc_pass`",
        _ => "pass it on in a `stream` block, or dial another port",
    }
}
