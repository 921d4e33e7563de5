//! Chains: every way from an edge through the proxies to an app, with equal ways folded into one.

use std::collections::{HashMap, HashSet};

use crate::model::edge::{Front, is_loopback};
use crate::model::verdict::judge;
use crate::model::{
    Chain, DeadEnd, HopId, HopKind, LinkId, Listener, Model, Pages, Retry, Route, RouteId,
    ServiceRef, Setting, Step, Target, Timeouts,
};

/// Proxies behind proxies deeper than this are a loop.
const DEPTH: usize = 8;
/// More ways than this are not listed one by one.
const MOST: usize = 4000;

/// Routes of one hop that differ in name only.
struct Group {
    first: RouteId,
    others: Vec<RouteId>,
}

impl Group {
    fn count(&self) -> usize {
        1 + self.others.len()
    }
}

/// Fills in the chains of a model, with the edges in front of them, and judges each.
pub(super) fn follow(model: &mut Model, fronts: &[Front]) {
    let groups = groups(model);
    let behind = behind_proxies(model);
    let mut chains = Vec::new();
    for (hop, _) in model.hops.iter().enumerate() {
        let hop = HopId(u32::try_from(hop).unwrap_or(u32::MAX));
        let fronts: Vec<&Front> = fronts
            .iter()
            .filter(|front| front.hops.contains(&hop))
            .collect();
        for group in groups.get(&hop).into_iter().flatten() {
            let entry = is_entry(model, &behind, group);
            let in_front = fronts
                .iter()
                .filter(|front| (entry || front.named) && is_open(model, group));
            let mut starts: Vec<_> = in_front.map(|front| front.steps.clone()).collect();
            if entry && starts.is_empty() {
                starts.push(Vec::new());
            }
            for mut steps in starts {
                let count = group.count();
                extend(model, &groups, group, count, &mut steps, &mut chains);
            }
        }
        // An app that an edge dials without a proxy between.
        if !groups.contains_key(&hop) {
            chains.extend(fronts.iter().map(|front| straight(front, hop)));
        }
    }
    for chain in &mut chains {
        chain.verdicts = judge(model, chain);
    }
    model.chains = chains;
}

/// The routes that each first one of its kind stands for in a chain; only where there are any.
pub fn alike(model: &Model) -> HashMap<RouteId, Vec<RouteId>> {
    let groups = groups(model).into_values().flatten();
    groups
        .filter(|group| !group.others.is_empty())
        .map(|group| (group.first, group.others))
        .collect()
}

/// The routes of each proxy; a route of an edge that has no peers starts no group.
fn groups(model: &Model) -> HashMap<HopId, Vec<Group>> {
    type Errors<'m> = (&'m Setting<Retry>, &'m Pages);
    type Likeness<'m> = (
        HopId,
        &'m [LinkId],
        &'m [usize],
        &'m Timeouts,
        bool,
        Errors<'m>,
    );
    let mut index: HashMap<Likeness, usize> = HashMap::new();
    let mut groups: HashMap<HopId, Vec<Group>> = HashMap::new();
    let routes = model.routes.iter().enumerate();
    let of_edge = |route: &Route| {
        matches!(model.hop(route.hop).kind, HopKind::Edge(_)) && route.links.is_empty()
    };
    for (at, route) in routes.filter(|(_, route)| !of_edge(route)) {
        let id = RouteId(u32::try_from(at).unwrap_or(u32::MAX));
        let kept = route.reuse.may_keep();
        let likeness = (
            route.hop,
            route.links.as_slice(),
            route.listeners.as_slice(),
            &route.timeouts,
            kept,
            (&route.retry, &route.pages),
        );
        let list = groups.entry(route.hop).or_default();
        match index.get(&likeness) {
            Some(known) => list[*known].others.push(id),
            None => {
                index.insert(likeness, list.len());
                list.push(Group {
                    first: id,
                    others: Vec::new(),
                });
            }
        }
    }
    groups
}

/// Every listener that a link of another hop leads to.
fn behind_proxies(model: &Model) -> HashSet<(HopId, usize)> {
    let links = model.links.iter();
    let reached = links.filter_map(|link| Some((link.from, reached(&link.target)?)));
    reached
        .filter(|(from, (to, _))| from != to)
        .map(|(_, listener)| listener)
        .collect()
}

