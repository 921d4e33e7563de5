//! How much a proxy takes on a way through it, besides its timeouts: heads, bodies, and connections that it keeps.

use crate::model::{Amount, Setting};

/// What holds on a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    /// Longest head of a response (bytes).
    pub response_head: Setting<Amount>,
    /// Longest body of a request (bytes).
    pub body: Setting<Amount>,
    /// Whether a request is there as a whole before any of it is passed on.
    pub whole_requests: Setting<bool>,
    /// Idle connections that all processes of the proxy together may keep to the peers; `None` if it counts none.
    pub kept: Option<Setting<Amount>>,
}

impl Sizes {
    /// Nothing is known, and why.
    pub fn unknown(why: &str) -> Self {
        Self {
            response_head: Setting::unknown(why),
            body: Setting::unknown(why),
            whole_requests: Setting::unknown(why),
            kept: None,
        }
    }
}
