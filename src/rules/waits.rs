//! What to propose where two hops of a chain disagree: a change of one must not set it against the next, so every hop that
//! has to follow is named.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::model::budget::{clocks, lasting, late_attempts, longest};
use crate::model::verdict::{is_short, timeout};
use crate::model::{Amount, Chain, HopId, HopKind, Key, Model, Origin, RouteId, Setting, Step};
use crate::rules::Ctx;
use crate::rules::words::duration;
use crate::source::Span;

/// A hop and the times that it should have (milliseconds).
struct Wait {
    hop: HopId,
    read: Option<u64>,
    connect: Option<u64>,
    /// Whether other ways have their time from the same place, and this one would be wrong for them.
    alone: bool,
}

/// What hops should wait, the first one first.
pub(super) struct Waits(Vec<Wait>);

/// A chain, and the index of a step in it.
pub(super) type At<'a> = (&'a Chain, usize);

/// Where the read timeout of a step is written; for a default, only whose it is.
type Place = (HopId, Option<Span>);

/// Routes that share something; `None` for a step of an app.
type Routes = Rc<[Option<RouteId>]>;

/// The steps whose read timeout is written at each place, no two alike.
pub(super) struct Places<'a> {
    model: &'a Model,
    steps: HashMap<Place, Vec<At<'a>>>,
    /// By how much an outer hop should wait longer than the one behind it (milliseconds): time for the inner 504 to be
    /// made, sent and read, on a busy machine too.
    margin: u64,
    /// By how much it must.
    asked: u64,
    /// By place and time, the routes that the time would be wrong for: many findings propose the same.
    wrong: RefCell<HashMap<(Place, u64), Routes>>,
}

impl<'a> Places<'a> {
    /// Of all chains.
    pub(super) fn of(cx: &Ctx<'a>) -> Self {
        let model: &'a Model = cx.model;
        let mut steps: HashMap<Place, Vec<At>> = HashMap::new();
        let mut seen = HashSet::new();
        for chain in &model.chains {
            for (at, step) in chain.steps.iter().enumerate() {
                let neighbour = |at: Option<usize>| {
                    let step = chain.steps.get(at?)?;
                    Some((step.hop, step.route))
                };
                let around = (neighbour(at.checked_sub(1)), neighbour(Some(at + 1)));
                let read = timeout(model, *step, Key::Read);
                if let Some(read) = read
                    && seen.insert((around, step.hop, step.route))
                {
                    let place = (step.hop, read.span());
                    steps.entry(place).or_default().push((chain, at));
                }
            }
        }
        let (margin, asked) = (cx.margin(), cx.asked());
        Self {
            model,
            steps,
            margin,
            asked,
            wrong: RefCell::default(),
        }
    }

