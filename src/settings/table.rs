//! The rows of `rules/defaults` and of `no502.toml`, as they are written there.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One number with the source that it was read from or the program that it was measured on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number<'a> {
    /// Seconds, bytes or a count, as its key says; -1 is no limit, 0 is none or at once.
    pub value: f64,
    /// Program and version that were measured, or the document.
    pub source: &'a str,
    /// Whether it was measured.
    pub measured: bool,
}

/// A number that was read, not measured.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table: { value = 60, source = \"where it is written\" }"
)]
pub struct Documented {
    /// The number.
    pub value: f64,
    /// The document.
    #[serde(default)]
    pub source: String,
}

/// Where a program listens when nothing is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table: { bind = \"*\", port = 8080 }"
)]
pub struct Listen {
    /// `*` for every address, else an address.
    pub bind: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// Where that is known from.
    #[serde(default)]
    pub source: String,
    /// Whether it was measured.
    #[serde(default)]
    pub measured: bool,
}

/// Files that may move a program's listener, and the words that do it.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table: { files = [\"app.toml\"], words = [\"port\"] }"
)]
pub struct Watched {
    /// Paths below the working directory.
    pub files: Vec<String>,
    /// A file without any of these leaves the listener alone.
    pub words: Vec<String>,
}

/// What a program makes of a socket in the file system when nothing is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table: { mode = \"0660\" }")]
pub struct Socket {
    /// Its mode, octal: `0755` is what a umask of 022 leaves.
    pub mode: String,
    /// Where that is known from.
    #[serde(default)]
    pub source: String,
    /// Whether it was measured.
    #[serde(default)]
    pub measured: bool,
}

/// How a program stops.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stop {
    /// What it does with requests at SIGTERM.
    pub sigterm: Option<String>,
    /// What a client sees of a request that is cut in the end.
    pub cut: Option<String>,
    /// What it does as process 1.
    pub pid1: Option<String>,
    /// The signal that lets it finish its requests.
    pub signal: Option<String>,
}

/// One program, or one of its variants.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Unique: `gunicorn-gthread`.
    pub name: String,
    /// For people: `gunicorn`.
    #[serde(default)]
    pub label: String,
    /// The versions that the row holds for; empty for all.
    #[serde(default)]
    pub versions: String,
    /// Command lines that start it: words in which `*` is any text, `**` any words.
    #[serde(default)]
    pub commands: Vec<String>,
    /// When this variant applies, for people.
    #[serde(default)]
    pub when: String,
    /// What it speaks.
    #[serde(default)]
    pub protocol: String,
    /// Whether it certainly takes no HTTP/2 in clear.
    #[serde(default)]
    pub http1_only: bool,
    /// Where it listens when nothing is written.
    pub listen: Option<Listen>,
    /// Who may connect to a socket that it makes.
    pub socket: Option<Socket>,
    /// Flags by what they set: `host`, `port`, `bind`, `unix`, `keepalive`, `keepalive_ms`, `worker`, `grace`,
    /// `backlog`, `mode` and `umask` (of a socket), `config` (a file), `tls`, `opaque` (moves the listener in a way that
    /// is not read).
    #[serde(default)]
    pub flags: BTreeMap<String, Vec<String>>,
    /// Variables, by the same names.
    #[serde(default)]
    pub env: BTreeMap<String, Vec<String>>,
    /// Names in the file that its `config` flag names, by the same names.
    #[serde(default)]
    pub file: BTreeMap<String, Vec<String>>,
    /// Files that may move the listener.
    pub config: Option<Watched>,
    /// How it stops.
    #[serde(default)]
    pub stop: Stop,
    /// What a proxy sees of a request that takes too long.
    pub sees: Option<String>,
    /// The source of the measured numbers.
    #[serde(default)]
    pub source: String,
    /// Measured numbers.
    #[serde(default)]
    pub measured: BTreeMap<String, f64>,
    /// Numbers that were read.
    #[serde(default)]
    pub documented: BTreeMap<String, Documented>,
    /// Whether `no502.toml` says so: then it holds here, whatever the image may be.
    #[serde(skip)]
    pub own: bool,
}

