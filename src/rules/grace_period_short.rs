//! rules/grace-period-short.md

use std::collections::{BTreeSet, HashMap};

use crate::finding::Severity;
use crate::model::chain::reached;
use crate::model::knowledge::{Known, is_runtime};
use crate::model::{Amount, HopId, Key, Model, ServiceRef, Setting};
use crate::rules::Ctx;
use crate::rules::words::{duration, soften, stated};
use crate::source::Span;

/// What Docker waits between the stop signal and SIGKILL: compose specification, `stop_grace_period`.
const DOCKER: u64 = 10_000;

pub(super) fn check(cx: &mut Ctx) {
    let model = cx.model;
    let dialled: BTreeSet<HopId> = model
        .links
        .iter()
        .filter_map(|link| reached(&link.target).map(|(hop, _)| hop))
        .collect();
    let waits = longest_waits(model);
    for hop in dialled {
        let Some(service) = model.hop(hop).service else {
            continue;
        };
        let stopping = &model.hop(hop).stopping;
        let signal = signal(cx, service);
        if let (Some(wanted), Some((sent, place))) = (&stopping.drains_on, &signal)
            && wanted != sent
        {
            wrong_signal(
                cx,
                hop,
                wanted,
                sent,
                place.unwrap_or(cx.service_span(service)),
            );
        } else if stopping.deaf
            && !cx.project.service(service).init
            && signal.is_some_and(|(sent, _)| sent == "SIGTERM")
        {
            deaf(cx, hop, service);
        } else if let Some(grace) = model.hop(hop).timeouts.get(&Key::Grace) {
            if grace.value() == Some(&Amount::Infinite) {
                unbounded(cx, hop, service, waits.get(&hop));
            } else {
                short(cx, hop, service, grace);
            }
        }
    }
}

/// For how long the proxies in front of each app wait for an answer where that is written, the longest of them.
fn longest_waits(model: &Model) -> HashMap<HopId, (u64, Span)> {
    let mut found: HashMap<HopId, (u64, Span)> = HashMap::new();
    for route in &model.routes {
        let read = route.timeouts.get(&Key::Read);
        let written = read.and_then(|read| Some((read.value()?, read.span()?)));
        let Some((Amount::Finite(ms), span)) = written else {
            continue;
        };
        for (hop, _) in route
            .links
            .iter()
            .filter_map(|id| reached(&model.link(*id).target))
        {
            let known = found.entry(hop).or_insert((*ms, span));
            if *ms > known.0 {
                *known = (*ms, span);
            }
        }
    }
    found
}

/// An app that lets requests finish without a limit of its own: the proxy's is the longest that one may take.
fn unbounded(cx: &mut Ctx, hop: HopId, service: ServiceRef, waits: Option<&(u64, Span)>) {
    let given = grace(cx, service);
    let (Some(primary), Some(kills), Some((takes, place))) =
        (given.span(), given.value().copied(), waits)
    else {
        return;
    };
    let takes = Amount::Finite(*takes);
    if kills >= takes {
        return;
    }
    let app = cx.hop_name(hop);
    let message = format!(
        "{app} lets requests finish, its proxy waits {} for one, and docker kills it after {}",
        duration(takes),
        duration(kills)
    );
    cx.report(primary, message)
        .here(format!("killed after {}", duration(kills)))
        .label(*place, format!("a request may take {}", duration(takes)))
        .help(format!(
            "set `stop_grace_period` to {} or more, or let the proxy wait for less",
            duration(takes)
        ))
        .because("given", kills)
        .because("needed", takes);
}

