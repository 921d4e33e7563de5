//! nginx on loopback: its files are read into statements, the words that name addresses, paths and durations are
//! replaced, and the rest stays as the page has it, mistakes included.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::address::View;
use text::{Statement, print, read, simple};

mod text;

/// The files of one nginx, rewritten.
pub(crate) struct Rewrite<'a> {
    view: View<'a>,
    /// Names of `upstream {}` blocks in all of its files.
    groups: BTreeSet<String>,
    /// Addresses that it listens on.
    pub(crate) listens: Vec<SocketAddr>,
    /// Folders that `root` and `alias` name.
    pub(crate) roots: Vec<PathBuf>,
}

/// Directives that the lab gives itself, or that depend on the machine.
const DROPPED: [&str; 9] = [
    "daemon",
    "pid",
    "user",
    "error_log",
    "access_log",
    "worker_processes",
    "worker_cpu_affinity",
    "lock_file",
    "load_module",
];

/// Directives whose last word is a path in the container.
const PATHS: [&str; 14] = [
    "include",
    "root",
    "alias",
    "ssl_certificate",
    "ssl_certificate_key",
    "ssl_dhparam",
    "ssl_client_certificate",
    "ssl_trusted_certificate",
    "proxy_ssl_certificate",
    "proxy_ssl_certificate_key",
    "proxy_ssl_trusted_certificate",
    "auth_basic_user_file",
    "grpc_ssl_trusted_certificate",
    "uwsgi_ssl_trusted_certificate",
];

/// Prefixes of the directives that pass requests on.
const PASSING: [&str; 5] = ["proxy", "fastcgi", "uwsgi", "scgi", "grpc"];

impl<'a> Rewrite<'a> {
    /// For the files of one service.
    pub(crate) fn new(view: View<'a>, texts: &[&str]) -> Self {
        let mut groups = BTreeSet::new();
        for text in texts {
            collect_groups(&read(text), &mut groups);
        }
        Self {
            view,
            groups,
            listens: Vec::new(),
            roots: Vec::new(),
        }
    }

