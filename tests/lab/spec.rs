//! The `toml lab` fence of a page: what is asked of the real programs, and what stands in for those that the lab has not.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

/// A `toml lab` fence. Durations are written as the page's configs have them and are scaled with them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    /// What Bad must come to.
    pub(crate) bad: Wanted,
    /// What Good must come to.
    pub(crate) good: Wanted,
    /// Service that the client talks to; the first proxy with published ports unless told.
    #[serde(default)]
    pub(crate) entry: Option<String>,
    /// Port of the entry inside its container; its first listener unless told.
    #[serde(default)]
    pub(crate) port: Option<u16>,
    /// Every duration of the page is multiplied by this, defaults included.
    #[serde(default = "one")]
    pub(crate) scale: f64,
    /// How long the client waits before it calls it a hang.
    #[serde(default)]
    pub(crate) patience: Option<Span>,
    /// How long a request takes in the real apps.
    #[serde(default)]
    pub(crate) work: Option<Span>,
    /// What is sent, in order; one `GET /` unless told. The outcome is the first that is no success, else the last.
    #[serde(default)]
    pub(crate) request: Vec<Request>,
    /// Whether the outcome is how often the stand-ins were asked, in place of what the client got.
    #[serde(default)]
    pub(crate) count: bool,
    /// Stand-ins for programs that the lab has not, and for hosts outside the project.
    #[serde(default)]
    pub(crate) stub: Vec<Stub>,
    /// Certificates that the example has beside the files of the page.
    #[serde(default)]
    pub(crate) certificate: Vec<Certificate>,
}

/// A certificate, signed by itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Certificate {
    /// Its path in the project; what the page has there is replaced.
    pub(crate) file: String,
    /// Where its key is; behind it in the same file unless told.
    #[serde(default)]
    pub(crate) key: Option<String>,
    /// Only in this example.
    #[serde(default)]
    pub(crate) only: Option<Only>,
    /// The names of hosts that it is for.
    #[serde(default)]
    pub(crate) names: Vec<String>,
}

/// One request of the client.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// The method.
    #[serde(default = "get")]
    pub(crate) method: String,
    /// The path.
    #[serde(default = "root")]
    pub(crate) path: String,
    /// Further header lines, `Host` included.
    #[serde(default)]
    pub(crate) headers: Vec<String>,
    /// Length of a cookie.
    #[serde(default)]
    pub(crate) cookie: usize,
    /// Length of a body of zeros.
    #[serde(default)]
    pub(crate) body: usize,
    /// How long to wait before it.
    #[serde(default)]
    pub(crate) after: Option<Span>,
    /// Service whose process stands still during that wait and until the request has reached its socket, as an app does
    /// in a long garbage collection or under a full CPU.
    #[serde(default)]
    pub(crate) stalled: Option<String>,
    /// Service that is stopped while the app works on the request, as its compose file says: its signal, to process 1
    /// alone, and SIGKILL to all after its grace period.
    #[serde(default)]
    pub(crate) stopped: Option<String>,
    /// How often it is sent, one after the other.
    #[serde(default = "once")]
    pub(crate) times: usize,
    /// How many clients send it at the same time; the outcome is the first that is no success, else the last.
    #[serde(default = "once")]
    pub(crate) clients: usize,
    /// Whether it only prepares the next one: what it comes to does not count.
    #[serde(default)]
    pub(crate) prepares: bool,
    /// Whether its body comes byte by byte, a byte in 50 ms of real time, while the next ones are sent; it has no outcome.
    #[serde(default)]
    pub(crate) slow: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: get(),
            path: root(),
            headers: Vec::new(),
            cookie: 0,
            body: 0,
            after: None,
            stalled: None,
            stopped: None,
            times: once(),
            clients: once(),
            prepares: false,
            slow: false,
        }
    }
}

/// A stand-in for a service or a host.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stub {
    /// The service, a host outside the project, or `host` for the machine of a page without compose.
    pub(crate) service: String,
    /// Where it listens.
    pub(crate) port: u16,
    /// Whether only processes of its own container reach it.
    #[serde(default)]
    pub(crate) loopback: bool,
    /// What it does.
    #[serde(default)]
    pub(crate) behaviour: Behaviour,
    /// The duration that the behaviour is about.
    #[serde(default)]
    pub(crate) after: Option<Span>,
    /// For how many connections it behaves so; then it answers 200.
    #[serde(default)]
    pub(crate) first: Option<usize>,
    /// Only in this example.
    #[serde(default)]
    pub(crate) only: Option<Only>,
}

/// What a stub does with a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Behaviour {
    /// Answers 200, after `after`.
    #[default]
    Ok,
    /// Takes the request and closes without an answer, after `after`.
    Close,
    /// Never answers and never closes.
    Silent,
    /// Answers 200; a request that comes after the connection was idle for `after` meets a closed connection.
    IdleClose,
    /// Sends half of the body that its head promises, and closes.
    Cut,
    /// Answers what is no HTTP.
    Garbage,
    /// Answers 200 with a response head of 6 KiB.
    BigHead,
    /// Speaks FastCGI and answers 200.
    Fastcgi,
    /// Sends 503.
    Unavailable,
    /// Answers 200 in two pieces, with `after` between them.
    Stream,
    /// Upgrades a websocket, is silent for `after`, and then sends a frame; answers 426 to all else.
    Websocket,
}

/// One of the two examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Only {
    /// Bad.
    Bad,
    /// Good.
    Good,
}

/// What an example must come to: a status, an outcome in words, or any of several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Wanted {
    /// A status.
    Status(u16),
    /// `no-start`, `closed`, `hang`, `cut` or `not-http`.
    Word(String),
    /// Any of these.
    Any(Vec<Wanted>),
}

impl Wanted {
    /// Whether an outcome, as `Outcome` prints it, is this.
    pub(crate) fn accepts(&self, outcome: &str) -> bool {
        match self {
            Self::Status(status) => status.to_string() == outcome,
            Self::Word(word) => word == outcome,
            Self::Any(all) => all.iter().any(|wanted| wanted.accepts(outcome)),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Status(status) => write!(out, "{status}"),
            Self::Word(word) => out.write_str(word),
            Self::Any(all) => {
                let words: Vec<String> = all.iter().map(Self::to_string).collect();
                out.write_str(&words.join(" or "))
            }
        }
    }
}

/// A duration as the fence writes it: `300ms`, `45s`, `2m`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Span(Duration);

impl Span {
    /// As long as it lasts in a lab of this scale.
    pub(crate) fn scaled(self, scale: f64) -> Duration {
        self.0.mul_f64(scale)
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let ms = match &text[digits..] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            _ => return Err(format!("{text} is no duration such as 300ms, 45s, 2m")),
        };
        let number: u64 = text[..digits]
            .parse()
            .map_err(|_| format!("{text} has no number"))?;
        Ok(Self(Duration::from_millis(number * ms)))
    }
}

fn one() -> f64 {
    1.0
}

fn get() -> String {
    "GET".to_owned()
}

fn root() -> String {
    "/".to_owned()
}

fn once() -> usize {
    1
}
