//! rules/healthy-without-healthcheck.md

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::finding::{Confidence, Severity};
use crate::model::ServiceRef;
use crate::model::knowledge;
use crate::rules::{Ctx, words};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    for (at, waiting) in waiting(cx) {
        if let Some(lack) = lack(cx, at) {
            report(cx, at, &waiting, &lack);
        }
    }
}

/// Services that others wait for until they are healthy, with who does and where that is written.
fn waiting<'a>(cx: &Ctx<'a>) -> BTreeMap<ServiceRef, Vec<(&'a str, Span)>> {
    let mut waiting: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (stack, one) in cx.project.stacks.iter().enumerate() {
        let services = one.services.iter().enumerate();
        let by_name: HashMap<&str, usize> = services
            .map(|(at, service)| (service.name.value.as_str(), at))
            .collect();
        for service in &one.services {
            let mut seen = HashSet::new();
            for dependency in &service.depends_on {
                let Some(on) = by_name.get(dependency.service.value.as_str()) else {
                    continue;
                };
                if dependency.condition.value == "service_healthy" && seen.insert(on) {
                    let at = ServiceRef {
                        stack,
                        service: *on,
                    };
                    let waiter = (service.name.value.as_str(), dependency.condition.span);
                    waiting.entry(at).or_default().push(waiter);
                }
            }
        }
    }
    waiting
}

/// Why nothing will ever call a service healthy.
struct Lack {
    why: String,
    place: Option<Span>,
    sure: bool,
}

fn lack(cx: &Ctx, at: ServiceRef) -> Option<Lack> {
    let (service, container) = (cx.project.service(at), cx.project.container(at));
    if let Some(check) = &service.healthcheck {
        return check.disabled.then(|| Lack {
            why: "its healthcheck is disabled".to_owned(),
            place: Some(check.span),
            sure: true,
        });
    }
    if container.healthcheck || container.unread.is_some() {
        return None;
    }
    let image = container.image.as_ref()?.get()?;
    match knowledge::healthcheck(image) {
        Some(true) => None,
        Some(false) => Some(Lack {
            why: format!("neither the file nor the image {image} gives it a healthcheck"),
            place: None,
            sure: true,
        }),
        None => Some(Lack {
            why: format!(
                "the file gives it no healthcheck, and whether the image {image} has one is not known"
            ),
            place: None,
            sure: false,
        }),
    }
}

fn report(cx: &mut Ctx, at: ServiceRef, waiting: &[(&str, Span)], lack: &Lack) {
    let name = cx.service_name(at).to_owned();
    let names: Vec<&str> = waiting.iter().map(|(name, _)| *name).collect();
    let waiters = words::list(&names);
    let verb = if names.len() == 1 { "waits" } else { "wait" };
    let place = lack.place.unwrap_or(cx.service_span(at));
    let message = format!("{waiters} {verb} until {name} is healthy, but {}", lack.why);
    let finding = cx.report(waiting[0].1, message);
    finding.here("waits for a verdict that never comes");
    finding
        .again(waiting[1..].iter().map(|(_, span)| *span))
        .label(
            place,
            match lack.place {
                Some(_) => "takes the verdict away",
                None => "no `healthcheck`",
            },
        )
        .help(format!(
            "give {name} a healthcheck, or depend on it with `condition: service_started`"
        ))
        .because("service", &name);
    if !lack.sure {
        finding
            .severity(Severity::Warning)
            .at_most(Confidence::Medium);
    }
}
