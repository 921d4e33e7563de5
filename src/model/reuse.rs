//! Whether connections to the next hop are kept for the requests to come.

use crate::source::Span;

/// How a proxy reuses its connections to the next hop on a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reuse {
    /// Never, and why.
    Off(String),
    /// Yes; how long an idle one is kept is `Key::KeepaliveIdle`. The span makes it so, `None` for a default.
    On(Option<Span>),
    /// If the process is of a version that does so by itself; nothing but a tag that moves on tells which it is.
    IfRecent,
    /// Unknown, and why.
    Unknown(String),
}

impl Reuse {
    /// Whether there is a time for which an idle one is kept, for all or for recent versions.
    pub fn may_keep(&self) -> bool {
        matches!(self, Self::On(_) | Self::IfRecent)
    }
}
