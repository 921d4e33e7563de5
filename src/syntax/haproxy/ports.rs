//! Ports that cannot be one. HAProxy reads addresses while it reads the line, and a port that starts with anything but
//! a digit, a sign or a variable makes it refuse the file: `:http`, `web:%d`, `web:<port>`.

use super::{Line, Section};
use crate::finding::SyntaxError;
use crate::source::Span;
use crate::syntax::proxy_value::{address_list, haproxy_address};

/// The first such port of a line, if the line is a `bind` or a `server` of a proxy.
pub(super) fn impossible(section: &Section, line: &Line) -> Option<SyntaxError> {
    let kind = section.kind.value.as_str();
    let (at, list) = match (line.words[0].text.as_str(), kind) {
        ("bind", "frontend" | "listen") => (1, true),
        ("server", "backend" | "listen") => (2, false),
        _ => return None,
    };
    let word = line.words.get(at)?;
    let addresses = if list {
        address_list(&word.text)
    } else {
        vec![(0, word.text.as_str())]
    };
    addresses
        .into_iter()
        .find_map(|(_, address)| refuse(address, word.span))
}

/// An address with a family or a variable is left to whoever knows them.
fn refuse(address: &str, span: Span) -> Option<SyntaxError> {
    if address.contains('$') {
        return None;
    }
    let parts = haproxy_address(address).filter(|parts| parts.scheme.is_none())?;
    // HAProxy splits at the last colon: with a further one in it, this is an IPv6 address of some kind.
    let port = parts.port.filter(|port| !port.contains(':'))?;
    let first = port.chars().next()?;
    (!first.is_ascii_digit() && first != '+' && first != '-').then(|| SyntaxError {
        span,
        message: format!("`{port}` in `{address}` is no port"),
        expected: "a number; HAProxy looks up no service names".to_owned(),
    })
}
