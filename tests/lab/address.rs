//! The loopback rewrite of what every format shares: addresses and durations.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::stack::{Service, Stack, lift};

/// What a text of one service is rewritten with.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    /// All services.
    pub(crate) stack: &'a Stack,
    /// The one whose text it is.
    pub(crate) service: &'a Service,
    /// Factor of every duration.
    pub(crate) scale: f64,
}

impl View<'_> {
    /// `host:port` or `host` of something that is dialled. A name that means nothing here stays a name that means
    /// nothing anywhere, whatever search domain this machine has.
    pub(crate) fn dialled(&self, written: &str, default_port: Option<u16>) -> String {
        let (host, port) = host_port(written);
        let port = match port {
            Some(port) => port
                .parse()
                .map_or_else(|_| format!(":{port}"), |port| format!(":{}", lift(port))),
            None => default_port
                .map(|port| format!(":{}", lift(port)))
                .unwrap_or_default(),
        };
        let bare = host.trim_matches(['[', ']']);
        match self.stack.resolve(self.service, bare) {
            Some(address) => format!("{address}{port}"),
            None if bare.contains(['$', ':']) || bare.is_empty() => format!("{host}{port}"),
            None => format!("{host}.invalid{port}"),
        }
    }

    /// `port`, `*:port` or `address:port` of something that listens.
    pub(crate) fn listens(&self, written: &str) -> Option<SocketAddr> {
        let (host, port) = if written.bytes().all(|byte| byte.is_ascii_digit()) {
            ("", Some(written))
        } else {
            host_port(written)
        };
        let port = lift(port.map_or(Some(80), |port| port.parse().ok())?);
        let address = self.bound(host)?;
        Some(SocketAddr::new(address.into(), port))
    }

    /// The address that stands for what a process binds to.
    pub(crate) fn bound(&self, host: &str) -> Option<Ipv4Addr> {
        match host.trim_matches(['[', ']']) {
            "" | "*" | "0.0.0.0" | "::" => Some(self.service.address),
            host => self.stack.resolve(self.service, host),
        }
    }

    /// What stands for a name server: one that knows the services, as Docker's does, or one of the internet.
    pub(crate) fn name_server(&self, written: &str) -> SocketAddr {
        let public = |address: Ipv4Addr| !address.is_private() && !address.is_loopback();
        if host_port(written).0.parse().is_ok_and(public) {
            self.stack.public_dns
        } else {
            self.stack.dns
        }
    }

    /// A duration with its unit (`default_ms` for none), scaled, in milliseconds; `None` if it is none.
    pub(crate) fn scaled_ms(&self, written: &str, default_ms: f64) -> Option<f64> {
        let digits = written.bytes().take_while(u8::is_ascii_digit).count();
        let number: f64 = written[..digits].parse().ok()?;
        let unit = match &written[digits..] {
            "" => default_ms,
            "us" => 0.001,
            "ms" => 1.0,
            "s" => 1_000.0,
            "m" => 60_000.0,
            "h" => 3_600_000.0,
            "d" => 86_400_000.0,
            _ => return None,
        };
        Some(number * unit * self.scale)
    }

    /// How long the service is left between the signal that stops it and SIGKILL.
    pub(crate) fn grace(&self) -> Duration {
        let ms = self.scaled_ms(&self.service.stop_grace, 1_000.0);
        Duration::from_secs_f64(ms.unwrap_or_default() / 1_000.0)
    }

    /// Whole seconds, at least one unless it was none, for programs that count no finer.
    pub(crate) fn scaled_s(&self, written: &str) -> Option<String> {
        let ms = self.scaled_ms(written, 1_000.0)?;
        Some(if ms == 0.0 {
            "0".to_owned()
        } else {
            format!("{:.0}", (ms / 1000.0).max(1.0))
        })
    }
}

/// Host and port of an authority; the brackets of IPv6 stay with the host.
pub(crate) fn host_port(written: &str) -> (&str, Option<&str>) {
    match written.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (written, None),
    }
}
