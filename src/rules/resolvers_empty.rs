//! rules/resolvers-empty.md

use crate::model::haproxy::{Process, Resolvers};
use crate::rules::Ctx;
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let model = cx.model;
    for process in &model.processes {
        for resolvers in process.resolvers.iter().filter(|resolvers| !resolvers.asks) {
            let servers = servers(cx, process, resolvers);
            if !servers.is_empty() || resolvers.used_by_action {
                report(cx, resolvers, &servers);
            }
        }
    }
}

/// The addresses of the servers that are to be looked up through a section.
fn servers(cx: &Ctx, process: &Process, resolvers: &Resolvers) -> Vec<Span> {
    let model = cx.model;
    let sections = model
        .sections
        .iter()
        .filter(|section| section.hop == process.hop);
    let servers = sections.flat_map(|section| &section.server_lines);
    let through = servers.filter(|server| {
        let named = server.resolvers.as_ref();
        named.is_some_and(|named| named.value == resolvers.name)
    });
    through.map(|server| model.link(server.link).span).collect()
}

fn report(cx: &mut Ctx, resolvers: &Resolvers, servers: &[Span]) {
    let name = &resolvers.name;
    let message = format!(
        "resolvers {name} asks nobody: HAProxy starts without an address that it cannot find, and never follows one that moves"
    );
    let finding = cx.report(resolvers.span, message);
    finding.here("no `nameserver`, no `parse-resolv-conf`");
    for server in servers.iter().take(4) {
        finding.label(*server, "is to be looked up through it");
    }
    finding
        .help("add `nameserver dns 127.0.0.11:53` (Docker's own), or `parse-resolv-conf`")
        .because("resolvers", name);
}
