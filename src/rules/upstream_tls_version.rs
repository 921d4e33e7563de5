//! rules/upstream-tls-version.md

use crate::finding::{Confidence, Severity};
use crate::model::tls::{Client, Version, Versions};
use crate::model::{HopId, Link, Model, Setting};
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::rules::words::{list, soften};

/// What the libraries of today still take at their default security level.
/// Source: OpenSSL 3.0, CHANGES: TLS 1.0 and 1.1 work at security level 0 only.
const ALIVE: [Version; 2] = [Version::V1_2, Version::V1_3];

pub(super) fn check(cx: &mut Ctx) {
    let mut alike = Alike::new();
    let model: &Model = cx.model;
    for client in &model.tls {
        for id in &client.links {
            let Some((behind, terms)) = model.terms(*id) else {
                continue;
            };
            let (offered, taken) = (&client.versions, &terms.versions);
            if apart(offered, taken) {
                let key = (client.hop, behind, offered.span(), taken.span());
                alike.add(key, client.span, (client, model.link(*id), taken));
            }
        }
    }
    for ((hop, behind, ..), ways) in alike.groups() {
        report(cx, hop, behind, &ways);
    }
}

fn apart(offered: &Setting<Versions>, taken: &Setting<Versions>) -> bool {
    let both = offered.value().zip(taken.value());
    both.is_some_and(|(offered, taken)| {
        let mut common = offered.intersection(taken);
        !common.any(|version| ALIVE.contains(version))
    })
}

fn report(cx: &mut Ctx, hop: HopId, behind: HopId, ways: &[(&Client, &Link, &Setting<Versions>)]) {
    let (client, link, taken) = ways[0];
    let (Some(offered), Some(wanted)) = (client.versions.value(), taken.value()) else {
        return;
    };
    let (from, to) = (cx.hop_name(hop), cx.hop_name(behind));
    let seen = cx.refused(link);
    let by_name = offered.is_disjoint(wanted);
    let message = format!(
        "{from} offers {}, {to} takes {}: they have none in common{}",
        all(offered),
        all(wanted),
        if by_name { "" } else { " that works today" }
    );
    let help = match client.module {
        Some(module) if !offered.contains(&Version::V1_3) => {
            format!("add `{module}_protocols TLSv1.2 TLSv1.3;`, or let {to} take TLS 1.2 as well")
        }
        _ => format!("let {to} take TLS 1.2 and 1.3"),
    };
    let finding = cx.report(client.span, message);
    finding
        .here(format!("offers {}", all(offered)))
        .again(ways[1..].iter().map(|(client, ..)| client.span))
        .help(help)
        .because("offered", all(offered))
        .because("taken", all(wanted))
        .seen(seen);
    for (place, what) in [(client.versions.span(), "chosen"), (taken.span(), "taken")] {
        if let Some(place) = place {
            finding.label(place, format!("{what} here"));
        }
    }
    if !by_name {
        finding
            .severity(Severity::Warning)
            .at_most(Confidence::Medium);
    }
    soften(finding, &[&client.versions, taken]);
}

fn all(versions: &Versions) -> String {
    let names: Vec<String> = versions.iter().map(Version::to_string).collect();
    list(&names.iter().map(String::as_str).collect::<Vec<_>>())
}