/// Whether requests come to a route from outside: no link of another proxy leads to its listeners.
fn is_entry(model: &Model, behind: &HashSet<(HopId, usize)>, group: &Group) -> bool {
    let route = model.route(group.first);
    let mut listeners = route.listeners.iter();
    !listeners.any(|at| behind.contains(&(route.hop, *at)))
}

/// Whether an edge can reach any listener of a route. A tunnel calls out, and needs none.
fn is_open(model: &Model, group: &Group) -> bool {
    let route = model.route(group.first);
    if route.listeners.is_empty() && matches!(model.hop(route.hop).kind, HopKind::Edge(_)) {
        return true;
    }
    let listeners = &model.hop(route.hop).listeners;
    let mut of_route = route.listeners.iter().filter_map(|at| listeners.get(*at));
    of_route.any(|listener| !is_loopback(listener.address.value()))
}

fn straight(front: &Front, hop: HopId) -> Chain {
    let last = Step {
        hop,
        route: None,
        link: None,
    };
    Chain {
        steps: front.steps.iter().copied().chain([last]).collect(),
        count: 1,
        verdicts: Vec::new(),
        budget: None,
    }
}

impl DeadEnd {
    /// Why nothing answers: lower case, no full stop.
    pub fn why(&self) -> &str {
        match self {
            Self::UnknownHost => "no service or host of this name",
            Self::Disjoint(_) | Self::LeftOff(..) => "shares no network with the proxy",
            Self::Profile(_) => "its profile is not active with the proxy's",
            Self::OwnLoopback => "nothing in the proxy's own container listens there",
            Self::NoSocket(why) => why,
        }
    }

    /// The service that is meant and not reached.
    pub fn service(&self) -> Option<ServiceRef> {
        match self {
            Self::Disjoint(at) | Self::LeftOff(at, _) | Self::Profile(at) => Some(*at),
            Self::UnknownHost | Self::OwnLoopback | Self::NoSocket(_) => None,
        }
    }
}

impl Target {
    /// The service that a link names, whether it is reached or not.
    pub fn named(&self) -> Option<ServiceRef> {
        match self {
            Self::Service { service, .. } => Some(*service),
            Self::Nowhere(dead) => dead.service(),
            _ => None,
        }
    }
}

/// The hop and the listener that a target names.
pub fn reached(target: &Target) -> Option<(HopId, usize)> {
    match target {
        Target::Service { hop, .. } | Target::Host { hop, .. } => *hop,
        _ => None,
    }
}

fn extend(
    model: &Model,
    groups: &HashMap<HopId, Vec<Group>>,
    group: &Group,
    count: usize,
    steps: &mut Vec<Step>,
    chains: &mut Vec<Chain>,
) {
    let route = model.route(group.first);
    let mut seen = HashSet::new();
    for link in route.links.iter().filter(|link| seen.insert(**link)) {
        if chains.len() >= MOST {
            return;
        }
        steps.push(Step {
            hop: route.hop,
            route: Some(group.first),
            link: Some(*link),
        });
        let next = reached(&model.link(*link).target);
        let inner: Vec<&Group> = match next {
            Some((hop, at)) if steps.len() < DEPTH && steps.iter().all(|step| step.hop != hop) => {
                groups
                    .get(&hop)
                    .into_iter()
                    .flatten()
                    .filter(|group| takes(model, group, at))
                    .collect()
            }
            _ => Vec::new(),
        };
        for group in &inner {
            extend(model, groups, group, count * group.count(), steps, chains);
        }
        if inner.is_empty() {
            let last = next.map(|(hop, _)| Step {
                hop,
                route: None,
                link: None,
            });
            let whole = steps.iter().copied().chain(last).collect();
            chains.push(Chain {
                steps: whole,
                count,
                verdicts: Vec::new(),
                budget: None,
            });
        }
        steps.pop();
    }
}

fn takes(model: &Model, group: &Group, listener: usize) -> bool {
    model.route(group.first).listeners.contains(&listener)
}

/// Whether a hop is a proxy whose routes are known.
pub fn is_proxy(kind: &HopKind) -> bool {
    matches!(kind, HopKind::Nginx | HopKind::HaProxy)
}

/// The address of a listener for people.
pub fn listens(listener: &Listener) -> String {
    listener
        .address
        .value()
        .map_or_else(|| "?".to_owned(), crate::model::Address::short)
}
