//! rules/resolver-blind-to-hosts.md

use crate::finding::{Confidence, Severity};
use crate::model::haproxy::Resolvers;
use crate::model::{Amount, Dialled, HopId, HopKind, Link, Lookup};
use crate::rules::alike::Alike;
use crate::rules::words::duration;
use crate::rules::{Ctx, grouped};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    nginx(cx);
    haproxy(cx);
}

fn nginx(cx: &mut Ctx) {
    for links in grouped(cx, blind) {
        let Some((host, entry)) = known_to_hosts(cx, links[0]) else {
            continue;
        };
        let seen = cx.refused(links[0]);
        let Lookup::Running(resolver) = links[0].lookup else {
            continue;
        };
        let message = format!(
            "nginx asks its resolver for {host}, and only /etc/hosts of the container knows that name"
        );
        let finding = cx.report(links[0].span, message);
        finding
            .here(format!("the resolver says that there is no {host}"))
            .repeats(&links)
            .label(resolver, "does not read /etc/hosts")
            .label(entry, "written into /etc/hosts")
            .help(format!(
                "write {host} without a variable, so that nginx looks it up while it starts, or write its address"
            ))
            .seen(seen)
            .because("host", &host);
        if host.ends_with(".docker.internal") {
            // Docker Desktop's own name server knows these as well.
            finding
                .severity(Severity::Warning)
                .at_most(Confidence::Medium);
        }
    }
}

fn blind(cx: &Ctx, link: &Link) -> Option<String> {
    known_to_hosts(cx, link).map(|(host, _)| host)
}

/// The name that nginx looks up while it runs, if `extra_hosts` of its service has it, and where.
fn known_to_hosts(cx: &Ctx, link: &Link) -> Option<(String, Span)> {
    let hop = cx.model.hop(link.from);
    let Lookup::Running(_) = link.lookup else {
        return None;
    };
    in_hosts(cx, link).filter(|_| hop.kind == HopKind::Nginx)
}

/// The name that a link dials, if `extra_hosts` of the service that dials has it, and where.
fn in_hosts(cx: &Ctx, link: &Link) -> Option<(String, Span)> {
    let Dialled::Tcp { host, .. } = &link.dialled else {
        return None;
    };
    let service = cx.model.hop(link.from).service?;
    let mut hosts = cx.project.service(service).extra_hosts.iter();
    let (name, _) = hosts.find(|(name, _)| {
        name.get()
            .is_some_and(|name| name.eq_ignore_ascii_case(&host.value))
    })?;
    Some((host.value.clone(), name.span))
}

/// HAProxy finds the name in /etc/hosts while it starts. Then its `resolvers` are asked, and it takes a server down whose name
/// they have not known for as long as `hold nx` says.
fn haproxy(cx: &mut Ctx) {
    let model = cx.model;
    let mut found = Alike::new();
    for section in model.sections.iter().filter(|section| section.reached) {
        for server in &section.server_lines {
            let link = model.link(server.link);
            if let Some(name) = &server.resolvers
                && let Some((host, entry)) = in_hosts(cx, link)
                && let Some(resolvers) = asked(cx, section.hop, &name.value)
            {
                found.add(
                    (section.hop, host),
                    link.span,
                    (link, name.span, entry, resolvers),
                );
            }
        }
    }
    for ((hop, host), servers) in found.groups() {
        let (link, word, entry, resolvers) = servers[0];
        let mut holds = resolvers.holds.iter();
        let hold = holds.find(|(status, _)| status == "nx");
        let held = hold.map_or(NX, |(_, time)| time.value);
        let service = cx.hop_name(hop);
        let message = format!(
            "{service} asks resolvers {} for {host}, and only /etc/hosts of the container knows that name: the server is down {} after the start",
            resolvers.name,
            duration(Amount::Finite(held))
        );
        let seen = cx.serverless(link);
        let finding = cx.report(link.span, message);
        finding
            .here(format!("the resolver says that there is no {host}"))
            .again(servers[1..].iter().map(|(link, ..)| link.span))
            .label(word, "asks them while HAProxy runs")
            .label(hold.map_or(resolvers.span, |(_, time)| time.span), "do not read /etc/hosts")
            .label(entry, "written into /etc/hosts")
            .help(format!(
                "take `resolvers` off this server, so that HAProxy looks {host} up while it starts, or write its address"
            ))
            .severity(Severity::Warning)
            .seen(seen)
            .because("host", &host);
        if host.ends_with(".docker.internal") {
            finding.at_most(Confidence::Medium);
        }
    }
}

/// `hold nx` where nothing is written.
const NX: u64 = 30_000;

/// The `resolvers` of a name, if they ask a name server.
fn asked<'a>(cx: &Ctx<'a>, hop: HopId, name: &str) -> Option<&'a Resolvers> {
    let mut all = cx.model.process(hop)?.resolvers.iter();
    all.find(|resolvers| resolvers.name == name && resolvers.asks)
}
