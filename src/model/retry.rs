//! When a proxy sends a request again: nginx to the next peer, HAProxy by `retry-on`.

use crate::source::Span;

/// What makes a proxy send a request again, as far as it has attempts left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Retry {
    /// A connection that does not come about in time.
    pub connect: bool,
    /// An answer that does not come in time.
    pub timeout: bool,
    /// A connection that is closed without an answer.
    pub close: bool,
    /// Answers with these statuses.
    pub statuses: Vec<u16>,
    /// Whether a POST that was sent already is sent again as well.
    pub posts: bool,
    /// After which no further attempt begins (milliseconds); `None` for no such limit.
    pub window: Option<u64>,
    /// When a peer of a group is left out for a while; `None` if it never is.
    pub ban: Option<Ban>,
    /// Where it is written that more is repeated than a proxy does by itself.
    pub span: Option<Span>,
}

/// `max_fails` and `fail_timeout` of nginx: a peer that failed so often is left out for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ban {
    /// How often.
    pub fails: u64,
    /// For how long (milliseconds).
    pub ms: u64,
}
