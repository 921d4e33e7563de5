//! `bind` lines: where a frontend takes connections, and what it speaks there.

use crate::model::haproxy::CONDITIONAL;
use crate::model::{Access, Address, Amount, Bind, Listener, Protocol, ProxyHeader, Setting};
use crate::source::Span;
use crate::syntax::haproxy::{Line, Word};
use crate::syntax::proxy_value::{haproxy_address, has_variable};

/// One address of a line; `plain` says whether the text of the word is known.
pub(super) fn listener(
    line: &Line,
    word: &Word,
    at: usize,
    item: &str,
    tcp: bool,
    plain: bool,
) -> Listener {
    let has = |flag: &str| line.words.iter().any(|word| word.text == flag);
    let protocol = match () {
        () if has("ssl") => Protocol::Https,
        () if tcp => Protocol::Tcp,
        () => Protocol::Http,
    };
    let as_long =
        word.span.end - word.span.start == u32::try_from(word.text.len()).unwrap_or(u32::MAX);
    // A variable that is filled in moves what stands behind it.
    let span = if as_long && word.text.get(at..at + item.len()) == Some(item) {
        word.span.slice(at, at + item.len())
    } else {
        word.span
    };
    let address = if line.conditional {
        Setting::unknown(CONDITIONAL)
    } else if plain {
        address(item, span)
    } else {
        Setting::unknown(format!("bind {item} holds a variable"))
    };
    Listener {
        protocol: Setting::written(protocol, line.span),
        backlog: option(line, "backlog").and_then(|word| {
            let number = word.text.parse().ok()?;
            Some(Setting::written(Amount::Finite(number), word.span))
        }),
        proxy_header: ProxyHeader::expected(has("accept-proxy")),
        admits: None,
        access: access(line, &address),
        tls: None,
        address,
    }
}

/// The word behind an option of the line.
fn option<'l>(line: &'l Line, name: &str) -> Option<&'l Word> {
    let at = line.words.iter().position(|word| word.text == name)?;
    line.words.get(at + 1)
}

/// Who may connect to a socket: its `mode`, else what the umask leaves, which is not known.
fn access(line: &Line, address: &Setting<Address>) -> Option<Access> {
    let word = option(line, "mode")?;
    let mode = u32::from_str_radix(&word.text, 8).ok()?;
    let name = |names: [&str; 2]| {
        let word = names.iter().find_map(|name| option(line, name));
        word.map(|word| word.text.clone())
    };
    matches!(address.value(), Some(Address::Unix(_))).then(|| Access {
        owner: name(["user", "uid"]),
        group: name(["group", "gid"]),
        mode,
        span: Some(word.span),
    })
}

fn address(item: &str, span: Span) -> Setting<Address> {
    let raw = haproxy_address(item)
        .filter(|_| !has_variable(item))
        .unwrap_or_default();
    if let Some(socket) = raw.socket {
        return Setting::written(Address::Unix(socket), span);
    }
    match raw.port.as_deref().map(str::parse) {
        Some(Ok(port)) => {
            let bind = Bind::of(raw.host.as_deref().unwrap_or(""));
            Setting::written(Address::Tcp { bind, port }, span)
        }
        _ => Setting::unknown(format!("bind {item} has no plain port")),
    }
}
