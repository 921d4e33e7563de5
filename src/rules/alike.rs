//! Things that a rule has the same to say of: one cause is one finding, with a label for each place that it shows.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::source::Span;

/// Things by a key, in the order in which the first of each came. A place counts once, however often its file is read.
pub(super) struct Alike<K, T> {
    index: HashMap<K, usize>,
    places: HashSet<(usize, Span)>,
    groups: Vec<(K, Vec<T>)>,
}

impl<K: Clone + Eq + Hash, T> Alike<K, T> {
    /// None yet.
    pub(super) fn new() -> Self {
        Self {
            index: HashMap::new(),
            places: HashSet::new(),
            groups: Vec::new(),
        }
    }

    /// Adds a thing, unless this place of its group is known.
    pub(super) fn add(&mut self, key: K, place: Span, thing: T) {
        let at = *self.index.entry(key.clone()).or_insert(self.groups.len());
        if at == self.groups.len() {
            self.groups.push((key, Vec::new()));
        }
        if self.places.insert((at, place)) {
            self.groups[at].1.push(thing);
        }
    }

    /// Every key with its things, of which there is at least one.
    pub(super) fn groups(self) -> Vec<(K, Vec<T>)> {
        self.groups
    }
}
