//! rules/memory-limit-absent.md

use crate::model::{HopKind, ServiceRef, Target};
use crate::rules::{Ctx, words};

pub(super) fn check(cx: &mut Ctx) {
    for stack in 0..cx.project.stacks.len() {
        let free = unlimited(cx, stack);
        if !free.is_empty() {
            report(cx, &free);
        }
    }
}

/// The apps of a stack that a proxy dials and whose memory nothing limits.
fn unlimited(cx: &Ctx, stack: usize) -> Vec<ServiceRef> {
    let mut found = Vec::new();
    for link in &cx.model.links {
        let Target::Service { service, hop, .. } = &link.target else {
            continue;
        };
        let is_app = hop.is_none_or(|(hop, _)| matches!(cx.model.hop(hop).kind, HopKind::App(_)));
        let one = cx.project.service(*service);
        if service.stack == stack && is_app && !one.limits_memory && !found.contains(service) {
            found.push(*service);
        }
    }
    found
}

fn report(cx: &mut Ctx, free: &[ServiceRef]) {
    let names: Vec<&str> = free.iter().map(|at| cx.service_name(*at)).collect();
    let names = words::list(&names);
    let places: Vec<_> = free.iter().map(|at| cx.service_span(*at)).collect();
    let verb = if free.len() == 1 { "has" } else { "have" };
    let message = format!(
        "{names} {verb} no memory limit: when the host runs out, the kernel chooses which process it kills"
    );
    let finding = cx.report(places[0], message);
    finding.here("no `mem_limit` and no `deploy.resources.limits.memory`");
    for span in &places[1..] {
        finding.label(*span, "none here");
    }
    finding
        .help("set `mem_limit`, so that the service that leaks is the one that is killed and started again")
        .because("services", &names);
}
