//! A program behind nginx or HAProxy as a project in memory, with its fault or without.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use no502::analyze::analyze;
use no502::host::FakeHost;
use no502::project::Project;
use no502::settings::Settings;
use serde::Deserialize;

use crate::RULES;

/// One program, healthy behind nginx, and what becomes of each rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Its service in compose, without the key.
    pub(crate) app: String,
    /// Files: those that begin with `/` are mounted there, the others lie in the tree.
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// Where it listens.
    pub(crate) port: u16,
    /// `http`, `fastcgi`, `uwsgi`.
    #[serde(default = "http")]
    pub(crate) speaks: String,
    /// By the head of its column.
    pub(crate) rules: BTreeMap<String, Cell>,
}

pub(crate) fn http() -> String {
    "http".to_owned()
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Cell {
    /// Why not.
    Not(String),
    /// Each a fault of its own.
    Fires(Vec<Fault>),
}

/// A fault. With `at`, the proxy or docker is what is set: too long for this many seconds, and short enough. Else `bad`
/// is the app with its fault, and `good` (or the row's own app) is the app without.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// What is told of it in the table.
    pub(crate) note: Option<String>,
    pub(crate) at: Option<u64>,
    /// The app of both, if it is not the row's own.
    pub(crate) app: Option<String>,
    pub(crate) bad: Option<String>,
    pub(crate) good: Option<String>,
    /// Dialled over this socket.
    pub(crate) socket: Option<String>,
    #[serde(default)]
    pub(crate) files: BTreeMap<String, String>,
    /// Files of the healed stack alone.
    #[serde(default)]
    pub(crate) healed: BTreeMap<String, String>,
}

/// What stands around the app: the port that is dialled, seconds of the proxy and of docker, connections.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Around {
    pub(crate) port: u16,
    pub(crate) read: u64,
    pub(crate) keep: u64,
    pub(crate) kept: u64,
    pub(crate) grace: u64,
}

impl Default for Around {
    fn default() -> Self {
        Self {
            port: 8000,
            read: 3,
            keep: 1,
            kept: 1,
            grace: 900,
        }
    }
}

/// A whole project in memory.
pub(crate) struct Stack<'a> {
    pub(crate) row: &'a Row,
    pub(crate) fault: &'a Fault,
    pub(crate) healed: bool,
    pub(crate) around: Around,
}

impl Stack<'_> {
    pub(crate) fn app(&self) -> &str {
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
    pub(crate) fn said(&self, edge: &str) -> Vec<(&'static str, String)> {
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
