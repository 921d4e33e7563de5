//! The `upstream {}` blocks of nginx with the links that their `server` lines make.

use std::collections::{BTreeSet, HashMap};

use crate::model::nginx::Place;
use crate::model::{HopId, Link, Route};
use crate::rules::Ctx;
use crate::source::Span;
use crate::syntax::nginx::Directive;

/// One `server` of a group.
pub(super) struct Peer<'a> {
    /// The directive.
    pub(super) server: &'a Directive,
    /// Whom it dials.
    pub(super) link: &'a Link,
}

impl Peer<'_> {
    /// The value of a parameter, `3` of `max_fails=3`.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut args = self.server.args.iter().skip(1);
        args.find_map(|arg| arg.value.strip_prefix(name)?.strip_prefix('='))
    }

    /// Whether a failed attempt puts it aside as nginx does by itself: after one, for ten seconds.
    pub(super) fn fails_by_default(&self) -> bool {
        self.parameter("max_fails").is_none() && self.parameter("fail_timeout").is_none()
    }
}

/// A group that some way leads to.
pub(super) struct Group<'a> {
    /// The block.
    pub(super) place: &'a Place<'a>,
    /// Its servers.
    pub(super) peers: Vec<Peer<'a>>,
    /// The ways that lead to it, in order; at least one.
    pub(super) routes: Vec<&'a Route>,
}

/// Every group that requests are passed on to, with all of its servers.
pub(super) fn groups<'a>(cx: &Ctx<'a>) -> Vec<Group<'a>> {
    let model = cx.model;
    let mut links: HashMap<(HopId, Span), (&Link, BTreeSet<usize>)> = HashMap::new();
    for (at, route) in model.routes.iter().enumerate() {
        for link in route.links.iter().map(|id| model.link(*id)) {
            let known = links.entry((route.hop, link.span));
            known.or_insert((link, BTreeSet::new())).1.insert(at);
        }
    }
    let upstreams = cx
        .places
        .iter()
        .filter(|place| place.context() == "upstream" && place.is_whole());
    let mut groups = Vec::new();
    for place in upstreams {
        let (mut peers, mut routes) = (Vec::new(), BTreeSet::new());
        for server in place.scope.own("server") {
            let span = server.args.first().map(|address| address.span);
            if let Some((link, ways)) = span.and_then(|span| links.get(&(place.hop, span))) {
                peers.push(Peer { server, link });
                routes.extend(ways.iter().copied());
            }
        }
        let routes: Vec<&Route> = routes
            .into_iter()
            .map(|at: usize| &model.routes[at])
            .collect();
        if !routes.is_empty() {
            groups.push(Group {
                place,
                peers,
                routes,
            });
        }
    }
    groups
}
