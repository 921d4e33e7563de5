//! Where two hops of a chain disagree: the outer one gives up first, or keeps what the inner one has closed.

use crate::model::budget::outlasting;
use crate::model::version::{Versions, at_least};
use crate::model::{Amount, Chain, Hop, HopKind, Key, Model, Origin, Setting, Step, Verdict};
use crate::settings::Margins;

/// Judges every pair of neighbours of a chain.
pub fn judge(model: &Model, chain: &Chain) -> Vec<Verdict> {
    pairs(model, chain, CHECKS, &Margins::new())
}

/// What one rule says of a chain where a margin is asked for: pairs that are in order but too near are told as well.
pub fn within(model: &Model, chain: &Chain, rule: &str, margins: &Margins) -> Vec<Verdict> {
    let mut checks = CHECKS.chunks(1);
    let own = checks.find(|checks| checks[0].0 == rule);
    pairs(model, chain, own.unwrap_or_default(), margins)
}

fn pairs(
    model: &Model,
    chain: &Chain,
    checks: &[(&'static str, Check)],
    margins: &Margins,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (outer, pair) in chain.steps.windows(2).enumerate() {
        for (rule, check) in checks {
            if let Some((status, after_ms)) = check(model, pair[0], pair[1], margins) {
                verdicts.push(Verdict {
                    rule,
                    outer,
                    inner: outer + 1,
                    status,
                    after_ms,
                });
            }
        }
    }
    verdicts
}

/// What a rule is asked to add to a time before it compares (milliseconds): 0 unless the settings ask for more.
pub fn margin(margins: &Margins, rule: &str) -> u64 {
    margins.get(rule).copied().unwrap_or(0)
}

/// Whether the clock that should be the longer one is not, or not by as much as is asked for. Equal is no longer.
pub fn is_short(long: Amount, short: Amount, margin: u64) -> bool {
    let Amount::Finite(ms) = short else {
        return long != Amount::Infinite;
    };
    long <= short || long < Amount::Finite(ms.saturating_add(margin))
}

/// What a client gets, and after how many milliseconds.
type Outcome = (Option<u16>, Option<u64>);
/// A pair of neighbours to an outcome, if they disagree.
type Check = fn(&Model, Step, Step, &Margins) -> Option<Outcome>;

const CHECKS: &[(&str, Check)] = &[
    ("read-timeout-inverted", read_timeout),
    ("retry-budget-exceeded", retry_budget),
    ("worker-timeout-inverted", worker_timeout),
    ("keepalive-inverted", keepalive),
];

/// A timeout of a step: its route's, else its hop's own.
pub fn timeout(model: &Model, step: Step, key: Key) -> Option<&Setting<Amount>> {
    match step.route {
        Some(route) => model.route(route).timeouts.get(&key),
        None => model.hop(step.hop).timeouts.get(&key),
    }
}

fn value(model: &Model, step: Step, key: Key) -> Option<Amount> {
    timeout(model, step, key)?.value().copied()
}

/// Two proxies: the outer one must wait longer. Equal counts as inverted: the outer won 20 of 20 when measured.
fn read_timeout(model: &Model, outer: Step, inner: Step, margins: &Margins) -> Option<Outcome> {
    let margin = margin(margins, "read-timeout-inverted");
    // Once it is upgraded, a tunnel's own time holds where there is one: whoever ends the silence, nobody answers.
    let span = |key| timeout(model, outer, key).and_then(Setting::span);
    let has_own = span(Key::Tunnel).is_some_and(|tunnel| span(Key::Read) != Some(tunnel));
    if has_own && model.route(inner.route?).upgrades {
        return None;
    }
    let waits = value(model, outer, Key::Read)?;
    let Amount::Finite(waits) = waits else {
        return None;
    };
    let inner_waits = value(model, inner, Key::Read)?;
    // A proxy that waits without an end unless it is told otherwise (Traefik) leaves it to those in front of it.
    let read = timeout(model, inner, Key::Read).and_then(Setting::origin);
    if inner_waits == Amount::Infinite && !read.is_some_and(Origin::is_written) {
        return None;
    }
    let status = model.route(outer.route?).on_timeout;
    let short = is_short(Amount::Finite(waits), inner_waits, margin);
    short.then_some((status, Some(waits)))
}

/// Two proxies, the inner one of which tries several times: all attempts together must end before the outer one gives up.
/// Where a single one is too long already, that is the fault.
fn retry_budget(model: &Model, outer: Step, inner: Step, margins: &Margins) -> Option<Outcome> {
    let Amount::Finite(waits) = value(model, outer, Key::Read)? else {
        return None;
    };
    outlasting(
        model,
        inner,
        waits,
        margin(margins, "retry-budget-exceeded"),
    )?;
    let status = model.route(outer.route?).on_timeout;
    let is_told = read_timeout(model, outer, inner, margins).is_some();
    (!is_told).then_some((status, Some(waits)))
}

/// For how many of its versions an app says something before it kills the worker of a request: gunicorn writes a 500 from
/// 22.0 on. The others close the connection.
pub fn answers_when_killed(hop: &Hop) -> Versions {
    match &hop.kind {
        HopKind::App(name) if name == "gunicorn" => at_least(&hop.version, "22"),
        _ => Versions::None,
    }
}

/// The last proxy and an app that kills the worker of a long request.
fn worker_timeout(model: &Model, outer: Step, inner: Step, margins: &Margins) -> Option<Outcome> {
    if inner.route.is_some() {
        return None;
    }
    let Amount::Finite(limit) = value(model, inner, Key::Worker)? else {
        return None;
    };
    let status = match answers_when_killed(model.hop(inner.hop)) {
        Versions::All => 500,
        _ => 502,
    };
    // Equal is in order here: a worker is looked at once a second.
    let margin = margin(margins, "worker-timeout-inverted");
    let waits = value(model, outer, Key::Read)?;
    let dies_first = waits > Amount::Finite(limit.saturating_sub(margin));
    dies_first.then_some((Some(status), Some(limit)))
}

/// A proxy that keeps idle connections at least as long as the next hop does.
fn keepalive(model: &Model, outer: Step, inner: Step, margins: &Margins) -> Option<Outcome> {
    let reuse = &model.route(outer.route?).reuse;
    if !reuse.may_keep() {
        return None;
    }
    let kept = value(model, outer, Key::KeepaliveIdle)?;
    // A proxy that answers by itself has no route, and its clients all the same.
    let is_proxy = matches!(model.hop(inner.hop).kind, HopKind::Nginx | HopKind::HaProxy);
    let key = if inner.route.is_some() || is_proxy {
        Key::ClientIdle
    } else {
        Key::KeepaliveIdle
    };
    let Amount::Finite(closed) = value(model, inner, key)? else {
        return None;
    };
    let margin = margin(margins, "keepalive-inverted");
    (closed > 0 && is_short(Amount::Finite(closed), kept, margin)).then_some((Some(502), None))
}
