//! What nginx does beside passing a request on: pages in the place of errors (`error_page`), and further requests on behalf
//! of one (`auth_request`, `mirror`).

use std::collections::BTreeMap;

/// The statuses that are replaced, and by which; `None` where that is up to what answers in its place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Pages {
    /// The new status by the old one.
    pub statuses: BTreeMap<u16, Option<u16>>,
    /// Whether errors that come from behind are replaced as well (`proxy_intercept_errors`).
    pub intercepts: bool,
}

/// A request that nginx makes on behalf of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// `auth_request`: what it fails with is a 500.
    Guard,
    /// `mirror`: its answer is thrown away, and a failure as well.
    Mirror,
}
