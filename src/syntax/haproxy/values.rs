//! Values that HAProxy reads while it reads the line, and that make it refuse the file: ports that cannot be one
//! (`:http`, `web:%d`, `:70000`), times without a known unit, names of sections.

use std::collections::HashSet;

use super::{Line, Section, Word};
use crate::finding::SyntaxError;
use crate::source::Span;
use crate::syntax::proxy_value::{RawAddress, address_list, haproxy_address, haproxy_time};

/// Timeouts of a proxy in any of HAProxy 2.4 to 3.4, and those that it names in order to refuse them.
const TIMEOUTS: [&str; 16] = [
    "check",
    "client",
    "client-fin",
    "client-hs",
    "connect",
    "http-keep-alive",
    "http-request",
    "queue",
    "server",
    "server-fin",
    "tarpit",
    "tunnel",
    "server-hs",
    "clitimeout",
    "contimeout",
    "srvtimeout",
];

/// The longest time that HAProxy can keep, about 24.8 days.
const LONGEST: u64 = 2_147_483_647;

/// The first such value of a line of a proxy.
pub(super) fn impossible(section: &Section, line: &Line) -> Option<SyntaxError> {
    let kind = section.kind.value.as_str();
    match (line.words[0].text.as_str(), kind) {
        ("bind", "frontend" | "listen") => bind(line),
        ("server", "backend" | "listen") => odd_name(line, "a server").or_else(|| server(line)),
        ("server-template", "backend" | "listen") => odd_name(line, "servers"),
        ("acl", "defaults" | "frontend" | "backend" | "listen" | "fcgi-app") => {
            odd_name(line, "an ACL")
        }
        ("timeout", "defaults" | "frontend" | "backend" | "listen") => timeout(line),
        _ => None,
    }
}

/// A name with a character that HAProxy refuses in names.
fn odd_name(line: &Line, whose: &str) -> Option<SyntaxError> {
    let name = line
        .words
        .get(1)
        .filter(|name| !name.has_env && !is_filled_in(&name.text))?;
    let bad = name.text.chars().find(|c| is_odd(*c))?;
    Some(refused(
        name.span,
        format!("`{bad}` in the name `{}` of {whose}", name.text),
        "letters, digits, `_`, `-`, `.` and `:`",
    ))
}

/// Source: `invalid_char` in src/tools.c.
fn is_odd(c: char) -> bool {
    !c.is_ascii_alphanumeric() && !"_-.:".contains(c)
}

/// What is wrong with the line that opens a section: no name, one with a character that HAProxy refuses in names, or
/// words behind it.
pub(super) fn head(line: &Line) -> Option<SyntaxError> {
    const NAMED: [&str; 13] = [
        "backend",
        "cache",
        "fcgi-app",
        "frontend",
        "http-errors",
        "listen",
        "log-forward",
        "mailers",
        "peers",
        "program",
        "resolvers",
        "ring",
        "userlist",
    ];
    let kind = line.words[0].text.as_str();
    if kind == "global" {
        return extra(line, 1);
    }
    if !NAMED.contains(&kind) {
        return None;
    }
    let Some(name) = line.words.get(1) else {
        let message = format!("this `{kind}` has no name");
        return Some(refused(line.words[0].span, message, "a name behind it"));
    };
    if name.has_env || is_filled_in(&name.text) {
        return None;
    }
    match kind {
        "frontend" | "backend" | "listen" => {}
        // The others take what stands behind the name for nothing.
        "cache" | "fcgi-app" | "log-forward" | "peers" | "program" | "userlist" => {
            return extra(line, 2);
        }
        _ => return None,
    }
    let Some(bad) = name.text.chars().find(|c| is_odd(*c)) else {
        return behind(line);
    };
    let message = format!("`{bad}` in the name `{}`", name.text);
    Some(refused(
        name.span,
        message,
        "letters, digits, `_`, `-`, `.` and `:`",
    ))
}

