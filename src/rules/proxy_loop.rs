//! rules/proxy-loop.md

use crate::model::chain;
use crate::model::nginx::{Place, Scope};
use crate::model::{Link, Protocol, ProxyHeader, Route};
use crate::rules::Ctx;
use crate::source::Span;
use crate::syntax::nginx::Directive;
use crate::syntax::proxy_value::upstream_url;

pub(super) fn check(cx: &mut Ctx) {
    for pass in cx.passes {
        let place = pass.place;
        let location = place
            .opener
            .filter(|opener| opener.name.value == "location");
        let (Some(location), Some(route)) = (location, pass.routes.first()) else {
            continue;
        };
        if let Some(listen) = own_listener(cx, route)
            && pass.directive.name.value == "proxy_pass"
            && keeps_path(place, location, pass.directive)
            && selects_itself(cx.places, place, route)
        {
            report(cx, route, location.name.span, listen);
        }
    }
}

/// The place of the listener, if all peers of a route are the proxy itself.
fn own_listener(cx: &Ctx, route: &Route) -> Option<Span> {
    let links: Vec<&Link> = route.links.iter().map(|id| cx.model.link(*id)).collect();
    let mut places = links.iter().map(|link| {
        let (_, at) = chain::reached(&link.target).filter(|(hop, _)| *hop == route.hop)?;
        let listener = &cx.model.hop(route.hop).listeners[at];
        let same = matches!(
            (listener.protocol.value(), link.protocol),
            (Some(Protocol::Http), Protocol::Http) | (Some(Protocol::Https), Protocol::Https)
        );
        let taken =
            same && listener.proxy_header != ProxyHeader::Expected && route.listeners.contains(&at);
        taken.then(|| listener.address.span()).flatten()
    });
    let first = places.next()??;
    places.all(|place| place.is_some()).then_some(first)
}

/// Whether the request comes back with the path that it had, so that it meets the same location.
fn keeps_path(place: &Place, location: &Directive, pass: &Directive) -> bool {
    let changes = ["rewrite", "if", "set", "internal"];
    let changed = |scope: &Scope| changes.iter().any(|name| scope.own(name).next().is_some());
    let uri = pass
        .args
        .first()
        .and_then(|url| upstream_url(&url.value))
        .map(|raw| raw.uri);
    let prefix = location.args.len() == 1;
    let same = |uri: String| {
        uri.is_empty() || prefix && location.args.first().is_some_and(|path| path.value == uri)
    };
    !changed(&place.scope) && uri.is_some_and(same)
}

/// Whether the `Host` that is sent selects the server again: it is the only one, or gets the host that it was called by.
fn selects_itself(places: &[Place], place: &Place, route: &Route) -> bool {
    let mine = places
        .iter()
        .filter(|other| other.hop == place.hop && !other.stream);
    let servers = mine.filter(|other| other.context() == "server").count();
    let host = place
        .scope
        .all("proxy_set_header")
        .into_iter()
        .find(|header| {
            header
                .args
                .first()
                .is_some_and(|name| name.value.eq_ignore_ascii_case("host"))
        });
    let same = host
        .and_then(|header| header.args.get(1))
        .is_some_and(|value| {
            matches!(
                value.value.as_str(),
                "$host" | "$http_host" | "$host:$server_port"
            )
        });
    // A server that branches may end the loop itself.
    let branches = place.scope.find("if").is_some();
    place.is_whole() && !branches && (servers == 1 || same && route.listeners.len() == 1)
}

fn report(cx: &mut Ctx, route: &Route, location: Span, listen: Span) {
    let Some(link) = route.links.first().map(|id| cx.model.link(*id).clone()) else {
        return;
    };
    let message = format!(
        "{} leads back to this very location of this nginx",
        link.written
    );
    cx.report(route.span, message)
        .here("passes to itself")
        .label(location, "comes back here")
        .label(listen, "takes the connection")
        .help("name the app in place of the proxy: another service, or another port")
        .because("address", &link.written);
}
