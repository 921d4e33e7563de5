//! rules/socket-path-malformed.md

use crate::finding::{Edit, Effect, Fix, Safety};
use crate::model::Address;
use crate::model::nginx::{Place, pass_names, path_behind_socket};
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::source::{Span, Spanned};
use crate::syntax::proxy_value::{has_variable, upstream_url};

/// The longest path that fits into `sun_path` with its final zero, on Linux.
const LONGEST: usize = 107;

pub(super) fn check(cx: &mut Ctx) {
    let mut faults = Alike::new();
    for place in cx.places {
        for (directive, word) in dialled(place) {
            if let Some(fault) = fault(cx, place, directive, word) {
                faults.add((place.hop, fault.message.clone()), fault.place, fault);
            }
        }
    }
    for (_, faults) in faults.groups() {
        let fault = &faults[0];
        let places = || faults.iter().map(|fault| fault.place);
        let finding = cx.report(fault.place, fault.message.as_str());
        finding
            .here(fault.here)
            .again(places().skip(1))
            .help(fault.help.clone())
            .because("path", &fault.message);
        if !fault.starts {
            finding.outcome(Effect::NoStart, &[]);
        }
        finding.fix = fault.better.as_ref().map(|text| Fix {
            title: "write a colon behind the socket".to_owned(),
            safety: Safety::Safe,
            edits: places()
                .map(|span| Edit {
                    span,
                    text: text.clone(),
                })
                .collect(),
        });
    }
}

/// The words that may name a socket: what a location passes to, and the servers of a group.
fn dialled<'a>(place: &Place<'a>) -> Vec<(&'a str, &'a Spanned<String>)> {
    let in_group = place.context() == "upstream";
    place
        .scope
        .directives()
        .iter()
        .filter(|directive| directive.block.is_none())
        .filter(|directive| {
            let name = directive.name.value.as_str();
            pass_names().any(|pass| pass == name) || in_group && name == "server"
        })
        .filter_map(|directive| Some((directive.name.value.as_str(), directive.args.first()?)))
        .filter(|(_, word)| !has_variable(&word.value))
        .collect()
}

/// What nginx, or `connect()`, refuses, in words.
struct Fault {
    place: Span,
    message: String,
    here: &'static str,
    help: String,
    /// Whether nginx starts all the same, and answers 502.
    starts: bool,
    /// The address as it was meant, if it was meant in one way only.
    better: Option<String>,
}

fn fault(cx: &Ctx, place: &Place, directive: &str, word: &Spanned<String>) -> Option<Fault> {
    let text = word.value.as_str();
    let http = directive == "proxy_pass" && !place.stream;
    let refused = |message: String, here, help| {
        Some(Fault {
            place: word.span,
            message,
            here,
            help,
            starts: false,
            better: None,
        })
    };
    if let Some(path) = ["http://", "https://", ""].iter().find_map(|scheme| {
        text.strip_prefix(scheme)
            .filter(|rest| rest.starts_with('/'))
    }) {
        let scheme = &text[..text.len() - path.len()];
        let message =
            format!("{directive} {text} names a path where a host or `unix:` is expected");
        let better = format!("write `{scheme}unix:{path}`");
        return refused(message, "no `unix:` in front of the path", better);
    }
    if http && text.starts_with("unix:") {
        let message = format!("{directive} {text} has no `http://` in front of the socket");
        let help = format!("write `http://{text}`");
        return refused(message, "no scheme", help);
    }
    let raw = upstream_url(text)?;
    let socket = raw.socket?;
    if socket.len() > LONGEST {
        let message = format!(
            "the path of the socket has {} bytes, and {LONGEST} are the most there can be",
            socket.len()
        );
        return refused(
            message,
            "too long",
            "put the socket into a folder with a shorter path".to_owned(),
        );
    }
    let (path, rest) = path_behind_socket(&socket)?;
    if is_bound(cx, &socket) {
        return None;
    }
    let better = http.then(|| text.replacen(&socket, &format!("{path}:{rest}"), 1));
    let help = match &better {
        Some(better) => format!("write a colon between them: `{better}`"),
        None => format!("leave `{rest}` out"),
    };
    Some(Fault {
        place: word.span,
        message: format!("{directive} {text} dials {socket}, a file below the socket {path}"),
        here: "no colon behind the socket",
        help,
        starts: true,
        better,
    })
}

/// Whether some process binds this very path, odd as it is.
fn is_bound(cx: &Ctx, socket: &str) -> bool {
    let mut listeners = cx.model.hops.iter().flat_map(|hop| &hop.listeners);
    listeners.any(
        |listener| matches!(listener.address.value(), Some(Address::Unix(path)) if path == socket),
    )
}
