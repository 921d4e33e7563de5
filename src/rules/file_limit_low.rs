//! rules/file-limit-low.md

use std::collections::{HashMap, HashSet};

use crate::finding::{Effect, Severity};
use crate::model::HopId;
use crate::model::nginx::Place;
use crate::rules::Ctx;
use crate::source::{Span, Spanned};

/// What nginx has if nothing is written.
const WORKER_CONNECTIONS: u64 = 512;

pub(super) fn check(cx: &mut Ctx) {
    nginx(cx);
    haproxy(cx);
}

fn nginx(cx: &mut Ctx) {
    let passing: HashSet<HopId> = cx.model.routes.iter().map(|route| route.hop).collect();
    let of = |context: &'static str| {
        let places = cx.places.iter();
        places.filter(move |place| place.context() == context)
    };
    let mut events: HashMap<HopId, &Place> = HashMap::new();
    for place in of("events") {
        events.entry(place.hop).or_insert(place);
    }
    let mains: Vec<&Place> = of("main").collect();
    for main in mains {
        if !main.conf.complete || !passing.contains(&main.hop) {
            continue;
        }
        let events = events.get(&main.hop);
        let connections = events.and_then(|events| number(events, "worker_connections"));
        let files = number(main, "worker_rlimit_nofile").or_else(|| given(cx, main.hop));
        if let Some(files) = files {
            report_nginx(cx, main.hop, &files, connections.as_ref());
        }
    }
}

/// The number that a directive of a block has.
pub(super) fn number(place: &Place, name: &'static str) -> Option<Spanned<u64>> {
    let directive = place.scope.own(name).next_back()?;
    let number = directive.args.first()?.value.parse().ok()?;
    Some(Spanned::new(number, directive.span))
}

/// The limit that compose gives the container.
fn given(cx: &Ctx, hop: HopId) -> Option<Spanned<u64>> {
    let service = cx.model.hop(hop).service?;
    cx.project.service(service).open_files.clone()
}

fn report_nginx(cx: &mut Ctx, hop: HopId, files: &Spanned<u64>, written: Option<&Spanned<u64>>) {
    let connections = written.map_or(WORKER_CONNECTIONS, |written| written.value);
    let limit = files.value;
    if limit >= connections.saturating_mul(2) {
        return;
    }
    let place: Span = written.map_or(cx.model.hop(hop).span, |written| written.span);
    let finding = cx.report(
        files.span,
        format!("each worker of nginx may hold {connections} connections and open {limit} files, and a request that is passed on takes two"),
    );
    finding
        .here(format!("{limit} files"))
        .label(
            place,
            match written {
                Some(_) => format!("{connections} connections"),
                None => format!("{connections} connections: nginx's default, no setting found"),
            },
        )
        .help(format!(
            "raise it to {} or more, or allow fewer connections",
            connections.saturating_mul(2)
        ))
        .outcome(Effect::Response, &[500])
        .because("files", limit)
        .because("connections", connections);
    finding.severity(if limit < connections {
        Severity::Warning
    } else {
        Severity::Info
    });
}

fn haproxy(cx: &mut Ctx) {
    let processes = cx.model.processes.iter();
    let told: Vec<_> = processes
        .filter_map(|process| Some((process.hop, process.connections.clone()?)))
        .collect();
    for (hop, most) in told {
        let few = |files: &Spanned<u64>| files.value < most.value.saturating_mul(2);
        let Some(files) = given(cx, hop).filter(few) else {
            continue;
        };
        let (limit, needed) = (files.value, most.value.saturating_mul(2));
        let finding = cx.report(
            most.span,
            format!("HAProxy needs more than {needed} files for maxconn {}, and its container may open {limit}", most.value),
        );
        finding
            .here(format!("two files for each of {} connections", most.value))
            .label(files.span, format!("{limit} files"))
            .help(format!("raise `nofile` above {needed}, lower `maxconn`, or leave it out: HAProxy then counts by itself"))
            .outcome(Effect::NoStart, &[])
            .because("files", limit)
            .because("connections", most.value);
    }
}
