//! rules/websocket-headers-missing.md

use std::collections::BTreeMap;

use crate::finding::{Confidence, Severity};
use crate::model::chain::reached;
use crate::model::nginx::Pass;
use crate::model::version::{Versions, at_least};
use crate::model::{HopId, LinkId, websocket};
use crate::rules::Ctx;
use crate::source::Span;
use crate::syntax::proxy_value::has_variable;

/// From this version on nginx speaks HTTP/1.1 to upstreams without being told.
const MODERN: &str = "1.29.7";

/// What keeps a websocket from being opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lack {
    /// No `Upgrade` header, where the path or the hop behind speaks of websockets.
    Upgrade,
    /// An `Upgrade` header, and a `Connection` header that does not announce it.
    Connection,
    /// HTTP/1.0, written.
    Old,
    /// HTTP/1.0 by default; for all or for some of the versions that it may be.
    OldDefault(bool),
}

pub(super) fn check(cx: &mut Ctx) {
    let mut causes: BTreeMap<(HopId, Lack, Option<Span>), Vec<Span>> = BTreeMap::new();
    for pass in cx.passes {
        if pass.directive.name.value != "proxy_pass" || !pass.place.is_whole() {
            continue;
        }
        if let Some((lack, cause)) = lack(cx, pass) {
            let spans = causes.entry((pass.place.hop, lack, cause)).or_default();
            // A file that is included twice gives each of its lines twice.
            if !spans.contains(&pass.directive.span) {
                spans.push(pass.directive.span);
            }
        }
    }
    for ((_, lack, cause), spans) in causes {
        report(cx, lack, cause, &spans);
    }
}

/// What is lacking, and the header or the version that shows it.
fn lack(cx: &Ctx, pass: &Pass) -> Option<(Lack, Option<Span>)> {
    let place = pass.place;
    let Some((upgrade, value)) = place.scope.header("upgrade") else {
        return expects_websockets(cx, pass).then_some((Lack::Upgrade, None));
    };
    if value.value.is_empty() {
        return None;
    }
    let connection = place
        .scope
        .header("connection")
        .map(|(_, value)| &value.value);
    let announced = connection
        .is_some_and(|value| has_variable(value) || value.to_ascii_lowercase().contains("upgrade"));
    if !announced {
        return Some((Lack::Connection, Some(upgrade.span)));
    }
    match place.scope.find("proxy_http_version") {
        Some((version, _)) => {
            let old = version.args.first().is_some_and(|arg| arg.value == "1.0");
            old.then_some((Lack::Old, Some(version.span)))
        }
        None => match at_least(&cx.model.hop(place.hop).version, MODERN) {
            Versions::All => None,
            modern => Some((
                Lack::OldDefault(modern == Versions::None),
                Some(upgrade.span),
            )),
        },
    }
}

/// Whether a location is there for websockets: by its path, or because an nginx behind it upgrades them and no other
/// location here leads them to it.
fn expects_websockets(cx: &Ctx, pass: &Pass) -> bool {
    let place = pass.place;
    let by_path = place.context() == "location"
        && place
            .opener
            .is_some_and(|opener| match opener.args.as_slice() {
                [path] => websocket::is_path(&path.value),
                [modifier, path] => {
                    modifier.value != "~"
                        && modifier.value != "~*"
                        && websocket::is_path(&path.value)
                }
                _ => false,
            });
    let end = |link: &LinkId| reached(&cx.model.link(*link).target);
    let led = |link: &LinkId| {
        let mut upgrading = cx.model.upgrading(place.hop);
        upgrading.any(|route| route.links.iter().any(|other| end(other) == end(link)))
    };
    let mut links = pass.routes.iter().flat_map(|route| &route.links);
    by_path || links.any(|link| cx.model.upgrades_behind(*link) && !led(link))
}

fn report(cx: &mut Ctx, lack: Lack, cause: Option<Span>, spans: &[Span]) {
    let (message, here) = match lack {
        Lack::Upgrade => (
            "no Upgrade header is passed on where websockets are opened",
            "the app sees a plain GET",
        ),
        Lack::Connection => (
            "Upgrade is passed on, and no Connection header that announces it",
            "means nothing without `Connection: upgrade`",
        ),
        Lack::Old => (
            "Upgrade is passed on in HTTP/1.0, in which many apps refuse it",
            "websockets need 1.1",
        ),
        Lack::OldDefault(true) => (
            "Upgrade is passed on in HTTP/1.0, the default of nginx before 1.29.7",
            "no `proxy_http_version` with it",
        ),
        Lack::OldDefault(false) => (
            "Upgrade is passed on in HTTP/1.0 if this nginx is older than 1.29.7",
            "no `proxy_http_version` with it",
        ),
    };
    let finding = cx.report(cause.unwrap_or(spans[0]), message);
    finding.here(here);
    let rest = if cause.is_some() { spans } else { &spans[1..] };
    for span in rest {
        finding.label(*span, "websockets come this way");
    }
    finding
        .help(match lack {
            Lack::Upgrade => "set `proxy_http_version 1.1`, `proxy_set_header Upgrade $http_upgrade` and `proxy_set_header Connection \"upgrade\"`",
            Lack::Connection => "add `proxy_set_header Connection \"upgrade\"`, or the documented map of $http_upgrade",
            _ => "add `proxy_http_version 1.1`",
        })
        .because("lack", format!("{lack:?}"));
    match lack {
        Lack::Upgrade => {
            finding.at_most(Confidence::Medium);
        }
        Lack::OldDefault(false) => {
            finding.severity(Severity::Info).at_most(Confidence::Medium);
        }
        // Measured: Node takes it, and nginx passes its 101 on.
        Lack::Old | Lack::OldDefault(true) => {
            finding.at_most(Confidence::Medium);
        }
        Lack::Connection => {}
    }
}
