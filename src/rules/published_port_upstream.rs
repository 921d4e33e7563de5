//! rules/published-port-upstream.md

use crate::finding::{Confidence, Severity};
use crate::model::{Link, ServiceRef, Target};
use crate::rules::{Ctx, grouped};

pub(super) fn check(cx: &mut Ctx) {
    for links in grouped(cx, crossed) {
        if let Some((service, port)) = crossed(cx, links[0]) {
            report(cx, &links, service, port);
        }
    }
}

/// A link that dials the host's side of a published port over a network of containers.
fn crossed(cx: &Ctx, link: &Link) -> Option<(ServiceRef, u16)> {
    let Target::Service {
        service,
        port,
        hop: None,
    } = link.target
    else {
        return None;
    };
    let (_, target) = cx.published(service, port)?;
    (target != port).then_some((service, port))
}

fn report(cx: &mut Ctx, links: &[&Link], service: ServiceRef, port: u16) {
    let Some((published, target)) = cx.published(service, port) else {
        return;
    };
    let (name, from) = (
        cx.service_name(service).to_owned(),
        cx.program(links[0].from),
    );
    let sure = cx.listening(service).is_some();
    let seen = cx.refused(links[0]);
    let message = format!(
        "{from} dials {name} on {port}, its port on the host; inside its container it is {target}"
    );
    let finding = cx.report(links[0].span, message);
    finding
        .here(format!("dials {}", links[0].written))
        .repeats(links)
        .label(
            published.span,
            format!("port {port} of the host leads to port {target} of the container"),
        )
        .help(format!(
            "dial {name}:{target}: between containers a published port does not exist"
        ))
        .seen(seen)
        .because("service", &name)
        .because("port", port);
    if !sure {
        // The app may listen on both, which nobody can see here.
        finding
            .severity(Severity::Warning)
            .at_most(Confidence::Medium);
    }
}
