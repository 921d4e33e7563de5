//! Tells HAProxy from INI files and from the many line-by-line formats: by section keywords and what stands beneath them.

/// HAProxy ends a statement with the line and uses no braces; a section's keyword stands alone or before a name.
pub(super) fn is_haproxy(text: &str) -> bool {
    let (mut sections, mut known, mut lines) = (0, 0, 0);
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else { continue };
        if first.starts_with(['#', '.']) || first.starts_with("{%") || first.starts_with("{{") {
            continue;
        }
        lines += 1;
        let section = HAPROXY_SECTIONS
            .iter()
            .any(|(keyword, least)| *keyword == first && words.clone().count() >= *least);
        let closed = line.trim_end().ends_with([';', '{', ':', '=']);
        if section && !closed {
            sections += 1;
        } else if HAPROXY_KEYWORDS.contains(&first)
            || first.starts_with("tune.")
            || (first == "no" && words.next() == Some("option"))
        {
            known += usize::from(!closed);
        }
    }
    sections > 0 && known > 0 && (sections + known) * 3 >= lines * 2
}

/// Keywords that open a HAProxy section, with the number of words that must follow at least.
const HAPROXY_SECTIONS: &[(&str, usize)] = &[
    ("acme", 1),
    ("global", 0),
    ("defaults", 0),
    ("frontend", 1),
    ("backend", 1),
    ("listen", 1),
    ("peers", 1),
    ("resolvers", 1),
    ("userlist", 1),
    ("mailers", 1),
    ("cache", 1),
    ("ring", 1),
    ("program", 1),
    ("http-errors", 1),
    ("log-forward", 1),
    ("crt-store", 0),
    ("fcgi-app", 1),
    ("traces", 0),
];

/// First words of the lines in most HAProxy sections. What is rare may be missing: two lines in three have to be known.
const HAPROXY_KEYWORDS: &[&str] = &[
    "acl",
    "backlog",
    "balance",
    "bind",
    "bind-process",
    "ca-base",
    "capture",
    "chroot",
    "compression",
    "cookie",
    "cpu-map",
    "crt-base",
    "daemon",
    "default-server",
    "default_backend",
    "description",
    "disabled",
    "dispatch",
    "email-alert",
    "enabled",
    "errorfile",
    "errorfiles",
    "errorloc",
    "errorloc302",
    "errorloc303",
    "external-check",
    "fullconn",
    "gid",
    "group",
    "grace",
    "hash-type",
    "hold",
    "http-after-response",
    "http-check",
    "http-error",
    "http-request",
    "http-response",
    "http-reuse",
    "insecure-fork-wanted",
    "issuers-chain-path",
    "load",
    "load-server-state-from-file",
    "log",
    "log-format",
    "log-format-sd",
    "log-send-hostname",
    "log-tag",
    "lua-load",
    "lua-load-per-thread",
    "mailer",
    "master-worker",
    "maxconn",
    "mode",
    "monitor",
    "monitor-uri",
    "nameserver",
    "nbproc",
    "nbthread",
    "node",
    "option",
    "parse-resolv-conf",
    "peer",
    "persist",
    "pidfile",
    "presetenv",
    "rate-limit",
    "redirect",
    "reqadd",
    "reqdel",
    "reqidel",
    "reqirep",
    "reqrep",
    "resolve_retries",
    "retries",
    "retry-on",
    "rspadd",
    "rspdel",
    "rspidel",
    "rspirep",
    "server",
    "server-state-base",
    "server-state-file",
    "server-template",
    "setenv",
    "source",
    "spoe-agent",
    "ssl-default-bind-ciphers",
    "ssl-default-bind-ciphersuites",
    "ssl-default-bind-options",
    "ssl-default-server-ciphers",
    "ssl-default-server-ciphersuites",
    "ssl-default-server-options",
    "ssl-dh-param-file",
    "ssl-server-verify",
    "stats",
    "stick",
    "stick-table",
    "table",
    "tcp-check",
    "tcp-request",
    "tcp-response",
    "timeout",
    "accepted_payload_size",
    "uid",
    "ulimit-n",
    "unique-id-format",
    "unique-id-header",
    "unsetenv",
    "use-server",
    "use_backend",
    "user",
    "zero-warning",
];
