//! rules/init-addr-none.md

use crate::finding::Severity;
use crate::model::Dialled;
use crate::model::haproxy::{Section, Server};
use crate::model::nginx::is_address;
use crate::rules::Ctx;
use crate::source::Spanned;

pub(super) fn check(cx: &mut Ctx) {
    let model = cx.model;
    for section in model.sections.iter().filter(|section| section.reached) {
        let mut stuck: Vec<(&Server, &Spanned<String>)> = Vec::new();
        for server in &section.server_lines {
            let link = model.link(server.link);
            let named =
                matches!(&link.dialled, Dialled::Tcp { host, .. } if !is_address(&host.value));
            if let Some(list) = &server.init_addr
                && named
                && !link.spare
                && server.resolvers.is_none()
                && methods(&list.value).contains(&"none")
            {
                stuck.push((server, list));
            }
        }
        // Servers that share a `default-server` share the cause.
        while let Some((_, list)) = stuck.first().copied() {
            let (same, others) = stuck
                .into_iter()
                .partition(|(_, other)| other.span == list.span);
            let same: Vec<(&Server, &Spanned<String>)> = same;
            report(cx, section, list, &same);
            stuck = others;
        }
    }
}

/// The methods of `init-addr`, in the order in which they are tried.
fn methods(list: &str) -> Vec<&str> {
    // plain: names with commas between
    list.split(',').collect()
}

fn report(
    cx: &mut Ctx,
    section: &Section,
    list: &Spanned<String>,
    servers: &[(&Server, &Spanned<String>)],
) {
    let tried = methods(&list.value);
    let looked_up = tried.iter().take_while(|method| **method != "none");
    let tried_first: Vec<&str> = looked_up.copied().collect();
    let link = cx.model.link(servers[0].0.link);
    let written = &link.written;
    let message = if tried_first.contains(&"libc") {
        format!(
            "init-addr {} lets HAProxy start without the address of {written}, and no resolvers ever look it up",
            list.value
        )
    } else {
        format!(
            "init-addr {} and no resolvers: nothing ever looks {written} up",
            list.value
        )
    };
    let place = link.span;
    let others: Vec<_> = servers[1..]
        .iter()
        .map(|(server, _)| cx.model.link(server.link).span)
        .collect();
    let finding = cx.report(place, message);
    finding
        .here("stays in maintenance without an address")
        .label(list.span, format!("init-addr {}", list.value));
    finding.again(others);
    finding
        .help("add `resolvers <section>` to the server or to `default-server`, or leave `init-addr` out so that HAProxy says at the start what it cannot resolve")
        .because("backend", &section.name)
        .because("init-addr", &list.value);
    if tried_first.contains(&"libc") {
        finding.severity(Severity::Warning);
    }
}
