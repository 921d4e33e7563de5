//! Chains of several hops: what is proposed for one pair must be right for the whole chain, and the folders of
//! `fixtures/budgets` must be told as the files beside them say. `UPDATE=1 cargo test --test budgets` writes those.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop at once, and reads its fixtures itself"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use no502::analyze::{Analysis, analyze};
use no502::finding::Finding;
use no502::host::FakeHost;
use no502::project::Project;
use no502::settings::{Edge, Settings};
use no502::source::{FileId, Span};

/// Read timeouts (seconds) of three proxies, from the edge to the app, and the peers of the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Waits {
    edge: u64,
    middle: u64,
    last: u64,
    peers: usize,
    /// Whether a CDN is in front of them, which waits two minutes, and nobody can change that.
    cdn: bool,
}

const RULES: [&str; 2] = ["read-timeout-inverted", "retry-budget-exceeded"];

impl Waits {
    fn analysis(self) -> Analysis {
        let Self {
            edge,
            middle,
            last,
            peers,
            cdn,
        } = self;
        let compose = "services:
  edge: { image: 'haproxy:3.0', volumes: ['./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro'], ports: ['80:80'] }
  middle: { image: 'nginx:1.28', volumes: ['./middle.conf:/etc/nginx/conf.d/default.conf:ro'] }
  last: { image: 'nginx:1.28', volumes: ['./last.conf:/etc/nginx/conf.d/default.conf:ro'] }
  web-1: { image: shop, command: 'gunicorn -k gthread --bind 0.0.0.0:8000 shop:app' }
  web-2: { image: shop, command: 'gunicorn -k gthread --bind 0.0.0.0:8000 shop:app' }
";
        let haproxy = format!(
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 30s\n  timeout server {edge}s\nlisten fe\n  bind :80\n  server middle middle:80\n"
        );
        let nginx = |read: u64, servers: &str| {
            format!(
                "upstream next {{ {servers} }}\nserver {{ listen 80; location / {{ proxy_pass http://next; proxy_read_timeout {read}s; proxy_connect_timeout 2s; }} }}\n"
            )
        };
        let web = ["server web-1:8000;", "server web-2:8000;"][..peers].join(" ");
        let host = FakeHost::new([
            ("compose.yaml", compose.to_owned()),
            ("haproxy.cfg", haproxy),
            ("middle.conf", nginx(middle, "server last:80;")),
            ("last.conf", nginx(last, &web)),
        ]);
        let mut settings = Settings::default();
        if cdn {
            settings.edges.push(Edge {
                name: "cloudflare".to_owned(),
                preset: Some("cloudflare".to_owned()),
                to: Vec::new(),
                times: Vec::new(),
                span: Span::new(FileId(0), 0, 0),
            });
        }
        analyze(&host, Project::load(&host, &settings), &settings)
    }

    /// As the help of a finding has it: `let nginx (service middle) wait 65s or more, and HAProxy (service edge) …`.
    fn healed(self, finding: &Finding) -> Self {
        let mut waits = self;
        // `…, or set … to 1` is another way, and the only one where an edge is fixed.
        let help = match finding.help.split_once(", or set ") {
            Some((first, _)) => first,
            None => &finding.help,
        };
        for part in help.split("(service ").skip(1) {
            let (name, rest) = part.split_once(')').unwrap();
            if let Some(tries) = rest.strip_prefix(" to ") {
                waits.peers = tries.parse().unwrap();
                continue;
            }
            let Some((before, _)) = rest.split_once("s or ") else {
                continue;
            };
            let Ok(seconds) = before.rsplit(' ').next().unwrap().parse() else {
                continue;
            };
            match name {
                "edge" => waits.edge = seconds,
                "middle" => waits.middle = seconds,
                "last" => waits.last = seconds,
                other => panic!("{other} is no hop of this chain"),
            }
        }
        waits
    }
}

/// How `chain` draws, by the end of the file's name.
const FORMATS: [(&str, &str); 6] = [
    ("txt", "text"),
    ("json", "json"),
    ("mmd", "mermaid"),
    ("dot", "dot"),
    ("svg", "svg"),
    ("html", "html"),
];