/// `from` and a name are all that may stand behind the name of a proxy; an address there is an older way to write `bind`.
fn behind(line: &Line) -> Option<SyntaxError> {
    let third = line.words.get(2)?;
    match (third.text.as_str(), line.words.get(3)) {
        ("from", None) => Some(refused(
            third.span,
            "`from` without a name".to_owned(),
            "the name of a `defaults` section",
        )),
        ("from", Some(_)) => extra(line, 4),
        _ if line.words[0].text == "backend" => extra(line, 2),
        _ => None,
    }
}

/// The first of the words that are too many.
fn extra(line: &Line, most: usize) -> Option<SyntaxError> {
    let word = line.words.get(most)?;
    let plain = line
        .words
        .iter()
        .all(|word| !word.has_env && !is_filled_in(&word.text));
    plain.then(|| {
        let message = format!("`{}` behind the head of the section", word.text);
        refused(word.span, message, "the end of the line")
    })
}

/// Names that a file gives twice: of two sections that take clients, of two that have servers, of two servers.
pub(super) fn doubles(sections: &[Section]) -> Vec<SyntaxError> {
    let mut errors = Vec::new();
    let mut names = HashSet::new();
    for section in sections.iter().filter(|section| !section.head.conditional) {
        let kind = section.kind.value.as_str();
        let sides: &[&str] = match kind {
            "frontend" => &["takes clients"],
            "backend" => &["has servers"],
            "listen" => &["takes clients", "has servers"],
            _ => continue,
        };
        let word = section.head.words.get(1);
        let Some(word) = word.filter(|word| !word.has_env && !is_filled_in(&word.text)) else {
            continue;
        };
        let name = word.text.as_str();
        let fresh = sides.iter().filter(|side| names.insert((**side, name)));
        if fresh.count() < sides.len() {
            let message = format!("a second section has the name `{name}`");
            errors.push(refused(word.span, message, "a name of its own"));
        }
        errors.extend(double_servers(section));
    }
    errors
}

fn double_servers(section: &Section) -> impl Iterator<Item = SyntaxError> {
    let mut names = HashSet::new();
    let servers = section
        .lines
        .iter()
        .filter(|line| line.words[0].text == "server" && !line.conditional && line.words.len() > 1);
    let names = servers.filter_map(move |line| {
        let name = &line.words[1];
        let again = !name.has_env && !is_filled_in(&name.text) && !names.insert(&name.text);
        again.then_some(name)
    });
    names.map(|name| {
        let message = format!("a second server has the name `{}`", name.text);
        refused(name.span, message, "a name of its own in this section")
    })
}

/// Something else writes a part of this text before HAProxy reads it.
pub(super) fn is_filled_in(text: &str) -> bool {
    text.contains(['$', '{', '}', '<', '>', '%'])
}

fn bind(line: &Line) -> Option<SyntaxError> {
    let Some(word) = line.words.get(1) else {
        return Some(refused(
            line.words[0].span,
            "`bind` without an address".to_owned(),
            "`address:port`, `:port` or the path of a socket",
        ));
    };
    let addresses = address_list(&word.text).into_iter();
    addresses
        .filter(|(_, address)| !address.contains('$'))
        .find_map(|(_, address)| {
            let parts = tcp(address)?;
            match ports(&parts, address) {
                None if is_filled_in(address) => None,
                None => Some(refused(
                    word.span,
                    format!("`{address}` has no port"),
                    "`address:port`",
                )),
                Some(range) => bad_range(range, address, word),
            }
        })
}

/// An address of an internet family; one with a family before an `@` is left to whoever knows it.
fn tcp(address: &str) -> Option<RawAddress> {
    haproxy_address(address).filter(|parts| parts.scheme.is_none() && parts.socket.is_none())
}

/// The port or the range of ports. HAProxy splits at the last colon: with a further one in what follows, this is an
/// IPv6 address of some kind.
fn ports<'a>(parts: &'a RawAddress, address: &str) -> Option<&'a str> {
    let port = parts.port.as_deref().filter(|port| !port.is_empty());
    match port {
        Some(port) if port.contains(':') => Some(""),
        None if address.contains("::") => Some(""),
        port => port,
    }
}

