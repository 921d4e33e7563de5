//! Which status a client gets where nginx puts an answer of its own in the place of an error (`error_page`).

use std::collections::BTreeMap;

/// The statuses that are replaced, and by which; `None` where that is up to what answers in its place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Pages {
    /// The new status by the old one.
    pub statuses: BTreeMap<u16, Option<u16>>,
    /// Whether errors that come from behind are replaced as well (`proxy_intercept_errors`).
    pub intercepts: bool,
}
