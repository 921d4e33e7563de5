//! Which variables a directive defines, and in which of its words nginx looks variables up.

use super::scope::Scope;
use crate::source::Spanned;
use crate::syntax::nginx::Directive;
use crate::syntax::proxy_value::capture_names;

/// The variables that a directive defines, in lower case: its own, and the named groups of its regular expressions.
pub fn defined(directive: &Directive) -> Vec<String> {
    let words = std::iter::once(&directive.name).chain(&directive.args);
    let mut names: Vec<String> = words
        .clone()
        .flat_map(|word| capture_names(&word.value))
        .map(str::to_ascii_lowercase)
        .collect();
    let own = match directive.name.value.as_str() {
        "set" | "auth_request_set" | "perl_set" => directive.args.first(),
        "map" | "geo" | "split_clients" => directive.args.last(),
        _ => None,
    };
    names.extend(own.and_then(|word| Some(word.value.strip_prefix('$')?.to_ascii_lowercase())));
    names
}

/// The words of a directive whose variables nginx looks up while it reads its configuration, and refuses if one is
/// unknown. Each was tried with nginx 1.22; a regular expression is none, nor is a `server_name`.
pub fn evaluated<'a>(scope: &Scope<'a>, directive: &'a Directive) -> &'a [Spanned<String>] {
    let args = directive.args.as_slice();
    let from = |at: usize| args.get(at..).unwrap_or_default();
    let first = args.get(..1).unwrap_or_default();
    match directive.name.value.as_str() {
        "access_log"
        | "add_header"
        | "add_trailer"
        | "alias"
        | "auth_basic"
        | "auth_basic_user_file"
        | "charset"
        | "error_page"
        | "expires"
        | "fastcgi_cache_bypass"
        | "fastcgi_cache_key"
        | "fastcgi_no_cache"
        | "fastcgi_pass"
        | "grpc_pass"
        | "index"
        | "limit_rate"
        | "memcached_pass"
        | "proxy_cache_bypass"
        | "proxy_cache_key"
        | "proxy_cookie_path"
        | "proxy_method"
        | "proxy_no_cache"
        | "proxy_pass"
        | "proxy_redirect"
        | "proxy_set_body"
        | "proxy_ssl_name"
        | "proxy_store"
        | "return"
        | "root"
        | "scgi_pass"
        | "secure_link"
        | "secure_link_md5"
        | "sub_filter"
        | "try_files"
        | "uwsgi_cache_key"
        | "uwsgi_pass" => args,
        "proxy_set_header" | "grpc_set_header" | "fastcgi_param" | "uwsgi_param" | "scgi_param" => {
            let used = !scope.is_overridden_by_servers(directive);
            if used { args } else { &[] }
        }
        "set" | "auth_request_set" | "log_format" | "rewrite" => from(1),
        "limit_req_zone" | "limit_conn_zone" | "hash" | "split_clients" => first,
        "map" => first,
        "geo" if args.len() == 2 => first,
        "if" => condition(args),
        _ => &[],
    }
}

/// The values of a `map`, which are evaluated as well.
pub fn map_values(entries: &[Directive]) -> impl Iterator<Item = &Spanned<String>> {
    let plain = entries.iter().filter(|entry| {
        !matches!(
            entry.name.value.as_str(),
            "include" | "hostnames" | "volatile"
        )
    });
    plain.filter_map(|entry| entry.args.first())
}

/// `$a`, `$a = text`, `-f file`; the right side of `~` is a regular expression.
fn condition(args: &[Spanned<String>]) -> &[Spanned<String>] {
    let is_match = args
        .get(1)
        .is_some_and(|operator| operator.value.contains('~'));
    if is_match { &args[..1] } else { args }
}
