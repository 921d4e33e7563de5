//! What a run was asked to do, already resolved: command line over `no502.toml` over defaults.

pub mod table;

use std::collections::BTreeMap;

use crate::finding::{Confidence, Severity};
use crate::source::{Span, Spanned};
use table::{Image, Program};

/// By how much two times must differ, by the id of the rule that compares them (milliseconds).
pub type Margins = BTreeMap<String, u64>;

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

/// One `[[edge]]` of `no502.toml`: a load balancer, CDN or router in front of the stack, which no file of the tree shows.
/// Edges stand in the order in which a request passes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// What people call it: `aws-alb`.
    pub name: String,
    /// The row of `rules/defaults/edges.toml` whose numbers hold where none is written.
    pub preset: Option<String>,
    /// The services that it dials, or edges behind it, by name. Empty: the next edge, and from the last one every proxy
    /// that is open to the outside.
    pub to: Vec<Spanned<String>>,
    /// The times that are written.
    pub times: Vec<EdgeTime>,
    /// Where it is written.
    pub span: Span,
}

/// One time of an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EdgeTime {
    /// Its key as reports have it: `read`, `keepalive_idle`.
    pub key: &'static str,
    /// Milliseconds; `None` for no limit.
    pub ms: Option<u64>,
    /// Where it is written.
    pub span: Span,
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
    /// The margin that is asked for, by rule id (milliseconds): what is nearer is reported as well.
    pub margins: Margins,
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
    /// `[[edge]]` entries.
    pub edges: Vec<Edge>,
    /// `[[program]]` entries, over the built-in ones of the same name.
    pub programs: Vec<Program>,
    /// `[[image]]` entries.
    pub images: Vec<Image>,
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
