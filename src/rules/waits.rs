//! What to propose where two hops of a chain disagree: a change of one must not set it against the next, so every hop that
//! has to follow is named.

use crate::model::budget::{attempts, repeats_late};
use crate::model::verdict::timeout;
use crate::model::{Amount, Chain, HopId, HopKind, Key, Model, Origin, Step};
use crate::rules::Ctx;
use crate::rules::words::duration;

/// How much longer an outer hop should wait than the one behind it (milliseconds): time for the inner 504 to be made, sent
/// and read, on a busy machine too.
pub(super) const MARGIN: u64 = 5000;

/// A hop and the read timeout that it should have.
type Wait = (HopId, u64);

/// What the hops from `at` outwards must wait at least, if those behind may take `longest`. `None` if one of them is an edge
/// whose time nobody can change.
pub(super) fn raised(model: &Model, chain: &Chain, at: usize, longest: u64) -> Option<Vec<Wait>> {
    let mut waits = Vec::new();
    let mut longest = longest;
    for step in chain.steps[..=at].iter().rev() {
        let setting = timeout(model, *step, Key::Read)?;
        match setting.value() {
            Some(Amount::Finite(ms)) if *ms <= longest => {}
            // Long enough as it is, or unknown.
            _ => break,
        }
        let is_edge = matches!(model.hop(step.hop).kind, HopKind::Edge(_));
        let fixed = matches!(
            setting.origin(),
            Some(Origin::Default { certain: true, .. })
        );
        if is_edge && fixed {
            return None;
        }
        let wait = longest.saturating_add(MARGIN);
        waits.push((step.hop, wait));
        longest = wait.saturating_mul(tries(model, *step));
    }
    Some(waits)
}

/// What the proxies from `at` inwards may wait at most, if the one in front of them waits `limit`.
pub(super) fn lowered(model: &Model, chain: &Chain, at: usize, limit: u64) -> Vec<Wait> {
    let mut waits = Vec::new();
    let mut limit = limit;
    for step in chain.steps[at..].iter().filter(|step| step.route.is_some()) {
        let tries = tries(model, *step);
        match timeout(model, *step, Key::Read).and_then(|setting| setting.value()) {
            Some(Amount::Finite(ms)) if ms.saturating_mul(tries) < limit => break,
            Some(_) => {}
            None => break,
        }
        let room = if limit > 2 * MARGIN {
            limit - MARGIN
        } else {
            limit / 2
        };
        let wait = whole_seconds(room / tries);
        waits.push((step.hop, wait));
        limit = wait;
    }
    waits
}

/// In whole seconds where there is at least one.
fn whole_seconds(ms: u64) -> u64 {
    if ms >= 1000 {
        ms / 1000 * 1000
    } else {
        ms.max(1)
    }
}

/// Attempts that a hop makes one after the other while nothing comes.
fn tries(model: &Model, step: Step) -> u64 {
    let tries = if repeats_late(model, step) {
        attempts(model, step)
    } else {
        1
    };
    u64::try_from(tries).unwrap_or(u64::MAX)
}

impl Ctx<'_> {
    /// `let nginx (service proxy) wait 65s or more, and HAProxy (service edge) in front of it 70s or more`.
    pub(super) fn propose(&self, waits: &[Wait], how: &str, where_next: &str) -> String {
        let parts = waits.iter().enumerate().map(|(at, (hop, ms))| {
            let (name, wait) = (self.hop_name(*hop), duration(Amount::Finite(*ms)));
            match at {
                0 => format!("let {name} wait {wait} or {how}"),
                _ => format!("and {name} {where_next} it {wait} or {how}"),
            }
        });
        parts.collect::<Vec<_>>().join(", ")
    }
}
