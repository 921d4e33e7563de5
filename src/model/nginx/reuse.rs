//! Whether nginx keeps connections to a group of peers, and for how long.

use crate::model::nginx::pass::{Family, Prefix};
use crate::model::nginx::scope::Scope;
use crate::model::nginx::upstream::Upstream;
use crate::model::version::{Versions, at_least};
use crate::model::{Amount, Reuse, Setting, defaults};
use crate::syntax::proxy_value::{has_variable, nginx_time};

/// From this version on an explicit `upstream {}` keeps connections without being asked, over HTTP/1.1 and without
/// `Connection: close`. Measured with 1.29.6 and 1.29.7.
const KEPT_BY_DEFAULT: &str = "1.29.7";

/// Whether connections of a route are kept.
pub(super) fn reuse(
    scope: &Scope,
    upstream: Option<&Upstream>,
    family: Family,
    version: &Setting<String>,
    fragment: bool,
    moves_on: bool,
) -> Reuse {
    let Some(upstream) = upstream else {
        return Reuse::Off(
            "proxy_pass without an upstream block opens a connection for each request".to_owned(),
        );
    };
    let modern = at_least(version, KEPT_BY_DEFAULT);
    let written = upstream.find("keepalive");
    let span = match (written, modern) {
        (Some(directive), _) if directive.args.first().is_some_and(|arg| arg.value == "0") => {
            return Reuse::Off("keepalive 0".to_owned());
        }
        (Some(directive), _) => Some(directive.span),
        (None, Versions::All) if family.prefix == Prefix::Proxy => None,
        (None, Versions::None) => return Reuse::Off("the upstream has no keepalive".to_owned()),
        (None, Versions::Some)
            if moves_on
                && family.prefix == Prefix::Proxy
                && matches!(http(scope, Versions::All, None, fragment), Reuse::On(_)) =>
        {
            return Reuse::IfRecent;
        }
        (None, _) => {
            return Reuse::Unknown(format!(
                "without keepalive it depends on the version (from {KEPT_BY_DEFAULT})"
            ));
        }
    };
    match family.prefix {
        Prefix::Fastcgi if scope.flag("fastcgi_keep_conn", false) => Reuse::On(span),
        Prefix::Fastcgi if fragment => {
            Reuse::Unknown("fastcgi_keep_conn may be set around it".to_owned())
        }
        Prefix::Fastcgi => Reuse::Off("fastcgi_keep_conn is off".to_owned()),
        Prefix::Proxy => http(scope, modern, span, fragment),
        _ => Reuse::On(span),
    }
}

/// Whether requests that are passed on here let the next hop keep its connection: HTTP/1.1 and no `Connection: close`.
/// Without a pool nginx is then the one that closes it, and has its port in TIME_WAIT. Measured with 1.22 and 1.29.7.
pub fn stays_open(scope: &Scope, version: &Setting<String>, fragment: bool) -> bool {
    let modern = at_least(version, KEPT_BY_DEFAULT);
    matches!(http(scope, modern, None, fragment), Reuse::On(_))
}

/// HTTP needs version 1.1 and no `Connection: close`: both are the default only in new versions.
fn http(
    scope: &Scope,
    modern: Versions,
    span: Option<crate::source::Span>,
    fragment: bool,
) -> Reuse {
    let if_old = |what: &str| {
        Reuse::Unknown(format!(
            "{what} if this nginx is older than {KEPT_BY_DEFAULT}"
        ))
    };
    match scope
        .word("proxy_http_version")
        .map(|word| word.value.as_str())
    {
        Some("1.1" | "2") => {}
        Some(_) => return Reuse::Off("proxy_http_version 1.0".to_owned()),
        None if fragment => {
            return Reuse::Unknown("proxy_http_version may be set around it".to_owned());
        }
        None => match modern {
            Versions::All => {}
            Versions::None => {
                return Reuse::Off("HTTP/1.0 to upstreams, the default before 1.29.7".to_owned());
            }
            Versions::Some => return if_old("HTTP/1.0 to upstreams"),
        },
    }
    let header = scope.header("connection").map(|(_, value)| value);
    match header {
        Some(value) if has_variable(&value.value) => of_variable(scope, &value.value, span),
        Some(value) if value.value.eq_ignore_ascii_case("close") => {
            Reuse::Off("Connection: close".to_owned())
        }
        Some(_) => Reuse::On(span),
        None if fragment => Reuse::Unknown("the Connection header may be set around it".to_owned()),
        None => match modern {
            Versions::All => Reuse::On(span),
            Versions::None => Reuse::Off("Connection: close, the default before 1.29.7".to_owned()),
            Versions::Some => if_old("Connection: close"),
        },
    }
}

/// The documented `map $http_upgrade` gives websockets `upgrade` and every other request the other one of its values.
fn of_variable(scope: &Scope, value: &str, span: Option<crate::source::Span>) -> Reuse {
    let values = scope.expand(value);
    let (upgrades, others): (Vec<_>, Vec<_>) = values
        .iter()
        .partition(|value| value.eq_ignore_ascii_case("upgrade"));
    match others.as_slice() {
        [close] if !upgrades.is_empty() && close.eq_ignore_ascii_case("close") => {
            Reuse::Off("Connection: close for all but websockets".to_owned())
        }
        [empty] if !upgrades.is_empty() && empty.is_empty() => Reuse::On(span),
        _ => Reuse::Unknown("the Connection header holds a variable".to_owned()),
    }
}

/// How long an idle connection to a group is kept (milliseconds), and for how many requests.
pub(super) fn limits(
    upstream: Option<&Upstream>,
    version: &Setting<String>,
) -> (Setting<Amount>, Setting<Amount>) {
    let find = |name: &'static str| upstream.and_then(|upstream| upstream.find(name));
    let idle = match find("keepalive_timeout") {
        Some(directive) => match directive
            .args
            .first()
            .and_then(|arg| nginx_time(&arg.value))
        {
            Some(ms) => Setting::written(Amount::Finite(ms), directive.span),
            None => Setting::unknown("keepalive_timeout is no plain time"),
        },
        None => defaults::setting("nginx", "upstream_keepalive_timeout", version),
    };
    let requests = match find("keepalive_requests") {
        Some(directive) => match directive
            .args
            .first()
            .and_then(|arg| arg.value.parse().ok())
        {
            Some(count) => Setting::written(Amount::Finite(count), directive.span),
            None => Setting::unknown("keepalive_requests is no plain number"),
        },
        None => defaults::setting("nginx", "upstream_keepalive_requests", version),
    };
    (idle, requests)
}

/// Whether a route passes `Upgrade` on, as a websocket needs it.
pub(super) fn upgrades(scope: &Scope) -> bool {
    let header = scope.header("upgrade");
    header.is_some_and(|(_, value)| !value.value.is_empty())
}
