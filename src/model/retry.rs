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
    /// Where it is written that more is repeated than a proxy does by itself.
    pub span: Option<Span>,
}
