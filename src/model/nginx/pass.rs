//! `proxy_pass` and its kin: whom a location dials.

use std::collections::HashSet;

use crate::model::nginx::Reader;
use crate::model::nginx::scope::Scope;
use crate::model::nginx::upstream::Peer;
use crate::model::{Dialled, Errand, Key, Link, LinkId, Lookup, Protocol, Target};
use crate::source::Spanned;
use crate::syntax::proxy_value::{RawAddress, has_variable, upstream_url};

/// The beginning of a module's directives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefix {
    Proxy,
    Fastcgi,
    Uwsgi,
    Scgi,
    Grpc,
    Memcached,
}

impl Prefix {
    pub(super) fn timeouts(self) -> [(Key, &'static str); 3] {
        let names = match self {
            Self::Proxy => [
                "proxy_connect_timeout",
                "proxy_send_timeout",
                "proxy_read_timeout",
            ],
            Self::Fastcgi => [
                "fastcgi_connect_timeout",
                "fastcgi_send_timeout",
                "fastcgi_read_timeout",
            ],
            Self::Uwsgi => [
                "uwsgi_connect_timeout",
                "uwsgi_send_timeout",
                "uwsgi_read_timeout",
            ],
            Self::Scgi => [
                "scgi_connect_timeout",
                "scgi_send_timeout",
                "scgi_read_timeout",
            ],
            Self::Grpc => [
                "grpc_connect_timeout",
                "grpc_send_timeout",
                "grpc_read_timeout",
            ],
            Self::Memcached => [
                "memcached_connect_timeout",
                "memcached_send_timeout",
                "memcached_read_timeout",
            ],
        };
        [
            (Key::Connect, names[0]),
            (Key::Send, names[1]),
            (Key::Read, names[2]),
        ]
    }

    pub(super) fn next_upstream(self) -> &'static str {
        match self {
            Self::Proxy => "proxy_next_upstream",
            Self::Fastcgi => "fastcgi_next_upstream",
            Self::Uwsgi => "uwsgi_next_upstream",
            Self::Scgi => "scgi_next_upstream",
            Self::Grpc => "grpc_next_upstream",
            Self::Memcached => "memcached_next_upstream",
        }
    }

    pub(super) fn buffer_size(self) -> &'static str {
        match self {
            Self::Proxy => "proxy_buffer_size",
            Self::Fastcgi => "fastcgi_buffer_size",
            Self::Uwsgi => "uwsgi_buffer_size",
            Self::Scgi => "scgi_buffer_size",
            Self::Grpc => "grpc_buffer_size",
            Self::Memcached => "memcached_buffer_size",
        }
    }

    pub(super) fn intercept_errors(self) -> &'static str {
        match self {
            Self::Proxy => "proxy_intercept_errors",
            Self::Fastcgi => "fastcgi_intercept_errors",
            Self::Uwsgi => "uwsgi_intercept_errors",
            Self::Scgi => "scgi_intercept_errors",
            Self::Grpc => "grpc_intercept_errors",
            // It has none, and passes no status on.
            Self::Memcached => "memcached_intercept_errors",
        }
    }

    /// `None` for a module that never reads a request as a whole, or has none to read.
    pub(super) fn request_buffering(self) -> Option<&'static str> {
        match self {
            Self::Proxy => Some("proxy_request_buffering"),
            Self::Fastcgi => Some("fastcgi_request_buffering"),
            Self::Uwsgi => Some("uwsgi_request_buffering"),
            Self::Scgi => Some("scgi_request_buffering"),
            Self::Grpc | Self::Memcached => None,
        }
    }

    pub(super) fn window(self) -> &'static str {
        match self {
            Self::Proxy => "proxy_next_upstream_timeout",
            Self::Fastcgi => "fastcgi_next_upstream_timeout",
            Self::Uwsgi => "uwsgi_next_upstream_timeout",
            Self::Scgi => "scgi_next_upstream_timeout",
            Self::Grpc => "grpc_next_upstream_timeout",
            Self::Memcached => "memcached_next_upstream_timeout",
        }
    }

    pub(super) fn tries(self) -> &'static str {
        match self {
            Self::Proxy => "proxy_next_upstream_tries",
            Self::Fastcgi => "fastcgi_next_upstream_tries",
            Self::Uwsgi => "uwsgi_next_upstream_tries",
            Self::Scgi => "scgi_next_upstream_tries",
            Self::Grpc => "grpc_next_upstream_tries",
            Self::Memcached => "memcached_next_upstream_tries",
        }
    }
}

/// A module that passes requests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Family {
    pub(super) prefix: Prefix,
    /// What it speaks without a scheme that says otherwise.
    pub(super) protocol: Protocol,
    /// Port of an address that has none and no scheme; `None`: nginx refuses it.
    pub(super) port: Option<u16>,
}

const fn family(prefix: Prefix, protocol: Protocol) -> Family {
    Family {
        prefix,
        protocol,
        port: None,
    }
}

/// The names of the directives that pass requests on.
pub fn pass_names() -> impl Iterator<Item = &'static str> {
    FAMILIES.iter().map(|(name, _)| *name)
}

