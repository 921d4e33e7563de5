//! rules/directive-too-new.md

use crate::model::HopId;
use crate::model::haproxy::{Statement, statements};
use crate::model::version::{Versions, at_least};
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::rules::words::list;
use crate::source::Span;
use crate::syntax::nginx::Directive;

pub(super) fn check(cx: &mut Ctx) {
    let mut found = Alike::new();
    for place in cx.places.iter().filter(|place| !place.holds_entries()) {
        for directive in place.scope.directives() {
            if let Some((word, since)) = new_in_nginx(directive) {
                found.add((place.hop, since), directive.span, (word, directive.span));
            }
        }
    }
    for statement in statements(cx.project) {
        if let Some((word, since)) = new_in_haproxy(statement.kind, &statement) {
            let key = (statement.hop, since);
            found.add(key, statement.span(), (word, statement.span()));
        }
    }
    for ((hop, since), words) in found.groups() {
        report(cx, hop, since, &words);
    }
}

/// Directives of nginx by the version that brought them. Source: "This directive appeared in version …" of its manual.
const NGINX: &[(&str, &str)] = &[
    ("1.19.3", "proxy_cookie_flags userid_flags"),
    (
        "1.19.4",
        "ssl_conf_command ssl_reject_handshake proxy_ssl_conf_command grpc_ssl_conf_command uwsgi_ssl_conf_command",
    ),
    ("1.19.10", "keepalive_time"),
    ("1.21.4", "mp4_start_key_frame"),
    (
        "1.25.0",
        "http3 http3_hq http3_max_concurrent_streams http3_stream_buffer_size quic_active_connection_id_limit quic_bpf quic_gso quic_host_key quic_retry",
    ),
    ("1.25.1", "http2"),
    ("1.27.2", "proxy_pass_trailers"),
    (
        "1.27.4",
        "keepalive_min_timeout ssl_certificate_cache ssl_object_cache_inheritable proxy_ssl_certificate_cache grpc_ssl_certificate_cache uwsgi_ssl_certificate_cache",
    ),
    ("1.29.0", "early_hints"),
    ("1.29.1", "ssl_certificate_compression"),
    ("1.29.3", "add_header_inherit add_trailer_inherit"),
];

fn new_in_nginx(directive: &Directive) -> Option<(&str, &'static str)> {
    let name = directive.name.value.as_str();
    if name == "listen" && directive.args.iter().any(|arg| arg.value == "quic") {
        return Some(("listen … quic", "1.25.0"));
    }
    let has = |names: &str| names.split_whitespace().any(|new| new == name);
    let (since, _) = NGINX.iter().find(|(_, names)| has(names))?;
    Some((name, since))
}

/// The version behind the last that was seen to refuse these words: 2.6. Sections by their manual.
const HAPROXY: &str = "2.7";
const SECTIONS: [(&str, &str); 4] = [
    ("crt-store", "3.0"),
    ("log-profile", "3.1"),
    ("traces", "3.1"),
    ("acme", "3.2"),
];
const OF_GLOBAL: [&str; 7] = [
    "anonkey",
    "cpu-policy",
    "cpu-set",
    "http-err-codes",
    "http-fail-codes",
    "key-base",
    "stats-file",
];
const OF_PROXY: [&str; 6] = [
    "filter-sequence",
    "force-be-switch",
    "guid",
    "hash-preserve-affinity",
    "log-steps",
    "quic-initial",
];

fn new_in_haproxy<'a>(kind: &'a str, statement: &Statement<'a>) -> Option<(&'a str, &'static str)> {
    if statement.opens {
        let (_, since) = SECTIONS.iter().find(|(name, _)| *name == kind)?;
        return Some((kind, since));
    }
    let word = statement.word(0);
    let is_new = match kind {
        "global" => OF_GLOBAL.contains(&word),
        "defaults" | "frontend" | "backend" | "listen" => OF_PROXY.contains(&word),
        _ => false,
    };
    is_new.then_some((word, HAPROXY))
}

/// One finding for all words that came with one version, where every version that this may be is older.
fn report(cx: &mut Ctx, hop: HopId, since: &str, words: &[(&str, Span)]) {
    let version = &cx.model.hop(hop).version;
    let (Some(have), Versions::None) = (version.value(), at_least(version, since)) else {
        return;
    };
    let mut names: Vec<String> = Vec::new();
    for (word, _) in words {
        let name = format!("`{word}`");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (what, program) = (list(&names), cx.program(hop));
    let came = if since == HAPROXY {
        "which later versions have".to_owned()
    } else {
        format!("which came with {since}")
    };
    let message = format!("{program} {have} does not know {what}, {came}");
    let (have, image) = (have.clone(), version.span());
    let finding = cx.report(words[0].1, message);
    finding.here("unknown, and fatal");
    finding.again(words[1..].iter().map(|(_, place)| *place));
    if let Some(image) = image {
        finding.label(image, format!("{program} {have}"));
    }
    let newer = if since == HAPROXY {
        "a later version".to_owned()
    } else {
        format!("version {since} or later")
    };
    finding
        .help(format!("take {what} out, or run {program} in {newer}"))
        .because("word", &what);
}
