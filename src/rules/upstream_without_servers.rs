//! rules/upstream-without-servers.md

use crate::finding::{Effect, Severity};
use crate::model::haproxy::Section;
use crate::model::nginx::Place;
use crate::model::{HopKind, Link, Route};
use crate::rules::Ctx;
use crate::rules::words::{NO_SERVER, Seen, count};
use crate::source::Span;
use crate::syntax::nginx::Directive;

pub(super) fn check(cx: &mut Ctx) {
    for place in cx.places {
        if place.context() == "upstream" && place.conf.complete {
            upstream(cx, place);
        }
    }
    all_down(cx);
    let sections: Vec<&Section> = cx.model.sections.iter().collect();
    for section in sections.into_iter().filter(|section| is_empty(section)) {
        backend(cx, section);
    }
}

/// What an `upstream` block may hold without getting servers from elsewhere. A directive of a module that is not nginx's
/// own may bring some, and so may `state` of nginx Plus.
const PLAIN: &[&str] = &[
    "server",
    "zone",
    "hash",
    "ip_hash",
    "keepalive",
    "keepalive_requests",
    "keepalive_time",
    "keepalive_timeout",
    "least_conn",
    "least_time",
    "random",
    "resolver",
    "resolver_timeout",
    "sticky",
    "queue",
    "ntlm",
];

/// nginx refuses a block without a server, and one whose servers are all `backup`, even if nothing passes to it.
fn upstream(cx: &mut Ctx, place: &Place) {
    let directives = place.scope.directives();
    let plain = directives
        .iter()
        .all(|directive| PLAIN.contains(&directive.name.value.as_str()));
    let Some(name) = place.opener.and_then(|opener| opener.args.first()) else {
        return;
    };
    let servers: Vec<_> = place.scope.own("server").collect();
    let first = |server: &&_| !has(server, "backup");
    if !plain || servers.iter().any(first) {
        return;
    }
    let (message, here) = if servers.is_empty() {
        (
            format!("upstream {} has no server", name.value),
            "no `server` in it",
        )
    } else {
        let message = format!("every server of upstream {} is a backup", name.value);
        (message, "none to begin with")
    };
    let finding = cx.report(name.span, message);
    finding.here(here);
    for server in &servers {
        finding.label(server.span, "a backup");
    }
    let help = if servers.is_empty() {
        "name a server in it, or take the block out"
    } else {
        "take `backup` off one of them"
    };
    finding
        .help(help)
        .outcome(Effect::NoStart, &[])
        .because("upstream", &name.value);
}

fn has(server: &Directive, flag: &str) -> bool {
    server.args.iter().any(|arg| arg.value == flag)
}

/// A route whose peers are all marked `down`, `disabled` or of weight 0.
fn all_down(cx: &mut Ctx) {
    let mut told: Vec<Span> = Vec::new();
    let routes: Vec<&Route> = cx.model.routes.iter().collect();
    for route in routes {
        let links: Vec<&Link> = route.links.iter().map(|id| cx.model.link(*id)).collect();
        let Some(first) = links.first() else { continue };
        let Some(group) = &first.group else { continue };
        let same = |link: &Link| link.group.as_ref() == Some(group);
        if !links.iter().all(|link| link.down && same(link)) || told.contains(&first.span) {
            continue;
        }
        told.push(first.span);
        let is_haproxy = cx.model.hop(route.hop).kind == HopKind::HaProxy;
        let seen = cx.serverless(first);
        let (kind, what) = if is_haproxy {
            ("backend", "disabled or of weight 0")
        } else {
            ("upstream", "marked down")
        };
        let servers = count(links.len(), "server");
        let finding = cx.report(
            group.span,
            format!("{kind} {} has {servers}, all {what}", group.value),
        );
        finding.here("nothing to pass a request to");
        for link in &links {
            finding.label(link.span, "takes no request");
        }
        finding
            .label(route.span, "leads here")
            .help("put one of them back, or take the route out")
            .seen(seen)
            .because("group", &group.value);
        if is_haproxy {
            // They can be enabled through the stats socket.
            finding.severity(Severity::Warning);
        }
    }
}

fn is_empty(section: &Section) -> bool {
    section.kind != "frontend"
        && section.reached
        && section.servers.is_empty()
        && !section.serverless
}

fn backend(cx: &mut Ctx, section: &Section) {
    let seen = if section.tcp {
        Seen::of(Effect::Closed, &[])
    } else {
        Seen::of(Effect::Response, &[503])
    };
    let seen = seen.logged(NO_SERVER);
    cx.report(
        section.span,
        format!("{} {} has no server", section.kind, section.name),
    )
    .here("no `server` line, and nothing else that answers")
    .help("add a `server` line, or answer without one: `http-request return status 200`")
    .seen(seen)
    .because("backend", &section.name);
}
