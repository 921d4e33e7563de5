//! What is kept of a class: counts, times and a bounded number of everything that differs from line to line.

use std::collections::{BTreeMap, BTreeSet};

use super::classes::Entry;
use crate::finding::Effect;
use crate::syntax::log::Time;

/// So many different addresses, messages and places are told apart; those that come later are only counted.
const MOST: usize = 1000;

/// One class, as far as it has been met.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Lines.
    pub count: u64,
    /// The earliest time that a line had.
    pub first: Option<String>,
    /// The latest one.
    pub last: Option<String>,
    /// Entries of the table that took them, by their place in it.
    pub entries: BTreeMap<usize, u64>,
    /// What the clients got: as HAProxy logged it, or as the table says.
    pub status: BTreeSet<u16>,
    /// What they saw otherwise, by its word.
    effects: BTreeMap<&'static str, (Effect, u64)>,
    /// What was dialled or looked up.
    pub addresses: BTreeMap<String, u64>,
    /// Places in configs that the lines name.
    pub places: BTreeMap<(String, usize), u64>,
    /// Different messages.
    pub messages: BTreeSet<String>,
}

impl Tally {
    /// One more line, of that time.
    pub(super) fn see(&mut self, time: Option<Time>) {
        self.count += 1;
        let Some(time) = time.map(|time| time.iso()) else {
            return;
        };
        // Without a year (syslog) nothing can be said against a time that has one.
        let whole = |time: &String| time.len() > "07-29T22:56:45".len();
        let yields = |known: &Option<String>, later: bool| {
            known
                .as_ref()
                .is_none_or(|known| match whole(known) == whole(&time) {
                    true if later => time > *known,
                    true => time < *known,
                    false => whole(&time),
                })
        };
        let (first, last) = (yields(&self.first, false), yields(&self.last, true));
        if first {
            self.first = Some(time.clone());
        }
        if last {
            self.last = Some(time);
        }
    }

    /// What an entry of the table says of the line. Bytes that are passed on (nginx's stream, HAProxy's tcp mode) have no
    /// status: their connection is closed.
    pub(super) fn take(&mut self, at: usize, entry: &Entry, said: &str, bytes: bool) {
        *self.entries.entry(at).or_default() += 1;
        let effect = match entry.effect {
            Effect::Response if bytes => Effect::Closed,
            other => other,
        };
        self.affect(effect);
        if !bytes {
            self.status.extend(&entry.status);
        }
        self.hear(said);
    }

    /// How a session of HAProxy ended.
    pub(super) fn end(&mut self, status: Option<u16>, state: &str) {
        self.affect(match status {
            None => Effect::Closed,
            Some(status) if status < 400 => Effect::Cut,
            Some(_) => Effect::Response,
        });
        self.status.extend(status);
        self.hear(state);
    }

    /// What a line was about.
    pub(super) fn dialled(&mut self, address: &str) {
        bounded(&mut self.addresses, address.to_owned());
    }

    /// Where in a config a line points.
    pub(super) fn points_at(&mut self, path: &str, line: usize) {
        bounded(&mut self.places, (path.to_owned(), line));
    }

    /// What most clients saw.
    pub fn effect(&self) -> Effect {
        let most = self.effects.values().max_by_key(|(_, count)| *count);
        most.map_or(Effect::Response, |(effect, _)| *effect)
    }

    /// All that clients saw.
    pub fn effects(&self) -> impl Iterator<Item = Effect> {
        self.effects.values().map(|(effect, _)| *effect)
    }

    fn affect(&mut self, effect: Effect) {
        let known = self.effects.entry(effect.as_str()).or_insert((effect, 0));
        known.1 += 1;
    }

    fn hear(&mut self, said: &str) {
        const SAMPLES: usize = 64;
        if self.messages.len() < SAMPLES && !self.messages.contains(said) {
            self.messages.insert(said.to_owned());
        }
    }
}

fn bounded<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    if counts.len() < MOST || counts.contains_key(&key) {
        *counts.entry(key).or_default() += 1;
    }
}
