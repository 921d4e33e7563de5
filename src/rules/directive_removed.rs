//! rules/directive-removed.md

mod haproxy;

use crate::finding::{Confidence, Severity};
use crate::model::HopId;
use crate::model::version::{Versions, at_least};
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::source::Span;
use crate::syntax::nginx::Directive;

pub(super) fn check(cx: &mut Ctx) {
    nginx(cx);
    haproxy::check(cx);
}

/// A word that a program no longer has.
struct Removed {
    /// The directive.
    name: &'static str,
    /// The one argument that is gone; empty if the whole directive is.
    argument: &'static str,
    /// The first version without it, or the first of which that is known.
    gone: &'static str,
    /// What to write in its place.
    instead: &'static str,
}

const fn removed(
    name: &'static str,
    argument: &'static str,
    gone: &'static str,
    instead: &'static str,
) -> Removed {
    Removed {
        name,
        argument,
        gone,
        instead,
    }
}

/// Sources: CHANGES for `ssl`; the others were put into a config, which nginx 1.22.1 refused. The `http2_` directives that
/// have no effect any more (`http2_push`, `http2_idle_timeout`) are not here: nginx warns of them and starts.
const NGINX: &[Removed] = &[
    removed(
        "ssl",
        "",
        "1.25.1",
        "write `ssl` behind the port: `listen 443 ssl;`",
    ),
    removed(
        "limit_zone",
        "",
        "1.22.1",
        "write `limit_conn_zone $binary_remote_addr zone=name:10m;`",
    ),
    removed("listen", "spdy", "1.22.1", "write `http2` in its place"),
    removed(
        "spdy_headers_comp",
        "",
        "1.22.1",
        "take it out: HTTP/2 has taken the place of SPDY",
    ),
    removed(
        "spdy_chunk_size",
        "",
        "1.22.1",
        "write `http2_chunk_size` in its place",
    ),
    removed(
        "aio",
        "sendfile",
        "1.22.1",
        "write `aio on;` and `sendfile on;`",
    ),
    removed("keepalive", "single", "1.22.1", "leave `single` out"),
    removed(
        "optimize_server_names",
        "",
        "1.22.1",
        "write `server_name_in_redirect` in its place",
    ),
    removed("satisfy_any", "", "1.22.1", "write `satisfy any;`"),
    removed(
        "open_file_cache_retest",
        "",
        "1.22.1",
        "write `open_file_cache_valid` in its place",
    ),
    removed(
        "proxy_redirect_errors",
        "",
        "1.22.1",
        "write `proxy_intercept_errors` in its place",
    ),
    removed(
        "fastcgi_redirect_errors",
        "",
        "1.22.1",
        "write `fastcgi_intercept_errors` in its place",
    ),
    removed("worker_threads", "", "1.22.1", "take it out"),
    removed("thread_stack_size", "", "1.22.1", "take it out"),
    removed("rtsig_signo", "", "1.22.1", "take it out"),
];

fn nginx(cx: &mut Ctx) {
    let mut found = Alike::new();
    for place in cx.places.iter().filter(|place| !place.holds_entries()) {
        for directive in place.scope.directives() {
            if let Some(row) = NGINX.iter().find(|row| row.is(directive)) {
                let key = (place.hop, row.name);
                found.add(key, directive.span, (row, directive.span));
            }
        }
    }
    for ((hop, _), rows) in found.groups() {
        let spans: Vec<Span> = rows.iter().map(|(_, span)| *span).collect();
        report(cx, hop, rows[0].0, &spans);
    }
}

impl Removed {
    fn is(&self, directive: &Directive) -> bool {
        let args: Vec<&str> = directive
            .args
            .iter()
            .map(|arg| arg.value.as_str())
            .collect();
        // The rest of a line that a template engine's braces cut looks like a directive.
        let plain = self.name != "ssl" || matches!(args[..], ["on" | "off"]);
        directive.name.value == self.name
            && plain
            && directive.block.is_none()
            && (self.argument.is_empty() || args.contains(&self.argument))
    }

    /// As it is written, for people.
    fn words(&self) -> String {
        if self.argument.is_empty() {
            format!("`{}`", self.name)
        } else {
            format!("`{}` of `{}`", self.argument, self.name)
        }
    }
}

/// One finding for every place where a process has a word that its version lacks; a warning where the version may have it.
fn report(cx: &mut Ctx, hop: HopId, row: &Removed, spans: &[Span]) {
    let version = &cx.model.hop(hop).version;
    let sure = match at_least(version, row.gone) {
        Versions::All => true,
        Versions::Some => false,
        Versions::None => return,
    };
    let (have, image) = (version.value().cloned(), version.span());
    let message = match &have {
        Some(have) if sure => {
            format!(
                "nginx {have} has no {}, which was gone by {}",
                row.words(),
                row.gone
            )
        }
        Some(have) => {
            format!(
                "nginx has no {} from {} on, and this is {have}",
                row.words(),
                row.gone
            )
        }
        None => format!(
            "nginx has no {} from {} on, and nothing tells which version this is",
            row.words(),
            row.gone
        ),
    };
    let finding = cx.report(spans[0], message);
    finding.here("unknown, and fatal");
    finding.again(spans[1..].iter().copied());
    if let (Some(have), Some(image)) = (have, image) {
        finding.label(image, format!("nginx {have}"));
    }
    finding.help(row.instead).because("word", row.words());
    if !sure {
        finding
            .severity(Severity::Warning)
            .at_most(Confidence::Medium);
    }
}
