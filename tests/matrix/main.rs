//! What is known of which program: every app server against every rule about the last hop. A cell is a stack with the
//! fault planted and the same stack healed, or one word that says why the rule has nothing to say there. The table as
//! people read it is `fixtures/matrix/README.md`; `UPDATE=1 cargo test --test matrix` writes it.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop at once, and reads its fixtures itself"
)]

mod stack;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use stack::{Around, Cell, Fault, Row, Stack, http};

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

/// What a server does that one would not think: a stack that looks like a fault and is none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Surprise {
    about: String,
    rule: String,
    app: String,
    #[serde(default)]
    files: BTreeMap<String, String>,
    socket: Option<String>,
    #[serde(default = "http")]
    speaks: String,
    around: Around,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Surprises {
    surprise: Vec<Surprise>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/matrix")
}

fn rows() -> Vec<Row> {
    let entries = fs::read_dir(folder()).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    paths.retain(|path| !path.ends_with("surprises.toml"));
    paths.sort();
    let tables = paths.iter().flat_map(|path| {
        let text = fs::read_to_string(path).unwrap();
        let table: Table =
            toml::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        table.program
    });
    tables.collect()
}

/// Both states of a fault, and which proxies it is put behind.
fn states<'a>(rule: &str, row: &'a Row, fault: &'a Fault) -> [Stack<'a>; 2] {
    let mild = Around {
        port: row.port,
        ..Around::default()
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

fn surprises() -> Vec<Surprise> {
    let text = fs::read_to_string(folder().join("surprises.toml")).unwrap();
    let read: Surprises = toml::from_str(&text).unwrap();
    read.surprise
}

#[test]
fn what_only_looks_like_a_fault_is_none() {
    let mut wrong = Vec::new();
    for surprise in surprises() {
        assert!(RULES.iter().any(|(id, _)| *id == surprise.rule));
        let row = Row {
            name: surprise.about,
            app: surprise.app,
            files: surprise.files,
            port: surprise.around.port,
            speaks: surprise.speaks,
            rules: BTreeMap::new(),
        };
        let fault = Fault {
            socket: surprise.socket,
            ..Fault::default()
        };
        let stack = Stack {
            row: &row,
            fault: &fault,
            healed: true,
            around: surprise.around,
        };
        for edge in proxies(&surprise.rule, &row) {
            let said = stack.said(edge);
            if said.iter().any(|(id, _)| *id == surprise.rule) {
                wrong.push(format!("{} behind {edge}: {said:?}", row.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
    text.push_str("\n## Surprises\n\nEach looks like a fault, is none, and must stay silent (`surprises.toml`).\n\n");
    for surprise in surprises() {
        writeln!(text, "- {} (`{}`)", surprise.about, surprise.rule).unwrap();
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
