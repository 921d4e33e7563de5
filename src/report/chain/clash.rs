//! An inversion in words: what the two hops do, and what a client sees of it.

use super::{amount, duration, hop_name};
use crate::analyze::Analysis;
use crate::model::budget::{Longest, outlasting};
use crate::model::verdict::timeout;
use crate::model::{Amount, Chain, Key, Setting, Verdict};
use crate::rules::count;

/// One inversion between two neighbours of a way.
pub(super) struct Clash {
    /// The rule that explains it.
    pub(super) rule: &'static str,
    /// Index of the outer hop, and its value that takes part.
    pub(super) outer: (usize, Option<Key>),
    /// Index of the inner hop, and its value that takes part.
    pub(super) inner: (usize, Option<Key>),
    /// What the hops do: lower case, no full stop.
    pub(super) facts: String,
    /// What the client sees: `504 after 30s`; in a sentence of its own.
    pub(super) client: String,
    /// The same in two words, for a picture: `504 after 30s`, `502`, `closed after 30s`.
    pub(super) short: String,
    /// How many attempts of the inner hop there are and what they take together (milliseconds), where it is not a single
    /// one that takes too long.
    pub(super) attempts: Option<(usize, u64)>,
    /// Whether a hop further out has given up by then, so that nobody sees it.
    pub(super) hidden: bool,
}

impl Clash {
    /// Whether a value of a hop takes part.
    pub(super) fn touches(&self, hop: usize, key: Key) -> bool {
        [self.outer, self.inner].contains(&(hop, Some(key)))
    }
}

/// A verdict of a chain in words.
pub(super) fn tell(verdict: &Verdict, chain: &Chain, analysis: &Analysis) -> Clash {
    let pair = Pair {
        verdict,
        chain,
        analysis,
    };
    let (outer, inner) = keys(verdict.rule);
    let outer = pair.first(verdict.outer, outer, verdict.after_ms);
    let attempts = pair.attempts();
    let inner = match &attempts {
        Some(attempts) => Some(attempts.key),
        None => pair.first(verdict.inner, inner, None),
    };
    Clash {
        rule: verdict.rule,
        outer: (verdict.outer, outer),
        inner: (verdict.inner, inner),
        facts: match &attempts {
            Some(attempts) => pair.exceeded(attempts),
            None => pair.facts(outer, inner),
        },
        attempts: attempts.map(|one| (one.attempts, one.total)),
        client: pair.client(),
        short: short(verdict),
        hidden: pair.sooner().is_some(),
    }
}

/// Whose clocks a rule compares: of each hop the first that applies.
fn keys(rule: &str) -> (&'static [Key], &'static [Key]) {
    match rule {
        "read-timeout-inverted" => (&[Key::Read, Key::Tunnel], &[Key::Read]),
        "retry-budget-exceeded" => (&[Key::Read], &[Key::Read, Key::Connect]),
        "worker-timeout-inverted" => (&[Key::Read], &[Key::Worker]),
        "keepalive-inverted" => (
            &[Key::KeepaliveIdle],
            &[Key::ClientIdle, Key::KeepaliveIdle],
        ),
        _ => (&[], &[]),
    }
}

fn short(verdict: &Verdict) -> String {
    match (verdict.status, verdict.after_ms) {
        (Some(status), Some(ms)) => format!("{status} after {}", duration(ms)),
        (Some(status), None) => format!("{status} now and then"),
        (None, Some(ms)) => format!("closed after {}", duration(ms)),
        (None, None) => "inverted".to_owned(),
    }
}

struct Pair<'a> {
    verdict: &'a Verdict,
    chain: &'a Chain,
    analysis: &'a Analysis,
}

