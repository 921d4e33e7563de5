//! rules/upstream-ports-exhausted.md

use crate::finding::Confidence;
use crate::model::chain::reached;
use crate::model::nginx::{Pass, stays_open};
use crate::model::{Amount, Bind, Dialled, Hop, Key, Link, Protocol, Reuse, Route};
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::source::Span;

/// One way on which each request costs a port.
struct Costly<'a> {
    link: &'a Link,
    /// Where it is written that the app may keep what nginx closes, or the way itself.
    place: Span,
    /// Whether the next hop is known, and closes nothing by itself.
    certain: bool,
}

pub(super) fn check(cx: &mut Ctx) {
    let mut alike = Alike::new();
    for pass in cx.passes {
        if let Some(costly) = costly(cx, pass) {
            alike.add(costly.link.from, costly.place, costly);
        }
    }
    for (_, ways) in alike.groups() {
        report(cx, &ways);
    }
}

/// The link of a way that has no pool, while what is sent on it asks the next hop to keep the connection.
fn costly<'a>(cx: &Ctx<'a>, pass: &Pass<'a>) -> Option<Costly<'a>> {
    let model = cx.model;
    let (place, routes) = (pass.place, &pass.routes);
    let version = &model.hop(place.hop).version;
    if pass.directive.name.value != "proxy_pass"
        || !stays_open(&place.scope, version, place.conf.fragment)
        || is_for_websockets(pass)
    {
        return None;
    }
    let unpooled = |route: &&&Route| {
        matches!(route.reuse, Reuse::Off(_))
            && matches!(route.protocol, Protocol::Http | Protocol::Https)
    };
    let links = routes
        .iter()
        .filter(unpooled)
        .flat_map(|route| &route.links);
    let mut links = links.map(|id| model.link(*id));
    links.find_map(|link| {
        let certain = closes_nothing(cx, link)?;
        Some(Costly {
            link,
            place: pass.directive.span,
            certain,
        })
    })
}

/// One connection for each websocket is what they need; `location /` has all the other requests as well.
fn is_for_websockets(pass: &Pass) -> bool {
    let opener = pass.place.opener;
    let path = opener.and_then(|opener| opener.args.last());
    let of_all = path.is_some_and(|path| path.value == "/");
    !of_all && pass.routes.iter().any(|route| route.upgrades)
}

/// Whether the next hop is known to wait for nginx to close; `None` if it closes first, or if its address costs no port
/// of the network: Linux gives those of loopback anew after a second.
fn closes_nothing(cx: &Ctx, link: &Link) -> Option<bool> {
    let Dialled::Tcp { host, .. } = &link.dialled else {
        return None;
    };
    if Bind::of(&host.value).is_loopback() || link.down {
        return None;
    }
    let idle = |hop: &Hop| {
        let keys = [Key::KeepaliveIdle, Key::ClientIdle];
        keys.iter()
            .find_map(|key| hop.timeouts.get(key)?.value().copied())
    };
    match reached(&link.target).map(|(hop, _)| idle(cx.model.hop(hop))) {
        Some(Some(Amount::Finite(0))) => None,
        Some(Some(_)) => Some(true),
        _ => Some(false),
    }
}

fn report(cx: &mut Ctx, ways: &[Costly]) {
    let first = &ways[0];
    let message = format!(
        "nginx opens a connection for each request to {} and closes it first: each keeps one of about 28,000 local ports for 60s, so they last for 470 requests a second",
        first.link.written
    );
    let pool = match &first.link.group {
        Some(group) => format!("set `keepalive 32` in upstream {}", group.value),
        None => "pass to an `upstream` block with `keepalive 32`".to_owned(),
    };
    let finding = cx.report(first.place, message);
    finding
        .here("no connection is kept")
        .again(ways[1..].iter().map(|way| way.place))
        .help(format!("{pool}, and a `keepalive_timeout` below the time for which the app keeps idle connections"))
        .because("ways", ways.len());
    if !ways.iter().all(|way| way.certain) {
        finding.at_most(Confidence::Medium);
    }
}