/// The signal that a container is stopped with, and where it is written; `None` if the image may set another one.
fn signal(cx: &Ctx, service: ServiceRef) -> Option<(String, Option<Span>)> {
    let container = cx.project.container(service);
    let written = cx.project.service(service).stop_signal.as_ref();
    if let Some(text) = written.or(container.stop_signal.as_ref()) {
        let word = text.get()?.to_ascii_uppercase();
        let name = match word.as_str() {
            "15" => "SIGTERM".to_owned(),
            "3" => "SIGQUIT".to_owned(),
            "2" => "SIGINT".to_owned(),
            _ if word.starts_with("SIG") => word,
            _ => format!("SIG{word}"),
        };
        return Some((name, Some(text.span)));
    }
    let reference = container.image.as_ref()?.get()?;
    let known = Known::new(cx.settings).image(reference);
    let of_image = known.and_then(|image| image.stop);
    (container.built || of_image.is_some() || is_runtime(reference))
        .then(|| (of_image.unwrap_or_else(|| "SIGTERM".to_owned()), None))
}

fn wrong_signal(cx: &mut Ctx, hop: HopId, wanted: &str, sent: &str, place: Span) {
    let app = cx.hop_name(hop);
    let message = format!(
        "{app} is stopped with {sent} and drops its requests; it finishes them on {wanted}"
    );
    cx.report(place, message)
        .here(format!("stopped with {sent}"))
        .help(format!("set `stop_signal: {wanted}`"))
        .because("signal", sent);
}

fn deaf(cx: &mut Ctx, hop: HopId, service: ServiceRef) {
    let (app, place) = (cx.hop_name(hop), cx.service_span(service));
    let waits = grace(cx, service);
    let waits = waits.value().copied().unwrap_or(Amount::Finite(DOCKER));
    let message = format!(
        "{app} ignores SIGTERM as process 1: it takes requests for {} more and is then killed with them",
        duration(waits)
    );
    cx.report(place, message)
        .here("stops with SIGTERM")
        .help("set `init: true`, or start it behind tini")
        .because("pid1", "ignored");
}

fn grace(cx: &Ctx, service: ServiceRef) -> Setting<Amount> {
    match &cx.project.service(service).stop_grace_ms {
        Some(written) => Setting::written(Amount::Finite(written.value), written.span),
        None => Setting::default_of(
            Amount::Finite(DOCKER),
            "docker",
            "",
            "compose specification, stop_grace_period",
        ),
    }
}

/// Whether docker kills an app that may still work, or leaves it less than a margin.
fn is_early(kills: Amount, takes: Amount, margin: u64) -> bool {
    match takes {
        Amount::Finite(ms) => kills < Amount::Finite(ms.saturating_add(margin)),
        Amount::Infinite => kills < takes,
    }
}

fn short(cx: &mut Ctx, hop: HopId, service: ServiceRef, needs: &Setting<Amount>) {
    let given = grace(cx, service);
    let (Some(kills), Some(Amount::Finite(takes))) = (given.value().copied(), needs.value()) else {
        return;
    };
    let enough = Amount::Finite(takes.saturating_add(cx.margin()));
    let takes = Amount::Finite(*takes);
    if !is_early(kills, takes, cx.asked()) {
        return;
    }
    let (app, service_place) = (cx.hop_name(hop), cx.service_span(service));
    let place = needs.span().unwrap_or(cx.model.hop(hop).span);
    let message = format!(
        "{app} lets requests finish for {}, docker kills it after {}{}",
        duration(takes),
        duration(kills),
        if takes == kills {
            cx.asked_for()
        } else {
            cx.apart(takes, kills, ["earlier", "later"])
        }
    );
    let primary = given.span().unwrap_or(service_place);
    let finding = cx.report(primary, message);
    finding
        .here(stated(&format!("killed after {}", duration(kills)), &given))
        .label(place, stated(&format!("up to {}", duration(takes)), needs))
        .help(format!(
            "set `stop_grace_period` to {} or more",
            duration(enough)
        ))
        .because("given", kills)
        .because("needed", takes);
    if given.span().is_some() && needs.span().is_some() {
        finding.severity(Severity::Warning);
    }
    soften(finding, &[&given, needs]);
}