    /// What the hops from those of `outer` outwards must wait at least, on all these chains. `None` if one of them is an edge
    /// whose time nobody can change.
    pub(super) fn raised(&self, outer: &[At<'a>]) -> Option<Waits> {
        let mut times = Times::new(u64::max);
        while times.begin() {
            for (chain, at) in outer {
                let mut total = longest(self.model, *chain.steps.get(at + 1)?)?;
                for step in chain.steps[..=*at].iter().rev() {
                    let Some(own) = times.now(self.model, *step) else {
                        break;
                    };
                    if is_short(own, Amount::Finite(total), self.asked) {
                        if is_fixed(self.model, *step) {
                            return None;
                        }
                        times.set(*step, Key::Read, total.saturating_add(self.margin));
                    }
                    let Some(ms) = times.of(step.hop) else { break };
                    total = lasting(self.model, *step, ms);
                }
            }
        }
        Some(self.waits(outer, &times))
    }

    /// What the proxies from behind those of `outer` inwards may wait at most, on all these chains.
    pub(super) fn lowered(&self, outer: &[At<'a>]) -> Waits {
        let mut times = Times::new(u64::min);
        while times.begin() {
            for (chain, at) in outer {
                let Some(mut limit) = times.now(self.model, chain.steps[*at]) else {
                    continue;
                };
                let inner = chain.steps[at + 1..].iter();
                for step in inner.filter(|step| step.route.is_some()) {
                    let (Amount::Finite(front), Some(own)) = (limit, times.now(self.model, *step))
                    else {
                        break;
                    };
                    if is_short(limit, all(self.model, *step, own), self.asked) {
                        let room = below(front, self.margin);
                        times.set(*step, Key::Read, fitting(self.model, *step, room));
                    }
                    if let Some(ms) = self.connecting(*step, front) {
                        times.set(*step, Key::Connect, ms);
                    }
                    let Some(ms) = times.of(step.hop) else { break };
                    limit = Amount::Finite(ms);
                }
            }
        }
        self.waits(outer, &times)
    }

    /// The time of each attempt to connect with which all of them end before `limit`, if they do not by now.
    fn connecting(&self, step: Step, limit: u64) -> Option<u64> {
        let mut clocks = clocks(self.model, step).into_iter();
        let clock = clocks.find(|clock| clock.key == Key::Connect)?;
        let total = Amount::Finite(clock.total);
        let attempts = u64::try_from(clock.attempts).unwrap_or(u64::MAX);
        is_short(Amount::Finite(limit), total, self.asked)
            .then(|| whole_seconds(below(limit, self.margin) / attempts.max(1)))
    }

    /// The time of a last proxy that ends before `limit`.
    pub(super) fn ending_before(&self, proxy: &[At<'a>], limit: u64) -> Waits {
        let mut times = Times::new(u64::min);
        for (chain, at) in proxy {
            let step = chain.steps[*at];
            let room = below(limit, self.margin);
            times.set(step, Key::Read, fitting(self.model, step, room));
        }
        self.waits(proxy, &times)
    }

    fn waits(&self, meant: &[At<'a>], times: &Times) -> Waits {
        let steps = meant.iter().flat_map(|(chain, _)| &chain.steps);
        let meant: HashSet<RouteId> = steps.filter_map(|step| step.route).collect();
        let waits = times.list.iter().map(|found| Wait {
            hop: found.step.hop,
            read: found.read,
            connect: found.connect,
            alone: found
                .read
                .is_some_and(|ms| self.is_wrong_elsewhere(&meant, found.step, ms)),
        });
        Waits(waits.collect())
    }

    /// Whether a time would set a hop against its neighbours on another way that has it from the same place.
    fn is_wrong_elsewhere(&self, meant: &HashSet<RouteId>, step: Step, ms: u64) -> bool {
        let span = timeout(self.model, step, Key::Read).and_then(Setting::span);
        let wrong = self.wrong_for((step.hop, span), ms);
        let mut routes = wrong.iter();
        routes.any(|route| route.is_none_or(|route| !meant.contains(&route)))
    }

    /// The routes, of those that have their time from a place, that another time would set against their neighbours.
    fn wrong_for(&self, place: Place, ms: u64) -> Routes {
        if let Some(known) = self.wrong.borrow().get(&(place, ms)) {
            return Rc::clone(known);
        }
        let steps = self.steps.get(&place).into_iter().flatten();
        let wrong = steps.filter(|(chain, at)| {
            let here = chain.steps[*at];
            let before = timeout(self.model, here, Key::Read).and_then(|setting| setting.value());
            let before = match before {
                Some(Amount::Finite(before)) => *before,
                _ => u64::MAX,
            };
            let read = |at: Option<usize>, key| {
                let step = *chain.steps.get(at?)?;
                let waits = *timeout(self.model, step, key)?.value()?;
                Some((step, waits))
            };
            let outer = read(at.checked_sub(1), Key::Read);
            let inner = read(Some(at + 1), Key::Read);
            let app = read(Some(at + 1), Key::Worker);
            let is_wrong = |ms: u64| {
                let total = Amount::Finite(lasting(self.model, here, ms));
                let too_long = outer.is_some_and(|(_, outer)| outer <= total);
                let too_short = inner.is_some_and(|(step, inner)| {
                    all(self.model, step, inner) >= Amount::Finite(ms)
                });
                let kills = app.is_some_and(|(_, limit)| limit < Amount::Finite(ms));
                [too_long, too_short, kills]
            };
            let mut kinds = is_wrong(before).into_iter().zip(is_wrong(ms));
            kinds.any(|(before, after)| after && !before)
        });
        let wrong: Routes = wrong.map(|(chain, at)| chain.steps[*at].route).collect();
        let known = Rc::clone(&wrong);
        self.wrong.borrow_mut().insert((place, ms), known);
        wrong
    }
}

/// What was found for a hop.
struct Found {
    step: Step,
    read: Option<u64>,
    connect: Option<u64>,
}

/// Times that are found hop by hop, over several chains, until none changes any more.
struct Times {
    list: Vec<Found>,
    index: HashMap<HopId, usize>,
    /// Which of two times holds for both.
    choose: fn(u64, u64) -> u64,
    is_open: bool,
    rounds: usize,
}

impl Times {
    /// No chain is longer, and two hops that are in front of each other would never come to an end.
    const ROUNDS: usize = 8;

    fn new(choose: fn(u64, u64) -> u64) -> Self {
        Self {
            list: Vec::new(),
            index: HashMap::new(),
            choose,
            is_open: true,
            rounds: 0,
        }
    }

    /// Whether another round may change something.
    fn begin(&mut self) -> bool {
        self.rounds += 1;
        std::mem::take(&mut self.is_open) && self.rounds <= Self::ROUNDS
    }

    fn of(&self, hop: HopId) -> Option<u64> {
        self.index.get(&hop).and_then(|at| self.list[*at].read)
    }

    /// The time that was found for a hop, else its own.
    fn now(&self, model: &Model, step: Step) -> Option<Amount> {
        let own = *timeout(model, step, Key::Read)?.value()?;
        Some(self.of(step.hop).map_or(own, Amount::Finite))
    }

    fn set(&mut self, step: Step, key: Key, ms: u64) {
        let at = *self.index.entry(step.hop).or_insert(self.list.len());
        if at == self.list.len() {
            self.list.push(Found {
                step,
                read: None,
                connect: None,
            });
        }
        let found = &mut self.list[at];
        let time = match key {
            Key::Connect => &mut found.connect,
            _ => &mut found.read,
        };
        let chosen = time.map_or(ms, |known| (self.choose)(known, ms));
        self.is_open |= *time != Some(chosen);
        *time = Some(chosen);
    }
}

/// All attempts of a hop.
fn all(model: &Model, step: Step, each: Amount) -> Amount {
    match each {
        Amount::Finite(ms) => Amount::Finite(lasting(model, step, ms)),
        Amount::Infinite => each,
    }
}

/// Whether a step is an edge whose time nobody can change.
pub(super) fn is_fixed(model: &Model, step: Step) -> bool {
    let is_edge = matches!(model.hop(step.hop).kind, HopKind::Edge(_));
    let origin = timeout(model, step, Key::Read).and_then(|setting| setting.origin());
    is_edge && matches!(origin, Some(Origin::Default { certain: true, .. }))
}

/// A time that is shorter by a margin, or by half where there is no room for one.
pub(super) fn below(limit: u64, margin: u64) -> u64 {
    let room = if limit > 2 * margin {
        limit - margin
    } else {
        limit / 2
    };
    whole_seconds(room)
}

/// The longest time of each attempt with which all of them end within `room`.
fn fitting(model: &Model, step: Step, room: u64) -> u64 {
    let tries = u64::try_from(late_attempts(model, step)).unwrap_or(u64::MAX);
    whole_seconds(room / tries.max(1))
}

/// In whole seconds where there is at least one.
fn whole_seconds(ms: u64) -> u64 {
    if ms >= 1000 {
        ms / 1000 * 1000
    } else {
        ms.max(1)
    }
}

impl Ctx<'_> {
    /// `let nginx (service proxy) wait 65s or more, and HAProxy (service edge) in front of it 70s or more`.
    pub(super) fn propose(&self, waits: &Waits, how: &str, where_next: &str) -> String {
        const SHOWN: usize = 4;
        let parts = waits.0.iter().take(SHOWN).enumerate().map(|(at, wait)| {
            let time = |ms: u64| duration(Amount::Finite(ms));
            let times = match (wait.read, wait.connect) {
                (Some(read), Some(connect)) => {
                    format!("{} or {how}, and {} to connect", time(read), time(connect))
                }
                (None, Some(connect)) => format!("{} or {how} to connect", time(connect)),
                (read, None) => format!("{} or {how}", time(read.unwrap_or_default())),
            };
            let (name, only) = (
                self.hop_name(wait.hop),
                if wait.alone { " on this way alone" } else { "" },
            );
            match at {
                0 => format!("let {name} wait {times}{only}"),
                _ => format!("and {name} {where_next} it {times}{only}"),
            }
        });
        let more = waits.0.len().saturating_sub(SHOWN);
        let more = (more > 0).then(|| format!("and {more} more {where_next} it likewise"));
        parts.chain(more).collect::<Vec<_>>().join(", ")
    }
}
