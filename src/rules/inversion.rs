//! The pairs of hops that a rule's verdicts name, one for each cause: twelve locations that inherit one timeout are one.

use std::collections::{HashMap, HashSet};
use std::mem;

use crate::finding::Label;
use crate::model::budget::longest;
use crate::model::verdict::{timeout, within};
use crate::model::{Amount, Chain, HopId, HopKind, Key, Model, Origin, RouteId, Setting, Step};
use crate::rules::Ctx;
use crate::rules::waits::At;
use crate::rules::words::{duration, stated};
use crate::source::Span;

/// Two neighbours of a chain that disagree.
#[derive(Clone)]
pub(super) struct Inversion<'a> {
    /// A chain that shows it.
    pub(super) chain: &'a Chain,
    /// Index of the outer step.
    pub(super) at: usize,
    /// The outer hop.
    pub(super) outer: Step,
    /// The inner hop.
    pub(super) inner: Step,
    /// The outer hop's value.
    pub(super) waits: &'a Setting<Amount>,
    /// The inner hop's value.
    pub(super) behind: &'a Setting<Amount>,
    /// Ways through the outer hop that share the cause.
    pub(super) ways: usize,
    /// Every chain that shows it, with the index of the outer step.
    pub(super) all: Vec<At<'a>>,
}

impl<'a> Inversion<'a> {
    fn cause(&self, model: &Model, mended: Mended) -> Cause {
        let clock = self.waits.span();
        let one_clock = mended == Mended::Outside && clock.is_some() && !self.is_at_edge(model);
        let behind = (!one_clock).then(|| (self.inner.hop, self.behind.span()));
        (self.outer.hop, clock, behind)
    }

    /// Takes in another of the same cause, and shows the one of which the inner hop takes longest: what holds there holds for
    /// the others. What is surely so tells more than what is assumed.
    fn take(&mut self, model: &Model, mut other: Self) {
        let worst = |one: &Self| {
            let certain = one.behind.origin().is_some_and(Origin::is_certain);
            (certain, longest(model, one.inner))
        };
        let is_worse = worst(&other) > worst(self);
        let (ways, mut all) = (self.ways, mem::take(&mut self.all));
        all.append(&mut other.all);
        if is_worse {
            *self = other;
        }
        (self.ways, self.all) = (ways, all);
    }

    /// The same pair, with another value of the inner hop.
    pub(super) fn comparing(&self, behind: &'a Setting<Amount>) -> Self {
        Self {
            behind,
            ..self.clone()
        }
    }

    /// Where else an inner hop has its time, each place once, and the time.
    pub(super) fn others(&self, model: &'a Model, key: Key) -> Vec<(Span, &'a Setting<Amount>)> {
        let mut seen = HashSet::from([self.inner_place(model)]);
        let inner = self.all.iter().filter_map(|(chain, at)| {
            let step = *chain.steps.get(at + 1)?;
            let setting = timeout(model, step, key)?;
            Some((place(model, step, setting), setting))
        });
        inner.filter(|(place, _)| seen.insert(*place)).collect()
    }

    /// Where the way through the outer hop is chosen.
    pub(super) fn route(&self, model: &Model) -> Span {
        self.outer
            .route
            .map_or(model.hop(self.outer.hop).span, |route| {
                model.route(route).span
            })
    }

    fn inner_place(&self, model: &Model) -> Span {
        place(model, self.inner, self.behind)
    }

    /// The place of each value with what is to be said there, the primary one first: where it can be mended. An edge is
    /// no file of the tree, so that is the hop behind it; else it is the outer hop.
    pub(super) fn ends(&self, model: &Model, outer: &str, inner: &str) -> [(Span, String); 2] {
        let place = self.waits.span().unwrap_or(self.route(model));
        let mut ends = [
            (place, stated(outer, self.waits)),
            (self.inner_place(model), stated(inner, self.behind)),
        ];
        if self.is_at_edge(model) {
            ends.reverse();
        }
        ends
    }

