//! rules/healthy-without-healthcheck.md

use crate::finding::{Confidence, Severity};
use crate::model::ServiceRef;
use crate::model::knowledge;
use crate::project::compose::Service;
use crate::rules::{Ctx, words};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let services: Vec<ServiceRef> = cx.project.services().map(|(at, _)| at).collect();
    for at in services {
        let waiting = waiting(cx, at);
        if !waiting.is_empty()
            && let Some(lack) = lack(cx, at)
        {
            report(cx, at, &waiting, &lack);
        }
    }
}

/// Who waits until a service is healthy, and where that is written.
fn waiting<'a>(cx: &Ctx<'a>, at: ServiceRef) -> Vec<(&'a str, Span)> {
    let project = cx.project;
    let name = &project.service(at).name.value;
    let services = project.stacks[at.stack].services.iter();
    let on = |service: &'a Service| {
        let dependency = service
            .depends_on
            .iter()
            .find(|d| d.service.value == *name && d.condition.value == "service_healthy")?;
        Some((service.name.value.as_str(), dependency.condition.span))
    };
    services.filter_map(on).collect()
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
