//! `timeout` lines as they are written: rules that doubt a number need to see it with its unit.

use std::collections::HashSet;

use crate::model::haproxy::section::Proxy;
use crate::source::Span;
use crate::syntax::haproxy::{Line, Section};
use crate::syntax::proxy_value::haproxy_quantity;

/// A `timeout` that holds in a section and is a plain time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// `client`, `server`, `connect`, `tunnel`, …
    pub name: String,
    /// Its number.
    pub number: u64,
    /// The unit as written; empty for none, and HAProxy then takes milliseconds.
    pub unit: String,
    /// The line.
    pub span: Span,
    /// First line of the section that has it: the section itself, or a `defaults`.
    pub holder: Span,
}

/// The timeouts that hold in a section, each once. One whose value is not known, or that stands in an `.if`, is left
/// out, and so is what it hides in the `defaults`.
pub(super) fn timers(proxy: &Proxy) -> Vec<Timer> {
    let mut seen: HashSet<&str> = HashSet::new();
    let mut timers = Vec::new();
    for section in proxy.around() {
        for line in section.lines.iter().rev() {
            let [keyword, name, ..] = line.words.as_slice() else {
                continue;
            };
            if keyword.text == "timeout" && seen.insert(&name.text) {
                timers.extend(timer(proxy, section, line));
            }
        }
    }
    timers
}

fn timer(proxy: &Proxy, section: &Section, line: &Line) -> Option<Timer> {
    let text = proxy.word(line.words.get(2)?).ok()?;
    let (number, unit) = haproxy_quantity(&text).filter(|_| !line.conditional)?;
    Some(Timer {
        name: line.words[1].text.clone(),
        number,
        unit: unit.to_owned(),
        span: line.span,
        holder: section.head.span,
    })
}
