//! Sockets in the file system: who may connect to one is the mode that its server gives it, and the user who makes it.

use super::cx::Cx;
use super::flags::Flags;
use super::serve;
use super::settle;
use crate::model::knowledge::Program;
use crate::model::{Access, Address, Amount, Bind, Listener, Protocol, Setting};
use crate::source::Span;
use crate::syntax::value::Text;

/// Completes a listener by what flags, variables and the table say of its queue and of its socket.
pub(super) fn told(
    cx: &Cx<'_>,
    program: &Program,
    flags: &Flags<'_>,
    listener: Listener,
) -> Listener {
    let backlog = serve::told(cx, program, flags, "backlog").map(|text| match text {
        Ok(text) => settle::duration(&text, 1.0, Amount::Finite(0)),
        Err(why) => Setting::unknown(why),
    });
    let mode = serve::told(cx, program, flags, "mode");
    let umask = serve::told(cx, program, flags, "umask");
    let mode = match (mode, umask) {
        (None, None) => default(program),
        (Some(Ok(text)), _) => octal(&text).map(|mode| (mode, Some(text.span))),
        (None, Some(Ok(text))) => masked(&text),
        (Some(Err(_)), _) | (None, Some(Err(_))) => None,
    };
    Listener {
        backlog: backlog.or(listener.backlog.clone()),
        access: access(cx, &listener.address, mode),
        ..listener
    }
}

/// A socket of the user who starts the server; `None` if it is none, or if that user changes on the way.
pub(super) fn access(
    cx: &Cx<'_>,
    address: &Setting<Address>,
    mode: Option<(u32, Option<Span>)>,
) -> Option<Access> {
    let (mode, span) = mode?;
    let is_file = matches!(address.value(), Some(Address::Unix(path)) if !path.starts_with('@'));
    (is_file && !cx.demoted).then_some(Access {
        owner: None,
        group: None,
        mode,
        span,
    })
}

/// The mode that the table says.
pub(super) fn default(program: &Program) -> Option<(u32, Option<Span>)> {
    let mode = u32::from_str_radix(&program.socket.as_ref()?.mode, 8).ok()?;
    Some((mode, None))
}

/// `666`, `0666`, `0o666`.
pub(super) fn octal(text: &Text) -> Option<u32> {
    let raw = text.get()?.trim();
    u32::from_str_radix(raw.strip_prefix("0o").unwrap_or(raw), 8).ok()
}

/// What a umask leaves of all rights.
pub(super) fn masked(text: &Text) -> Option<(u32, Option<Span>)> {
    Some((0o777 & !octal(text)?, Some(text.span)))
}

/// A listener of puma or unicorn: `tcp://0.0.0.0:3000`, `unix:///run/app.sock?umask=0111&backlog=64`.
pub(super) fn bound(cx: &Cx<'_>, program: &Program, text: &Text, port: u16) -> Listener {
    let raw = text.get().unwrap_or("");
    // plain: a path of a socket holds no `?`, and puma reads what is behind one as a query
    let (plain, query) = raw.split_once('?').unwrap_or((raw, ""));
    let bare = Text {
        value: text.value.clone().map(|_| plain.to_owned()),
        ..text.clone()
    };
    let address = settle::address(cx, &bare, Some(port), &Bind::Any);
    let mut made = settle::listener(address, Protocol::Http, program);
    made.access = access(cx, &made.address, default(program));
    // plain: the parts of a query
    let parts = query.split('&').filter(|part| !part.is_empty());
    with_options(cx, made, parts, text.span)
}

/// With the options behind an address: `backlog: 64`, `:umask => 0007`, `umask=0111`.
pub(super) fn with_options<'t>(
    cx: &Cx<'_>,
    mut made: Listener,
    options: impl Iterator<Item = &'t str>,
    span: Span,
) -> Listener {
    for option in options {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        // plain: a name, and a number behind `=`, `:` or `=>`
        let words = option.split(|c| !is_word(c));
        let mut words = words.filter(|word| !word.is_empty());
        let (name, value) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let value = Text::known(value, span);
        let mode = match name {
            "backlog" => {
                made.backlog = Some(settle::duration(&value, 1.0, Amount::Finite(0)));
                continue;
            }
            "mode" => octal(&value).map(|mode| (mode, Some(span))),
            "umask" => masked(&value),
            _ => continue,
        };
        made.access = access(cx, &made.address, mode);
    }
    made
}