fn bad_range(range: &str, address: &str, word: &Word) -> Option<SyntaxError> {
    let first = range.chars().next()?;
    if !first.is_ascii_digit() && first != '+' && first != '-' {
        return Some(no_port(range, address, word));
    }
    // plain: `str2sa_range` in src/tools.c reads each end as `atol` does, digits up to anything else
    let (low, high) = range.split_once('-').unwrap_or((range, range));
    let (low, high) = (leading(low), leading(high));
    let fits = |port: &Option<u64>| port.is_some_and(|port| (1..=65535).contains(&port));
    let reason = match (&low, &high) {
        _ if first == '+' || first == '-' => "is an offset, which only a `server` takes",
        _ if !fits(&low) || !fits(&high) => "is no port",
        _ if low > high => "is no range of ports",
        _ => return None,
    };
    Some(refused(
        word.span,
        format!("`{range}` in `{address}` {reason}"),
        "a number from 1 to 65535, or two with `-` between, the smaller one first",
    ))
}

fn leading(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}

fn no_port(port: &str, address: &str, word: &Word) -> SyntaxError {
    refused(
        word.span,
        format!("`{port}` in `{address}` is no port"),
        "a number; HAProxy looks up no service names",
    )
}

fn server(line: &Line) -> Option<SyntaxError> {
    let Some(word) = line.words.get(2) else {
        // `"${ARGS[*]}"` may hold all of it.
        let whole = line.words.iter().all(|word| !word.has_env);
        return whole.then(|| {
            refused(
                line.span,
                "`server` without an address".to_owned(),
                "`server <name> <address>:<port>`",
            )
        });
    };
    let address = word.text.as_str();
    if address.contains('$') {
        return None;
    }
    let parts = tcp(address)?;
    let port = ports(&parts, address)?;
    let first = port.chars().next()?;
    if !first.is_ascii_digit() && first != '+' && first != '-' {
        return Some(no_port(port, address, word));
    }
    // plain: an offset has a sign in front
    let digits = port.trim_start_matches(['+', '-']);
    if first.is_ascii_digit() && digits.contains('-') {
        let message = format!("`{port}` in `{address}` is a range of ports");
        return Some(refused(word.span, message, "one port"));
    }
    let too_large = leading(digits).is_none_or(|port| port > 65535) && first.is_ascii_digit();
    too_large.then(|| {
        let message = format!("`{port}` in `{address}` is no port");
        refused(word.span, message, "a number up to 65535")
    })
}

fn timeout(line: &Line) -> Option<SyntaxError> {
    let name = line.words.get(1)?;
    if name.has_env || is_filled_in(&name.text) {
        return None;
    }
    if !TIMEOUTS.contains(&name.text.as_str()) {
        let message = format!("`{}` is no timeout of HAProxy", name.text);
        return Some(refused(
            name.span,
            message,
            "`client`, `server`, `connect`, `check`, `queue`, `http-keep-alive`, `http-request`, `tunnel`, …",
        ));
    }
    let value = line.words.get(2);
    let Some(value) = value.filter(|word| !word.text.is_empty()) else {
        let message = format!("`timeout {}` without a time", name.text);
        return Some(refused(line.span, message, "a time such as `30s`"));
    };
    if value.has_env || is_filled_in(&value.text) {
        return None;
    }
    let expected = "a whole number and one unit: `us`, `ms`, `s`, `m`, `h` or `d`";
    match haproxy_time(&value.text) {
        None => Some(refused(
            value.span,
            format!("`{}` is no time", value.text),
            expected,
        )),
        Some(ms) if ms > LONGEST => Some(refused(
            value.span,
            format!("`{}` is longer than HAProxy can wait", value.text),
            "at most 24 days",
        )),
        Some(_) => {
            let extra = line.words.get(3).filter(|word| !word.has_env)?;
            let message = format!("`{}` after the time", extra.text);
            Some(refused(extra.span, message, "the end of the line"))
        }
    }
}

pub(super) fn refused(span: Span, message: String, expected: &str) -> SyntaxError {
    SyntaxError {
        span,
        message,
        expected: expected.to_owned(),
    }
}
