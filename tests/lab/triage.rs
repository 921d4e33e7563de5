//! The logs of a proof are put to `triage`: what the programs of Bad wrote must lead back to the rule of the page.

use no502::page::Card;
use no502::triage::{Triage, explain};

/// Pages whose Bad leaves no line of its own in these logs, and why.
const SILENT: &[(&str, &str)] = &[
    (
        "host-header-invalid",
        "the app says it, and a stub stands in for Django",
    ),
    (
        "websocket-headers-missing",
        "it is an answer of the app, below 500",
    ),
];

/// Fails if no class of the lines in a log names the rule, although its card names symptoms.
pub(crate) fn names(id: &str, card: &Card, log: &str) -> Result<(), String> {
    if card.symptoms.is_empty() || SILENT.iter().any(|(page, _)| *page == id) {
        return Ok(());
    }
    let mut triage = Triage::default();
    log.lines().for_each(|line| triage.feed(line.as_bytes()));
    let classes = explain(&triage, None);
    if classes.iter().any(|class| class.rules.contains(&id)) {
        return Ok(());
    }
    let met: Vec<&str> = classes.iter().map(|class| class.name).collect();
    Err(format!(
        "the log of Bad does not lead `triage` to {id}; its classes are [{}]\n{log}",
        met.join(", ")
    ))
}
