//! The two plain values that settings carry most: where a process takes connections, and how long or how many.

use std::fmt;

use crate::source::Span;

/// Where a process takes connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A TCP port.
    Tcp {
        /// On which addresses.
        bind: Bind,
        /// The port.
        port: u16,
    },
    /// A socket in the file system of the process, by path.
    Unix(String),
}

/// Owner and mode of a socket in the file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The user's name; `None` for the user that makes the socket.
    pub owner: Option<String>,
    /// The group's name; `None` for that of the user that makes the socket.
    pub group: Option<String>,
    /// `0o660`.
    pub mode: u32,
    /// Where it is written, if anything of it is.
    pub span: Option<Span>,
}

/// Which addresses of its machine a listener takes connections on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Bind {
    /// All of them; whether those of IPv6 as well is not known.
    Any,
    /// All of IPv4: `0.0.0.0`.
    AnyV4,
    /// 127.0.0.0/8 or ::1 only.
    Loopback,
    /// 127.0.0.0/8 only.
    LoopbackV4,
    /// One address or name.
    One(String),
    /// It depends on something unknown.
    Unknown(String),
}

impl Address {
    /// For people: `:80`, `127.0.0.1:8000`, `/run/app.sock`.
    pub fn short(&self) -> String {
        match self {
            Self::Tcp {
                bind: Bind::Any | Bind::AnyV4 | Bind::Unknown(_),
                port,
            } => format!(":{port}"),
            Self::Tcp {
                bind: Bind::Loopback | Bind::LoopbackV4,
                port,
            } => format!("127.0.0.1:{port}"),
            Self::Tcp {
                bind: Bind::One(host),
                port,
            } => format!("{host}:{port}"),
            Self::Unix(path) => path.clone(),
        }
    }

    /// The port, if it is one.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp { port, .. } => Some(*port),
            Self::Unix(_) => None,
        }
    }
}

impl Bind {
    /// What an address or a name means as a bind address.
    pub fn of(host: &str) -> Self {
        match host {
            "" | "*" | "::" | "[::]" | "+" => Self::Any,
            "0.0.0.0" => Self::AnyV4,
            "localhost" | "::1" | "[::1]" => Self::Loopback,
            _ if host.starts_with("127.") => Self::LoopbackV4,
            _ => Self::One(host.to_owned()),
        }
    }

    /// Whether only processes of the same machine reach it.
    pub fn is_loopback(&self) -> bool {
        matches!(self, Self::Loopback | Self::LoopbackV4)
    }

    /// Whether it is certainly not reached over IPv6.
    pub fn is_v4_only(&self) -> bool {
        matches!(self, Self::AnyV4 | Self::LoopbackV4)
    }
}

/// A duration in milliseconds or a count; `Infinite` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Amount {
    /// Milliseconds, or a count.
    Finite(u64),
    /// No limit. Orders after every finite amount.
    Infinite,
}

impl Amount {
    /// A number of a table or of a command line, which is not below zero, rounded.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast from a float saturates"
    )]
    pub fn whole(number: f64) -> Self {
        Self::Finite(number.round() as u64)
    }
}

impl fmt::Display for Amount {
    /// The bare number of milliseconds or of whatever is counted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finite(number) => write!(f, "{number}"),
            Self::Infinite => f.write_str("no limit"),
        }
    }
}
