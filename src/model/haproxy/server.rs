//! `server` lines: whom a backend dials, with what `default-server` adds.

pub(super) mod parameters;

use crate::model::haproxy::section::Proxy;
use crate::model::haproxy::{CONDITIONAL, tls};
use crate::model::nginx::is_address;
use crate::model::tls::Client;
use crate::model::{Dialled, HopId, Link, LinkId, Lookup, Protocol, Setting, Target};
use crate::source::{Span, Spanned};
use crate::syntax::haproxy::Line;
use crate::syntax::proxy_value::{haproxy_address, has_variable};
use parameters::Parameters;

/// What a `server` or `server-template` line says beside the address, with what `default-server` adds.
#[derive(Debug, Clone)]
pub struct Server {
    /// Whom it dials.
    pub link: LinkId,
    /// Its name.
    pub name: Spanned<String>,
    /// Host without a port: HAProxy dials the port that the client came to.
    pub portless: Option<String>,
    /// The word that has it probed.
    pub check: Option<Span>,
    /// Port that is probed in place of the one that is dialled.
    pub check_port: Option<Spanned<u16>>,
    /// Whether something else than the address that is dialled is probed, or something else than probes decides.
    pub probed_elsewhere: bool,
    /// `init-addr`.
    pub init_addr: Option<Spanned<String>>,
    /// `resolvers`.
    pub resolvers: Option<Spanned<String>>,
    /// `maxconn`, if it is a number above zero.
    pub maxconn: Option<Spanned<u64>>,
    /// The word that has the PROXY header sent.
    pub sends_proxy: Option<Span>,
}

/// What a line comes to, before its link has a number.
pub(super) struct Made {
    /// Whom it dials.
    pub(super) link: Link,
    /// What else it says.
    pub(super) server: Server,
    /// How it opens TLS, if it does.
    pub(super) tls: Option<Client>,
}

/// The servers of a backend's `server` and `server-template` lines.
pub(super) fn servers(
    proxy: &Proxy,
    hop: HopId,
    tcp: bool,
    version: &Setting<String>,
) -> Vec<Made> {
    let templates = proxy.own(&["server-template"]).map(|line| (line, 3));
    let servers = proxy.own(&["server"]).map(|line| (line, 2));
    let mut lines: Vec<(&Line, usize)> = servers.chain(templates).collect();
    lines.sort_by_key(|(line, _)| line.span);
    lines
        .into_iter()
        .filter_map(|(line, at)| server(proxy, hop, line, at, tcp, version))
        .collect()
}

fn server(
    proxy: &Proxy,
    hop: HopId,
    line: &Line,
    at: usize,
    tcp: bool,
    version: &Setting<String>,
) -> Option<Made> {
    let parameters = Parameters::of(proxy, line, at + 1);
    let link = link(proxy, hop, line, at, tcp, &parameters)?;
    let name = &line.words[1];
    let number = |name: &str| {
        let word = parameters.value(name)?;
        Some(Spanned::new(word.value.parse::<u64>().ok()?, word.span))
    };
    let port = number("port").filter(|port| u16::try_from(port.value).is_ok());
    let elsewhere = ["addr", "track"]
        .iter()
        .any(|name| parameters.value(name).is_some());
    let server = Server {
        link: LinkId(0),
        name: Spanned::new(name.text.clone(), name.span),
        portless: portless(&link.written).filter(|_| !line.conditional),
        check: parameters.flag("check"),
        check_port: port
            .map(|port| Spanned::new(u16::try_from(port.value).unwrap_or(0), port.span)),
        probed_elsewhere: elsewhere || parameters.flag("agent-check").is_some(),
        init_addr: parameters.value("init-addr"),
        resolvers: parameters.value("resolvers"),
        maxconn: number("maxconn").filter(|most| most.value > 0),
        sends_proxy: sends_proxy(&parameters),
    };
    let tls = tls::client(proxy, hop, link.span, &parameters, version);
    Some(Made {
        link,
        server,
        tls: tls.filter(|_| !line.conditional),
    })
}

/// The host of an address of an internet family that has no port.
fn portless(written: &str) -> Option<String> {
    let raw = haproxy_address(written).filter(|raw| raw.socket.is_none() && raw.port.is_none())?;
    let family = raw
        .scheme
        .as_deref()
        .is_none_or(|family| matches!(family, "ipv4" | "ipv6"));
    let host = raw.host.filter(|host| !host.contains(['$', ':']))?;
    family.then_some(host)
}

