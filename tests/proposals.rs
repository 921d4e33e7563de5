//! What a finding about an inversion proposes must be true for the whole chain: over generated chains of two to four hops,
//! each alternative of each help line is applied as it is worded, and then the finding is gone and no rule has a new one.

#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use no502::analyze::{Analysis, analyze};
use no502::finding::Finding;
use no502::host::FakeHost;
use no502::project::Project;
use no502::settings::{Edge, EdgeTime, Settings};
use no502::source::{FileId, Span};

/// Rules whose help lines name times.
const RULES: [&str; 6] = [
    "grace-period-short",
    "keepalive-inverted",
    "keepalive-race-hidden",
    "read-timeout-inverted",
    "retry-budget-exceeded",
    "worker-timeout-inverted",
];

/// What may stand in front.
const EDGES: [Option<&str>; 5] = [
    None,
    None,
    Some("aws-alb"),
    Some("cloudflare"),
    Some("gcp-lb"),
];

/// Enough of them that each rule is met often.
const CHAINS: usize = 120;

/// The same chains on every machine.
struct Dice(u64);

impl Dice {
    /// One of several.
    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        of[usize::try_from(self.0 % u64::try_from(of.len()).unwrap()).unwrap()].clone()
    }
}

/// One proxy. Times are in milliseconds; `None` is what the program does by itself.
#[derive(Debug, Clone, PartialEq)]
struct Proxy {
    haproxy: bool,
    /// For every way through it.
    read: Option<u64>,
    /// For the way to the app alone.
    own_read: Option<u64>,
    /// `keepalive_timeout` of an upstream block, if connections are kept.
    keeps: Option<u64>,
    /// How long clients are kept.
    client: Option<u64>,
    connect: Option<u64>,
    /// `proxy_next_upstream_tries` or `retries`.
    tries: Option<u64>,
    /// `retry-on response-timeout` or `empty-response`.
    again: Option<&'static str>,
    peers: usize,
    /// Whether a second way leads to the other app, with the time that all have.
    forks: bool,
}

/// Proxies from the outside in, and the app.
#[derive(Debug, Clone, PartialEq)]
struct Stack {
    edge: Option<&'static str>,
    /// Its time, if it is set.
    edge_read: Option<u64>,
    proxies: Vec<Proxy>,
    worker: u64,
    keep_alive: u64,
    grace: u64,
    stop: Option<u64>,
    threads: bool,
}

fn stack(dice: &mut Dice) -> Stack {
    let times = [
        None,
        Some(20_000),
        Some(30_000),
        Some(45_500),
        Some(60_000),
        Some(62_000),
        Some(90_000),
        Some(150_000),
    ];
    let depth = dice.one(&[1, 2, 2, 3, 3]);
    let proxies = (0..depth).map(|at| {
        let (haproxy, forks) = (dice.one(&[true, false]), dice.one(&[false, true]));
        Proxy {
            haproxy,
            // HAProxy without it waits for ever, which is another matter.
            read: dice.one(&times).or(haproxy.then_some(60_000)),
            own_read: dice
                .one(&[None, Some(40_000), Some(75_000)])
                .filter(|_| !forks),
            keeps: dice.one(&[None, Some(4_000), Some(60_000), Some(75_000)]),
            client: dice.one(&[Some(10_000), Some(30_000), Some(65_000), Some(120_000)]),
            connect: dice.one(&[None, Some(2_000), Some(20_000)]),
            tries: dice.one(&[None, None, Some(1), Some(2)]),
            again: dice.one(&[None, None, Some("response-timeout"), Some("empty-response")]),
            peers: if at + 1 == depth {
                dice.one(&[1, 2])
            } else {
                1
            },
            forks,
        }
    });
    let proxies = proxies.collect();
    Stack {
        edge: dice.one(&EDGES),
        edge_read: None,
        proxies,
        worker: dice.one(&[0, 25, 30, 61, 120]),
        keep_alive: dice.one(&[2, 5, 30, 65, 75]),
        grace: dice.one(&[5, 20, 30]),
        stop: dice.one(&[None, Some(15_000), Some(40_000)]),
        threads: dice.one(&[false, true, true]),
    }
}

