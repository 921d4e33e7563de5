//! rules/resolver-blind-to-hosts.md

use crate::finding::{Confidence, Severity};
use crate::model::{Dialled, HopKind, Link, Lookup};
use crate::rules::{Ctx, grouped};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, blind) {
        let Some((host, entry)) = known_to_hosts(cx, links[0]) else {
            continue;
        };
        let (effect, status) = cx.refused(links[0]);
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
            .outcome(effect, status)
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
    let (Dialled::Tcp { host, .. }, Lookup::Running(_)) = (&link.dialled, &link.lookup) else {
        return None;
    };
    let service = hop.service.filter(|_| hop.kind == HopKind::Nginx)?;
    let mut hosts = cx.project.service(service).extra_hosts.iter();
    let (name, _) = hosts.find(|(name, _)| {
        name.get()
            .is_some_and(|name| name.eq_ignore_ascii_case(&host.value))
    })?;
    Some((host.value.clone(), name.span))
}
