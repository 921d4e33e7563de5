//! rules/keepalive-race-hidden.md

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::finding::{Effect, Severity};
use crate::model::chain::{is_proxy, reached};
use crate::model::haproxy::Section;
use crate::model::verdict::is_short;
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
    if !keeps(cx, route) {
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
        // Who dials its own port fetches its own statistics, and loses no client's request.
        let (inner, at) = reached(&link.target).filter(|(inner, _)| *inner != route.hop)?;
        let idle = idle(cx, inner, at)?;
        let (closes, waits) = (idle.value()?, client.value()?);
        let short = matches!(closes, Amount::Finite(ms) if *ms > 0);
        let early = is_short(*closes, *waits, cx.asked());
        (short && (eager.is_some() || early)).then_some(Race {
            section,
            link,
            inner,
            idle,
            client,
            eager,
        })
    })
}

/// What repeats a request that met a closed connection, where that does no harm.
const RETRY: &str =
    "`retry-on conn-failure empty-response` with `http-request disable-l7-retry if METH_POST`";

/// The advice to keep idle connections for longer than the hop in front does (milliseconds). An HAProxy that does so may
/// keep its clients for longer than the next hop keeps its own connections, and then has a race of its own.
pub(super) fn keeping(cx: &Ctx, hop: HopId, front: u64) -> String {
    let ms = front.saturating_add(cx.margin());
    let name = cx.hop_name(hop);
    let longer = format!(
        "let {name} keep them for {} or longer",
        duration(Amount::Finite(ms))
    );
    let mut routes = cx.model.routes.iter().filter(|route| route.hop == hop);
    if routes.any(|route| would_race(cx, route, ms)) {
        format!("{longer} and set {RETRY} in it")
    } else {
        longer
    }
}

/// Whether a way through an HAProxy is in order now, and would not be if clients were kept for so long (milliseconds).
fn would_race(cx: &Ctx, route: &Route, ms: u64) -> bool {
    let Some(now) = route
        .timeouts
        .get(&Key::ClientIdle)
        .and_then(Setting::value)
    else {
        return false;
    };
    let mut links = route.links.iter();
    keeps(cx, route)
        && links.any(|id| {
            let next = reached(&cx.model.link(*id).target);
            let idle = next.and_then(|(hop, at)| idle(cx, hop, at)?.value());
            idle.is_some_and(|idle| *idle > *now && is_short(*idle, Amount::Finite(ms), cx.asked()))
        })
}

/// Whether an HAProxy keeps connections to the next hop, and repeats nothing that meets a closed one.
fn keeps(cx: &Ctx, route: &Route) -> bool {
    let is_haproxy = cx.model.hop(route.hop).kind == HopKind::HaProxy;
    let retried = route.retry.value().is_none_or(|retry| retry.close);
    is_haproxy && matches!(route.reuse, Reuse::On(_)) && !retried
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
            "{inner} closes idle connections after {}, HAProxy keeps its clients for {}{}: a request in between ends in a closed connection, without a status or a log line",
            duration(*closes),
            duration(*waits),
            cx.apart(*waits, *closes, ["longer", "shorter"])
        ),
    };
    let place = race.eager.map_or(race.link.span, |reuse| reuse.span);
    let inner_place = race.idle.span().unwrap_or(cx.model.hop(race.inner).span);
    let told = stated(&format!("closed after {}", duration(*closes)), race.idle);
    let client = stated(&format!("clients kept {}", duration(*waits)), race.client);
    let help = match (race.eager, waits) {
        (Some(_), _) => format!("use the default `http-reuse safe`, or {RETRY}"),
        (None, Amount::Finite(ms)) => {
            format!("{}, or set {RETRY}", keeping(cx, race.inner, *ms))
        }
        (None, Amount::Infinite) => format!("set {RETRY}"),
    };
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
        .help(help)
        .because("section", &race.section.name)
        .because("inner", closes);
    match race.eager {
        Some(_) if old => finding.outcome(Effect::Response, &[502]),
        Some(_) => finding.severity(Severity::Warning),
        None => finding.severity(Severity::Info),
    };
    soften(finding, &[race.idle, race.client]);
}
