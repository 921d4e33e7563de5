//! `proxy_next_upstream` and its kin: after which failures nginx asks the next peer.

use crate::model::nginx::pass::Prefix;
use crate::model::nginx::scope::Scope;
use crate::model::nginx::upstream::Upstream;
use crate::model::retry::{Ban, Retry};
use crate::model::{Origin, Setting};
use crate::source::Spanned;
use crate::syntax::proxy_value::nginx_time;

/// What holds at a block; `seen` is whether all that may be around it was read.
pub(super) fn retry(
    scope: &Scope,
    prefix: Prefix,
    upstream: Option<&Upstream>,
    seen: bool,
) -> Setting<Retry> {
    let ban = upstream.and_then(ban);
    let window = match scope.find(prefix.window()) {
        Some((directive, _)) => match directive.args.first().map(|arg| nginx_time(&arg.value)) {
            Some(Some(0)) => None,
            Some(Some(ms)) => Some(ms),
            _ => return Setting::unknown(format!("{} is no plain time", prefix.window())),
        },
        None => None,
    };
    let Some((directive, inherited)) = scope.find(prefix.next_upstream()) else {
        if !seen {
            return Setting::unknown(format!(
                "{} may be set in a file that was not seen",
                prefix.next_upstream()
            ));
        }
        // Since 1.9.13 without requests that must not be repeated.
        let value = Retry {
            connect: true,
            timeout: true,
            close: true,
            window,
            ban,
            ..Retry::default()
        };
        return Setting::default_of(
            value,
            "nginx",
            "",
            "ngx_http_upstream_module, error timeout",
        );
    };
    let has = |word: &str| directive.args.iter().any(|arg| arg.value == word);
    let on = |word: &str| has(word) && !has("off");
    let value = Retry {
        connect: on("timeout"),
        timeout: on("timeout"),
        close: on("error"),
        statuses: statuses(&directive.args),
        posts: on("non_idempotent"),
        window,
        ban,
        span: Some(directive.span),
    };
    let origin = if inherited {
        Origin::Inherited(directive.span)
    } else {
        Origin::Written(directive.span)
    };
    Setting::Known { value, origin }
}

/// `http_502` is 502.
fn statuses(words: &[Spanned<String>]) -> Vec<u16> {
    if words.iter().any(|word| word.value == "off") {
        return Vec::new();
    }
    words
        .iter()
        .filter_map(|word| word.value.strip_prefix("http_")?.parse().ok())
        .collect()
}

/// The mildest of a group: of the peers that are judged alike here, none is left out sooner or longer.
fn ban(upstream: &Upstream) -> Option<Ban> {
    let servers = upstream.directives.iter();
    let servers = servers.filter(|directive| directive.name.value == "server");
    let bans = servers.map(|server| {
        let told = |name: &str| {
            let mut words = server.args.iter();
            words.find_map(|word| word.value.strip_prefix(name))
        };
        let fails = told("max_fails=").map_or(Some(1), |count| count.parse().ok())?;
        let ms = told("fail_timeout=").map_or(Some(10_000), nginx_time)?;
        (fails > 0).then_some(Ban { fails, ms })
    });
    bans.collect::<Option<Vec<Ban>>>()?
        .into_iter()
        .reduce(|one, other| Ban {
            fails: one.fails.max(other.fails),
            ms: one.ms.min(other.ms),
        })
}
