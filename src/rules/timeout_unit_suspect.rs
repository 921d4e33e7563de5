//! rules/timeout-unit-suspect.md

use std::collections::{BTreeMap, HashMap};

use crate::finding::{Confidence, Effect, Severity};
use crate::model::haproxy::{Section, Timer};
use crate::model::{HopKind, Key, Route, Setting};
use crate::rules::Ctx;
use crate::rules::words::first_of;
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    nginx(cx);
    haproxy(cx);
}

/// The seconds of an nginx time without a unit that reads like milliseconds: ten thousand and more, and whole thousands.
/// A number of hours is a choice, up to two days of them.
pub(super) fn meant_as_ms(text: &str) -> Option<u64> {
    let seconds: u64 = text.parse().ok()?;
    let hours = seconds.is_multiple_of(3600) && seconds < 180_000;
    (seconds >= 10_000 && seconds.is_multiple_of(1000) && !hours).then_some(seconds)
}

/// The value of each timeout directive, by its place.
pub(super) fn written<'a>(cx: &Ctx<'a>) -> HashMap<Span, &'a str> {
    let directives = cx.places.iter().flat_map(|place| place.scope.directives());
    directives
        .filter(|directive| directive.name.value.ends_with("_timeout"))
        .filter_map(|directive| Some((directive.span, directive.args.first()?.value.as_str())))
        .collect()
}

fn nginx(cx: &mut Ctx) {
    let written = written(cx);
    let mut places: BTreeMap<(Span, Key), (u64, Vec<&Route>)> = BTreeMap::new();
    for route in &cx.model.routes {
        if cx.model.hop(route.hop).kind != HopKind::Nginx {
            continue;
        }
        for key in [Key::Connect, Key::Send, Key::Read] {
            // A websocket is often given a day.
            let meant_long = route.upgrades && key != Key::Connect;
            let span = route.timeouts.get(&key).and_then(Setting::span);
            let seconds = span.and_then(|span| Some((span, meant_as_ms(written.get(&span)?)?)));
            if let Some((span, seconds)) = seconds.filter(|_| !meant_long) {
                let place = places.entry((span, key)).or_insert((seconds, Vec::new()));
                place.1.push(route);
            }
        }
    }
    for ((span, key), (seconds, routes)) in places {
        let what = match key {
            Key::Connect => "to connect",
            Key::Send => "to send on",
            _ => "for an answer",
        };
        let finding = cx.report(
            span,
            format!(
                "nginx reads {seconds} as seconds and waits {} {what}",
                long(seconds)
            ),
        );
        finding
            .here(format!("{seconds} without a unit is {seconds}s"))
            .label(
                routes[0].span,
                first_of(routes.len()),
            )
            .help(format!(
                "write the unit: `{}s` or `{seconds}ms` if milliseconds were meant, else a whole number of hours",
                seconds / 1000
            ))
            .severity(Severity::Warning)
            .at_most(Confidence::Medium)
            .outcome(Effect::Hang, &[])
            .because("timeout", key.as_str())
            .because("value", seconds);
    }
}

/// What is odd about a time of HAProxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Doubt {
    /// Milliseconds that look like seconds.
    Short,
    /// The same, but a number that might be meant.
    Shortish,
    /// Seconds that look like milliseconds.
    Long,
}

fn doubt(timer: &Timer) -> Option<Doubt> {
    let name = timer.name.as_str();
    let answers = matches!(name, "server" | "client" | "tunnel");
    match timer.number {
        1..100 if timer.unit.is_empty() => Some(Doubt::Short),
        100..1000 if timer.unit.is_empty() && answers => Some(Doubt::Shortish),
        _ => thousands(timer)
            .filter(|_| name != "tunnel")
            .map(|_| Doubt::Long),
    }
}

/// The seconds of a time with a unit that reads like the milliseconds of HAProxy's example config: `5000s`. A number of
/// hours is a choice, and so is a quarter of an hour (`1000s`, seen in front of websockets).
fn thousands(timer: &Timer) -> Option<u64> {
    let seconds = match timer.unit.as_str() {
        "s" => timer.number,
        "ms" if timer.number.is_multiple_of(1000) => timer.number / 1000,
        _ => return None,
    };
    (seconds >= 5000 && seconds.is_multiple_of(1000) && !seconds.is_multiple_of(3600))
        .then_some(seconds)
}

/// The lines of one section that share a doubt are one finding.
fn haproxy(cx: &mut Ctx) {
    let mut places: BTreeMap<(Span, Doubt), Vec<&Timer>> = BTreeMap::new();
    let used = |section: &&Section| section.is_used();
    for section in cx.model.sections.iter().filter(used) {
        for timer in section.acting_timers() {
            if let Some(doubt) = doubt(timer) {
                let timers = places.entry((timer.holder, doubt)).or_default();
                if timers.iter().all(|known| known.span != timer.span) {
                    timers.push(timer);
                }
            }
        }
    }
    for ((_, doubt), mut timers) in places {
        timers.sort_by_key(|timer| timer.span);
        report(cx, doubt, &timers);
    }
}

fn report(cx: &mut Ctx, doubt: Doubt, timers: &[&Timer]) {
    // The one that answers is the one that hurts.
    let named = |name: &str| timers.iter().find(|timer| timer.name == name);
    let first = named("server").or(named("client")).unwrap_or(&timers[0]);
    let (name, number) = (&first.name, first.number);
    let (message, help) = match doubt {
        Doubt::Long => {
            let seconds = thousands(first).unwrap_or(number);
            (
                format!("timeout {name} is {seconds}s, which is {}", long(seconds)),
                format!(
                    "write `{}s` if {seconds} milliseconds were meant",
                    seconds / 1000
                ),
            )
        }
        _ => (
            format!("timeout {name} is {number} without a unit: HAProxy waits {number}ms"),
            format!("write `{number}s` if seconds were meant, else `{number}ms`"),
        ),
    };
    let finding = cx.report(first.span, message);
    finding.here(match doubt {
        Doubt::Long => "a number that looks like milliseconds, with another unit",
        _ => "milliseconds, since no unit is written",
    });
    let others = timers.iter().map(|timer| timer.span);
    let others = others.filter(|span| *span != first.span);
    finding.again(others).help(help);
    for timer in timers {
        finding
            .because("timeout", &timer.name)
            .because("value", timer.number);
    }
    let waits = |names: &[&str]| names.contains(&name.as_str());
    match doubt {
        Doubt::Long => {
            finding
                .severity(Severity::Warning)
                .outcome(Effect::Hang, &[]);
        }
        Doubt::Short if waits(&["server", "client"]) => {}
        _ => {
            finding.severity(Severity::Warning);
        }
    }
    match name.as_str() {
        _ if doubt == Doubt::Long => {}
        "connect" | "queue" | "check" => finding.status = vec![503],
        "client" | "http-request" => finding.status = vec![408],
        "server" => {}
        "tunnel" => {
            finding.outcome(Effect::Cut, &[]);
        }
        _ => {
            finding.outcome(Effect::Closed, &[]);
        }
    }
}

/// `16h 40m` of a number of seconds.
fn long(seconds: u64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let parts = [(hours, "h"), (minutes, "m"), (rest, "s")];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect();
    parts.join(" ")
}