impl Stack {
    fn analysis(&self) -> Analysis {
        let mut files = Vec::new();
        let mut services = String::new();
        for (at, proxy) in self.proxies.iter().enumerate() {
            let (config, image, target) = if proxy.haproxy {
                (
                    self.haproxy(at),
                    "haproxy:2.8",
                    "/usr/local/etc/haproxy/haproxy.cfg",
                )
            } else {
                (
                    self.nginx(at),
                    "nginx:1.28",
                    "/etc/nginx/conf.d/default.conf",
                )
            };
            files.push((format!("proxy-{at}.conf"), config));
            let ports = if at == 0 {
                "\n    ports: ['80:80']"
            } else {
                ""
            };
            writeln!(
                services,
                "  proxy-{at}:\n    image: {image}{ports}\n    volumes: ['./proxy-{at}.conf:{target}:ro']"
            )
            .unwrap();
        }
        services.push_str(&self.apps());
        files.push(("compose.yaml".to_owned(), format!("services:\n{services}")));
        let host = FakeHost::new(files);
        let span = Span::new(FileId(0), 0, 0);
        let mut settings = Settings::default();
        settings.edges.extend(self.edge.map(|preset| {
            Edge {
                name: preset.to_owned(),
                preset: Some(preset.to_owned()),
                to: Vec::new(),
                times: self
                    .edge_read
                    .map(|ms| EdgeTime {
                        key: "read",
                        ms: Some(ms),
                        span,
                    })
                    .into_iter()
                    .collect(),
                span,
            }
        }));
        analyze(&host, Project::load(&host, &settings), &settings)
    }

    fn apps(&self) -> String {
        let app = format!(
            "gunicorn --bind 0.0.0.0:8000{} --timeout {} --keep-alive {} --graceful-timeout {} shop:app",
            if self.threads { " --threads 4" } else { "" },
            self.worker,
            self.keep_alive,
            self.grace
        );
        let stop = self
            .stop
            .map(|ms| format!("\n    stop_grace_period: {ms}ms"))
            .unwrap_or_default();
        let mut services = String::new();
        for name in ["web-1", "web-2"] {
            writeln!(
                services,
                "  {name}:\n    image: shop\n    command: {app}{stop}"
            )
            .unwrap();
        }
        services.push_str("  side:\n    image: shop\n    command: gunicorn --bind 0.0.0.0:8000 --timeout 65 side:app\n");
        services
    }

    /// What a proxy dials: the next one, or the app.
    fn next(&self, at: usize) -> Vec<String> {
        if at + 1 < self.proxies.len() {
            return vec![format!("proxy-{}:80", at + 1)];
        }
        let peers = ["web-1:8000", "web-2:8000"];
        peers[..self.proxies[at].peers]
            .iter()
            .map(|peer| (*peer).to_owned())
            .collect()
    }

    fn nginx(&self, at: usize) -> String {
        let proxy = &self.proxies[at];
        let set = |name: &str, ms: Option<u64>| {
            ms.map(|ms| format!("  {name} {ms}ms;\n"))
                .unwrap_or_default()
        };
        let servers = format!(" server {};", self.next(at).join("; server "));
        let kept = proxy
            .keeps
            .map(|ms| format!(" keepalive 8; keepalive_timeout {ms}ms;"));
        let mut text = format!(
            "upstream next {{{servers}{} }}\nserver {{\n  listen 80;\n",
            kept.unwrap_or_default()
        );
        text.push_str("  proxy_http_version 1.1;\n  proxy_set_header Connection \"\";\n");
        text.push_str(&set("proxy_read_timeout", proxy.read));
        text.push_str(&set("proxy_connect_timeout", proxy.connect));
        text.push_str(&set("keepalive_timeout", proxy.client));
        if let Some(tries) = proxy.tries {
            writeln!(text, "  proxy_next_upstream_tries {tries};").unwrap();
        }
        let own = set("proxy_read_timeout", proxy.own_read);
        writeln!(text, "  location / {{ proxy_pass http://next;\n{own}  }}").unwrap();
        if proxy.forks {
            text.push_str("  location /side/ { proxy_pass http://side:8000; }\n");
        }
        text + "}\n"
    }

