//! rules/upstream-sni-from-host.md

use crate::model::tls::Client;
use crate::rules::Ctx;
use crate::rules::alike::Alike;

pub(super) fn check(cx: &mut Ctx) {
    let mut alike = Alike::new();
    for client in cx.model.tls.iter().filter(|client| follows(client)) {
        let group = client
            .links
            .first()
            .and_then(|id| cx.model.link(*id).group.clone());
        let group = group.map(|group| group.value);
        alike.add((client.hop, group), client.span, client);
    }
    for ((hop, _), clients) in alike.groups() {
        let version = cx.model.hop(hop).version.clone();
        let shown = version
            .value()
            .map_or("from 3.3 on", String::as_str)
            .to_owned();
        let message = format!(
            "HAProxy {shown} holds the certificate of this server against the Host that the client asked for"
        );
        let finding = cx.report(clients[0].span, message);
        finding
            .here("checked, and no `sni` says under which name")
            .again(clients[1..].iter().map(|client| client.span))
            .help("add `sni str(…)` with the name in the certificate, or `no-sni-auto`, which sends no name and checks none")
            .because("version", shown);
        if let Some(place) = version.span() {
            finding.label(place, "this version");
        }
    }
}

/// Whether the name of the client decides, and a file says whom to trust: without one HAProxy does not start.
fn follows(client: &Client) -> bool {
    client.follows_host
        && client.verify.value() == Some(&true)
        && client.trusted.value().is_some_and(Option::is_some)
}
