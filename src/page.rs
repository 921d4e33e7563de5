//! A rule's page: card, prose, examples. The card is the rule's metadata and nothing else is.

use serde::Deserialize;

use crate::finding::{Confidence, Effect, Severity};

/// The first `toml` fence of a page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// One line, no full stop.
    pub title: String,
    /// Statuses that a client may get; empty if none.
    #[serde(default)]
    pub status: Vec<u16>,
    /// What a client or an operator sees.
    pub effect: Effect,
    /// The highest severity that it reports.
    pub severity: Severity,
    /// The highest confidence that it reports.
    pub confidence: Confidence,
    /// Group of the catalogue: reach, names, timeouts, keep-alive, health, headers, tls, limits, load, built-in.
    pub category: String,
    /// `nginx`, `haproxy`, `compose`, `app`.
    pub formats: Vec<String>,
    /// Version of no502 that had it first.
    pub since: String,
    /// Off unless asked for.
    #[serde(default)]
    pub pedantic: bool,
    /// `none`, `safe` or `unsafe`.
    #[serde(default = "no_fix")]
    pub fix: String,
    /// Parts of log lines that it explains.
    #[serde(default)]
    pub symptoms: Vec<String>,
    /// Versions of programs that it holds for, for people.
    #[serde(default)]
    pub versions: Option<String>,
    /// Former ids.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// `lab`, or `not on loopback: reason`.
    pub proven: String,
}

fn no_fix() -> String {
    "none".to_owned()
}
