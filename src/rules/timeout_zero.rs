//! rules/timeout-zero.md

use std::collections::{BTreeMap, HashSet};

use crate::finding::{Effect, Severity};
use crate::model::haproxy::{Section, Timer};
use crate::model::{Amount, HopId, HopKind, Key, Model, Protocol, Route};
use crate::rules::Ctx;
use crate::rules::words::{count, first_of};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    nginx(cx);
    haproxy(cx);
}

/// In nginx a time of zero has run out when it begins.
fn nginx(cx: &mut Ctx) {
    let mut places: BTreeMap<(Span, Key), Vec<&Route>> = BTreeMap::new();
    for route in &cx.model.routes {
        let http = route.protocol != Protocol::Tcp;
        if !http || cx.model.hop(route.hop).kind != HopKind::Nginx {
            continue;
        }
        for key in [Key::Connect, Key::Read] {
            let Some(setting) = route.timeouts.get(&key) else {
                continue;
            };
            if setting.value() == Some(&Amount::Finite(0))
                && let Some(span) = setting.span()
            {
                places.entry((span, key)).or_default().push(route);
            }
        }
    }
    for ((span, key), routes) in places {
        let what = match key {
            Key::Connect => "to connect",
            _ => "for an answer",
        };
        let finding = cx.report(
            span,
            format!("nginx waits 0s {what}, which is no time at all: it answers 504 at once"),
        );
        finding
            .here(format!("0s {what}"))
            .label(routes[0].span, first_of(routes.len()));
        finding
            .help("remove it for the default of 60s, or write a long time such as `1h`: nginx has no value for ever")
            .because("timeout", key.as_str());
    }
}

/// In HAProxy zero is no limit.
fn haproxy(cx: &mut Ctx) {
    let model = cx.model;
    let mut places: BTreeMap<Span, (&Timer, Vec<&Section>)> = BTreeMap::new();
    for section in model.sections.iter().filter(|section| section.is_used()) {
        let zero = section.acting_timers().filter(|timer| {
            timer.number == 0 && ["connect", "client", "server"].contains(&timer.name.as_str())
        });
        for timer in zero {
            let place = places.entry(timer.span).or_insert((timer, Vec::new()));
            place.1.push(section);
        }
    }
    // What another section of the same process limits may be lifted here on purpose.
    let limits = limits(model);
    for (timer, sections) in places.into_values() {
        let who = match sections.as_slice() {
            [only] => format!("{} {}", only.kind, only.name),
            several => count(several.len(), "section"),
        };
        let name = &timer.name;
        let finding = cx.report(
            timer.span,
            format!("timeout {name} is 0 for {who}, and HAProxy then waits for ever"),
        );
        finding.here("0 is no limit");
        for section in sections
            .iter()
            .filter(|section| section.span != timer.holder)
        {
            finding.label(section.span, "waits for ever");
        }
        finding
            .help(format!(
                "write how long it may take, for instance `timeout {name} {}`",
                if name == "connect" { "5s" } else { "60s" }
            ))
            .severity(Severity::Warning)
            .outcome(Effect::Hang, &[])
            .because("timeout", name);
        // A session of bytes without traffic may be meant to last for ever, and so may the one backend that lifts the limit
        // of all others, for a stream of events say.
        let meant = sections.iter().all(|section| {
            section.tcp
                || (section.span == timer.holder && limits.contains(&(section.hop, name.as_str())))
        });
        if name != "connect" && meant {
            finding.severity(Severity::Info);
        }
    }
}

/// Process and timeout of every limit that a section acts on.
fn limits(model: &Model) -> HashSet<(HopId, &str)> {
    let timers = model.sections.iter().flat_map(|section| {
        let timers = section.acting_timers();
        timers.map(|timer| (section.hop, timer))
    });
    timers
        .filter(|(_, timer)| timer.number > 0)
        .map(|(hop, timer)| (hop, timer.name.as_str()))
        .collect()
}