    /// The text of one of its files.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let mut statements = read(text);
        self.block("", &mut statements);
        let mut out = String::new();
        print(&statements, 0, &mut out);
        out
    }

    fn block(&mut self, name: &str, statements: &mut Vec<Statement>) {
        statements.retain(|statement| !DROPPED.contains(&statement.name()));
        if name == "server" {
            keep_one_family(statements);
            self.listen_inside(statements);
        }
        let added = match name {
            "http" => self.defaults(statements),
            "upstream" => self.upstream_defaults(statements),
            _ => Vec::new(),
        };
        for statement in statements.iter_mut() {
            self.statement(name, statement);
        }
        statements.splice(0..0, added);
    }

    /// What nginx does when nothing is written, scaled as well.
    fn defaults(&self, statements: &[Statement]) -> Vec<Statement> {
        let mut all = vec![simple("access_log off")];
        for prefix in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            let path = self.view.service.path(&format!("/tmp/{prefix}"));
            all.push(simple(&format!("{prefix}_temp_path {}", path.display())));
        }
        if self.view.scale < 1.0 {
            let written = |name: &str| statements.iter().any(|statement| statement.name() == name);
            let kinds = ["connect", "send", "read"];
            let passing = PASSING
                .iter()
                .flat_map(|prefix| kinds.map(|kind| format!("{prefix}_{kind}_timeout 60s")));
            let client = [
                "keepalive_timeout 75s",
                "client_body_timeout 60s",
                "client_header_timeout 60s",
                "send_timeout 60s",
            ];
            for line in passing.chain(client.map(str::to_owned)) {
                if !written(line.split(' ').next().unwrap_or_default()) {
                    let mut statement = simple(&line);
                    self.durations(&mut statement.words);
                    all.push(statement);
                }
            }
        }
        all
    }

    /// What listens on every address of a container listens on its loopback too, and that is an address of its own here.
    fn listen_inside(&self, statements: &mut Vec<Statement>) {
        let service = self.view.service;
        if service.own == service.address {
            return;
        }
        let listens = statements.iter().filter(|line| line.name() == "listen");
        let inside: Vec<Statement> = listens
            .filter_map(|listen| {
                let mut words = listen.words.clone();
                words[1] = format!("127.0.0.1:{}", port_of_all(listen)?);
                Some(simple(&words.join(" ")))
            })
            .collect();
        statements.extend(inside);
    }

    fn upstream_defaults(&self, statements: &[Statement]) -> Vec<Statement> {
        let has = |name: &str| statements.iter().any(|statement| statement.name() == name);
        if self.view.scale >= 1.0 || !has("keepalive") || has("keepalive_timeout") {
            return Vec::new();
        }
        vec![simple(&format!(
            "keepalive_timeout {:.0}ms",
            60_000.0 * self.view.scale
        ))]
    }

    fn statement(&mut self, context: &str, statement: &mut Statement) {
        let name = statement.words.first().cloned().unwrap_or_default();
        let passing = PASSING
            .iter()
            .any(|prefix| name == format!("{prefix}_pass"));
        match name.as_str() {
            "listen" => self.listen(&mut statement.words),
            "server" if context == "upstream" => {
                if let Some(word) = statement.words.get_mut(1) {
                    *word = self.authority(word, Some(80));
                }
            }
            "resolver" => {
                for word in statement
                    .words
                    .iter_mut()
                    .skip(1)
                    .filter(|word| !word.contains('='))
                {
                    *word = self.view.name_server(word).to_string();
                }
            }
            "fastcgi_param"
                if statement
                    .words
                    .get(1)
                    .is_some_and(|word| word == "SCRIPT_FILENAME") =>
            {
                self.script(&mut statement.words);
            }
            "memcached_pass" => self.pass(&mut statement.words),
            _ if passing => self.pass(&mut statement.words),
            _ if PATHS.contains(&name.as_str()) => self.path(&name, &mut statement.words),
            _ => {}
        }
        if self.view.scale < 1.0 {
            self.durations(&mut statement.words);
        }
        if let Some(block) = &mut statement.block {
            self.block(&name, block);
        }
    }

    fn listen(&mut self, words: &mut [String]) {
        let Some(word) = words.get_mut(1) else { return };
        if let Some(path) = word.strip_prefix("unix:") {
            *word = format!("unix:{}", self.view.service.path(path).display());
        } else if let Some(address) = self.view.listens(word) {
            self.listens.push(address);
            *word = address.to_string();
        }
        // Options of the socket may be given once per address, and two addresses of the page may be one here.
        for word in words
            .iter_mut()
            .skip(2)
            .filter(|word| word.starts_with("ipv6only") || *word == "reuseport")
        {
            word.clear();
        }
    }

    fn pass(&self, words: &mut [String]) {
        let Some(word) = words.get_mut(1) else { return };
        let quote = word.chars().next().filter(|c| ['"', '\''].contains(c));
        let bare = quote
            .map_or(word.as_str(), |quote| word.trim_matches(quote))
            .to_owned();
        let (scheme, rest) = bare
            .split_once("://")
            .map_or(("", bare.as_str()), |(scheme, rest)| (scheme, rest));
        let (authority, uri) = match rest.find('/') {
            Some(at) if !rest.starts_with("unix:") => rest.split_at(at),
            _ => (rest, ""),
        };
        let default = match scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        let between = if scheme.is_empty() { "" } else { "://" };
        let quote = quote.map(String::from).unwrap_or_default();
        *word = format!(
            "{quote}{scheme}{between}{}{uri}{quote}",
            self.authority(authority, default)
        );
    }

    fn authority(&self, written: &str, default_port: Option<u16>) -> String {
        if let Some(path) = written.strip_prefix("unix:") {
            let (path, uri) = path
                .split_once(':')
                .map_or((path, String::new()), |(path, uri)| {
                    (path, format!(":{uri}"))
                });
            return format!("unix:{}{uri}", self.view.service.path(path).display());
        }
        let (host, _) = super::address::host_port(written);
        if written.contains('$') || self.groups.contains(host) {
            return written.to_owned();
        }
        self.view.dialled(written, default_port)
    }

    fn path(&mut self, name: &str, words: &mut [String]) {
        let Some(word) = words.get_mut(1) else { return };
        let bare = word.trim_matches(['"', '\'']).to_owned();
        if bare.contains('$') {
            return;
        }
        let inside = if bare.starts_with('/') {
            bare
        } else {
            format!("/etc/nginx/{bare}")
        };
        let outside = self.view.service.path(&inside);
        *word = outside.display().to_string();
        if name == "root" {
            self.roots.push(outside);
        }
    }

    /// The script as php-fpm sees it: the two containers have it at the same path here.
    fn script(&mut self, words: &mut [String]) {
        let Some(word) = words.get_mut(2).filter(|word| word.starts_with('/')) else {
            return;
        };
        let at = word.find('$').unwrap_or(word.len());
        let (folder, rest) = word.split_at(at);
        let outside = self.view.service.path(folder);
        let root = if rest.is_empty() {
            outside.parent().map(Path::to_owned)
        } else {
            Some(outside.clone())
        };
        self.roots.extend(root);
        *word = format!("{}{rest}", outside.display());
    }

    /// Whatever is called a timeout or an interval.
    fn durations(&self, words: &mut [String]) {
        let name = words.first().cloned().unwrap_or_default();
        let timed = name.ends_with("_timeout")
            || ["keepalive_time", "resolver_timeout"].contains(&name.as_str());
        for word in words.iter_mut().skip(1) {
            let (key, value) = word
                .split_once('=')
                .map_or(("", word.as_str()), |(key, value)| (key, value));
            let wanted = if key.is_empty() {
                timed
            } else {
                ["fail_timeout", "valid", "slow_start"].contains(&key)
            };
            let Some(ms) = self.view.scaled_ms(value, 1_000.0).filter(|_| wanted) else {
                continue;
            };
            // `valid=` and the header of keep-alive know whole numbers only, and 0 has a meaning of its own.
            let ms = if ms == 0.0 { 0.0 } else { ms.max(1.0) };
            let key = if key.is_empty() {
                String::new()
            } else {
                format!("{key}=")
            };
            *word = format!("{key}{ms:.0}ms");
        }
    }
}

