//! `listen`: where a server takes connections.

use std::collections::HashSet;

use crate::model::nginx::scope::Scope;
use crate::model::nginx::{Reader, tls};
use crate::model::{Access, Address, Amount, Bind, Listener, Protocol, ProxyHeader, Setting};
use crate::source::Spanned;
use crate::syntax::nginx::Directive;
use crate::syntax::proxy_value::{has_variable, upstream_url};

impl<'a> Reader<'a> {
    /// The listeners of a server, as indexes into the hop's.
    pub(super) fn listen(&mut self, scope: &Scope<'a>, stream: bool) -> Vec<usize> {
        let http2 = scope.flag("http2", false);
        let asked = tls::Asked {
            scope,
            version: &self.model.hop(self.hop).version,
            seen: self.seen(),
        };
        let listeners: Vec<(Listener, bool)> = scope
            .own("listen")
            .filter_map(|directive| {
                let listener = listener(directive, stream, http2, &asked)?;
                Some((listener, tls::is_default(directive)))
            })
            .collect();
        let listeners = if listeners.is_empty() && !stream {
            vec![(default_listener(), false)]
        } else {
            listeners
        };
        let mut seen = HashSet::new();
        let indexes = listeners
            .into_iter()
            .map(|(listener, default)| self.listener(listener, default));
        indexes.filter(|at| seen.insert(*at)).collect()
    }

    /// The index of a listener that the hop has, or has from now on. Of two at an unknown address nobody knows whether
    /// they are one.
    fn listener(&mut self, listener: Listener, default: bool) -> usize {
        let known = &mut self.model.hops[self.hop.0 as usize].listeners;
        let next = known.len();
        let address = listener.address.value().cloned();
        let at = match address {
            Some(address) => {
                let key = (address, listener.proxy_header);
                *self.listeners.entry(key).or_insert(next)
            }
            None => next,
        };
        if at == next {
            known.push(listener);
        } else if let (Some(known), Some(terms)) = (&mut known[at].tls, listener.tls) {
            known.join(terms, default);
        }
        at
    }
}

/// Without `listen` a server takes port 80 of all addresses (8000 where nginx does not start as root).
/// Source: <https://nginx.org/en/docs/http/ngx_http_core_module.html#listen>.
fn default_listener() -> Listener {
    let address = Address::Tcp {
        bind: Bind::Any,
        port: 80,
    };
    Listener {
        address: Setting::default_of(address, "nginx", "", "ngx_http_core_module, listen"),
        protocol: Setting::default_of(Protocol::Http, "nginx", "", "ngx_http_core_module, listen"),
        proxy_header: ProxyHeader::Refused,
        backlog: None,
        admits: None,
        access: None,
        tls: None,
    }
}

fn listener(
    directive: &Directive,
    stream: bool,
    http2: bool,
    asked: &tls::Asked,
) -> Option<Listener> {
    let arg = directive.args.first()?;
    let has = |flag: &str| directive.args.iter().any(|arg| arg.value == flag);
    if has("udp") || has("quic") {
        return None;
    }
    let protocol = match () {
        () if stream => Protocol::Tcp,
        () if has("ssl") => Protocol::Https,
        // Only a cleartext listener with the old parameter refuses HTTP/1; `http2 on` accepts both.
        () if has("http2") && !http2 => Protocol::H2c,
        () => Protocol::Http,
    };
    let address = address(arg);
    // nginx lets everybody connect to a socket that it makes, whatever the umask is (ngx_open_listening_sockets).
    let access = matches!(address.value(), Some(Address::Unix(_))).then_some(Access {
        owner: None,
        group: None,
        mode: 0o666,
        span: None,
    });
    Some(Listener {
        address,
        protocol: Setting::written(protocol, directive.span),
        proxy_header: ProxyHeader::expected(has("proxy_protocol")),
        backlog: backlog(directive),
        admits: None,
        access,
        tls: has("ssl").then(|| tls::terms(asked)),
    })
}

/// `backlog=16`.
fn backlog(directive: &Directive) -> Option<Setting<Amount>> {
    let mut args = directive.args.iter();
    let (arg, number) = args.find_map(|arg| Some((arg, arg.value.strip_prefix("backlog=")?)))?;
    let number = number.parse().ok()?;
    Some(Setting::written(Amount::Finite(number), arg.span))
}

fn address(arg: &Spanned<String>) -> Setting<Address> {
    if has_variable(&arg.value) {
        return Setting::unknown(format!("listen {} holds a variable", arg.value));
    }
    if let Ok(port) = arg.value.parse() {
        return Setting::written(
            Address::Tcp {
                bind: Bind::Any,
                port,
            },
            arg.span,
        );
    }
    let Some(raw) = upstream_url(&arg.value) else {
        return Setting::unknown(format!("listen {} is no address", arg.value));
    };
    if let Some(socket) = raw.socket {
        return Setting::written(Address::Unix(socket), arg.span);
    }
    let port = raw.port.as_deref().map_or(Ok(80), str::parse);
    match (port, raw.host) {
        (Ok(port), Some(host)) => Setting::written(
            Address::Tcp {
                bind: Bind::of(&host),
                port,
            },
            arg.span,
        ),
        _ => Setting::unknown(format!("listen {} is no address", arg.value)),
    }
}
