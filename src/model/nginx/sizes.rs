//! Sizes of nginx: `proxy_buffer_size` and its kin, `client_max_body_size`, request buffering, `keepalive`.

use crate::model::nginx::pass::Prefix;
use crate::model::nginx::scope::Scope;
use crate::model::nginx::upstream::Upstream;
use crate::model::nginx::written;
use crate::model::sizes::Sizes;
use crate::model::{Amount, Setting, defaults};
use crate::syntax::proxy_value::nginx_size;

/// What holds at a block; `seen` is whether all that may be around it was read.
pub(super) fn sizes(
    scope: &Scope,
    prefix: Prefix,
    upstream: Option<&Upstream>,
    version: &Setting<String>,
    seen: bool,
) -> Sizes {
    let size = |name: &'static str, default: &str, zero: Amount| match scope.find(name) {
        Some((directive, inherited)) => {
            match directive
                .args
                .first()
                .and_then(|arg| nginx_size(&arg.value))
            {
                Some(0) => written(zero, directive.span, inherited),
                Some(bytes) => written(Amount::Finite(bytes), directive.span, inherited),
                None => Setting::unknown(format!("{name} is no plain size")),
            }
        }
        None if seen => defaults::setting("nginx", default, version),
        None => Setting::unknown(format!("{name} may be set in a file that was not seen")),
    };
    Sizes {
        // One page of memory for every module.
        response_head: size(prefix.buffer_size(), "proxy_buffer_size", Amount::Finite(0)),
        body: size(
            "client_max_body_size",
            "client_max_body_size",
            Amount::Infinite,
        ),
        whole_requests: whole_requests(scope, prefix, seen),
        kept: upstream.and_then(|upstream| kept(scope, upstream)),
    }
}

fn whole_requests(scope: &Scope, prefix: Prefix, seen: bool) -> Setting<bool> {
    let Some(name) = prefix.request_buffering() else {
        return Setting::unknown("the module has no such setting");
    };
    match scope.find(name) {
        Some((directive, inherited)) => {
            let on = directive.args.first().is_some_and(|arg| arg.value == "on");
            written(on, directive.span, inherited)
        }
        None if seen => Setting::default_of(true, "nginx", "", name),
        None => Setting::unknown(format!("{name} may be set in a file that was not seen")),
    }
}

/// `keepalive` counts for each worker process; `auto` is one at least.
fn kept(scope: &Scope, upstream: &Upstream) -> Option<Setting<Amount>> {
    let directive = upstream.find("keepalive")?;
    let number = |text: &str| text.parse::<u64>().ok();
    let Some(connections) = directive.args.first().and_then(|arg| number(&arg.value)) else {
        return Some(Setting::unknown("keepalive is no plain number"));
    };
    let workers = scope.word("worker_processes");
    let workers = workers.and_then(|word| number(&word.value)).unwrap_or(1);
    let all = connections.saturating_mul(workers.max(1));
    Some(Setting::written(Amount::Finite(all), directive.span))
}
