//! One line of a log: whose words it is, when it was written, and what else it tells. Reading never fails: what no
//! program's form takes is text.

use std::borrow::Cow;

use pest::Parser;
use pest::iterators::Pair;
use serde::Deserialize;

use grammar::{Grammar, Rule};

mod grammar {
    #![allow(missing_docs)]

    #[derive(pest_derive::Parser)]
    #[grammar = "../grammars/log.pest"]
    pub(super) struct Grammar;
}

/// A line without what a shipper put in front of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line<'a> {
    /// The container that wrote it, as docker compose names it: `web-1`.
    pub container: Option<&'a str>,
    /// When, if it says so.
    pub time: Option<Time<'a>>,
    /// What it is.
    pub kind: Kind<'a>,
}

/// Whose words a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind<'a> {
    /// nginx's error log.
    Nginx {
        /// From the level in brackets up to what a client may have written.
        said: &'a str,
        /// The URL of the peer, or of the group where no peer was left.
        upstream: Option<&'a str>,
        /// Whether it is the stream module that speaks.
        stream: bool,
    },
    /// HAProxy's log of requests, or of connections.
    Haproxy {
        /// What the client got; `None` of bytes that are passed on, and where it got nothing.
        status: Option<u16>,
        /// The section.
        backend: &'a str,
        /// The server in it, or `<NOSRV>`.
        server: &'a str,
        /// How the session ended: two or four letters.
        state: &'a str,
    },
    /// A request that was answered, in an access log.
    Access {
        /// The status.
        status: u16,
    },
    /// Anything else.
    Text {
        /// Its words.
        said: &'a str,
    },
}

/// A time as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time<'a> {
    form: Rule,
    written: &'a str,
}

impl<'a> Line<'a> {
    /// Reads a line, without its line end; one that holds another all the same is text.
    pub fn parse(text: &'a str) -> Self {
        let mut line = Self {
            container: None,
            time: None,
            kind: Kind::Text { said: text },
        };
        let parsed = Grammar::parse(Rule::line, text).ok();
        let whole = parsed.and_then(|mut pairs| pairs.next());
        for part in whole.into_iter().flat_map(Pair::into_inner) {
            match part.as_rule() {
                Rule::container => line.container = part.into_inner().next().map(|p| p.as_str()),
                Rule::nginx
                | Rule::http
                | Rule::tcp
                | Rule::refused
                | Rule::access
                | Rule::text => {
                    line.take(part);
                }
                _ => line.see(&part),
            }
        }
        line
    }

    /// Takes the record itself.
    fn take(&mut self, record: Pair<'a, Rule>) {
        let form = record.as_rule();
        let (mut said, mut upstream, mut stream) = ("", None, false);
        let (mut status, mut backend, mut server, mut state) = (None, "", "", "");
        for part in record.into_inner() {
            match part.as_rule() {
                Rule::said | Rule::words | Rule::body => said = part.as_str(),
                Rule::rest => {
                    stream = part.as_str().contains(", bytes from/to client:");
                    upstream = part.into_inner().next().map(|url| url.as_str());
                }
                Rule::status => status = part.as_str().parse().ok(),
                Rule::backend => backend = part.as_str(),
                Rule::server => server = part.as_str(),
                Rule::state | Rule::ended => state = part.as_str(),
                _ => self.see(&part),
            }
        }
        self.kind = match form {
            Rule::nginx => Kind::Nginx {
                said,
                upstream,
                stream,
            },
            Rule::http | Rule::tcp => Kind::Haproxy {
                status,
                backend,
                server,
                state,
            },
            Rule::access => Kind::Access {
                status: status.unwrap_or(0),
            },
            _ => Kind::Text { said },
        };
    }

    /// Takes a part if it is a time.
    fn see(&mut self, part: &Pair<'a, Rule>) {
        let form = part.as_rule();
        let times = [
            Rule::iso,
            Rule::slashed,
            Rule::clf,
            Rule::dashed,
            Rule::bsd,
            Rule::ctime,
        ];
        if times.contains(&form) {
            let written = part.as_str();
            self.time = Some(Time { form, written });
        }
    }
}

impl Time<'_> {
    /// `2025-07-29T22:56:45`, in whatever zone it is written; syslog writes no year: `07-29T22:56:45`.
    pub fn iso(&self) -> String {
        let part = |from: usize, to: usize| self.written.get(from..to).unwrap_or("");
        match self.form {
            Rule::iso | Rule::slashed => format!(
                "{}-{}-{}T{}",
                part(0, 4),
                part(5, 7),
                part(8, 10),
                part(11, 19)
            ),
            Rule::clf | Rule::dashed => format!(
                "{}-{}-{}T{}",
                part(7, 11),
                month(part(3, 6)),
                part(0, 2),
                part(12, 20)
            ),
            Rule::ctime => format!(
                "{}-{}-{}T{}",
                self.written.rsplit(' ').next().unwrap_or(""),
                month(part(4, 7)),
                part(8, 10).replace(' ', "0"),
                part(11, 19)
            ),
            _ => format!(
                "{}-{}T{}",
                month(part(0, 3)),
                part(4, 6).replace(' ', "0"),
                part(7, 15)
            ),
        }
    }
}

fn month(name: &str) -> String {
    const NAMES: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let at = NAMES.find(name).unwrap_or(0) / 3;
    format!("{:02}", at + 1)
}

/// The words of a line as they came out of a program: without colours, and out of the JSON that Docker's json-file driver
/// wraps around each.
pub fn unwrapped(line: &str) -> Cow<'_, str> {
    let line = line.trim_end_matches(['\r', '\n']);
    if line.starts_with("{\"log\":")
        && let Ok(entry) = serde_json::from_str::<Entry>(line)
    {
        let words = entry.log.trim_end_matches(['\r', '\n']);
        let timed = format!("{} {words}", entry.time);
        return Cow::Owned(uncoloured(&timed).into_owned());
    }
    uncoloured(line)
}

/// A line of a json-file.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow, default)]
    time: Cow<'a, str>,
}

/// Drops escape sequences (`ESC [ … letter`).
fn uncoloured(line: &str) -> Cow<'_, str> {
    if !line.contains('\u{1b}') {
        return Cow::Borrowed(line);
    }
    let mut plain = String::with_capacity(line.len());
    let mut pieces = line.split('\u{1b}');
    plain.push_str(pieces.next().unwrap_or(""));
    for piece in pieces {
        let sequence = piece.strip_prefix('[').unwrap_or(piece);
        let end = sequence.find(|c: char| c.is_ascii_alphabetic());
        plain.push_str(end.map_or("", |end| &sequence[end + 1..]));
    }
    Cow::Owned(plain)
}
