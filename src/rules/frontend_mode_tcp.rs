//! rules/frontend-mode-tcp.md

use crate::finding::{Effect, Severity};
use crate::model::HopId;
use crate::model::haproxy::{Process, Section, Way};
use crate::rules::Ctx;

pub(super) fn check(cx: &mut Ctx) {
    let model = cx.model;
    for process in model.processes.iter().filter(|process| process.complete) {
        for way in &process.ways {
            let (front, back) = (&model.sections[way.front], &model.sections[way.back]);
            let known = back.mode.is_some() || !process.fragment;
            if !front.tcp && back.tcp && way.front != way.back && known {
                report_crossed(cx, way, front, back);
            }
        }
    }
    let fragments: Vec<HopId> = model
        .processes
        .iter()
        .filter(|process| process.fragment)
        .map(|process| process.hop)
        .collect();
    for section in &model.sections {
        let known = section.mode.is_some() || !fragments.contains(&section.hop);
        let work = section.tcp && !section.http_work.is_empty();
        if known && work && !is_crossed(cx, section) {
            report_work(cx, section);
        }
    }
}

/// Whether HAProxy does not even start for the mode of this section.
fn is_crossed(cx: &Ctx, section: &Section) -> bool {
    let model = cx.model;
    let crossed = |process: &Process| {
        let mut ways = process.ways.iter();
        ways.any(|way| {
            model.sections[way.back].span == section.span && !model.sections[way.front].tcp
        })
    };
    model.processes.iter().any(crossed)
}

/// HAProxy refuses a way from `mode http` to `mode tcp`; the reverse is allowed.
fn report_crossed(cx: &mut Ctx, way: &Way, front: &Section, back: &Section) {
    let finding = cx.report(
        way.span,
        format!(
            "{} {} speaks http and leads to {} {}, which is in mode tcp: HAProxy does not start",
            front.kind, front.name, back.kind, back.name
        ),
    );
    finding.here("from http to tcp").label(
        back.mode.unwrap_or(back.span),
        if back.mode.is_some() {
            "mode tcp"
        } else {
            "no `mode` here or in `defaults`, and tcp is the default"
        },
    );
    finding
        .help(format!(
            "set `mode http` in {} {} or in `defaults`",
            back.kind, back.name
        ))
        .severity(Severity::Error)
        .outcome(Effect::NoStart, &[])
        .because("front", &front.name)
        .because("back", &back.name);
}

fn report_work(cx: &mut Ctx, section: &Section) {
    let first = &section.http_work[0];
    let how = if section.mode.is_some() {
        "is in mode tcp"
    } else {
        "has no `mode`, which is mode tcp"
    };
    let message = format!(
        "{} {} {how}: {} has no effect, and an app that is down is a closed connection without a status",
        section.kind, section.name, first.value
    );
    let finding = cx.report(first.span, message);
    finding.here("ignored in mode tcp");
    for work in section.http_work.iter().skip(1).take(3) {
        finding.label(work.span, "and this");
    }
    match section.mode {
        Some(mode) => finding.label(mode, "mode tcp"),
        None => finding.label(section.span, "no `mode` here or in `defaults`"),
    };
    finding
        .help("set `mode http`, here or in `defaults`; or take out what only http understands")
        .because("section", &section.name)
        .because("work", &first.value);
}
