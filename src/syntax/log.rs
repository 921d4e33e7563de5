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
        /// The request, if there is one; a client wrote it.
        request: Option<&'a str>,
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
        /// The request; a client wrote it.
        request: &'a str,
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
            time: None,
            kind: Kind::Text { said: text },
        };
        let parsed = Grammar::parse(Rule::line, text).ok();
        let whole = parsed.and_then(|mut pairs| pairs.next());
        for part in whole.into_iter().flat_map(Pair::into_inner) {
            match part.as_rule() {
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
        let (mut said, mut request, mut upstream, mut stream) = ("", None, None, false);
        let (mut status, mut backend, mut server, mut state) = (None, "", "", "");
        for part in record.into_inner() {
            match part.as_rule() {
                Rule::said | Rule::words | Rule::body => said = part.as_str(),
                Rule::rest => {
                    stream = part.as_str().contains(", bytes from/to client:");
                    for field in part.into_inner() {
                        match field.as_rule() {
                            Rule::request => request = Some(field.as_str()),
                            _ => upstream = Some(field.as_str()),
                        }
                    }
                }
                Rule::request => request = Some(part.as_str()),
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
                request,
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
                request: request.unwrap_or(""),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn time(line: &str) -> Option<String> {
        Line::parse(line).time.map(|time| time.iso())
    }

    #[test]
    fn the_last_time_counts() {
        for (line, want) in [
            ("2026/11/26 12:00:01 [error] 1#1: x", "2026-11-26T12:00:01"),
            (
                "[2026-11-26 12:00:02 +0000] [1] [CRITICAL] x",
                "2026-11-26T12:00:02",
            ),
            ("[26-Nov-2026 12:00:03] WARNING: x", "2026-11-26T12:00:03"),
            ("Thu Nov  6 12:00:04 2026 - x", "2026-11-06T12:00:04"),
            ("Nov  6 12:00:05 host app[1]: x", "11-06T12:00:05"),
            (
                "E, [2026-11-26T12:00:06.1 #1] ERROR -- : x",
                "2026-11-26T12:00:06",
            ),
            (
                "2026-11-26T12:00:07.123Z stderr F [2026-11-26 13:00:08 +0100] [1] [INFO] x",
                "2026-11-26T13:00:08",
            ),
            (
                "192.0.2.7 - - [26/Nov/2026:12:00:09 +0000] \"GET / HTTP/1.1\" 200 1",
                "2026-11-26T12:00:09",
            ),
        ] {
            assert_eq!(time(line).as_deref(), Some(want), "{line}");
        }
        assert_eq!(time("no time 12:00:00"), None);
    }

    #[test]
    fn what_a_client_wrote_is_not_the_words_of_a_proxy() {
        let line = "2026/11/26 12:00:01 [error] 1#1: *1 open() failed, client: 192.0.2.7, server: x, \
            request: \"GET /WORKER+TIMEOUT HTTP/1.1\", upstream: \"http://10.0.0.1:80/\", host: \"x\"";
        let Kind::Nginx {
            said,
            request,
            upstream,
            stream,
        } = Line::parse(line).kind
        else {
            panic!("nginx's");
        };
        assert_eq!(said, "[error] 1#1: *1 open() failed");
        assert_eq!(request, Some("GET /WORKER+TIMEOUT HTTP/1.1"));
        assert_eq!(upstream, Some("http://10.0.0.1:80/"));
        assert!(!stream);
    }

    #[test]
    fn haproxy_tells_status_server_and_end() {
        let http = "192.0.2.7:1 [26/Nov/2026:12:00:10.335] fe~ be/s1 0/0/-1/-1/+3004 -1 +217 - - CD-- 1/1/0/0/3 0/0 {a|b} \"GET\"";
        let want = Kind::Haproxy {
            status: None,
            backend: "be",
            server: "s1",
            state: "CD--",
        };
        assert_eq!(Line::parse(http).kind, want);
        let tcp = "192.0.2.7:1 [26/Nov/2026:12:00:10.335] fe fe/<NOSRV> -1/-1/0 0 SC 1/1/0/0/0 0/0";
        let want = Kind::Haproxy {
            status: None,
            backend: "fe",
            server: "<NOSRV>",
            state: "SC",
        };
        assert_eq!(Line::parse(tcp).kind, want);
    }

    #[test]
    fn wrapping_is_taken_off() {
        assert_eq!(
            unwrapped("\u{1b}[36mweb-1  | \u{1b}[0mx\u{1b}[1;31my\r\n"),
            "web-1  | xy"
        );
        assert_eq!(
            unwrapped("{\"log\":\"a \\\"b\\\"\\n\",\"stream\":\"stderr\",\"time\":\"T\"}"),
            "T a \"b\""
        );
        assert_eq!(unwrapped("{\"log\":1}"), "{\"log\":1}");
        assert_eq!(Line::parse("web-1  | x").kind, Kind::Text { said: "x" });
        assert_eq!(Line::parse("").kind, Kind::Text { said: "" });
        assert_eq!(Line::parse("a\nb").kind, Kind::Text { said: "a\nb" });
    }
}
