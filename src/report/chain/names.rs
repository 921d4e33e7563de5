//! Lists in which every name stands once, in the order in which they come.

use std::collections::HashSet;

/// Names, each once, in the order in which they come.
#[derive(Default)]
pub(in crate::report) struct Names {
    pub(in crate::report) list: Vec<String>,
    known: HashSet<String>,
}

impl Names {
    pub(in crate::report) fn add(&mut self, name: String) {
        if self.known.insert(name.clone()) {
            self.list.push(name);
        }
    }

    /// A route without a name takes everything.
    pub(super) fn or_all(self) -> Vec<String> {
        let named = self.list.into_iter().filter(|name| !name.is_empty());
        let mut list: Vec<String> = named.collect();
        if list.is_empty() {
            list.push("all requests".to_owned());
        }
        list
    }
}

/// What is new among some names comes behind those that are known.
pub(super) fn joined(known: &[String], new: Vec<String>) -> Vec<String> {
    let mut names = Names::default();
    known
        .iter()
        .cloned()
        .chain(new)
        .for_each(|name| names.add(name));
    names.list
}

/// For a few.
pub(in crate::report) fn push_new(list: &mut Vec<String>, text: String) {
    if !list.contains(&text) {
        list.push(text);
    }
}