impl Pair<'_> {
    fn name(&self, at: usize) -> &str {
        let step = self.chain.steps.get(at);
        step.map_or("?", |step| {
            let hop = self.analysis.model.hop(step.hop);
            hop_name(hop, &self.analysis.project)
        })
    }

    /// The attempts of the inner hop, where they are what takes too long.
    fn attempts(&self) -> Option<Longest> {
        let step = self.chain.steps.get(self.verdict.inner)?;
        let waits = self.verdict.after_ms?;
        let attempts = outlasting(&self.analysis.model, *step, waits, 0);
        attempts.filter(|_| self.verdict.rule == "retry-budget-exceeded")
    }

    fn exceeded(&self, attempts: &Longest) -> String {
        format!(
            "{} gives up after {}, {} behind it only after {} of {} each ({})",
            self.name(self.verdict.outer),
            self.verdict.after_ms.map_or("?".to_owned(), duration),
            self.name(self.verdict.inner),
            count(attempts.attempts, "attempt"),
            duration(attempts.each),
            duration(attempts.total),
        )
    }

    /// The first key that has a value, if one has the time of the outcome that one.
    fn first(&self, at: usize, keys: &[Key], after: Option<u64>) -> Option<Key> {
        let after = after.map(Amount::Finite);
        let mut known = keys
            .iter()
            .copied()
            .filter_map(|key| Some((key, self.value(at, key)?)));
        let exact = known.clone().find(|(_, value)| Some(*value) == after);
        exact.or_else(|| known.next()).map(|(key, _)| key)
    }

    fn value(&self, at: usize, key: Key) -> Option<Amount> {
        let step = self.chain.steps.get(at)?;
        timeout(&self.analysis.model, *step, key)
            .and_then(Setting::value)
            .copied()
    }

    /// `haproxy gives up after 30s, nginx behind it only after 60s`.
    fn facts(&self, outer: Option<Key>, inner: Option<Key>) -> String {
        let (front, behind) = (self.name(self.verdict.outer), self.name(self.verdict.inner));
        let waits = outer.and_then(|key| self.value(self.verdict.outer, key));
        let holds = inner.and_then(|key| self.value(self.verdict.inner, key));
        let (Some(key), Some(waits), Some(holds)) = (outer, waits, holds) else {
            return format!("{front} and {behind} do not fit together");
        };
        let (long, end) = (words(key, waits), words(key, holds));
        match self.verdict.rule {
            "read-timeout-inverted" if waits == holds => {
                format!("{front} gives up after {long}, just when {behind} behind it would")
            }
            "read-timeout-inverted" if holds == Amount::Infinite => {
                format!("{front} gives up after {long}, {behind} behind it never does")
            }
            "read-timeout-inverted" => {
                format!("{front} gives up after {long}, {behind} behind it only after {end}")
            }
            "worker-timeout-inverted" => match waits {
                Amount::Infinite => format!(
                    "{behind} kills the worker of a request after {end}, {front} waits without limit"
                ),
                Amount::Finite(_) => format!(
                    "{behind} kills the worker of a request after {end}, {front} would wait {long}"
                ),
            },
            _ if waits == holds => {
                format!("{front} keeps an idle connection {long}, just as long as {behind} does")
            }
            _ => format!("{front} keeps an idle connection {long}, {behind} closes it after {end}"),
        }
    }

    /// What reaches the client; a hop further out may have given up before.
    fn client(&self) -> String {
        match self.sooner() {
            Some((name, ms)) => format!(
                "{name} in front has given up by then ({}), else {}",
                duration(ms),
                self.sees(["would get", "would be"])
            ),
            None => self.sees(["gets", "is"]),
        }
    }

    fn sees(&self, [gets, is]: [&str; 2]) -> String {
        let after = self.verdict.after_ms.map(duration);
        match (self.verdict.status, after) {
            (Some(status), Some(after)) => format!("the client {gets} {status} after {after}"),
            (Some(status), None) => format!("the client {gets} {status} now and then"),
            (None, Some(after)) => {
                format!("the client's connection {is} closed after {after}, without an answer")
            }
            (None, None) => format!("the client {gets} an error"),
        }
    }

    /// The outermost hop in front that waits no longer than the inversion takes.
    fn sooner(&self) -> Option<(&str, u64)> {
        let after = self.verdict.after_ms?;
        (0..self.verdict.outer).find_map(|at| match self.value(at, Key::Read)? {
            Amount::Finite(ms) if ms <= after => Some((self.name(at), ms)),
            _ => None,
        })
    }
}

fn words(key: Key, value: Amount) -> String {
    match value {
        Amount::Finite(n) => amount(key, n),
        Amount::Infinite => "without limit".to_owned(),
    }
}
