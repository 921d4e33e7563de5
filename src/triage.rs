//! Lines of logs, counted by class: which failure each one is, when it came first and last, which peer it was about. Lines
//! are handed in one by one and none is kept, so a log may be as long as it likes.

pub mod classes;
mod pattern;
mod shape;
mod subject;
mod tally;
mod tie;

use std::collections::{BTreeMap, VecDeque};

use crate::syntax::log::{Kind, Line, Time, unwrapped};
use classes::{ASIDE, Classes, ending};
pub use shape::Shapes;
pub use tally::Tally;
pub use tie::{Explained, Place, Upstream, explain};

/// What has been seen of some logs.
#[derive(Debug, Default)]
pub struct Triage {
    /// Lines, blank ones left out.
    pub lines: u64,
    /// Lines that are an error by their own word, and that no class takes.
    pub unknown: u64,
    /// What these look like, names and numbers left out.
    pub shapes: Shapes,
    /// Answers in access logs and in those of HAProxy with a status of 500 and above.
    pub answers: BTreeMap<u16, u64>,
    /// Each class that was met.
    pub classes: BTreeMap<String, Tally>,
    /// The last words that were marked with a level and a process.
    last_words: String,
    /// Workers that an app server has killed, and whose end it is still to tell.
    killed: VecDeque<u32>,
}

impl Triage {
    /// Takes a line, with or without its line end. Bytes that are no UTF-8 stand for themselves alone.
    pub fn feed(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = unwrapped(&line);
        if line.trim().is_empty() {
            return;
        }
        self.lines += 1;
        let line = Line::parse(&line);
        match line.kind {
            Kind::Access { request, status } => {
                self.answered(status);
                self.asked(line.time, Some(request));
            }
            Kind::Haproxy {
                status,
                backend,
                server,
                state,
            } => {
                self.answered(status.unwrap_or(0));
                self.ended(line.time, status, [backend, server], state);
            }
            Kind::Nginx {
                said,
                request,
                upstream,
                stream,
            } => {
                self.said(line.time, said, upstream, stream);
                self.asked(line.time, request);
            }
            Kind::Text { said } => self.said(line.time, said, None, false),
        }
    }

    fn answered(&mut self, status: u16) {
        if status >= 500 {
            *self.answers.entry(status).or_default() += 1;
        }
    }

    /// A request. It is a client's, and tells one thing alone: a proxy in front sends the PROXY header, and this one does not
    /// expect it.
    fn asked(&mut self, time: Option<Time>, request: Option<&str>) {
        if let Some(header) = request.filter(|request| request.starts_with("PROXY ")) {
            self.said(time, &format!("\"{header}"), None, false);
        }
    }

    /// A session of HAProxy. `LR` is an answer of its own, a redirect or a page of statistics, and no failure below 500.
    fn ended(&mut self, time: Option<Time>, status: Option<u16>, to: [&str; 2], state: &str) {
        let [backend, server] = to;
        let fine = state.starts_with("--") || (state.starts_with('L') && status < Some(500));
        let Some(class) = ending(state).filter(|_| !fine) else {
            return;
        };
        if server == "<NOSRV>" && state.starts_with("SC") {
            let said = format!("{backend}/<NOSRV> {state}");
            return self.said(time, &said, Some(backend), status.is_none());
        }
        let tally = self.classes.entry(class).or_default();
        tally.see(time);
        tally.end(status, state);
        match server {
            "<NOSRV>" => tally.dialled(backend),
            _ => tally.dialled(&format!("{backend}/{server}")),
        }
    }

    /// A message. `peer`: the URL or the section that it is about, if the line names it apart.
    fn said(&mut self, time: Option<Time>, said: &str, peer: Option<&str>, bytes: bool) {
        let classes = Classes::get();
        let Some(at) = classes.entry_of(said) else {
            if shape::is_error(said) {
                self.unknown += 1;
                self.shapes.add(said);
            }
            return;
        };
        let entry = &classes.entries[at];
        if entry.name == ASIDE || self.is_echo(said) || self.is_told(&entry.name, said) {
            return;
        }
        let tally = self.classes.entry(entry.name.clone()).or_default();
        tally.see(time);
        tally.take(at, entry, said, bytes);
        if let Some(peer) = peer.map(subject::address).or_else(|| subject::of(said)) {
            tally.dialled(peer);
        }
        if let Some((path, line)) = subject::place(said) {
            tally.points_at(path, line);
        }
    }

    /// Whether it is the end of a worker that was killed since it took too long, and that is counted as that. Without this
    /// each of them would look like one that the kernel killed for want of memory.
    fn is_told(&mut self, class: &str, said: &str) -> bool {
        const MOST: usize = 64;
        let Some(process) = subject::process(said) else {
            return false;
        };
        match class {
            "worker-timeout" => {
                self.killed.truncate(MOST - 1);
                self.killed.push_front(process);
                false
            }
            "oom-killed" | "exited" => {
                let known = self.killed.iter().position(|killed| *killed == process);
                known.and_then(|at| self.killed.remove(at)).is_some()
            }
            _ => false,
        }
    }

    /// Whether a program says again what it has just said elsewhere: nginx writes why it does not start to its log and to
    /// the terminal (`nginx: [emerg] …`), HAProxy what becomes of a server to the terminal (`[WARNING]  (7) : …`) and to its
    /// log, and a container shows both.
    fn is_echo(&mut self, said: &str) -> bool {
        let (level, words) = said.split_once("] ").unwrap_or(("", said));
        let process = |words: &str| {
            let number = |c: char| c.is_ascii_digit() || "#() ".contains(c);
            words.chars().all(number)
        };
        let bare: String = words.chars().filter(|letter| *letter != '\'').collect();
        let marked = bare.split_once(": ").filter(|(lead, _)| process(lead));
        match marked {
            Some((_, words)) if level.starts_with('[') => {
                words.clone_into(&mut self.last_words);
                false
            }
            _ => std::mem::take(&mut self.last_words) == bare,
        }
    }
}
