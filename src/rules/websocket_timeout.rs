//! rules/websocket-timeout.md

use std::collections::BTreeMap;

use crate::finding::Severity;
use crate::model::chain::reached;
use crate::model::{Amount, HopId, HopKind, Key, Route, Setting, websocket};
use crate::rules::Ctx;
use crate::rules::words::{duration, soften, stated};
use crate::source::Span;

/// A silence that a written time below this cuts is common (milliseconds).
const SHORT: u64 = 30_000;
/// The default of nginx, and the longest time that this rule has a doubt about (milliseconds).
const USUAL: u64 = 60_000;

pub(super) fn check(cx: &mut Ctx) {
    let mut causes: BTreeMap<(HopId, Option<Span>), Vec<&Route>> = BTreeMap::new();
    for route in cx.model.routes.iter().filter(|route| is_cut(cx, route)) {
        let place = silence(cx, route).and_then(Setting::span);
        causes.entry((route.hop, place)).or_default().push(route);
    }
    for ((_, place), routes) in causes {
        report(cx, place, &routes);
    }
}

/// How long an upgraded connection may be silent.
fn silence<'a>(cx: &Ctx<'a>, route: &'a Route) -> Option<&'a Setting<Amount>> {
    let key = match cx.model.hop(route.hop).kind {
        HopKind::HaProxy => Key::Tunnel,
        _ => Key::Read,
    };
    route.timeouts.get(&key)
}

fn is_cut(cx: &Ctx, route: &Route) -> bool {
    let most = silence(cx, route).and_then(Setting::value);
    let Some(Amount::Finite(most)) = most else {
        return false;
    };
    let pinged = pings(cx, route).is_some_and(|ping| ping < *most);
    *most <= USUAL && !pinged && cx.model.carries_websockets(route)
}

/// After how long a silence the app sends a ping (milliseconds), as far as its protocol or its program says.
fn pings(cx: &Ctx, route: &Route) -> Option<u64> {
    // uvicorn's `--ws-ping-interval`, 20 s unless told.
    let uvicorn = |program: &HopKind| *program == HopKind::App("uvicorn".to_owned());
    let mut behind = route
        .links
        .iter()
        .map(|link| reached(&cx.model.link(*link).target).map(|(hop, _)| &cx.model.hop(hop).kind));
    let all = !route.links.is_empty() && behind.all(|kind| kind.is_some_and(uvicorn));
    websocket::ping_ms(&route.name).or(all.then_some(20_000))
}

/// Whether a way is there for websockets. Many a `location /` has the headers for them from a recipe, and none comes.
fn is_meant(cx: &Ctx, route: &Route) -> bool {
    let named = |route: &Route| route.upgrades && websocket::is_path(&route.name);
    let by_acl = route.upgrades && cx.model.hop(route.hop).kind == HopKind::HaProxy;
    let mut ends = route
        .links
        .iter()
        .filter_map(|link| reached(&cx.model.link(*link).target));
    let behind = ends.any(|(hop, listener)| {
        let mut routes = cx.model.upgrading(hop);
        routes.any(|inner| inner.listeners.contains(&listener) && named(inner))
    });
    by_acl || named(route) || behind
}

fn report(cx: &mut Ctx, place: Option<Span>, routes: &[&Route]) {
    let Some((setting, most)) =
        silence(cx, routes[0]).and_then(|setting| Some((setting, *setting.value()?)))
    else {
        return;
    };
    let (program, span) = (cx.program(routes[0].hop), routes[0].span);
    let is_haproxy = cx.model.hop(routes[0].hop).kind == HopKind::HaProxy;
    let meant = routes.iter().any(|route| is_meant(cx, route));
    let finding = cx.report(
        place.unwrap_or(span),
        format!(
            "{program} cuts a websocket that is silent for {}",
            duration(most)
        ),
    );
    finding.here(stated(&format!("cut after {}", duration(most)), setting));
    let more = match routes.len() {
        1 => String::new(),
        ways => format!(", the first of {ways} ways"),
    };
    if place.is_some() {
        finding.label(span, format!("websockets come this way{more}"));
    } else if !more.is_empty() {
        finding.here(stated(
            &format!("cut after {}{more}", duration(most)),
            setting,
        ));
    }
    let longer = if is_haproxy {
        "set `timeout tunnel 1h` in the backend"
    } else {
        "set `proxy_read_timeout 1h` where websockets are passed on"
    };
    finding
        .help(format!(
            "{longer}, or let the app ping more often than every {}",
            duration(most)
        ))
        .because("silence", most)
        .because("proxy", &program);
    if place.is_none() || most >= Amount::Finite(SHORT) || !meant {
        finding.severity(Severity::Info);
    }
    soften(finding, &[setting]);
}
