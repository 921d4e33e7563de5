//! What a listener makes of the PROXY header, in which a proxy says who the client is.

/// What a listener makes of the PROXY header in front of what it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProxyHeader {
    /// Refuses connections without it.
    Expected,
    /// Takes it for a bad request.
    Refused,
    /// Takes it, and does without it.
    Taken,
    /// The same, but from its own machine alone.
    TakenFromLoopback,
    /// Nobody knows.
    Unknown,
}

impl ProxyHeader {
    /// Of a proxy, which either expects it or refuses it.
    pub fn expected(expects: bool) -> Self {
        if expects {
            Self::Expected
        } else {
            Self::Refused
        }
    }
}
