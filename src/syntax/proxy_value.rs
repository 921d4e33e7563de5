//! Times, sizes and addresses inside the directives of nginx and HAProxy.

use pest::Parser;
use pest::iterators::Pair;

pub(super) mod grammar {
    //! The parser that pest derives.
    #![allow(missing_docs, unreachable_pub)]

    /// Parser of `grammars/proxy_value.pest`.
    #[derive(pest_derive::Parser)]
    #[grammar = "grammars/proxy_value.pest"]
    pub struct ProxyValue;
}

use grammar::{ProxyValue, Rule};

/// Milliseconds of an nginx time; without a unit it is seconds. `None` if it is none.
///
/// Source: `ngx_parse_time`, <https://nginx.org/en/docs/syntax.html>: a month is 30 days, a year 365.
pub fn nginx_time(text: &str) -> Option<u64> {
    let time = ProxyValue::parse(Rule::nginx_time, text).ok()?.next()?;
    time.into_inner()
        .filter(|pair| pair.as_rule() == Rule::nginx_part)
        .try_fold(0_u64, |sum, part| {
            let mut inner = part.into_inner();
            let number: u64 = inner.next()?.as_str().parse().ok()?;
            let unit = match inner.next().map_or("s", |unit| unit.as_str()) {
                "ms" => 1,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                "w" => 7 * 86_400_000,
                "M" => 30 * 86_400_000,
                "y" => 365 * 86_400_000,
                _ => 1000,
            };
            sum.checked_add(number.checked_mul(unit)?)
        })
}

/// Bytes of an nginx size, such as `16k`. `None` if it is none.
pub fn nginx_size(text: &str) -> Option<u64> {
    let size = ProxyValue::parse(Rule::nginx_size, text).ok()?.next()?;
    let mut inner = size.into_inner();
    let number: u64 = inner.next()?.as_str().parse().ok()?;
    let unit = match inner.next().map_or("", |unit| unit.as_str()) {
        "k" | "K" => 1024,
        "m" | "M" => 1024 * 1024,
        _ => 1,
    };
    number.checked_mul(unit)
}

/// Milliseconds of a HAProxy time; without a unit it is milliseconds. `None` if it is none.
///
/// Source: section 2.5 of the configuration manual; microseconds are rounded up, as `timeout` does.
pub fn haproxy_time(text: &str) -> Option<u64> {
    let (number, unit) = haproxy_quantity(text)?;
    match unit {
        "us" => Some(number.div_ceil(1000)),
        "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        "d" => number.checked_mul(86_400_000),
        _ => Some(number),
    }
}

/// The number of a HAProxy time and its unit as written, empty for none.
pub fn haproxy_quantity(text: &str) -> Option<(u64, &str)> {
    let time = ProxyValue::parse(Rule::haproxy_time, text).ok()?.next()?;
    let mut inner = time.into_inner();
    let number = inner.next()?.as_str().parse().ok()?;
    let unit = inner.find(|pair| pair.as_rule() == Rule::haproxy_unit);
    Some((number, unit.map_or("", |unit| unit.as_str())))
}

/// An address as it is written; nothing is looked up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawAddress {
    /// `http`, `https`, `grpc`, …, or HAProxy's family; lower case.
    pub scheme: Option<String>,
    /// Path of a socket.
    pub socket: Option<String>,
    /// Host without brackets; may hold variables.
    pub host: Option<String>,
    /// Port as written; may hold variables.
    pub port: Option<String>,
    /// What follows; may be empty.
    pub uri: String,
}

/// Splits what `proxy_pass` and its kin take.
pub fn upstream_url(text: &str) -> Option<RawAddress> {
    let pair = ProxyValue::parse(Rule::upstream_url, text).ok()?.next()?;
    Some(collect(pair))
}

/// Splits what `server` and `bind` of HAProxy take.
pub fn haproxy_address(text: &str) -> Option<RawAddress> {
    let pair = ProxyValue::parse(Rule::haproxy_address, text)
        .ok()?
        .next()?;
    let mut address = collect(pair);
    let is_path = matches!(address.scheme.as_deref(), Some("unix" | "abns" | "abnsz"));
    if is_path && address.socket.is_none() {
        address.socket = address.host.take();
    }
    Some(address)
}

/// The addresses of a `bind` line, each with its byte offset in the text.
pub fn address_list(text: &str) -> Vec<(usize, &str)> {
    let pairs = ProxyValue::parse(Rule::address_list, text)
        .into_iter()
        .flatten()
        .flat_map(Pair::into_inner);
    let items = pairs.filter(|pair| pair.as_rule() == Rule::list_item && !pair.as_str().is_empty());
    items
        .map(|pair| (pair.as_span().start(), pair.as_str()))
        .collect()
}

fn collect(pair: Pair<Rule>) -> RawAddress {
    let mut address = RawAddress::default();
    for part in pair.into_inner().flatten() {
        let text = || part.as_str().to_owned();
        match part.as_rule() {
            Rule::scheme | Rule::family => address.scheme = Some(text().to_ascii_lowercase()),
            Rule::socket_path | Rule::path_address => address.socket = Some(text()),
            Rule::inside | Rule::plain_host | Rule::haproxy_host | Rule::v6_host => {
                address.host = Some(text());
            }
            Rule::port => address.port = Some(text()),
            Rule::uri => address.uri = text(),
            _ => {}
        }
    }
    address
}

/// A piece of a text with variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As written.
    Literal(String),
    /// The name of a variable.
    Variable(String),
}

/// Splits a text at its variables.
pub fn pieces(text: &str) -> Vec<Piece> {
    split(text).into_iter().map(|(piece, _)| piece).collect()
}

