//! The names of the times and counts that a hop or a way through it has.

/// Keys of the timeouts of a hop, in the order of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// Establishing the connection to the next hop (milliseconds).
    Connect,
    /// Between two writes to the next hop (milliseconds).
    Send,
    /// Between two reads from the next hop (milliseconds).
    Read,
    /// Further attempts after the first one (count).
    Retries,
    /// Attempts in all, the first one included (count).
    Tries,
    /// How long an idle connection is kept: by a proxy towards the next hop, by an app towards the proxy (milliseconds).
    KeepaliveIdle,
    /// Requests on one kept connection (count).
    KeepaliveRequests,
    /// Waiting for the client's request head (milliseconds).
    ClientHeader,
    /// Between two reads of the client's body (milliseconds).
    ClientBody,
    /// How long an idle client connection is kept (milliseconds).
    ClientIdle,
    /// Waiting for a free slot of the next hop (milliseconds).
    Queue,
    /// An upgraded connection without traffic (milliseconds).
    Tunnel,
    /// After which an app kills the worker of a request (milliseconds).
    Worker,
    /// Between the stop signal and the end (milliseconds).
    Grace,
}

impl Key {
    /// Every key.
    pub const ALL: [Self; 14] = [
        Self::Connect,
        Self::Send,
        Self::Read,
        Self::Retries,
        Self::Tries,
        Self::KeepaliveIdle,
        Self::KeepaliveRequests,
        Self::ClientHeader,
        Self::ClientBody,
        Self::ClientIdle,
        Self::Queue,
        Self::Tunnel,
        Self::Worker,
        Self::Grace,
    ];

    /// Its name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Send => "send",
            Self::Read => "read",
            Self::Retries => "retries",
            Self::Tries => "tries",
            Self::KeepaliveIdle => "keepalive_idle",
            Self::KeepaliveRequests => "keepalive_requests",
            Self::ClientHeader => "client_header",
            Self::ClientBody => "client_body",
            Self::ClientIdle => "client_idle",
            Self::Queue => "queue",
            Self::Tunnel => "tunnel",
            Self::Worker => "worker",
            Self::Grace => "grace",
        }
    }

    /// The key of a name that `as_str` gives.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.as_str() == name)
    }

    /// Whether it counts something instead of lasting milliseconds.
    pub fn is_count(self) -> bool {
        matches!(self, Self::Retries | Self::Tries | Self::KeepaliveRequests)
    }
}
