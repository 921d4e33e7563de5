//! What a run was asked to do, already resolved: command line over `no502.toml` over defaults.

use std::collections::BTreeMap;

use crate::finding::{Confidence, Severity};
use crate::source::Span;

/// One `[[allow]]` of `no502.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// Id of the rule.
    pub rule: String,
    /// Path or glob below the root; `None` for everywhere.
    pub path: Option<String>,
    /// Why; never empty.
    pub reason: String,
    /// Where it is written, if the file is among the sources.
    pub span: Option<Span>,
}

/// One `[[stack]]` of `no502.toml`: compose files that are deployed together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackFiles {
    /// Compose files below the root, in order, as with `-f a -f b`.
    pub files: Vec<String>,
    /// Environment files below the root, in order.
    pub env: Vec<String>,
    /// Active profiles.
    pub profiles: Vec<String>,
}

/// What a run was asked to do.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Only these rules, if any are named.
    pub select: Vec<String>,
    /// Not these rules.
    pub ignore: Vec<String>,
    /// Severity by rule id.
    pub severity: BTreeMap<String, Severity>,
    /// Findings below this are dropped.
    pub min_severity: Option<Severity>,
    /// Findings below this are dropped.
    pub min_confidence: Option<Confidence>,
    /// Whether pedantic rules run.
    pub pedantic: bool,
    /// Version of a proxy where nothing in the tree tells it: `nginx`, `haproxy`.
    pub versions: BTreeMap<String, String>,
    /// `[[allow]]` entries.
    pub allow: Vec<Allow>,
    /// `[[stack]]` entries.
    pub stacks: Vec<StackFiles>,
    /// Fingerprints that a baseline accepts.
    pub baseline: Vec<String>,
}

impl Settings {
    /// Whether a rule runs; `pedantic` is what its card says.
    pub fn runs(&self, rule: &str, pedantic: bool) -> bool {
        let named = self.select.iter().any(|id| id == rule);
        let wanted = if self.select.is_empty() {
            !pedantic || self.pedantic
        } else {
            named
        };
        wanted && !self.ignore.iter().any(|id| id == rule)
    }
}