    fn haproxy(&self, at: usize) -> String {
        let proxy = &self.proxies[at];
        let mut text = "defaults\n  mode http\n".to_owned();
        for (name, ms) in [
            ("connect", proxy.connect.or(Some(5_000))),
            ("client", proxy.client),
            ("server", proxy.read),
        ] {
            if let Some(ms) = ms {
                writeln!(text, "  timeout {name} {ms}ms").unwrap();
            }
        }
        if let Some(tries) = proxy.tries {
            writeln!(text, "  retries {tries}").unwrap();
        }
        text.push_str("frontend fe\n  bind :80\n  default_backend next\n");
        if proxy.forks {
            text.push_str("  use_backend side if { path_beg /side/ }\nbackend side\n  server side side:8000\n");
        }
        text.push_str("backend next\n");
        if let Some(ms) = proxy.own_read {
            writeln!(text, "  timeout server {ms}ms").unwrap();
        }
        if let Some(what) = proxy.again {
            writeln!(
                text,
                "  retry-on conn-failure {what}\n  http-request disable-l7-retry if METH_POST"
            )
            .unwrap();
        }
        for (at, peer) in self.next(at).iter().enumerate() {
            writeln!(text, "  server s{at} {peer}").unwrap();
        }
        text
    }

    /// The stack with one alternative of a help line.
    fn with(&self, finding: &Told, alternative: &str) -> Self {
        let mut stack = self.clone();
        if let Some(rest) =
            alternative.strip_prefix("set `keepalive_timeout` of the upstream block to ")
        {
            stack.proxies[finding.outer.unwrap()].keeps = Some(time(rest).unwrap());
        } else if let Some(rest) = alternative.strip_prefix("set `stop_grace_period` to ") {
            stack.stop = Some(time(rest).unwrap());
        } else if let Some(rest) = alternative.strip_prefix("let gunicorn have ") {
            stack.worker = time(rest).unwrap().div_ceil(1000);
        } else if alternative.starts_with("set `retry-on conn-failure empty-response`") {
            stack.proxies[finding.outer.unwrap()].again = Some("empty-response");
        } else {
            let edge = self.edge.and_then(|name| alternative.split_once(name));
            stack.edge_read = edge.and_then(|(_, rest)| time(rest));
            for part in alternative.split("(service ").skip(1) {
                stack.change(finding.rule, part);
            }
        }
        stack
    }

    /// `proxy-1) wait 65s or more, and HAProxy `, `proxy-0) to 1`, `web-1) keep them for 61s or longer`.
    fn change(&mut self, rule: &str, part: &str) {
        let (name, rest) = part.split_once(')').unwrap();
        let Some(at) = name
            .strip_prefix("proxy-")
            .map(|at| at.parse::<usize>().unwrap())
        else {
            assert!(name.starts_with("web-"), "{part}");
            self.keep_alive = time(rest).unwrap().div_ceil(1000);
            return;
        };
        let proxy = &mut self.proxies[at];
        if let Some(tries) = rest.strip_prefix(" to ") {
            proxy.tries = Some(tries.parse().unwrap());
        } else if rule.starts_with("keepalive") {
            proxy.client = time(rest);
            if rest.contains("`retry-on conn-failure empty-response`") {
                proxy.again = Some("empty-response");
            }
        } else {
            // `25s or less`, `25s or less, and 6s to connect`, `6s or less to connect`
            let read = match rest.split_once(", and ").map_or((rest, ""), |both| both) {
                (read, connect) if connect.contains(" to connect") => {
                    proxy.connect = time(connect);
                    read
                }
                (connect, _) if connect.contains(" to connect") => {
                    proxy.connect = time(connect);
                    ""
                }
                (read, _) => read,
            };
            let own = rest.contains("on this way alone") || proxy.own_read.is_some();
            let place = if own {
                &mut proxy.own_read
            } else {
                &mut proxy.read
            };
            *place = time(read).or(*place);
        }
    }
}