    /// The whole chain, edge to app: what each hop does, where its time comes from, and where it dials the next.
    pub(super) fn flow(&self, cx: &Ctx, outer: &str, inner: &str) -> Vec<Label> {
        let mut flow = Vec::new();
        for (at, step) in self.chain.steps.iter().enumerate() {
            let (does, setting) = match at.checked_sub(self.at) {
                Some(0) => (outer.to_owned(), Some(self.waits)),
                Some(1) => (inner.to_owned(), Some(self.behind)),
                _ => bystander(cx.model, *step),
            };
            let said = setting.map_or(does.clone(), |setting| stated(&does, setting));
            let route = step.route.map(|id| cx.model.route(id).span);
            let place = setting.and_then(Setting::span).or(route);
            flow.push(Label {
                span: place.unwrap_or(cx.model.hop(step.hop).span),
                message: format!("{} {said}", cx.hop_name(step.hop)),
            });
            flow.extend(step.link.map(|id| {
                let link = cx.model.link(id);
                Label {
                    span: link.span,
                    message: format!("dials {}", link.written),
                }
            }));
        }
        flow
    }

    /// Whether the outer hop is an edge of which no file of the tree says how long it waits.
    pub(super) fn is_at_edge(&self, model: &Model) -> bool {
        let hop = model.hop(self.outer.hop);
        let told = hop.service.is_some() && self.waits.span().is_some();
        matches!(hop.kind, HopKind::Edge(_)) && !told
    }

    /// Both values.
    pub(super) fn values(&self) -> Option<(Amount, Amount)> {
        Some((*self.waits.value()?, *self.behind.value()?))
    }
}

/// Where a time of a step is best pointed at.
fn place(model: &Model, step: Step, setting: &Setting<Amount>) -> Span {
    let route = step.route.map(|route| model.route(route).span);
    let written = setting.span().or(route);
    written.unwrap_or(model.hop(step.hop).span)
}

/// What a hop does that takes no part in an inversion.
fn bystander(model: &Model, step: Step) -> (String, Option<&Setting<Amount>>) {
    let known = |key| timeout(model, step, key).filter(|setting| setting.value().is_some());
    let told = |what: &str, setting: &Setting<Amount>| {
        let amount = setting.value().copied().unwrap_or(Amount::Infinite);
        format!("{what} {}", duration(amount))
    };
    match (known(Key::Read), known(Key::Worker)) {
        (Some(read), _) => (told("waits", read), Some(read)),
        (None, Some(worker)) => (
            told("kills the worker of a request after", worker),
            Some(worker),
        ),
        (None, None) if step.route.is_some() => ("passes requests on".to_owned(), None),
        (None, None) => ("answers".to_owned(), None),
    }
}

/// The outer hop and the place of its value, and the same of the inner one, unless the outer clock alone is what is wrong.
type Cause = (HopId, Option<Span>, Option<(HopId, Option<Span>)>);

/// Where an inversion is mended, and so which pairs of hops are one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mended {
    /// At either end: pairs are one if they share the places of both values.
    Between,
    /// At the outer clock, which is one wherever it is written, whatever is behind it. Where it is not written, at either end.
    Outside,
}

/// The inversions of a rule, by where they are mended; `outer` and `inner` are the timeouts compared.
pub(super) fn inversions<'a>(
    cx: &Ctx<'a>,
    outer: Key,
    inner: &[Key],
    mended: Mended,
) -> Vec<Inversion<'a>> {
    let model: &'a Model = cx.model;
    let mut index: HashMap<Cause, usize> = HashMap::new();
    let mut seen: HashSet<(usize, RouteId)> = HashSet::new();
    let mut found: Vec<Inversion> = Vec::new();
    for chain in &model.chains {
        let verdicts = match cx.asked() {
            0 => &chain.verdicts,
            _ => &within(model, chain, cx.id, &cx.settings.margins),
        };
        for verdict in verdicts.iter().filter(|verdict| verdict.rule == cx.id) {
            let (front, back) = (chain.steps[verdict.outer], chain.steps[verdict.inner]);
            let behind = inner.iter().find_map(|key| timeout(model, back, *key));
            let (Some(waits), Some(behind), Some(route)) =
                (timeout(model, front, outer), behind, front.route)
            else {
                continue;
            };
            let one = Inversion {
                chain,
                at: verdict.outer,
                outer: front,
                inner: back,
                waits,
                behind,
                ways: 0,
                all: vec![(chain, verdict.outer)],
            };
            let at = *index.entry(one.cause(model, mended)).or_insert(found.len());
            match found.get_mut(at) {
                Some(known) => known.take(model, one),
                None => found.push(one),
            }
            if seen.insert((at, route)) {
                found[at].ways += chain.count;
            }
        }
    }
    found
}
