//! rules/stream-timeout.md

use std::collections::{BTreeMap, HashSet};

use crate::finding::Confidence;
use crate::model::nginx::Place;
use crate::model::{HopId, Key, Origin, Route};
use crate::rules::Ctx;
use crate::rules::words::{duration, stated};
use crate::source::Span;
use crate::syntax::nginx::Directive;

pub(super) fn check(cx: &mut Ctx) {
    let mut hops: BTreeMap<HopId, Vec<Stream>> = BTreeMap::new();
    let mut told = HashSet::new();
    for pass in cx.passes {
        let route = pass.routes.iter().find(|route| lasts_by_default(route));
        if let Some(route) = route
            && let Some((shows, sure)) = streams(pass.place, pass.directive)
            && told.insert((route.hop, shows))
        {
            let streams = hops.entry(route.hop).or_default();
            streams.push(Stream { route, shows, sure });
        }
    }
    for streams in hops.into_values() {
        report(cx, &streams);
    }
}

/// A way whose answers come piece by piece.
struct Stream<'a> {
    route: &'a Route,
    /// What shows it.
    shows: Span,
    /// Whether it can be nothing else.
    sure: bool,
}

/// What shows that answers come piece by piece: gRPC, which may stream, or buffering that is switched off in a place for
/// events. Alone it shows nothing: of 27 public configs that have it in a `location /`, not one was about streams.
fn streams(place: &Place, pass: &Directive) -> Option<(Span, bool)> {
    if pass.name.value == "grpc_pass" {
        return Some((pass.span, false));
    }
    let scope = &place.scope;
    let unbuffered = scope.header("x-accel-buffering");
    if let Some((directive, _)) = unbuffered.filter(|(_, value)| value.value == "no") {
        return Some((directive.span, true));
    }
    let (buffering, _) = scope.find("proxy_buffering")?;
    let off = buffering.args.first().is_some_and(|arg| arg.value == "off");
    // The recipe for events has both lines.
    let recipe = !scope.flag("chunked_transfer_encoding", true);
    let shows = pass.name.value == "proxy_pass" && off && (recipe || is_for_events(place));
    shows.then_some((buffering.span, true))
}

/// Whether the path of a location is one of events by custom.
fn is_for_events(place: &Place) -> bool {
    const FOLDERS: &[&str] = &["events", "sse", "stream", "event-stream", "eventsource"];
    let opener = place.opener.filter(|_| place.context() == "location");
    let path = opener.and_then(|opener| opener.args.last());
    path.is_some_and(|path| {
        path.value
            .split('/')
            .any(|folder| FOLDERS.contains(&folder))
    })
}

/// Whether the read timeout is the default one. A websocket has a rule of its own.
fn lasts_by_default(route: &Route) -> bool {
    let read = route
        .timeouts
        .get(&Key::Read)
        .and_then(|read| read.origin());
    !route.upgrades && matches!(read, Some(Origin::Default { certain: true, .. }))
}

fn report(cx: &mut Ctx, streams: &[Stream]) {
    let first = &streams[0];
    let Some((read, most)) = first
        .route
        .timeouts
        .get(&Key::Read)
        .and_then(|read| Some((read, *read.value()?)))
    else {
        return;
    };
    let directive = if first.sure {
        "proxy_read_timeout"
    } else {
        "grpc_read_timeout"
    };
    let kind = if first.sure {
        "an answer that comes piece by piece"
    } else {
        "a gRPC stream"
    };
    let finding = cx.report(
        first.shows,
        format!(
            "nginx cuts {kind} when nothing comes for {}",
            duration(most)
        ),
    );
    finding.here(stated(&format!("cut after {}", duration(most)), read));
    if first.shows != first.route.span {
        finding.label(first.route.span, "on this way");
    }
    finding.again(streams[1..].iter().map(|stream| stream.shows));
    finding
        .help(format!(
            "set `{directive} 1h` here, or let the app send something more often than every {}",
            duration(most)
        ))
        .because("silence", most);
    if !first.sure {
        finding.at_most(Confidence::Medium);
    }
}