/// The directives of `http {}` that pass requests on.
pub(super) const FAMILIES: &[(&str, Family)] = &[
    (
        "proxy_pass",
        Family {
            prefix: Prefix::Proxy,
            protocol: Protocol::Http,
            port: Some(80),
        },
    ),
    ("fastcgi_pass", family(Prefix::Fastcgi, Protocol::Fastcgi)),
    ("uwsgi_pass", family(Prefix::Uwsgi, Protocol::Uwsgi)),
    ("scgi_pass", family(Prefix::Scgi, Protocol::Scgi)),
    ("grpc_pass", family(Prefix::Grpc, Protocol::H2c)),
    (
        "memcached_pass",
        family(Prefix::Memcached, Protocol::Memcached),
    ),
];

/// `proxy_pass` of `stream {}`.
pub(super) const STREAM: Family = family(Prefix::Proxy, Protocol::Tcp);

/// What a directive that passes requests on leads to.
pub(super) struct Passed {
    pub(super) links: Vec<LinkId>,
    pub(super) protocol: Protocol,
    /// Index of the upstream, if it is exactly one.
    pub(super) upstream: Option<usize>,
    /// The host of the URL or the name of the upstream, if it is exactly one and known.
    pub(super) host: Option<String>,
    /// Whether TLS is opened.
    pub(super) secure: bool,
}

/// An address on its way to a link.
struct Written<'t> {
    place: &'t Spanned<String>,
    /// With constants put in.
    text: &'t str,
    dialled: Dialled,
    lookup: Lookup,
    protocol: Protocol,
    errand: Option<Errand>,
    sends_proxy_protocol: bool,
}

impl<'a> Reader<'a> {
    /// The links of a pass directive. `None` if its argument is empty.
    pub(super) fn pass(
        &mut self,
        scope: &Scope<'a>,
        arg: &'a Spanned<String>,
        family: Family,
        errand: Option<Errand>,
    ) -> Option<Passed> {
        let late = has_variable(&arg.value);
        let texts = scope.expand(&arg.value);
        let lookup = self.lookup(scope, late);
        let mut passed = Passed {
            links: Vec::new(),
            protocol: family.protocol,
            upstream: None,
            host: None,
            secure: family == STREAM && scope.flag("proxy_ssl", false),
        };
        for text in &texts {
            let raw = upstream_url(text).unwrap_or_default();
            passed.protocol = protocol(&raw, family);
            passed.secure |= matches!(raw.scheme.as_deref(), Some("https" | "grpcs" | "suwsgi"));
            let host = raw.host.clone().filter(|host| !has_variable(host));
            passed.host = host.filter(|_| texts.len() == 1);
            let name = raw.host.as_deref().unwrap_or("");
            let group = self.groups.get(&name.to_ascii_lowercase()).copied();
            if let Some(at) = group.filter(|_| raw.port.is_none()) {
                passed.upstream = Some(at).filter(|_| texts.len() == 1);
                passed
                    .links
                    .extend(self.peers(scope, at, passed.protocol, errand));
                continue;
            }
            let dialled = match group.filter(|_| !late) {
                Some(_) => Dialled::Unknown(format!("{name} is an upstream, which takes no port")),
                None => dialled(&raw, arg, default_port(&raw, passed.protocol, family)),
            };
            let written = Written {
                place: arg,
                text,
                dialled,
                lookup: lookup.clone(),
                protocol: passed.protocol,
                errand,
                sends_proxy_protocol: sends_proxy_protocol(scope, passed.protocol),
            };
            passed.links.push(self.literal(written));
        }
        (!arg.value.is_empty()).then_some(passed)
    }

    fn lookup(&self, scope: &Scope<'a>, late: bool) -> Lookup {
        match scope.find("resolver") {
            _ if !late => Lookup::AtStart,
            Some((directive, _)) => Lookup::Running(directive.span),
            None if self.conf.fragment || !self.conf.complete => {
                Lookup::Unknown("a resolver may be set in a file that was not seen".to_owned())
            }
            None => Lookup::NoResolver,
        }
    }

    fn literal(&mut self, written: Written) -> LinkId {
        let never = is_fixed(&written.dialled);
        let link = Link {
            from: self.hop,
            span: written.place.span,
            written: written.text.to_owned(),
            protocol: written.protocol,
            lookup: if never { Lookup::Never } else { written.lookup },
            dialled: written.dialled,
            target: Target::Unknown("not looked up yet".to_owned()),
            group: None,
            spare: false,
            down: false,
            sends_proxy_protocol: written.sends_proxy_protocol,
            checked: false,
            errand: written.errand,
        };
        self.add_link(link)
    }

