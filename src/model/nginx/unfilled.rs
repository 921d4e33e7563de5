//! Variables of a template that no environment sets: envsubst leaves them, and nginx reads them as its own.

use super::block;
use crate::model::HopId;
use crate::model::nginx::places::processes;
use crate::project::Project;
use crate::project::nginx::NginxConf;
use crate::source::Span;
use crate::syntax::nginx::Directive;
use crate::syntax::proxy_value::{Piece, pieces};

/// A word of a template with a variable that is certainly set nowhere.
pub struct Unfilled {
    /// The process.
    pub hop: HopId,
    /// The variable.
    pub name: String,
    /// The word.
    pub span: Span,
}

/// Every word that keeps nginx from starting for such a variable. Only names in capitals count: the rest are nginx's.
pub fn unfilled(project: &Project) -> Vec<Unfilled> {
    let mut found = Vec::new();
    for (hop, conf) in processes(project) {
        if conf.alone && conf.complete && !conf.templates.is_empty() {
            let mut own = Vec::new();
            definitions(&conf.directives, &mut own);
            words(conf, hop, &conf.directives, &own, &mut found);
        }
    }
    found
}

fn words(
    conf: &NginxConf,
    hop: HopId,
    directives: &[Directive],
    own: &[String],
    found: &mut Vec<Unfilled>,
) {
    // Measured: with these nginx starts, and takes the text as it stands.
    const LITERAL: &[&str] = &["server_name", "location", "upstream"];
    for directive in directives {
        let name = directive.name.value.as_str();
        let judged = conf.templates.contains(&directive.span.file)
            && !LITERAL.contains(&name)
            && !name.contains("_by_lua");
        for word in directive.args.iter().filter(|_| judged) {
            let variables = pieces(&word.value)
                .into_iter()
                .filter_map(|piece| match piece {
                    Piece::Variable(name) => Some(name),
                    Piece::Literal(_) => None,
                });
            let lacking = variables.filter(|name| {
                is_capital(name)
                    && conf.environment.lacks(name)
                    && !is_given(&name.to_ascii_lowercase())
                    && !own.contains(&name.to_ascii_lowercase())
            });
            found.extend(lacking.map(|name| Unfilled {
                hop,
                name,
                span: word.span,
            }));
        }
        words(conf, hop, block(directive), own, found);
    }
}

fn is_capital(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Variables that the config sets itself, in lower case: nginx does not tell `$A` from `$a`.
fn definitions(directives: &[Directive], own: &mut Vec<String>) {
    for directive in directives {
        let word = match directive.name.value.as_str() {
            "map" | "geo" | "split_clients" => directive.args.last(),
            "set" | "perl_set" | "js_set" | "js_var" | "auth_request_set" | "set_by_lua_block" => {
                directive.args.first()
            }
            _ => None,
        };
        own.extend(
            word.and_then(|word| word.value.strip_prefix('$'))
                .map(str::to_ascii_lowercase),
        );
        definitions(block(directive), own);
    }
}

/// Variables that nginx has of its own, as far as somebody may spell them in capitals, and those of every container.
fn is_given(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "args",
        "body_bytes_sent",
        "bytes_sent",
        "connection",
        "content_length",
        "content_type",
        "document_root",
        "document_uri",
        "home",
        "host",
        "hostname",
        "https",
        "is_args",
        "limit_rate",
        "msec",
        "nginx_version",
        "path",
        "pid",
        "protocol",
        "pwd",
        "query_string",
        "realpath_root",
        "scheme",
        "status",
        "term",
        "uri",
    ];
    const GROUPS: &[&str] = &[
        "arg_",
        "binary_",
        "connection_",
        "connections_",
        "cookie_",
        "date_",
        "fastcgi_",
        "geoip_",
        "http_",
        "nginx_",
        "proxy_",
        "remote_",
        "request",
        "sent_",
        "server_",
        "ssl_",
        "tcpinfo_",
        "time_",
        "upstream_",
    ];
    NAMES.contains(&name) || GROUPS.iter().any(|group| name.starts_with(group))
}
