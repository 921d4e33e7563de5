//! rules/upstream-cert-expired.md

use crate::model::Link;
use crate::model::tls::Client;
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::syntax::certificate::Certificate;

pub(super) fn check(cx: &mut Ctx) {
    let mut alike = Alike::new();
    for (client, link, chain) in cx.model.shown() {
        let expired = chain[0].until < cx.model.now;
        if expired && client.verify.value() == Some(&false) {
            let key = (client.hop, chain[0].span);
            alike.add(key, client.span, (client, cx.model.link(link), &chain[0]));
        }
    }
    for (_, ways) in alike.groups() {
        report(cx, &ways);
    }
}

fn report(cx: &mut Ctx, ways: &[(&Client, &Link, &Certificate)]) {
    let (client, link, own) = ways[0];
    let until = &own.days.1;
    let message = format!(
        "the certificate of {} expired on {until}, and {} does not look at it",
        link.written,
        cx.program(client.hop)
    );
    cx.report(client.span, message)
        .here("dialled unchecked")
        .label(own.span, format!("good until {until}"))
        .again(ways[1..].iter().map(|(client, ..)| client.span))
        .help("renew it before somebody turns the check on, or dials it with a client that checks");
}
