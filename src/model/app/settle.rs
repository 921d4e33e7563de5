//! From texts and defaults to settings with origins: addresses, durations, protocols.

use super::cx::{Cx, basename};
use crate::model::knowledge::{Number, Program};
use crate::model::setting::Origin;
use crate::model::{Address, Amount, Bind, Listener, Protocol, ProxyHeader, Setting};
use crate::syntax::constant::{self, BindAddress};
use crate::syntax::value::Text;

/// A value that a text says.
pub(super) fn said<T>(value: T, text: &Text) -> Setting<T> {
    if text.assumed {
        let source = "the default of an interpolation, which the deploy may override";
        return Setting::assumed(value, "compose", "", source);
    }
    Setting::written(value, text.span)
}

/// A program's default, and whether it is certain here.
pub(super) fn default<T>(value: T, program: &Program, source: &str, certain: bool) -> Setting<T> {
    if certain {
        Setting::default_of(value, &program.label, &program.versions, source)
    } else {
        Setting::assumed(value, &program.label, &program.versions, source)
    }
}

/// A duration that a text says, in seconds or (with `unit` 1) milliseconds; `zero` is what 0 means.
pub(super) fn duration(text: &Text, unit: f64, zero: Amount) -> Setting<Amount> {
    match &text.value {
        Err(why) => Setting::unknown(why.clone()),
        Ok(raw) => match raw.trim().parse::<f64>() {
            Ok(0.0) => said(zero, text),
            Ok(number) if number.is_finite() && number > 0.0 => {
                said(Amount::whole(number * unit), text)
            }
            _ => Setting::unknown(format!("{raw} is no plain number")),
        },
    }
}

/// A number of the tables in milliseconds; -1 is no limit.
pub(super) fn amount(number: Number<'_>) -> Amount {
    if number.value < 0.0 {
        Amount::Infinite
    } else {
        Amount::whole(number.value * 1000.0)
    }
}

/// Which addresses a host stands for.
pub(super) fn bind_of(host: &str) -> Bind {
    let host = host.trim_matches(['[', ']']);
    match host {
        "" | "*" | "+" | "::" | "true" => Bind::Any,
        "0.0.0.0" | "0" => Bind::AnyV4,
        "localhost" | "::1" => Bind::Loopback,
        host if host.starts_with("127.") => Bind::LoopbackV4,
        host => Bind::One(host.to_ascii_lowercase()),
    }
}

/// The address that a text says in one piece: `0.0.0.0:8000`, `unix:/run/app.sock`.
pub(super) fn address(
    cx: &Cx<'_>,
    text: &Text,
    port: Option<u16>,
    bare: &Bind,
) -> Setting<Address> {
    let raw = match &text.value {
        Err(why) => return Setting::unknown(why.clone()),
        Ok(raw) => raw.trim(),
    };
    match constant::bind(raw) {
        Some(BindAddress::Socket(path)) => said(socket(cx, &path), text),
        Some(BindAddress::Tcp(host, written)) => match written.or(port) {
            Some(port) => {
                let bind = host.as_deref().map_or_else(|| bare.clone(), bind_of);
                said(Address::Tcp { bind, port }, text)
            }
            None => Setting::unknown(format!("{raw} names no port")),
        },
        None => Setting::unknown(format!("{raw} is no plain address")),
    }
}

/// A socket by its path inside the container.
pub(super) fn socket(cx: &Cx<'_>, path: &str) -> Address {
    if path.starts_with('@') {
        return Address::Unix(path.to_owned());
    }
    Address::Unix(cx.absolute(path))
}

/// The port that a text says.
pub(super) fn port_of(text: &Text) -> Result<u16, String> {
    let raw = text.value.clone()?;
    raw.trim()
        .parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| format!("{raw} is no port"))
}

/// A listener with a known protocol.
pub(super) fn listener(
    address: Setting<Address>,
    protocol: Protocol,
    program: &Program,
) -> Listener {
    let origin = match &address {
        Setting::Known { origin, .. } => origin.clone(),
        Setting::Unknown(_) => Origin::Default {
            program: program.label.clone(),
            version: String::new(),
            source: program.source.clone(),
            certain: true,
        },
    };
    Listener {
        protocol: Setting::Known {
            value: protocol,
            origin,
        },
        address,
        proxy_header: ProxyHeader::Unknown,
        backlog: program.number("backlog").map(|number| {
            let waiting = Amount::whole(number.value);
            Setting::default_of(waiting, &program.label, "", number.source)
        }),
        admits: None,
        access: None,
        tls: None,
    }
}

/// The word of the tables for a protocol.
pub(super) fn protocol(word: &str) -> Option<Protocol> {
    Some(match word {
        "http" => Protocol::Http,
        "https" => Protocol::Https,
        "h2c" => Protocol::H2c,
        "fastcgi" => Protocol::Fastcgi,
        "uwsgi" => Protocol::Uwsgi,
        "scgi" => Protocol::Scgi,
        "memcached" => Protocol::Memcached,
        "tcp" => Protocol::Tcp,
        _ => return None,
    })
}

/// Whether the words of a command line fit a pattern of the tables: words with `*`, `**` for any words between.
pub(super) fn command_fits(pattern: &str, argv: &[Text]) -> bool {
    let mut words = argv.iter();
    let mut gap = false;
    // plain: a pattern of the tables, words with one blank between
    for piece in pattern.split(' ') {
        if piece == "**" {
            gap = true;
            continue;
        }
        loop {
            let Some(Some(word)) = words.next().map(Text::get) else {
                return false;
            };
            let word = word.strip_prefix("./").unwrap_or(word);
            if crate::model::knowledge::fits(piece, word)
                || crate::model::knowledge::fits(piece, basename(word))
            {
                break;
            }
            if !gap {
                return false;
            }
        }
        gap = false;
    }
    true
}