fn sends_proxy(parameters: &Parameters) -> Option<Span> {
    const WORDS: [&str; 4] = [
        "send-proxy",
        "send-proxy-v2",
        "send-proxy-v2-ssl",
        "send-proxy-v2-ssl-cn",
    ];
    WORDS.iter().find_map(|word| parameters.flag(word))
}

fn link(
    proxy: &Proxy,
    hop: HopId,
    line: &Line,
    at: usize,
    tcp: bool,
    parameters: &Parameters,
) -> Option<Link> {
    let word = line.words.get(at)?;
    let text = proxy.address(word);
    let chroot = &proxy.frame.chroot;
    let dialled = match &text {
        _ if line.conditional => Dialled::Unknown(CONDITIONAL.to_owned()),
        Ok(text) => dialled(text, word.span, chroot.as_ref().map(|c| c.value.as_str())),
        Err(why) => Dialled::Unknown(why.clone()),
    };
    let proto = parameters.value("proto");
    let protocol = match () {
        () if parameters.flag("ssl").is_some() => Protocol::Https,
        () if tcp => Protocol::Tcp,
        () => match proto.as_ref().map(|proto| proto.value.as_str()) {
            Some("fcgi") => Protocol::Fastcgi,
            Some("h2") => Protocol::H2c,
            _ => Protocol::Http,
        },
    };
    let group = proxy.section.name.clone();
    Some(Link {
        from: hop,
        span: word.span,
        written: text.unwrap_or_else(|_| word.text.clone()),
        protocol,
        lookup: lookup(&dialled, parameters),
        dialled,
        target: Target::Unknown("not looked up yet".to_owned()),
        group,
        spare: parameters.flag("backup").is_some() || parameters.flag("disabled").is_some(),
        down: parameters.flag("disabled").is_some()
            || parameters
                .value("weight")
                .is_some_and(|weight| weight.value == "0"),
        sends_proxy_protocol: sends_proxy(parameters).is_some(),
        checked: parameters.flag("check").is_some() || parameters.value("track").is_some(),
        errand: None,
    })
}

fn dialled(text: &str, span: Span, chroot: Option<&str>) -> Dialled {
    let Some(raw) = haproxy_address(text).filter(|_| !has_variable(text)) else {
        return Dialled::Unknown(format!("{text} is known only at run time"));
    };
    match (raw.socket, raw.host, raw.port) {
        (Some(_), _, _) if matches!(raw.scheme.as_deref(), Some("abns" | "abnsz")) => {
            Dialled::Unknown(format!("{text} is an abstract socket"))
        }
        (Some(socket), _, _) => {
            // A process that has changed its root finds every path below it.
            let root = chroot.map_or("", |chroot| chroot.trim_end_matches('/'));
            Dialled::Unix(Spanned::new(format!("{root}{socket}"), span))
        }
        (None, Some(host), Some(port)) => match port.trim_start_matches(['+', '-']).parse() {
            Ok(port)
                if !matches!(
                    raw.scheme.as_deref(),
                    Some("fd" | "sockpair" | "quic4" | "quic6")
                ) =>
            {
                Dialled::Tcp {
                    host: Spanned::new(host.to_ascii_lowercase(), span),
                    port,
                    port_written: true,
                }
            }
            _ => Dialled::Unknown(format!("{text} has no plain port")),
        },
        (None, Some(_), None) => {
            Dialled::Unknown(format!("{text} has no port: the client's is dialled"))
        }
        _ => Dialled::Unknown(format!("{text} is no address of a server")),
    }
}

/// Without `resolvers` a name is looked up at the start, unless `init-addr` lets the server start without an address.
fn lookup(dialled: &Dialled, parameters: &Parameters) -> Lookup {
    match dialled {
        Dialled::Tcp { host, .. } if !is_address(&host.value) => {
            let late = parameters.value("resolvers").or_else(|| {
                let list = parameters.value("init-addr");
                list.filter(|list| list.value.contains("none"))
            });
            late.map_or(Lookup::AtStart, |word| Lookup::Running(word.span))
        }
        _ => Lookup::Never,
    }
}
