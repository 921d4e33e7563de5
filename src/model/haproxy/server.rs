//! `server` lines: whom a backend dials, with what `default-server` adds.

use crate::model::haproxy::CONDITIONAL;
use crate::model::haproxy::section::Proxy;
use crate::model::nginx::is_address;
use crate::model::{Dialled, HopId, Link, Lookup, Protocol, Target};
use crate::source::{Span, Spanned};
use crate::syntax::haproxy::{Line, Word};
use crate::syntax::proxy_value::{haproxy_address, has_variable};

/// The links of a backend's `server` and `server-template` lines.
pub(super) fn links(proxy: &Proxy, hop: HopId, tcp: bool) -> Vec<Link> {
    let templates = proxy.own(&["server-template"]).map(|line| (line, 3));
    let servers = proxy.own(&["server"]).map(|line| (line, 2));
    let mut lines: Vec<(&Line, usize)> = servers.chain(templates).collect();
    lines.sort_by_key(|(line, _)| line.span);
    lines
        .into_iter()
        .filter_map(|(line, at)| link(proxy, hop, line, at, tcp))
        .collect()
}

fn link(proxy: &Proxy, hop: HopId, line: &Line, at: usize, tcp: bool) -> Option<Link> {
    let word = line.words.get(at)?;
    let parameters = Parameters::of(proxy, &line.words[at + 1..]);
    let text = proxy.address(word);
    let dialled = match &text {
        _ if line.conditional => Dialled::Unknown(CONDITIONAL.to_owned()),
        Ok(text) => dialled(text, word.span),
        Err(why) => Dialled::Unknown(why.clone()),
    };
    let protocol = match () {
        () if parameters.has("ssl") => Protocol::Https,
        () if tcp => Protocol::Tcp,
        () => match parameters.value("proto") {
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
        lookup: lookup(&dialled, &parameters),
        dialled,
        target: Target::Unknown("not looked up yet".to_owned()),
        group,
        spare: parameters.has("backup") || parameters.has("disabled"),
        down: parameters.first_of(&["disabled", "enabled"]) == Some("disabled")
            || parameters.value("weight") == Some("0"),
        sends_proxy_protocol: [
            "send-proxy",
            "send-proxy-v2",
            "send-proxy-v2-ssl",
            "send-proxy-v2-ssl-cn",
        ]
        .iter()
        .any(|name| parameters.has(name)),
        checked: (parameters.has("check") && !parameters.has("no-check"))
            || parameters.has("track"),
        auxiliary: false,
    })
}

fn dialled(text: &str, span: Span) -> Dialled {
    let Some(raw) = haproxy_address(text).filter(|_| !has_variable(text)) else {
        return Dialled::Unknown(format!("{text} is known only at run time"));
    };
    match (raw.socket, raw.host, raw.port) {
        (Some(_), _, _) if matches!(raw.scheme.as_deref(), Some("abns" | "abnsz")) => {
            Dialled::Unknown(format!("{text} is an abstract socket"))
        }
        (Some(socket), _, _) => Dialled::Unix(Spanned::new(socket, span)),
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
            let late = parameters.place("resolvers").or_else(|| {
                let word = parameters.word("init-addr")?;
                word.text.contains("none").then_some(word.span)
            });
            late.map_or(Lookup::AtStart, Lookup::Running)
        }
        _ => Lookup::Never,
    }
}

/// The parameters of a server, its own before those of `default-server`.
struct Parameters<'a> {
    words: Vec<&'a Word>,
}

impl<'a> Parameters<'a> {
    fn of(proxy: &Proxy<'a>, own: &'a [Word]) -> Self {
        let mut words: Vec<&Word> = own.iter().collect();
        let lines = proxy
            .around()
            .into_iter()
            .flat_map(|section| &section.lines);
        let defaults = lines.filter(|line| line.words[0].text == "default-server");
        words.extend(defaults.flat_map(|line| &line.words[1..]));
        Self { words }
    }

    fn has(&self, name: &str) -> bool {
        self.words.iter().any(|word| word.text == name)
    }

    /// Which of several parameters stands first, the server's own before those of `default-server`.
    fn first_of(&self, names: &[&str]) -> Option<&'a str> {
        let mut words = self.words.iter().map(|word| word.text.as_str());
        words.find(|word| names.contains(word))
    }

    /// The word after a parameter's name.
    fn word(&self, name: &str) -> Option<&'a Word> {
        let at = self.words.iter().position(|word| word.text == name)?;
        self.words.get(at + 1).copied()
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.word(name).map(|word| word.text.as_str())
    }

    fn place(&self, name: &str) -> Option<Span> {
        self.words
            .iter()
            .find(|word| word.text == name)
            .map(|word| word.span)
    }
}
