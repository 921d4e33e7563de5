//! rules/health-check-absent.md

use crate::finding::Severity;
use crate::model::Link;
use crate::model::haproxy::Section;
use crate::rules::Ctx;
use crate::rules::health_check_inert::is_inert;

pub(super) fn check(cx: &mut Ctx) {
    let model = cx.model;
    for section in model.sections.iter().filter(|section| section.reached) {
        // An option that says how to probe shows that somebody meant to.
        if is_inert(cx, section) {
            continue;
        }
        let servers = section
            .servers
            .iter()
            .map(|id| model.link(*id))
            .filter(|link| !link.spare);
        let servers: Vec<&Link> = servers.collect();
        if servers.len() >= 2 && !servers.iter().any(|link| link.checked) {
            report(cx, section, &servers);
        }
    }
}

fn report(cx: &mut Ctx, section: &Section, servers: &[&Link]) {
    let (number, sticky) = (servers.len(), sticky(section));
    let with = sticky
        .as_ref()
        .map_or(String::new(), |how| format!(", with {how}"));
    let message = format!(
        "{} {} balances over {number} servers{with} and checks none of them",
        section.kind, section.name
    );
    let finding = cx.report(servers[0].span, message);
    finding.here(format!(
        "no `check`: 1 of {number} requests fails once it is gone"
    ));
    for link in &servers[1..] {
        finding.label(link.span, "no `check`");
    }
    match (section.redispatch, sticky) {
        // Round robin with redispatch goes to the next server at once.
        (Some(span), None) => finding
            .label(span, "lets the last attempt go to another server")
            .severity(Severity::Info),
        (Some(span), Some(_)) => finding.label(
            span,
            "does not rescue clients that are bound to the dead server",
        ),
        (None, _) => finding.label(section.span, "no `option redispatch` either"),
    };
    finding
        .help("add `check` to each server, or `default-server check` to the backend")
        .because("backend", &section.name);
}

/// What binds a client to one server.
fn sticky(section: &Section) -> Option<String> {
    const HASHES: &[&str] = &["source", "uri", "url_param", "hdr", "rdp-cookie", "hash"];
    if section.cookie.is_some() {
        return Some("cookie persistence".to_owned());
    }
    let balance = section.balance.as_ref()?;
    HASHES
        .iter()
        .any(|hash| balance.value.starts_with(hash))
        .then(|| format!("balance {}", balance.value))
}
