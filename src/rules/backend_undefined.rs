//! rules/backend-undefined.md

use std::collections::{HashMap, HashSet};

use crate::finding::{Effect, Severity};
use crate::model::Model;
use crate::model::haproxy::{Section, Undefined, UndefinedKind};
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::rules::words::list;
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let model = cx.model;
    let elsewhere = Elsewhere::of(model);
    for process in &model.processes {
        let unknown = |name: &&Undefined| !elsewhere.has(name);
        let mut groups: Vec<Vec<&Undefined>> = Vec::new();
        let mut known: HashMap<(&str, &str), usize> = HashMap::new();
        for name in process.undefined.iter().filter(unknown) {
            let what = (needs(name.kind), name.name.value.as_str());
            let at = *known.entry(what).or_insert(groups.len());
            if at == groups.len() {
                groups.push(Vec::new());
            }
            groups[at].push(name);
        }
        for places in groups {
            match places[0].lookup {
                Some(lookup) => report_mapped(cx, &places, lookup),
                None => report(cx, &places),
            }
        }
    }
    if cx.settings.pedantic {
        rest(cx);
    }
}

/// What any process defines. Files of one HAProxy may lie side by side without anything that says so: what another file
/// defines may be meant.
struct Elsewhere<'a> {
    backends: HashSet<&'a str>,
    resolvers: HashSet<&'a str>,
    /// The processes that have a `defaults` of a name.
    defaults: HashMap<&'a str, Vec<usize>>,
    /// The processes that lack it at a place.
    lacking: HashSet<(usize, Span)>,
}

impl<'a> Elsewhere<'a> {
    fn of(model: &'a Model) -> Self {
        let sections = model.sections.iter();
        let backends = sections.filter(|section| section.kind != "frontend");
        let resolvers = model.processes.iter().flat_map(|one| &one.resolvers);
        let mut defaults: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut lacking = HashSet::new();
        for (at, process) in model.processes.iter().enumerate() {
            for name in &process.defaults {
                defaults.entry(name).or_default().push(at);
            }
            lacking.extend(process.undefined.iter().map(|name| (at, name.name.span)));
        }
        Self {
            backends: backends.map(|section| section.name.as_str()).collect(),
            resolvers: resolvers.map(|section| section.name.as_str()).collect(),
            defaults,
            lacking,
        }
    }

    fn has(&self, name: &Undefined) -> bool {
        let wanted = name.name.value.as_str();
        match name.kind {
            UndefinedKind::UseBackend | UndefinedKind::DefaultBackend | UndefinedKind::MapValue => {
                self.backends.contains(wanted)
            }
            UndefinedKind::Resolvers => self.resolvers.contains(wanted),
            UndefinedKind::Defaults => {
                let mut having = self.defaults.get(wanted).into_iter().flatten();
                having.any(|at| !self.lacking.contains(&(*at, name.name.span)))
            }
        }
    }
}

fn needs(kind: UndefinedKind) -> &'static str {
    match kind {
        UndefinedKind::UseBackend | UndefinedKind::DefaultBackend => "backend",
        UndefinedKind::MapValue => "backend of a map",
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
        UndefinedKind::MapValue => "map",
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

/// A name in a map is looked up for each request, so that HAProxy starts with it.
fn report_mapped(cx: &mut Ctx, places: &[&Undefined], lookup: Span) {
    let first = places[0];
    let name = &first.name.value;
    let tcp = is_tcp(cx, first.section);
    let outcome = match &first.instead {
        Some(instead) => format!("HAProxy goes on to {}", instead.value),
        None if tcp => "its connections are closed".to_owned(),
        None => "its requests get 503 at once".to_owned(),
    };
    let message = format!("the map leads to {name}, and no backend has that name: {outcome}");
    let finding = cx.report(first.name.span, message);
    finding.here(format!("no backend {name}"));
    finding.again(places[1..].iter().map(|place| place.name.span));
    if lookup != first.name.span {
        finding.label(lookup, "looks the name up for each request");
    }
    match &first.instead {
        Some(instead) => {
            finding
                .severity(Severity::Warning)
                .label(instead.span, "what this entry was to take goes here")
                .outcome(Effect::Response, &[]);
        }
        None if tcp => {
            finding.outcome(Effect::Closed, &[]);
        }
        None => {
            finding.outcome(Effect::Response, &[503]);
        }
    }
    finding
        .help(format!("add `backend {name}`, or name one that there is"))
        .because("kind", "map")
        .because("name", name);
}

fn is_tcp(cx: &Ctx, section: Span) -> bool {
    let mut sections = cx.model.sections.iter();
    sections.any(|other| other.span == section && other.tcp)
}

/// Frontends without a way for the rest, which may be meant so; one finding for a process.
fn rest(cx: &mut Ctx) {
    let model = cx.model;
    let mut found = Alike::new();
    for section in model
        .sections
        .iter()
        .filter(|section| !section.conditional_ways.is_empty())
    {
        found.add((section.hop, section.tcp), section.span, section);
    }
    for ((_, tcp), sections) in found.groups() {
        report_rest(cx, &sections, tcp);
    }
}

fn report_rest(cx: &mut Ctx, sections: &[&Section], tcp: bool) {
    let first = sections[0];
    let names: Vec<&str> = sections
        .iter()
        .map(|section| section.name.as_str())
        .collect();
    let outcome = if tcp {
        "a connection that meets none is closed at once"
    } else {
        "a request that meets none gets 503 at once"
    };
    let noun = if names.len() == 1 {
        "frontend"
    } else {
        "frontends"
    };
    let message = format!(
        "all ways out of {noun} {} have conditions, and there is no default_backend: {outcome}",
        list(&names)
    );
    let state = if tcp { "SC" } else { "SC--" };
    let finding = cx.report(first.span, message);
    finding
        .here(format!("logged as `{}/<NOSRV>` with `{state}`", first.name))
        .again(sections[1..].iter().map(|section| section.span))
        .label(first.conditional_ways[0], "under a condition")
        .severity(Severity::Info)
        .help("add `default_backend`, or say what the rest gets, such as `http-request return status 404`")
        .because("kind", "rest");
    if tcp {
        finding.outcome(Effect::Closed, &[]);
    } else {
        finding.outcome(Effect::Response, &[503]);
    }
}
