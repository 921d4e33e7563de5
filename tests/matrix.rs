//! What is known of which program: every app server against every rule about the last hop. A cell is a stack with the
//! fault planted and the same stack healed, or one word that says why the rule has nothing to say there. The table as
//! people read it is `fixtures/matrix/README.md`; `UPDATE=1 cargo test --test matrix` writes it.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop at once, and reads its fixtures itself"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use no502::analyze::analyze;
use no502::host::FakeHost;
use no502::project::Project;
use no502::settings::Settings;
use serde::Deserialize;

/// The rules about the last hop, with the head of their column.
const RULES: [(&str, &str); 9] = [
    ("loopback-bind", "bind"),
    ("upstream-port-mismatch", "port"),
    ("worker-timeout-inverted", "worker"),
    ("keepalive-inverted", "keep-alive"),
    ("keepalive-uncapped-children", "children"),
    ("grace-period-short", "stop"),
    ("request-head-limit-inverted", "head"),
    ("backlog-small", "queue"),
    ("socket-unwritable", "socket"),
];

/// Why a rule has nothing to say about a program.
const REASONS: [(&str, &str); 14] = [
    (
        "code",
        "a line of its own source may change that, and which one is not followed",
    ),
    ("closes", "it closes its connection with every answer"),
    (
        "endless",
        "it keeps idle connections for longer than any proxy, or for ever",
    ),
    ("unlimited", "nothing in it kills a request that takes long"),
    (
        "answers",
        "it answers by itself: 4xx for a long head, 500 or 503 for a slow request",
    ),
    (
        "drains",
        "it finishes its requests, however long they take, and no more than docker's 10 s are measured or written",
    ),
    (
        "drops",
        "it cuts its requests at once, or so soon that every grace period is long enough",
    ),
    (
        "http",
        "only a FastCGI connection holds a worker while it is idle",
    ),
    (
        "threads",
        "a kept connection costs it a descriptor and no worker",
    ),
    (
        "tcp",
        "it is dialled over TCP: the kernel tries again, and a socket has no mode",
    ),
    ("queue", "nothing makes the queue of its socket short"),
    ("open", "it lets everybody connect to its socket"),
    (
        "proxy",
        "it is a proxy: its routes have timeouts, and other rules compare them",
    ),
    (
        "unread",
        "its own config says so, in a form that is not read",
    ),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    program: Vec<Row>,
}

/// One program, healthy behind nginx, and what becomes of each rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    /// Its service in compose, without the key.
    app: String,
    /// Files: those that begin with `/` are mounted there, the others lie in the tree.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Where it listens.
    port: u16,
    /// `http`, `fastcgi`, `uwsgi`.
    #[serde(default = "http")]
    speaks: String,
    /// By the head of its column.
    rules: BTreeMap<String, Cell>,
}

fn http() -> String {
    "http".to_owned()
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Cell {
    /// Why not.
    Not(String),
    /// Each a fault of its own.
    Fires(Vec<Fault>),
}

/// A fault. With `at`, the proxy or docker is what is set: too long for this many seconds, and short enough. Else `bad`
/// is the app with its fault, and `good` (or the row's own app) is the app without.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    /// What is told of it in the table.
    note: Option<String>,
    at: Option<u64>,
    /// The app of both, if it is not the row's own.
    app: Option<String>,
    bad: Option<String>,
    good: Option<String>,
    /// Dialled over this socket.
    socket: Option<String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Files of the healed stack alone.
    #[serde(default)]
    healed: BTreeMap<String, String>,
}

/// What stands around the app.
#[derive(Clone)]
struct Around {
    port: u16,
    read: u64,
    keep: u64,
    kept: u64,
    grace: u64,
}

/// A whole project in memory.
struct Stack<'a> {
    row: &'a Row,
    fault: &'a Fault,
    healed: bool,
    around: Around,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/matrix")
}

fn rows() -> Vec<Row> {
    let entries = fs::read_dir(folder()).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    paths.sort();
    let tables = paths.iter().flat_map(|path| {
        let text = fs::read_to_string(path).unwrap();
        let table: Table =
            toml::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        table.program
    });
    tables.collect()
}

