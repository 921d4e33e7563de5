//! rules/upstream-name-misused.md

use std::collections::HashMap;

use crate::model::HopId;
use crate::model::nginx::{Place, is_address, pass_names};
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::source::{Span, Spanned};
use crate::syntax::proxy_value::{RawAddress, has_variable, upstream_url};

/// `upstream` blocks by process, by whether they lie in `stream {}`, and by name in lower case.
type Groups<'a> = HashMap<(HopId, bool, String), &'a Spanned<String>>;

pub(super) fn check(cx: &mut Ctx) {
    let groups = groups(cx.places);
    let mut misuses = Alike::new();
    for place in cx.places {
        // Only `proxy_pass` of `http {}` has a port that holds where none is written.
        for name in pass_names() {
            let written = place.scope.own(name).next_back();
            let written = written.and_then(|directive| directive.args.first());
            let misuse = written.and_then(|word| Misuse::of(place, name, word, &groups));
            if let Some(misuse) = misuse {
                let key = (place.hop, place.stream, misuse.message.clone());
                misuses.add(key, misuse.place, misuse);
            }
        }
    }
    for (_, misuses) in misuses.groups() {
        let misuse = &misuses[0];
        let finding = cx.report(misuse.place, misuse.message.as_str());
        finding
            .here(misuse.here)
            .again(misuses[1..].iter().map(|misuse| misuse.place));
        if let Some(group) = misuse.group {
            finding.label(group, "an upstream block");
        }
        finding
            .help(misuse.help.clone())
            .because("name", &misuse.message);
    }
}

fn groups<'a>(places: &[Place<'a>]) -> Groups<'a> {
    let upstreams = places.iter().filter(|place| place.context() == "upstream");
    upstreams
        .filter_map(|place| {
            let name = place.opener?.args.first()?;
            Some((
                (place.hop, place.stream, name.value.to_ascii_lowercase()),
                name,
            ))
        })
        .collect()
}

/// A name that nginx refuses as it is used, in words.
struct Misuse {
    place: Span,
    message: String,
    here: &'static str,
    group: Option<Span>,
    help: String,
}

impl Misuse {
    fn of(place: &Place, pass: &str, written: &Spanned<String>, groups: &Groups) -> Option<Self> {
        // With a variable the name is looked up while running.
        if has_variable(&written.value) {
            return None;
        }
        let raw = upstream_url(&written.value)?;
        let host = raw.host.as_deref()?;
        let key = (place.hop, place.stream, host.to_ascii_lowercase());
        match (groups.get(&key), &raw.port) {
            (Some(group), Some(port)) => Self::port_on_group(place, written, group, port, &raw),
            (None, None) => Self::no_port(place, pass, written, host, &raw),
            _ => None,
        }
    }

    fn port_on_group(
        place: &Place,
        written: &Spanned<String>,
        group: &Spanned<String>,
        port: &str,
        raw: &RawAddress,
    ) -> Option<Self> {
        // Two files of a folder need not belong to one nginx.
        if !place.is_whole() && group.span.file != written.span.file {
            return None;
        }
        let name = &group.value;
        let scheme = raw.scheme.as_ref().map(|scheme| format!("{scheme}://"));
        let better = format!("{}{name}{}", scheme.unwrap_or_default(), raw.uri);
        Some(Self {
            place: written.span,
            message: format!(
                "{} names port {port}, and {name} is an upstream block, which takes none",
                written.value
            ),
            here: "a port on the name of a block",
            group: Some(group.span),
            help: format!("write `{better}`: the ports are those of its `server` lines"),
        })
    }

    fn no_port(
        place: &Place,
        pass: &str,
        written: &Spanned<String>,
        host: &str,
        raw: &RawAddress,
    ) -> Option<Self> {
        let has_default = pass == "proxy_pass" && !place.stream;
        // The block may stand in a file that was not seen; nobody calls one by an address.
        let known = place.is_whole() || is_address(host);
        if has_default || !known || !raw.uri.is_empty() || host.is_empty() {
            return None;
        }
        let (message, help) = if is_address(host) {
            (
                format!(
                    "{pass} {} names no port, and {pass} has no default",
                    written.value
                ),
                format!("name the port: `{}:9000`", written.value),
            )
        } else {
            (
                format!(
                    "{pass} {} names no port, and {host} is no upstream block",
                    written.value
                ),
                format!(
                    "name the port, as in `{}:9000`, or define `upstream {host}`",
                    written.value
                ),
            )
        };
        Some(Self {
            place: written.span,
            message,
            here: "no port",
            group: None,
            help,
        })
    }
}
