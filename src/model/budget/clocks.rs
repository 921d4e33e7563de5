//! How often a proxy tries, and how long all of its attempts may last.

use crate::model::verdict::{is_short, timeout};
use crate::model::{Amount, HopKind, Key, Model, Retry, Step};

use super::MOST;

/// How often a hop tries in all.
pub fn attempts(model: &Model, step: Step) -> usize {
    let known = |key| match timeout(model, step, key)?.value()? {
        Amount::Finite(count) => usize::try_from(*count).ok(),
        Amount::Infinite => Some(MOST),
    };
    let in_front = matches!(model.hop(step.hop).kind, HopKind::Edge(_));
    match (known(Key::Retries), known(Key::Tries)) {
        // What an edge counts are its attempts to connect.
        _ if in_front => 1,
        (Some(further), _) => further.saturating_add(1),
        (None, tries) => tries.unwrap_or(1),
    }
}

/// Attempts that a hop makes one after the other while no answer comes in time.
pub fn late_attempts(model: &Model, step: Step) -> usize {
    let retry = step.route.and_then(|id| model.route(id).retry.value());
    match retry {
        Some(retry) if retry.timeout => attempts(model, step),
        _ => 1,
    }
}

/// The longest that a hop may be busy with one request while nothing comes from behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Longest {
    /// `Read`, or `Connect` where nothing takes the connection.
    pub key: Key,
    /// One attempt (milliseconds).
    pub each: u64,
    /// How many follow each other.
    pub attempts: usize,
    /// All of them (milliseconds).
    pub total: u64,
    /// Whether each attempt goes to another peer.
    pub by_peers: bool,
}

/// How long all attempts of a hop take while nothing comes from behind, if each takes so long (milliseconds).
pub fn lasting(model: &Model, step: Step, each: u64) -> u64 {
    let retry = step.route.and_then(|id| model.route(id).retry.value());
    let fit = retry.map_or(1, |retry| fitting(retry, each));
    let tries = late_attempts(model, step).min(fit);
    each.saturating_mul(u64::try_from(tries).unwrap_or(u64::MAX))
}

/// Attempts that begin before a window closes, which is looked at between two of them.
fn fitting(retry: &Retry, each: u64) -> usize {
    let fit = retry.window.map_or(usize::MAX, |window| {
        usize::try_from(window.div_ceil(each.max(1))).unwrap_or(usize::MAX)
    });
    fit.max(1)
}

/// What a proxy's own clocks come to, the one for an answer first; nothing where they are unknown or have no end.
pub fn clocks(model: &Model, step: Step) -> Vec<Longest> {
    let route = step.route.map(|id| model.route(id));
    let Some(retry) = route.and_then(|route| route.retry.value()) else {
        return Vec::new();
    };
    let all = attempts(model, step);
    let of = |key: Key, repeats: bool| {
        let each = match timeout(model, step, key)?.value()? {
            Amount::Finite(each) => *each,
            Amount::Infinite => return None,
        };
        let attempts = if repeats {
            all.min(fitting(retry, each))
        } else {
            1
        };
        Some(Longest {
            key,
            each,
            attempts,
            total: each.saturating_mul(u64::try_from(attempts).unwrap_or(u64::MAX)),
            by_peers: timeout(model, step, Key::Tries).is_some(),
        })
    };
    // The kernel often ends an attempt to connect before a timeout that nobody has set, and a single one is no retry.
    let is_set = timeout(model, step, Key::Connect).is_some_and(|set| set.span().is_some());
    let connect = of(Key::Connect, retry.connect).filter(|one| is_set && one.attempts > 1);
    of(Key::Read, retry.timeout)
        .into_iter()
        .chain(connect)
        .collect()
}

/// The longest that a proxy may be busy with one request (milliseconds).
pub fn longest(model: &Model, step: Step) -> Option<u64> {
    let totals = clocks(model, step).into_iter().map(|clock| clock.total);
    totals.max()
}

/// The clock of an inner proxy whose attempts all together outlast `waits`, or leave less than a margin of it, where a
/// single one does not outlast it.
pub fn outlasting(model: &Model, inner: Step, waits: u64, margin: u64) -> Option<Longest> {
    let too_long = |total| is_short(Amount::Finite(waits), Amount::Finite(total), margin);
    let mut clocks = clocks(model, inner).into_iter();
    clocks.find(|clock| clock.attempts > 1 && too_long(clock.total) && clock.each < waits)
}
