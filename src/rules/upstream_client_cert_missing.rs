//! rules/upstream-client-cert-missing.md

use crate::finding::Effect;
use crate::model::tls::Client;
use crate::model::{HopId, HopKind, Link, LinkId};
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::rules::words::Seen;
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let mut alike = Alike::new();
    let bare = cx
        .model
        .tls
        .iter()
        .filter(|client| client.certificate.value() == Some(&false));
    for client in bare {
        for id in &client.links {
            if let Some((behind, place)) = demanded(cx, *id) {
                let key = (client.hop, behind, place);
                alike.add(key, client.span, (client, cx.model.link(*id)));
            }
        }
    }
    for ((hop, behind, place), ways) in alike.groups() {
        report(cx, hop, behind, place, &ways);
    }
}

/// The listener that a link reaches, if it takes nobody without a certificate.
fn demanded(cx: &Ctx, link: LinkId) -> Option<(HopId, Span)> {
    let (hop, terms) = cx.model.terms(link)?;
    Some((hop, terms.demands.span()?)).filter(|_| terms.demands.value() == Some(&true))
}

fn report(cx: &mut Ctx, hop: HopId, behind: HopId, place: Span, ways: &[(&Client, &Link)]) {
    let (client, link) = ways[0];
    let (from, to) = (cx.hop_name(hop), cx.hop_name(behind));
    // nginx finishes the handshake and answers; HAProxy breaks it off.
    let seen = match cx.model.hop(behind).kind {
        HopKind::Nginx => Seen::of(Effect::Response, &[400]),
        _ => cx.refused(link),
    };
    let message = format!("{to} asks for a certificate, and {from} has none to show");
    let help = match client.module {
        Some(module) => format!(
            "set `{module}_certificate` and `{module}_certificate_key`, signed by the authority that {to} trusts"
        ),
        None => format!(
            "add `crt` with a certificate and its key, signed by the authority that {to} trusts"
        ),
    };
    let finding = cx.report(client.span, message);
    finding
        .here("no certificate of its own is set")
        .again(ways[1..].iter().map(|(client, _)| client.span))
        .label(place, "takes nobody without a certificate")
        .help(help)
        .seen(seen);
}