/// The first time in a text (milliseconds).
fn time(text: &str) -> Option<u64> {
    text.split_whitespace().find_map(|word| {
        let word = word.trim_end_matches([',', ':']);
        match word.strip_suffix("ms") {
            Some(ms) => ms.parse().ok(),
            None => Some(word.strip_suffix('s')?.parse::<u64>().ok()? * 1000),
        }
    })
}

/// A finding as two runs have it in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    rule: &'static str,
    /// The files that it points into, which are its hops.
    files: BTreeSet<String>,
    /// The edge, if it is one of them.
    edge: Option<&'static str>,
    /// The proxy in front, if it is one of the stack.
    outer: Option<usize>,
    /// Whether it is about the other app.
    side: bool,
}

fn told(analysis: &Analysis) -> BTreeMap<Told, &Finding> {
    let path = |span: Span| analysis.project.sources.get(span.file).path.clone();
    let key = |finding: &Finding| {
        let labels = finding.related.iter().chain([&finding.primary]);
        let labels = labels.filter(|label| label.span.end > 0);
        let files: BTreeSet<String> = labels.map(|label| path(label.span)).collect();
        let mut proxies = files.iter().filter_map(|file| {
            file.strip_prefix("proxy-")?
                .strip_suffix(".conf")?
                .parse()
                .ok()
        });
        let mut labels = finding.related.iter().chain([&finding.primary]);
        let side = labels.any(|label| {
            let file = analysis.project.sources.get(label.span.file);
            let line = file.line(label.span.start);
            file.text
                .lines()
                .nth(line - 1)
                .is_some_and(|line| line.contains("side"))
        });
        Told {
            // Several attempts, or one alone: the same two clocks.
            rule: match finding.rule {
                "retry-budget-exceeded" => "read-timeout-inverted",
                rule => rule,
            },
            side,
            outer: proxies.next(),
            files,
            edge: EDGES
                .into_iter()
                .flatten()
                .find(|edge| finding.message.contains(edge)),
        }
    };
    analysis
        .findings
        .iter()
        .map(|finding| (key(finding), finding))
        .collect()
}

/// The ways that a help line offers, each without its reason.
fn alternatives(help: &str) -> impl Iterator<Item = &str> {
    let ways = help.split(": ").next().unwrap_or_default();
    ways.split(", or ")
}

#[test]
fn what_is_proposed_heals_and_breaks_nothing() {
    let mut dice = Dice(0x5eed_0502);
    let mut applied: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for _ in 0..CHAINS {
        let stack = stack(&mut dice);
        let before = stack.analysis();
        let before = told(&before);
        let own = before
            .iter()
            .filter(|(key, finding)| RULES.contains(&finding.rule) && !key.side);
        for (key, finding) in own {
            for alternative in alternatives(&finding.help) {
                let after = stack.with(key, alternative).analysis();
                let after = told(&after);
                let new = after.iter().find(|(key, _)| !before.contains_key(key));
                let why = match new {
                    _ if after.contains_key(key) => "does not heal".to_owned(),
                    Some((new, finding)) => format!("breaks {}: {}", new.rule, finding.message),
                    None => String::new(),
                };
                if !why.is_empty() {
                    wrong.push(format!(
                        "{}: {}\n  {alternative}\n  {why}\n  {stack:?}",
                        finding.rule, finding.message
                    ));
                }
                *applied.entry(finding.rule).or_default() += 1;
            }
        }
    }
    let all: usize = applied.values().sum();
    assert!(
        wrong.is_empty(),
        "{} of {all} proposals are wrong:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(10)].join("\n")
    );
    for rule in RULES {
        let times = applied.get(rule).copied().unwrap_or(0);
        assert!(times >= 10, "{rule} proposed {times} times only");
    }
}