impl Stack<'_> {
    fn app(&self) -> &str {
        let base = self.fault.app.as_deref().unwrap_or(&self.row.app);
        let own = if self.healed {
            &self.fault.good
        } else {
            &self.fault.bad
        };
        own.as_deref().unwrap_or(base)
    }

    fn files(&self) -> BTreeMap<String, String> {
        let mut files = self.row.files.clone();
        files.extend(self.fault.files.clone());
        if self.healed {
            files.extend(self.fault.healed.clone());
        }
        files
    }

    /// The project with nginx or HAProxy as its edge.
    fn project(&self, edge: &str) -> Vec<(String, String)> {
        let (path, inside, image) = match edge {
            "nginx" => ("edge.conf", "/etc/nginx/conf.d/default.conf", "nginx:1.27"),
            _ => (
                "haproxy.cfg",
                "/usr/local/etc/haproxy/haproxy.cfg",
                "haproxy:3.0",
            ),
        };
        let mut compose = format!(
            "services:\n  edge:\n    image: {image}\n    ports: [\"80:80\"]\n    depends_on: [app]\n    restart: unless-stopped\n    volumes:\n      - ./{path}:{inside}:ro\n      - run:/run/app\n  app:\n"
        );
        for line in self.app().lines() {
            writeln!(compose, "    {line}").unwrap();
        }
        writeln!(compose, "    restart: unless-stopped\n    stop_grace_period: {}s\n    volumes:\n      - run:/run/app", self.around.grace).unwrap();
        let mut project = Vec::new();
        for (at, (name, text)) in self.files().into_iter().enumerate() {
            if name.starts_with('/') {
                writeln!(compose, "      - ./mounted/{at}:{name}:ro").unwrap();
                project.push((format!("mounted/{at}"), text));
            } else {
                project.push((name, text));
            }
        }
        compose.push_str("volumes:\n  run: {}\n");
        project.push(("compose.yaml".to_owned(), compose));
        let config = if edge == "nginx" {
            self.nginx()
        } else {
            self.haproxy()
        };
        project.push((path.to_owned(), config));
        project
    }

    fn server(&self) -> String {
        match &self.fault.socket {
            Some(path) => format!("unix:{path}"),
            None => format!("app:{}", self.around.port),
        }
    }

    fn nginx(&self) -> String {
        let Around {
            read, keep, kept, ..
        } = self.around;
        let pass = match self.row.speaks.as_str() {
            "fastcgi" => format!(
                "fastcgi_pass app;\n        include fastcgi_params;\n        fastcgi_keep_conn on;\n        fastcgi_read_timeout {read}s;"
            ),
            "uwsgi" => format!(
                "uwsgi_pass app;\n        include uwsgi_params;\n        uwsgi_read_timeout {read}s;"
            ),
            _ => format!(
                "proxy_pass http://app;\n        proxy_http_version 1.1;\n        proxy_set_header Connection \"\";\n        proxy_read_timeout {read}s;"
            ),
        };
        format!(
            "upstream app {{\n    server {};\n    keepalive {kept};\n    keepalive_timeout {keep}s;\n}}\nserver {{\n    listen 80;\n    location / {{\n        {pass}\n    }}\n}}\n",
            self.server()
        )
    }

    fn haproxy(&self) -> String {
        let server = match &self.fault.socket {
            Some(path) => format!("unix@{path}"),
            None => self.server(),
        };
        format!(
            "defaults\n    mode http\n    timeout connect 5s\n    timeout client 30s\n    timeout server {}s\n    timeout http-keep-alive 1s\nfrontend fe\n    bind :80\n    default_backend be\nbackend be\n    server app {server} check\n",
            self.around.read
        )
    }

    /// What the nine rules say.
    fn said(&self, edge: &str) -> Vec<(&'static str, String)> {
        let host = FakeHost::new(self.project(edge));
        let settings = Settings {
            pedantic: true,
            ..Settings::default()
        };
        let analysis = analyze(&host, Project::load(&host, &settings), &settings);
        let findings = analysis.findings.into_iter();
        findings
            .filter(|finding| {
                RULES.iter().any(|(id, _)| *id == finding.rule) || finding.rule == "syntax-error"
            })
            .map(|finding| (finding.rule, finding.message))
            .collect()
    }
}

/// Both states of a fault, and which proxies it is put behind.
fn states<'a>(rule: &str, row: &'a Row, fault: &'a Fault) -> [Stack<'a>; 2] {
    let mild = Around {
        port: row.port,
        read: 3,
        keep: 1,
        kept: 1,
        grace: 900,
    };
    let (mut bad, mut good) = (mild.clone(), mild);
    match (rule, fault.at) {
        ("upstream-port-mismatch", _) => bad.port += 1,
        ("worker-timeout-inverted", Some(at)) => (bad.read, good.read) = (at + 1, at),
        ("keepalive-inverted", Some(at)) => (bad.keep, good.keep) = (at, at - 1),
        ("grace-period-short", Some(at)) => (bad.grace, good.grace) = (at - 1, at),
        ("keepalive-uncapped-children", Some(at)) => (bad.kept, good.kept) = (at, at - 1),
        _ => {}
    }
    let stack = |healed, around| Stack {
        row,
        fault,
        healed,
        around,
    };
    [stack(false, bad), stack(true, good)]
}

