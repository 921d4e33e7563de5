//! `no502 lsp`: a language server over stdio. Three threads: one reads what the editor says, one judges projects, and the
//! main one holds all state and writes. Nothing else goes to standard output, and nothing is written to the disk.

mod actions;
mod capabilities;
mod definition;
mod diagnostics;
mod documents;
mod judge;
mod places;
mod projects;
mod requests;
mod session;
mod uri;
mod wire;

use std::io::{self, BufReader};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Instant;

use crate::failure::Failure;
use crate::run::{Verdict, say};
use judge::Judged;
use session::Session;
use wire::{Message, Unreadable};

/// What the main thread waits for.
enum Event {
    /// The editor said something, or what it said is no message.
    Said(Box<Result<Message, Unreadable>>),
    /// The editor has gone.
    Gone(io::Result<()>),
    /// A project was judged.
    Judged(Box<Judged>),
}

/// Serves one editor until it says `exit`, or is gone.
pub(crate) fn serve(verbose: bool) -> Result<Verdict, Failure> {
    let (events, inbox) = channel();
    let (jobs, orders) = channel();
    listen(events.clone())
        .and_then(|()| judge::start(orders, events))
        .map_err(|error| Failure::new(format!("a thread cannot be started: {error}")))?;
    let mut session = Session::new(jobs, verbose);
    loop {
        let Some(event) = next(&inbox, session.due()) else {
            session.start();
            continue;
        };
        let over = match event {
            Event::Said(message) => session.take(*message),
            Event::Judged(judged) => session.judged(*judged).map(|()| None),
            Event::Gone(how) => return gone(how),
        };
        match over {
            Ok(Some(verdict)) => return Ok(verdict),
            Ok(None) => session.start(),
            // Nobody reads any more.
            Err(error) => return gone(Err(error)),
        }
    }
}

/// The next event; `None` if it is time for work that waits.
fn next(inbox: &Receiver<Event>, due: Option<Instant>) -> Option<Event> {
    let gone = || Event::Gone(Ok(()));
    match due {
        None => Some(inbox.recv().unwrap_or_else(|_| gone())),
        Some(due) => match inbox.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(gone()),
        },
    }
}

/// An editor that goes without a word leaves nothing to be done, and 1 is what the protocol asks for.
fn gone(how: io::Result<()>) -> Result<Verdict, Failure> {
    match how {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(Failure::new(format!("this is no language client: {error}")))
        }
        _ => Ok(Verdict::Deserted),
    }
}

/// Reads messages on a thread of its own, so that an editor never waits for a server that works.
fn listen(events: Sender<Event>) -> io::Result<()> {
    let read = move || {
        let mut input = BufReader::new(io::stdin());
        loop {
            let event = match wire::read(&mut input) {
                Ok(Some(said)) => Event::Said(Box::new(said)),
                Ok(None) => Event::Gone(Ok(())),
                Err(error) => Event::Gone(Err(error)),
            };
            let last = matches!(event, Event::Gone(_));
            if events.send(event).is_err() || last {
                return;
            }
        }
    };
    thread::Builder::new().spawn(read).map(drop)
}

/// A line for the person who started the server with `-v`.
fn log(verbose: bool, text: impl std::fmt::Display) {
    if verbose {
        say(format_args!("no502 lsp: {text}"));
    }
}
