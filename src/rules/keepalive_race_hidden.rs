//! rules/keepalive-race-hidden.md

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::finding::{Effect, Severity};
use crate::model::chain::{is_proxy, reached};
use crate::model::haproxy::Section;
use crate::model::version::{Versions, at_least};
use crate::model::{Amount, HopId, HopKind, Key, Link, LinkId, Reuse, Route, Setting};
use crate::rules::Ctx;
use crate::rules::words::{duration, soften, stated};
use crate::source::{Span, Spanned};

/// A backend whose servers may close a connection just when HAProxy writes on it.
struct Race<'a> {
    section: &'a Section,
    link: &'a Link,
    inner: HopId,
    idle: &'a Setting<Amount>,
    client: &'a Setting<Amount>,
    /// `http-reuse always` or `aggressive`: first requests are hit as well.
    eager: Option<&'a Spanned<String>>,
}

pub(super) fn check(cx: &mut Ctx) {
    let mut races: BTreeMap<(HopId, bool), Vec<Race>> = BTreeMap::new();
    let mut told: HashSet<(HopId, bool, Span)> = HashSet::new();
    let model = cx.model;
    // Servers belong to one section, so that the first tells which it is.
    let backs = model.sections.iter();
    let backs: HashMap<LinkId, &Section> = backs
        .filter_map(|section| Some((*section.servers.first()?, section)))
        .collect();
    for route in &model.routes {
        let back = route.links.first().and_then(|id| backs.get(id));
        if let Some(race) = back.and_then(|section| race(cx, route, section)) {
            let key = (route.hop, race.eager.is_some());
            if told.insert((key.0, key.1, race.link.span)) {
                races.entry(key).or_default().push(race);
            }
        }
    }
    for ((hop, _), races) in races {
        report(cx, hop, &races);
    }
}

fn race<'a>(cx: &Ctx<'a>, route: &'a Route, section: &'a Section) -> Option<Race<'a>> {
    let model = cx.model;
    let retried = route.retry.value()?.close;
    let kept = matches!(route.reuse, Reuse::On(_)) && model.hop(route.hop).kind == HopKind::HaProxy;
    if retried || !kept {
        return None;
    }
    let eager = match &section.http_reuse {
        Some(reuse) if matches!(reuse.value.as_str(), "always" | "aggressive") => Some(reuse),
        Some(reuse) if reuse.value == "never" => return None,
        _ => None,
    };
    let client = route.timeouts.get(&Key::ClientIdle)?;
    route.links.iter().find_map(|id| {
        let link = model.link(*id);
        let (inner, at) = reached(&link.target)?;
        let idle = idle(cx, inner, at)?;
        let (closes, waits) = (idle.value()?, client.value()?);
        let short = matches!(closes, Amount::Finite(ms) if *ms > 0);
        (short && (eager.is_some() || closes <= waits)).then_some(Race {
            section,
            link,
            inner,
            idle,
            client,
            eager,
        })
    })
}

/// How long the next hop keeps an idle connection: an app of itself, a proxy by its way from that listener on.
fn idle<'a>(cx: &Ctx<'a>, hop: HopId, listener: usize) -> Option<&'a Setting<Amount>> {
    let model = cx.model;
    if !is_proxy(&model.hop(hop).kind) {
        return model.hop(hop).timeouts.get(&Key::KeepaliveIdle);
    }
    let mut ways = model
        .routes
        .iter()
        .filter(|route| route.hop == hop && route.listeners.contains(&listener));
    ways.next()?.timeouts.get(&Key::ClientIdle)
}

fn report(cx: &mut Ctx, hop: HopId, races: &[Race]) {
    let race = &races[0];
    let (Some(closes), Some(waits)) = (race.idle.value(), race.client.value()) else {
        return;
    };
    let inner = cx.hop_name(race.inner);
    let old = at_least(&cx.model.hop(hop).version, "3.0") == Versions::None;
    let message = match race.eager {
        Some(reuse) => format!(
            "http-reuse {} sends any request on an idle connection, and {inner} closes those after {}",
            reuse.value,
            duration(*closes)
        ),
        None => format!(
            "{inner} closes idle connections after {}, HAProxy keeps its clients for {}: a request in between ends in a closed connection, without a status or a log line",
            duration(*closes),
            duration(*waits)
        ),
    };
    let place = race.eager.map_or(race.link.span, |reuse| reuse.span);
    let inner_place = race.idle.span().unwrap_or(cx.model.hop(race.inner).span);
    let told = stated(&format!("closed after {}", duration(*closes)), race.idle);
    let client = stated(&format!("clients kept {}", duration(*waits)), race.client);
    let finding = cx.report(place, message);
    finding.here(match race.eager {
        Some(_) => "takes connections of other clients, for first requests too",
        None => "is sent requests on kept connections",
    });
    finding.again(races[1..].iter().take(3).map(|other| other.link.span));
    if let (None, Some(span)) = (race.eager, race.client.span()) {
        finding.label(span, client);
    }
    finding
        .label(inner_place, told)
        .help(if race.eager.is_some() {
            "use the default `http-reuse safe`, or `retry-on conn-failure empty-response` with `http-request disable-l7-retry if METH_POST`"
        } else {
            "let the app keep them longer than HAProxy keeps its clients, or set `retry-on conn-failure empty-response` with `http-request disable-l7-retry if METH_POST`"
        })
        .because("section", &race.section.name)
        .because("inner", closes);
    match race.eager {
        Some(_) if old => finding.outcome(Effect::Response, &[502]),
        Some(_) => finding.severity(Severity::Warning),
        None => finding.severity(Severity::Info),
    };
    soften(finding, &[race.idle, race.client]);
}
