//! rules/resolver-hold-short.md

use std::collections::{BTreeMap, HashSet};

use crate::model::haproxy::{Process, Resolvers};
use crate::model::{Amount, HopId, Lookup};
use crate::rules::Ctx;
use crate::rules::words::duration;
use crate::source::{Span, Spanned};
use crate::syntax::proxy_value::nginx_time;

/// A name server that restarts is away for longer than this.
const SHORT: u64 = 5_000;
/// A container that is replaced is gone long before this.
const LONG: u64 = 60_000;

pub(super) fn check(cx: &mut Ctx) {
    haproxy(cx);
    nginx(cx);
}

/// HAProxy takes a healthy server down once its name could not be looked up for as long as `hold` says.
fn haproxy(cx: &mut Ctx) {
    let model = cx.model;
    for process in &model.processes {
        for resolvers in &process.resolvers {
            let short = resolvers.holds.iter().find(|(status, ms)| {
                ["nx", "timeout", "refused", "other"].contains(&status.as_str()) && ms.value < SHORT
            });
            if let Some((status, ms)) = short.filter(|_| is_used(cx, process, resolvers)) {
                report_short(cx, resolvers, status, ms);
            }
        }
    }
}

fn is_used(cx: &Ctx, process: &Process, resolvers: &Resolvers) -> bool {
    let sections = cx
        .model
        .sections
        .iter()
        .filter(|section| section.hop == process.hop);
    let mut servers = sections.flat_map(|section| &section.server_lines);
    servers.any(|server| {
        server
            .resolvers
            .as_ref()
            .is_some_and(|name| name.value == resolvers.name)
    })
}

fn report_short(cx: &mut Ctx, resolvers: &Resolvers, status: &str, ms: &Spanned<u64>) {
    let held = duration(Amount::Finite(ms.value));
    let message = format!(
        "hold {status} {held}: a name server that is away for {held} takes healthy servers down"
    );
    cx.report(ms.span, message)
        .here(format!(
            "the default is {}",
            duration(Amount::Finite(30_000))
        ))
        .label(resolvers.span, format!("resolvers {}", resolvers.name))
        .help("leave `hold` at its default of 30s for nx, refused, timeout and other")
        .because("status", status)
        .because("ms", ms.value);
}

/// nginx goes on using an address for as long as `valid` says, whatever the name server said.
fn nginx(cx: &mut Ctx) {
    let mut found: BTreeMap<Span, (u64, Span)> = BTreeMap::new();
    let links = cx.model.links.iter();
    let asked: HashSet<(HopId, Span)> = links
        .filter_map(|link| match link.lookup {
            Lookup::Running(resolver) => Some((link.from, resolver)),
            _ => None,
        })
        .collect();
    for pass in cx.passes {
        let Some((resolver, _)) = pass.place.scope.find("resolver") else {
            continue;
        };
        let running = asked.contains(&(pass.place.hop, resolver.span));
        let valid = resolver
            .args
            .iter()
            .find_map(|arg| arg.value.strip_prefix("valid="));
        let Some(ms) = valid
            .and_then(nginx_time)
            .filter(|ms| running && *ms >= LONG)
        else {
            continue;
        };
        found
            .entry(resolver.span)
            .or_insert((ms, pass.directive.span));
    }
    for (span, (ms, pass)) in found {
        let kept = duration(Amount::Finite(ms));
        cx.report(
            span,
            format!("valid={kept}: nginx dials an address for {kept} after the container behind it was replaced"),
        )
        .here("overrides what the name server says")
        .label(pass, "looks its host up while running")
        .help("set `valid=10s`; without it what the name server says counts, and Docker says 10 minutes")
        .because("ms", ms);
    }
}
