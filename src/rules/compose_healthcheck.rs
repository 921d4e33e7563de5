//! The halves of rules/health-check-wrong.md and rules/health-check-inert.md that are about compose: a healthcheck that
//! can never pass, and one that can never fail.

use crate::finding::{Confidence, Effect, Severity};
use crate::model::probe::{Probe, never_fails, probe};
use crate::model::{Address, ServiceRef, knowledge};
use crate::rules::listening::{addresses, certain};
use crate::rules::{Ctx, words};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let services: Vec<ServiceRef> = cx.project.services().map(|(at, _)| at).collect();
    for at in services {
        let Some(check) = &cx.project.service(at).healthcheck else {
            continue;
        };
        let span = check.span;
        if never_fails(check).is_some() {
            continue;
        }
        if let Some(probe) = probe(check) {
            let flaw = closed(cx, at, &probe).or_else(|| lacking(cx, at, &probe));
            if let Some(flaw) = flaw {
                report(cx, at, span, flaw);
            }
        }
    }
}

/// Healthchecks that pass whatever happens, where a service waits for the verdict.
pub(super) fn inert(cx: &mut Ctx) {
    let services: Vec<ServiceRef> = cx.project.services().map(|(at, _)| at).collect();
    for at in services {
        let Some(check) = &cx.project.service(at).healthcheck else {
            continue;
        };
        let span = check.span;
        let Some(by) = never_fails(check) else {
            continue;
        };
        let waits = waits(cx, at);
        if !waits.is_empty() {
            report_inert(cx, at, span, &by, &waits);
        }
    }
}

fn report_inert(cx: &mut Ctx, at: ServiceRef, span: Span, by: &str, waits: &[(&str, Span)]) {
    let name = cx.service_name(at).to_owned();
    let waiters: Vec<&str> = waits.iter().map(|(name, _)| *name).collect();
    let verb = if waiters.len() == 1 { "waits" } else { "wait" };
    let message = format!(
        "the healthcheck of {name} passes whatever comes of it (`{by}`): {} {verb} for nothing",
        words::list(&waiters)
    );
    let finding = cx.report(span, message);
    finding.here("never fails");
    for (_, span) in waits {
        finding.label(*span, "waits for its verdict");
    }
    finding
        .help(format!(
            "take `{by}` out, and let the probe ask for what the service does"
        ))
        .outcome(Effect::Response, &[502, 503])
        .because("service", &name)
        .because("by", by);
}

/// Who waits until a service is healthy, and where that is written.
fn waits<'a>(cx: &Ctx<'a>, at: ServiceRef) -> Vec<(&'a str, Span)> {
    let name = &cx.project.service(at).name.value;
    let stack = &cx.project.stacks[at.stack];
    let waits = stack.services.iter().filter_map(|service| {
        let waits = service
            .depends_on
            .iter()
            .find(|d| d.service.value == *name && d.condition.value == "service_healthy")?;
        Some((service.name.value.as_str(), waits.condition.span))
    });
    waits.collect()
}

/// Why a healthcheck never passes.
struct Flaw {
    says: String,
    help: String,
    place: Option<(Span, String)>,
    sure: bool,
}

/// A port that the service does not listen on; one of several that is open is enough.
fn closed(cx: &Ctx, at: ServiceRef, probe: &Probe) -> Option<Flaw> {
    let listeners = cx.listening(at)?;
    let open = |port: &u16| {
        listeners
            .iter()
            .any(|(_, one)| one.address.value().and_then(Address::port) == Some(*port))
    };
    if probe.dials.is_empty() || probe.dials.iter().any(open) {
        return None;
    }
    let (hop, listener) = listeners[0];
    let (program, shown) = (cx.program(hop), addresses(&listeners));
    Some(Flaw {
        says: format!(
            "it dials port {}, and {program} listens on {shown}",
            probe.dials[0]
        ),
        help: format!("dial the port that {program} listens on"),
        place: listener
            .address
            .span()
            .map(|span| (span, format!("{program} listens on {shown}"))),
        sure: certain(&listeners),
    })
}

/// A program that the image has not, without another one to take its place.
fn lacking(cx: &Ctx, at: ServiceRef, probe: &Probe) -> Option<Flaw> {
    let container = cx.project.container(at);
    let image = container.image.as_ref()?.get()?;
    let lacks = |program: &&String| knowledge::lacks(image, program);
    let program = probe.programs.iter().find(lacks)?;
    let others = probe
        .programs
        .iter()
        .filter(|other| *other != program && *other != "sh");
    let named = |text: &String| text.contains(program.as_str());
    if others.count() > 0
        || container.unread.is_some()
        || container.recipe.as_ref().is_some_and(named)
    {
        return None;
    }
    Some(Flaw {
        says: format!("it runs {program}, which the image {image} has not"),
        help: format!("install {program} in the image, or probe with a program that it has"),
        place: None,
        // A Dockerfile may install it by a script of another name.
        sure: !container.built,
    })
}

fn report(cx: &mut Ctx, at: ServiceRef, span: Span, flaw: Flaw) {
    let name = cx.service_name(at).to_owned();
    let waits = waits(cx, at);
    let waiters: Vec<&str> = waits.iter().map(|(name, _)| *name).collect();
    let then = if waiters.is_empty() {
        String::new()
    } else {
        format!(", and {} never started", words::are(&waiters))
    };
    let message = format!(
        "the healthcheck of {name} never passes: {}{then}",
        flaw.says
    );
    let finding = cx.report(span, message);
    finding.here("never passes");
    if let Some((span, says)) = flaw.place {
        finding.label(span, says);
    }
    for (_, span) in &waits {
        finding.label(*span, "waits for it");
    }
    finding
        .help(flaw.help)
        .because("service", &name)
        .because("flaw", &flaw.says);
    if waits.is_empty() {
        finding.severity(Severity::Info);
    } else {
        finding
            .severity(Severity::Error)
            .outcome(Effect::NoStart, &[]);
    }
    if !flaw.sure {
        finding.at_most(Confidence::Medium);
        finding.severity = finding.severity.min(Severity::Warning);
    }
}