    fn peers(
        &mut self,
        scope: &Scope<'a>,
        at: usize,
        protocol: Protocol,
        errand: Option<Errand>,
    ) -> Vec<LinkId> {
        let upstream = &self.upstreams[at];
        let resolver = upstream
            .find("resolver")
            .or_else(|| scope.find("resolver").map(|(directive, _)| directive));
        let resolver = resolver.map(|directive| directive.span);
        let group = upstream.name.clone();
        let peers: Vec<Peer> = upstream.peers().collect();
        let mut ids = Vec::new();
        for peer in peers {
            let raw = upstream_url(&peer.address.value).unwrap_or_default();
            let dialled = dialled(&raw, peer.address, Some(80));
            let never = is_fixed(&dialled);
            let lookup = match resolver {
                _ if never => Lookup::Never,
                Some(span) if peer.resolve => Lookup::Running(span),
                _ => Lookup::AtStart,
            };
            let link = Link {
                from: self.hop,
                span: peer.address.span,
                written: peer.address.value.clone(),
                protocol,
                lookup,
                dialled,
                target: Target::Unknown("not looked up yet".to_owned()),
                group: Some(group.clone()),
                spare: peer.spare,
                down: peer.down,
                sends_proxy_protocol: sends_proxy_protocol(scope, protocol),
                checked: false,
                errand,
            };
            ids.push(self.add_link(link));
        }
        ids
    }
}

/// Only `stream {}` can send the PROXY header; `proxy_protocol` of `listen` in http is about what comes in.
fn sends_proxy_protocol(scope: &Scope, protocol: Protocol) -> bool {
    protocol == Protocol::Tcp && scope.flag("proxy_protocol", false)
}

fn protocol(raw: &RawAddress, family: Family) -> Protocol {
    match (family.protocol, raw.scheme.as_deref()) {
        (Protocol::Http, Some("https")) | (Protocol::H2c, Some("grpcs")) => Protocol::Https,
        (other, _) => other,
    }
}

fn default_port(raw: &RawAddress, protocol: Protocol, family: Family) -> Option<u16> {
    match raw.scheme.as_deref() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ if protocol == Protocol::Https => Some(443),
        _ => family.port,
    }
}

/// Whom an address dials; `port` is for one that has none.
pub(super) fn dialled(raw: &RawAddress, place: &Spanned<String>, port: Option<u16>) -> Dialled {
    if let Some(socket) = &raw.socket {
        if has_variable(socket) {
            return Dialled::Unknown(format!("{} holds a variable", place.value));
        }
        if let Some((path, _)) = path_behind_socket(socket) {
            return Dialled::Unknown(format!("{path} is followed by a path without a colon"));
        }
        return Dialled::Unix(Spanned::new(socket.clone(), place.span));
    }
    let Some(host) = &raw.host else {
        return Dialled::Unknown(format!("{} is no address", place.value));
    };
    if has_variable(host) {
        return Dialled::Unknown(format!("{host} is known only at run time"));
    }
    let written = raw.port.as_deref().map(leading_number);
    let host = Spanned::new(host.to_ascii_lowercase(), place.span);
    match (written, port) {
        (Some(Some(port)), _) => Dialled::Tcp {
            host,
            port,
            port_written: true,
        },
        (Some(None), _) => Dialled::Unknown(format!(
            "the port of {} is known only at run time",
            place.value
        )),
        (None, Some(port)) => Dialled::Tcp {
            host,
            port,
            port_written: false,
        },
        (None, None) => Dialled::Unknown(format!("{} has no port", place.value)),
    }
}

/// `/run/a.sock` and `/api` of `/run/a.sock/api`: what looks like a socket with the path of a request behind it, and is
/// dialled as one path.
pub fn path_behind_socket(socket: &str) -> Option<(&str, &str)> {
    let ends = [".sock/", ".socket/"];
    let end = ends
        .iter()
        .filter_map(|end| Some(socket.find(end)? + end.len() - 1))
        .min()?;
    Some((&socket[..end], &socket[end..]))
}

/// `8000` of `8000$request_uri`; a port that begins with a variable is unknown.
fn leading_number(text: &str) -> Option<u16> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let rest = &text[digits..];
    (rest.is_empty() || rest.starts_with('$'))
        .then(|| text[..digits].parse().ok())
        .flatten()
}

/// Whether nothing is looked up: a socket, an address.
fn is_fixed(dialled: &Dialled) -> bool {
    matches!(dialled, Dialled::Unix(_))
        || matches!(dialled, Dialled::Tcp { host, .. } if is_address(&host.value))
}

/// Whether a host is an address and no name.
pub(crate) fn is_address(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

/// nginx makes a group of every address that is written without a variable, and an address that comes of a variable is
/// looked for among the groups first: with the same host and port elsewhere in its files, no resolver is asked. Source:
/// `ngx_http_upstream_init_request`; `links` are those of one process.
pub(super) fn literal_twins(links: &mut [Link]) {
    let address = |link: &Link| match &link.dialled {
        Dialled::Tcp { host, port, .. } if link.group.is_none() => Some((
            host.value.to_ascii_lowercase(),
            *port,
            link.protocol == Protocol::Tcp,
        )),
        _ => None,
    };
    let at_start = |link: &&Link| link.lookup == Lookup::AtStart;
    let literal: HashSet<_> = links.iter().filter(at_start).filter_map(address).collect();
    for link in links {
        if link.lookup != Lookup::Never && address(link).is_some_and(|it| literal.contains(&it)) {
            link.lookup = Lookup::AtStart;
        }
    }
}