/// A text with the variables that have a value replaced, as envsubst does it: the others stay as they are written.
pub fn replaced<'v>(text: &str, value: impl Fn(&str) -> Option<&'v str>) -> String {
    let put = |(piece, written): (Piece, String)| match piece {
        Piece::Variable(name) => value(&name).map_or(written, str::to_owned),
        Piece::Literal(_) => written,
    };
    split(text).into_iter().map(put).collect()
}

/// The pieces of a text, each with what is written.
fn split(text: &str) -> Vec<(Piece, String)> {
    let Some(template) = ProxyValue::parse(Rule::template, text)
        .ok()
        .and_then(|mut pairs| pairs.next())
    else {
        return vec![(Piece::Literal(text.to_owned()), text.to_owned())];
    };
    template
        .into_inner()
        .filter_map(|pair| {
            let written = pair.as_str().to_owned();
            let piece = match pair.as_rule() {
                Rule::literal => Piece::Literal(written.clone()),
                Rule::variable => Piece::Variable(pair.into_inner().next()?.as_str().to_owned()),
                _ => return None,
            };
            Some((piece, written))
        })
        .collect()
}

/// The names of the named groups of a regular expression.
pub fn capture_names(text: &str) -> Vec<&str> {
    if !text.contains("(?") {
        return Vec::new();
    }
    let pairs = ProxyValue::parse(Rule::capture_names, text)
        .into_iter()
        .flatten()
        .flat_map(Pair::into_inner);
    pairs
        .filter(|pair| pair.as_rule() == Rule::capture)
        .filter_map(|pair| Some(pair.into_inner().next()?.as_str()))
        .collect()
}

/// Whether a text holds a variable.
pub fn has_variable(text: &str) -> bool {
    text.contains('$')
        && pieces(text)
            .iter()
            .any(|piece| matches!(piece, Piece::Variable(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_differ_by_program() {
        assert_eq!(nginx_time("60"), Some(60_000));
        assert_eq!(nginx_time("1m30s"), Some(90_000));
        assert_eq!(nginx_time("300ms"), Some(300));
        assert_eq!(nginx_time("1h 30m"), Some(5_400_000));
        assert_eq!(nginx_time("x"), None);
        assert_eq!(haproxy_time("60"), Some(60));
        assert_eq!(haproxy_time("10s"), Some(10_000));
        assert_eq!(haproxy_time("1m30s"), None);
    }

    #[test]
    fn groups_have_names() {
        let names = capture_names(r"^(?<shop>[a-z]+)(?:x)\.(?P<zone>.+)(?<!y)(?'rest'.*)$");
        assert_eq!(names, ["shop", "zone", "rest"]);
    }

    #[test]
    fn sizes_have_two_units() {
        assert_eq!(nginx_size("4096"), Some(4096));
        assert_eq!(nginx_size("16k"), Some(16 * 1024));
        assert_eq!(nginx_size("1M"), Some(1024 * 1024));
        assert_eq!(nginx_size("1g"), None);
        assert_eq!(nginx_size("$size"), None);
    }

    fn url(text: &str) -> (String, String, String, String) {
        let a = upstream_url(text).expect(text);
        (
            a.scheme.unwrap_or_default(),
            a.socket.or(a.host).unwrap_or_default(),
            a.port.unwrap_or_default(),
            a.uri,
        )
    }

    fn parts(scheme: &str, host: &str, port: &str, uri: &str) -> (String, String, String, String) {
        (
            scheme.to_owned(),
            host.to_owned(),
            port.to_owned(),
            uri.to_owned(),
        )
    }

    #[test]
    fn urls_come_apart() {
        assert_eq!(
            url("http://web:8000/api"),
            parts("http", "web", "8000", "/api")
        );
        assert_eq!(url("http://[::1]:80"), parts("http", "::1", "80", ""));
        assert_eq!(
            url("http://unix:/run/a.sock:/x"),
            parts("http", "/run/a.sock", "", "/x")
        );
        assert_eq!(url("unix:/run/a.sock"), parts("", "/run/a.sock", "", ""));
        assert_eq!(url("unix:///run/a.sock"), parts("", "/run/a.sock", "", ""));
        assert_eq!(
            url("http://$up:8000$request_uri"),
            parts("http", "$up", "8000$request_uri", "")
        );
        assert_eq!(url("php:9000"), parts("", "php", "9000", ""));
        assert_eq!(url("http://${h}:80/"), parts("http", "${h}", "80", "/"));
    }

    fn haproxy(text: &str) -> (String, String, String) {
        let a = haproxy_address(text).expect(text);
        (
            a.scheme.unwrap_or_default(),
            a.socket.or(a.host).unwrap_or_default(),
            a.port.unwrap_or_default(),
        )
    }

    #[test]
    fn haproxy_addresses_come_apart() {
        let parts = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(haproxy("web:80"), parts("", "web", "80"));
        assert_eq!(haproxy("*:80"), parts("", "*", "80"));
        assert_eq!(haproxy(":80"), parts("", "", "80"));
        assert_eq!(
            haproxy("unix@/run/a.sock"),
            parts("unix", "/run/a.sock", "")
        );
        assert_eq!(haproxy("/run/a.sock"), parts("", "/run/a.sock", ""));
        assert_eq!(haproxy("ipv4@10.0.0.1:80"), parts("ipv4", "10.0.0.1", "80"));
        assert_eq!(haproxy("::1:80"), parts("", "::1", "80"));
        assert_eq!(haproxy("[::1]:80"), parts("", "::1", "80"));
        assert_eq!(haproxy("web"), parts("", "web", ""));
        assert_eq!(haproxy(":::80"), parts("", "::", "80"));
        assert_eq!(haproxy("abns@name"), parts("abns", "name", ""));
    }
}