fn proxies(rule: &str, row: &Row) -> &'static [&'static str] {
    let alone = [
        "keepalive-inverted",
        "socket-unwritable",
        "keepalive-uncapped-children",
    ];
    if row.speaks == "http" && !alone.contains(&rule) {
        &["nginx", "haproxy"]
    } else {
        &["nginx"]
    }
}

#[test]
fn every_fault_is_found_and_every_healed_stack_is_silent() {
    let mut wrong = Vec::new();
    let mut faults = 0;
    for row in &rows() {
        for (rule, column) in RULES {
            let Some(Cell::Fires(list)) = row.rules.get(column) else {
                continue;
            };
            for fault in list {
                faults += 1;
                let [bad, good] = states(rule, row, fault);
                for edge in proxies(rule, row) {
                    let found = bad.said(edge);
                    if !found.iter().any(|(id, _)| *id == rule) {
                        wrong.push(format!(
                            "{}, {rule} behind {edge}: silent, but {found:?}\n{}",
                            row.name,
                            bad.app()
                        ));
                    }
                    let left = good.said(edge);
                    if !left.is_empty() {
                        wrong.push(format!(
                            "{}, {rule} behind {edge}, healed: {left:?}\n{}",
                            row.name,
                            good.app()
                        ));
                    }
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(faults > 150, "only {faults} faults were planted");
}

#[test]
fn every_cell_is_filled() {
    let mut wrong = Vec::new();
    for row in &rows() {
        for column in row.rules.keys() {
            if RULES.iter().all(|(_, head)| head != column) {
                wrong.push(format!("{}: no column {column}", row.name));
            }
        }
        for (_, head) in RULES {
            match row.rules.get(head) {
                None => wrong.push(format!("{}: {head} is empty", row.name)),
                Some(Cell::Fires(faults)) if faults.is_empty() => {
                    wrong.push(format!("{}: {head} plants no fault", row.name));
                }
                Some(Cell::Not(word)) if REASONS.iter().all(|(known, _)| known != word) => {
                    wrong.push(format!("{}: {head}: {word} is no reason", row.name));
                }
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_is_what_is_tested() {
    let rows = rows();
    let mut text = "# Which rule knows which program\n\nEvery cell is put to the rules: where it has values, a stack with the fault is reported and the healed one is not, behind\nnginx and, where the rule knows it, behind HAProxy. A word says why a rule has nothing to say. `UPDATE=1 cargo test --test\nmatrix` writes this page from the files beside it.\n\n| program |".to_owned();
    for (_, head) in RULES {
        write!(text, " {head} |").unwrap();
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(RULES.len()));
    text.push('\n');
    for row in &rows {
        write!(text, "| {} |", row.name).unwrap();
        for (_, head) in RULES {
            write!(text, " {} |", shown(&row.rules[head])).unwrap();
        }
        text.push('\n');
    }
    text.push_str("\n| column | rule |\n|---|---|\n");
    for (id, head) in RULES {
        writeln!(text, "| {head} | `{id}` |").unwrap();
    }
    text.push_str("\n| word | why the rule has nothing to say |\n|---|---|\n");
    let used = |word: &str| {
        let mut cells = rows.iter().flat_map(|row| row.rules.values());
        cells.any(|cell| matches!(cell, Cell::Not(told) if told == word))
    };
    for (word, why) in REASONS {
        assert!(used(word), "no cell says {word}");
        writeln!(text, "| *{word}* | {why} |").unwrap();
    }
    let path = folder().join("README.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), text);
}

/// `5 s, 75 s`, `yes`, or the word.
fn shown(cell: &Cell) -> String {
    let faults = match cell {
        Cell::Not(word) => return format!("*{word}*"),
        Cell::Fires(faults) => faults,
    };
    let told = faults.iter().map(|fault| match (&fault.note, fault.at) {
        (Some(note), _) => note.clone(),
        (None, Some(at)) => format!("{at} s"),
        (None, None) => "yes".to_owned(),
    });
    let mut told: Vec<String> = told.collect();
    told.dedup();
    told.join("; ")
}
