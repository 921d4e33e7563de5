//! rules/backend-undefined.md

use std::collections::HashSet;

use crate::model::haproxy::{Undefined, UndefinedKind};
use crate::rules::Ctx;

pub(super) fn check(cx: &mut Ctx) {
    let model = cx.model;
    for process in &model.processes {
        let unknown = |name: &&Undefined| !is_elsewhere(cx, name);
        let names: Vec<&Undefined> = process.undefined.iter().filter(unknown).collect();
        let mut told: HashSet<(&str, &str)> = HashSet::new();
        for name in &names {
            let what = (needs(name.kind), name.name.value.as_str());
            if told.insert(what) {
                let same =
                    |other: &&&Undefined| (needs(other.kind), other.name.value.as_str()) == what;
                let places: Vec<&Undefined> = names.iter().filter(same).copied().collect();
                report(cx, &places);
            }
        }
    }
}

/// Files of one HAProxy may lie side by side without anything that says so: what another file defines may be meant.
fn is_elsewhere(cx: &Ctx, name: &Undefined) -> bool {
    let wanted = &name.name.value;
    let mut processes = cx.model.processes.iter();
    match name.kind {
        UndefinedKind::UseBackend | UndefinedKind::DefaultBackend => {
            let mut sections = cx.model.sections.iter();
            sections.any(|section| section.kind != "frontend" && section.name == *wanted)
        }
        UndefinedKind::Resolvers => processes.any(|process| {
            process
                .resolvers
                .iter()
                .any(|section| section.name == *wanted)
        }),
        UndefinedKind::Defaults => processes.any(|process| {
            let here = process
                .undefined
                .iter()
                .any(|other| other.name.span == name.name.span);
            !here && process.defaults.contains(wanted)
        }),
    }
}

fn needs(kind: UndefinedKind) -> &'static str {
    match kind {
        UndefinedKind::UseBackend | UndefinedKind::DefaultBackend => "backend",
        UndefinedKind::Resolvers => "resolvers",
        UndefinedKind::Defaults => "defaults",
    }
}

fn report(cx: &mut Ctx, places: &[&Undefined]) {
    let first = places[0];
    let name = &first.name.value;
    let needs = needs(first.kind);
    let what = match first.kind {
        UndefinedKind::UseBackend => "use_backend",
        UndefinedKind::DefaultBackend => "default_backend",
        UndefinedKind::Resolvers => "resolvers",
        UndefinedKind::Defaults => "from",
    };
    let message = match (&first.other, first.kind) {
        (Some(other), _) => format!(
            "{what} {name} names a {}, which passes nothing on: HAProxy does not start",
            other.value
        ),
        (None, UndefinedKind::Defaults) => format!(
            "{what} {name}, and no defaults section before it has that name: HAProxy does not start"
        ),
        _ => format!("{what} {name}, and no {needs} has that name: HAProxy does not start"),
    };
    let finding = cx.report(first.name.span, message);
    finding.here(format!("no {needs} {name}"));
    finding.again(places[1..].iter().map(|place| place.name.span));
    if let Some(other) = &first.other {
        finding.label(other.span, format!("{} {name}", other.value));
    }
    finding
        .help(match first.kind {
            UndefinedKind::Defaults => {
                format!("write `defaults {name}` above, or name one that is")
            }
            UndefinedKind::Resolvers => {
                format!("add a `resolvers {name}` section, or name one that there is")
            }
            _ => format!("add `backend {name}`, or name one that there is"),
        })
        .because("kind", needs)
        .because("name", name);
}