/// What the program says of a folder: findings into `check.txt`, the chains into files that are named by the budget, one
/// for each format. The text of a budget asks for the others.
#[test]
fn every_chain_is_told_as_expected() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/budgets");
    let update = std::env::var_os("UPDATE").is_some();
    let (mut wrong, mut budgets) = (Vec::new(), 0);
    for folder in entries(&root) {
        let mut answers = vec![(folder.join("check.txt"), said(&folder, &["check", "short"]))];
        for budget in entries(&folder).iter().filter_map(|file| asked(file)) {
            budgets += 1;
            for (end, format) in FORMATS {
                let told = said(&folder, &["chain", format, "--budget", &budget]);
                answers.push((folder.join(format!("{budget}.{end}")), told));
            }
        }
        for (file, told) in answers {
            if update {
                fs::write(&file, &told).unwrap();
            }
            if fs::read_to_string(&file).unwrap_or_default() != told {
                wrong.push(format!("{}\n{told}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(budgets >= 8, "the chains are not where they were");
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The budget that a file is about, if it is the text of one.
fn asked(file: &Path) -> Option<String> {
    let budget = file.file_name()?.to_str()?.strip_suffix(".txt")?;
    budget
        .starts_with(|c: char| c.is_ascii_digit())
        .then(|| budget.to_owned())
}

/// What a command says of a folder in a format.
fn said(folder: &Path, command: &[&str]) -> String {
    let (name, rest) = command.split_first().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_no502"));
    program.args([name, "-q", "--color", "never", "--format"]);
    let output = program.args(rest).arg(folder).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.is_empty(), "{}: {errors}", folder.display());
    String::from_utf8(output.stdout).unwrap()
}

/// Outer hop and rule of each inversion.
fn inverted(analysis: &Analysis) -> BTreeMap<(&'static str, String), &Finding> {
    let findings = analysis.findings.iter();
    let of_rules = findings.filter(|finding| RULES.contains(&finding.rule));
    of_rules
        .map(|finding| {
            let outer = finding.message.split(" waits ").next().unwrap();
            ((finding.rule, outer.to_owned()), finding)
        })
        .collect()
}

#[test]
fn what_is_proposed_is_right_for_the_whole_chain() {
    hold_all([20, 45, 60, 90], false);
}

#[test]
fn what_gives_way_to_a_fixed_edge_does_so_in_the_whole_chain() {
    hold_all([60, 100, 120, 150], true);
}

fn hold_all(values: [u64; 4], cdn: bool) {
    let mut proposals = 0;
    for (edge, middle, last) in three(values) {
        for peers in [1, 2] {
            proposals += hold(Waits {
                edge,
                middle,
                last,
                peers,
                cdn,
            });
        }
    }
    assert!(proposals > 100, "only {proposals} proposals were made");
}

fn three(values: [u64; 4]) -> impl Iterator<Item = (u64, u64, u64)> {
    let pairs = values
        .into_iter()
        .flat_map(move |one| values.map(|two| (one, two)));
    pairs.flat_map(move |(one, two)| values.map(|three| (one, two, three)))
}

/// Every proposal, taken by itself, heals what it is for and sets no other hop against its neighbour.
fn hold(waits: Waits) -> usize {
    let before = waits.analysis();
    let before = inverted(&before);
    for (key, finding) in &before {
        let healed = waits.healed(finding);
        assert_ne!(healed, waits, "{}", finding.help);
        let after = healed.analysis();
        let after = inverted(&after);
        let hint = format!("{waits:?} → {healed:?}: {}", finding.help);
        assert!(!after.contains_key(key), "{hint} does not heal {key:?}");
        let new = after.keys().find(|(_, outer)| {
            let mut outers = before.keys().map(|(_, outer)| outer);
            !outers.any(|known| known == outer)
        });
        assert!(new.is_none(), "{hint} breaks {new:?}");
    }
    before.len()
}