/// The port of a `listen` that takes every address.
fn port_of_all(listen: &Statement) -> Option<&str> {
    let word = listen.words.get(1)?;
    let port = word.strip_prefix("*:").or(word.strip_prefix("0.0.0.0:"));
    let port = port.unwrap_or(word);
    port.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(port)
}

/// `listen [::]:80` beside `listen 80` would be the same address twice here; a server that listens nowhere listens
/// on port 80, which is somebody else's here.
fn keep_one_family(statements: &mut Vec<Statement>) {
    let listens = |statement: &Statement| statement.name() == "listen";
    let is_v6 = |statement: &Statement| {
        listens(statement)
            && statement
                .words
                .get(1)
                .is_some_and(|word| word.starts_with("[::]"))
    };
    let v4 = statements
        .iter()
        .any(|statement| listens(statement) && !is_v6(statement));
    if v4 {
        statements.retain(|statement| !is_v6(statement));
    }
    let talks_http = statements.iter().any(|statement| {
        statement
            .words
            .first()
            .is_some_and(|word| word == "location" || word == "return")
    });
    if talks_http && !statements.iter().any(listens) {
        statements.insert(0, simple("listen 80"));
    }
}

fn collect_groups(statements: &[Statement], groups: &mut BTreeSet<String>) {
    for statement in statements {
        if let (Some("upstream"), Some(name)) = (
            statement.words.first().map(String::as_str),
            statement.words.get(1),
        ) {
            groups.insert(name.clone());
        }
        collect_groups(statement.block.as_deref().unwrap_or_default(), groups);
    }
}

/// Whether a text can stand alone: it has a main context, and is no part of one.
pub(crate) fn is_main(text: &str) -> bool {
    let names: Vec<String> = read(text)
        .into_iter()
        .filter_map(|statement| statement.words.into_iter().next())
        .collect();
    names
        .iter()
        .any(|name| ["events", "http", "stream"].contains(&name.as_str()))
}
