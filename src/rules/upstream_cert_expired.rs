//! rules/upstream-cert-expired.md

use crate::model::Link;
use crate::model::tls::Client;
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::syntax::certificate::Certificate;

pub(super) fn check(cx: &mut Ctx) {
    let mut alike = Alike::new();
    let trusting = cx
        .model
        .tls
        .iter()
        .filter(|client| client.verify.value() == Some(&false));
    for client in trusting {
        for (id, chain) in client.links.iter().zip(&client.shown) {
            let own = chain.as_ref().and_then(|chain| chain.first());
            if let Some(own) = own.filter(|own| own.until < cx.model.now) {
                let key = (client.hop, own.span);
                alike.add(key, client.span, (client, cx.model.link(*id), own));
            }
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
