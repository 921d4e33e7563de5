//! Pairs of an app server and a proxy, each made into a page for the lab: what it proves of one server holds of that one
//! alone, so every server of `pairs.toml` is started.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use no502::analyze::analyze;
use no502::host::FakeHost;
use no502::page::{Example, Page};
use no502::project::Project;
use no502::settings::Settings;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    pair: Vec<Pair>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    app: String,
    /// What must be said of Bad; empty: nothing, and nothing fails.
    rule: String,
    behind: Vec<String>,
    image: String,
    port: u16,
    #[serde(default)]
    speaks: String,
    /// Files of the app, in its working folder.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Where `file` of a side is mounted.
    inside: Option<String>,
    bad: Side,
    good: Side,
    /// Seconds that a request takes.
    #[serde(default)]
    work: u64,
    #[serde(default = "one")]
    scale: f64,
    /// Milliseconds after which a POST meets a connection that the app is about to close.
    race: Option<u64>,
    fails: Vec<u16>,
}

fn one() -> f64 {
    1.0
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Side {
    #[serde(default)]
    command: String,
    #[serde(default)]
    file: String,
    /// What the proxy speaks, in place of what the app does.
    speaks: Option<String>,
    /// What the proxy waits for an answer, and how long it keeps a connection (seconds).
    #[serde(default = "minute")]
    read: u64,
    #[serde(default = "second")]
    keep: u64,
}

fn minute() -> u64 {
    60
}

fn second() -> u64 {
    1
}

/// Id and text of a page for each pair.
pub(crate) fn pages() -> Vec<(String, String)> {
    let pairs = pairs();
    let each = |pair: &Pair| {
        let page = |proxy: &String| (pair.id(proxy), pair.page(proxy));
        pair.behind.iter().map(page).collect::<Vec<_>>()
    };
    pairs.iter().flat_map(each).collect()
}

fn pairs() -> Vec<Pair> {
    let table: Table = toml::from_str(include_str!("pairs.toml")).unwrap();
    table.pair
}

impl Pair {
    fn id(&self, proxy: &str) -> String {
        let what = match (self.race, &self.bad.speaks) {
            (Some(_), _) => "idle",
            (None, Some(speaks)) => speaks,
            (None, None) => "slow",
        };
        format!("pair-{what}-{proxy}-{}", self.app)
    }

    fn page(&self, proxy: &str) -> String {
        let mut text = format!(
            "# {}\n\n```toml\ntitle = \"{} behind {proxy}\"\nstatus = [502]\neffect = \"response\"\nseverity = \"error\"\nconfidence = \"high\"\ncategory = \"timeouts\"\nformats = [\"nginx\"]\nsince = \"0.1.0\"\nproven = \"lab\"\n```\n\nA pair.\n",
            self.id(proxy),
            self.app
        );
        for (name, side) in [("Bad", &self.bad), ("Good", &self.good)] {
            write!(text, "\n## {name}\n").unwrap();
            for (path, content) in self.side(side, proxy) {
                let language = path.rsplit('.').next().unwrap_or("");
                write!(text, "\n```{language} file={path}\n{content}```\n").unwrap();
            }
        }
        let fence = toml::to_string(&self.fence()).unwrap();
        write!(text, "\n## Proof\n\n```toml lab\n{fence}```\n").unwrap();
        text
    }

    fn fence(&self) -> toml::Table {
        let mut fence = toml::Table::new();
        let status = |list: &[u16]| {
            let list = list.iter().map(|status| i64::from(*status).into());
            toml::Value::Array(list.collect())
        };
        fence.insert("bad".to_owned(), status(&self.fails));
        fence.insert("good".to_owned(), status(&[200]));
        fence.insert("scale".to_owned(), self.scale.into());
        if self.work > 0 {
            fence.insert("work".to_owned(), format!("{}s", self.work).into());
        }
        if let Some(race) = self.race {
            let mut post = toml::Table::new();
            post.insert("method".to_owned(), "POST".into());
            post.insert("body".to_owned(), 16.into());
            post.insert("after".to_owned(), format!("{race}ms").into());
            post.insert("stalled".to_owned(), "app".into());
            let both = vec![toml::Table::new().into(), post.into()];
            fence.insert("request".to_owned(), toml::Value::Array(both));
        }
        fence
    }

    fn side(&self, side: &Side, proxy: &str) -> Vec<(String, String)> {
        let (path, inside, image) = match proxy {
            "nginx" => ("shop.conf", "/etc/nginx/conf.d/default.conf", "nginx:1.28"),
            _ => (
                "haproxy.cfg",
                "/usr/local/etc/haproxy/haproxy.cfg",
                "haproxy:3.0",
            ),
        };
        let mut files = vec![(path.to_owned(), self.proxy(side, proxy))];
        let mut mounts = Vec::new();
        let mut shared = String::new();
        if let Some(inside) = &self.inside {
            mounts.push(format!("./pool.conf:{inside}:ro"));
            files.push(("pool.conf".to_owned(), side.file.clone()));
            shared.push_str(", \"./index.php:/srv/index.php:ro\"");
            mounts.push("./index.php:/srv/index.php:ro".to_owned());
            let work = format!(
                "<?php usleep({}); echo \"ok\";\n",
                (f64::from(u32::try_from(self.work).unwrap()) * self.scale * 1e6).round()
            );
            files.push(("index.php".to_owned(), work));
        }
        for (name, text) in &self.files {
            mounts.push(format!("./{name}:/app/{name}:ro"));
            files.push((name.clone(), text.clone()));
        }
        let mut compose = format!(
            "services:\n  edge:\n    image: {image}\n    ports: [\"80:80\"]\n    volumes: [\"./{path}:{inside}:ro\"{shared}]\n    depends_on: [app]\n    restart: unless-stopped\n  app:\n    image: {}\n    working_dir: /app\n    init: true\n    stop_grace_period: 90s\n    restart: unless-stopped\n",
            self.image
        );
        if !side.command.is_empty() {
            writeln!(compose, "    command: {}", side.command).unwrap();
        }
        if !mounts.is_empty() {
            writeln!(compose, "    volumes: {mounts:?}").unwrap();
        }
        files.push(("compose.yaml".to_owned(), compose));
        files
    }

    fn proxy(&self, side: &Side, proxy: &str) -> String {
        let (read, keep, port) = (side.read, side.keep, self.port);
        if proxy == "haproxy" {
            return format!(
                "global\n    log stdout format raw local0\n\ndefaults\n    mode http\n    log global\n    timeout connect 5s\n    timeout client 120s\n    timeout server {read}s\n\nfrontend www\n    bind :80\n    default_backend app\n\nbackend app\n    server app app:{port}\n"
            );
        }
        let pass = match side.speaks.as_ref().unwrap_or(&self.speaks).as_str() {
            "grpc" => "grpc_pass grpc://shop;".to_owned(),
            "fastcgi" => format!(
                "include fastcgi_params;\n        fastcgi_param SCRIPT_FILENAME /srv/index.php;\n        fastcgi_pass shop;\n        fastcgi_read_timeout {read}s;"
            ),
            "uwsgi" => format!(
                "include uwsgi_params;\n        uwsgi_pass shop;\n        uwsgi_read_timeout {read}s;"
            ),
            _ => format!(
                "proxy_pass http://shop;\n        proxy_http_version 1.1;\n        proxy_set_header Connection \"\";\n        proxy_read_timeout {read}s;"
            ),
        };
        format!(
            "upstream shop {{\n    server app:{port};\n    keepalive 8;\n    keepalive_timeout {keep}s;\n}}\nserver {{\n    listen 80;\n    location / {{\n        {pass}\n    }}\n}}\n"
        )
    }
}

/// What pairs are about.
const RULES: [&str; 3] = [
    "worker-timeout-inverted",
    "keepalive-inverted",
    "protocol-mismatch",
];

/// The rules say of each pair what the lab proves of it.
#[test]
fn the_rules_say_what_is_proven() {
    let mut wrong = Vec::new();
    for pair in pairs() {
        for proxy in &pair.behind {
            let text = pair.page(proxy);
            let page = Page::parse(&pair.id(proxy), &text).unwrap();
            for (example, wanted) in [(Example::Bad, pair.rule.as_str()), (Example::Good, "")] {
                let host = FakeHost::new(page.files(example));
                let settings = Settings::default();
                let found = analyze(&host, Project::load(&host, &settings), &settings).findings;
                let mut said: Vec<&str> = found
                    .iter()
                    .map(|finding| finding.rule)
                    .filter(|rule| RULES.contains(rule))
                    .collect();
                said.dedup();
                if said.join(" ") != wanted {
                    wrong.push(format!(
                        "{} behind {proxy}, {example:?}: {said:?}",
                        pair.app
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