impl Program {
    /// A number by its key: `keepalive_idle_s`, `request_timeout_s`, `graceful_s`, `backlog`, …
    pub fn number(&self, key: &str) -> Option<Number<'_>> {
        self.numbers()
            .find(|(name, _)| *name == key)
            .map(|(_, number)| number)
    }

    /// Every number.
    pub fn numbers(&self) -> impl Iterator<Item = (&str, Number<'_>)> {
        let measured = self.measured.iter().map(|(key, value)| {
            let number = Number {
                value: *value,
                source: &self.source,
                measured: true,
            };
            (key.as_str(), number)
        });
        let documented = self.documented.iter().map(|(key, read)| {
            let number = Number {
                value: read.value,
                source: &read.source,
                measured: false,
            };
            (key.as_str(), number)
        });
        measured.chain(documented)
    }

    /// Whether a config file of its own says where it listens.
    pub fn is_configured(&self) -> bool {
        self.flags.is_empty() && self.env.is_empty() && !self.commands.is_empty()
    }

    /// The row with what another one says and this one does not: a row of `no502.toml` over the built-in one.
    #[must_use]
    pub fn over(mut self, base: &Self) -> Self {
        let pairs = [
            (&mut self.label, &base.label),
            (&mut self.versions, &base.versions),
            (&mut self.when, &base.when),
            (&mut self.protocol, &base.protocol),
            (&mut self.source, &base.source),
        ];
        for (own, other) in pairs {
            if own.is_empty() {
                own.clone_from(other);
            }
        }
        if self.commands.is_empty() {
            self.commands.clone_from(&base.commands);
        }
        self.http1_only |= base.http1_only;
        self.listen = self.listen.or_else(|| base.listen.clone());
        self.socket = self.socket.or_else(|| base.socket.clone());
        self.config = self.config.or_else(|| base.config.clone());
        self.sees = self.sees.or_else(|| base.sees.clone());
        let pairs = [
            (&mut self.flags, &base.flags),
            (&mut self.env, &base.env),
            (&mut self.file, &base.file),
        ];
        for (maps, others) in pairs {
            for (key, words) in others {
                maps.entry(key.clone()).or_insert_with(|| words.clone());
            }
        }
        let written: Vec<String> = self.numbers().map(|(key, _)| key.to_owned()).collect();
        for (key, value) in &base.measured {
            if !written.contains(key) {
                self.measured.insert(key.clone(), *value);
            }
        }
        for (key, read) in &base.documented {
            if !written.contains(key) {
                self.documented.insert(key.clone(), read.clone());
            }
        }
        let stop = std::mem::take(&mut self.stop);
        self.stop = Stop {
            sigterm: stop.sigterm.or_else(|| base.stop.sigterm.clone()),
            cut: stop.cut.or_else(|| base.stop.cut.clone()),
            pid1: stop.pid1.or_else(|| base.stop.pid1.clone()),
            signal: stop.signal.or_else(|| base.stop.signal.clone()),
        };
        self
    }

    /// The flags that set something.
    pub fn flags(&self, what: &str) -> &[String] {
        self.flags.get(what).map_or(&[], Vec::as_slice)
    }

    /// The variables that set something.
    pub fn env(&self, what: &str) -> &[String] {
        self.env.get(what).map_or(&[], Vec::as_slice)
    }
}

/// One image, run as it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Pattern: `php:*fpm*`.
    pub name: String,
    /// The ports that it listens on, the main one first.
    pub ports: Vec<u16>,
    /// What it speaks on them; `?` if that depends on its version.
    pub protocol: String,
    /// The program of these tables that runs in it.
    pub program: Option<String>,
    /// Its stop signal, if it is not SIGTERM.
    pub stop: Option<String>,
    /// Whether it opens no other port.
    #[serde(default)]
    pub complete: bool,
    /// Where that is known from.
    #[serde(default)]
    pub source: String,
    /// Whether `no502.toml` says so.
    #[serde(skip)]
    pub own: bool,
}

/// A load balancer, CDN or router.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// `aws-alb`.
    pub name: String,
    /// Other names that it goes by: `cloudfront`.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// `lb`, `lb-l4`, `cdn`, `gateway`, …
    pub kind: String,
    /// Whether the numbers can be changed.
    pub configurable: bool,
    /// What else is to be known.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The document.
    pub source: String,
    /// Numbers by key: `upstream_idle_s`, `response_timeout_s`, `connect_timeout_s`, …
    #[serde(default)]
    pub numbers: BTreeMap<String, f64>,
}

impl Edge {
    /// Every name that it goes by.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name)
            .chain(&self.aliases)
            .map(String::as_str)
    }

    /// Whether it passes bytes on without reading them.
    pub fn passes_bytes(&self) -> bool {
        self.kind == "lb-l4"
    }
}
