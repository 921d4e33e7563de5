//! Whether a request that takes some time gets through a chain; if not, who cuts it first, and what the client sees after
//! how long. The app is silent until its answer is ready, as apps are; every clock of the chain runs meanwhile.

mod clocks;
mod unknown;

pub use clocks::{Longest, attempts, clocks, lasting, late_attempts, longest, outlasting};

use crate::finding::Effect;
use crate::model::retry::Ban;
use crate::model::verdict::{answers_when_killed, timeout};
use crate::model::version::Versions;
use crate::model::{
    Amount, Chain, Errand, HopKind, Key, Model, Pages, Retry, Route, Setting, Step, Target,
};
use unknown::{Unknown, unknowns};

/// The longest time to connect that the kernel surely leaves to a proxy (milliseconds): nginx's manual, `proxy_connect_timeout`.
const LONGEST_CONNECT: u64 = 75_000;
/// More attempts than this are not walked one by one.
const MOST: usize = 10_000;

/// How often an app behind these proxies is asked for one GET that it fails: the most of an app that says nothing for ever
/// and one that closes the connection at once.
pub fn executions(model: &Model, steps: &[Step]) -> usize {
    let asked = |app| Walk::new(model, steps, app, false).from(0, 0).starts.len();
    asked(App::Takes(u64::MAX)).max(asked(App::Closes))
}

/// What becomes of a request that takes a while.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Budget {
    /// How long the app takes (milliseconds).
    pub ms: u64,
    /// Whether the client gets the app's answer; `None` if that hangs on a value that is not known.
    pub passes: Option<bool>,
    /// A GET that does not pass, if all of its way is known.
    pub cut: Option<Cut>,
    /// Where the app takes no connection: nothing answers, as a host that is gone or a queue that is full. `None` if a time on
    /// the way is not known, or no proxy that is read dials the app.
    pub deaf: Option<Cut>,
    /// A POST, if it fares otherwise: proxies do not send it twice.
    pub post: Option<Cut>,
    /// What becomes of a websocket that is silent for as long; `None` where none comes this way.
    pub websocket: Option<Silence>,
    /// How often the app begins to work on a GET.
    pub executions: usize,
    /// What is not known and would matter.
    pub unknown: Vec<String>,
}

/// What becomes of a connection on which nobody says anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Silence {
    /// It stays open.
    Stays,
    /// It is closed.
    Cut {
        /// Index of the step that closes it.
        by: usize,
        /// After how many milliseconds.
        after_ms: u64,
    },
    /// A time on the way is not known.
    Unknown,
}

/// How a request ends that does not pass.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cut {
    /// Index of the step that gives up first.
    pub by: usize,
    /// What the client gets; none if the connection is closed without an answer.
    pub status: Option<u16>,
    /// After how many milliseconds.
    pub after_ms: u64,
    /// How often the app has begun to work on it by then.
    pub executions: usize,
}

impl Cut {
    /// An answer, or none.
    pub fn effect(&self) -> Effect {
        match self.status {
            Some(_) => Effect::Response,
            None => Effect::Closed,
        }
    }
}

/// Sends a request through a chain whose app takes `ms` to answer.
pub fn walk(model: &Model, chain: &Chain, ms: u64) -> Budget {
    let steps = &chain.steps;
    let send = |post| Walk::new(model, steps, App::Takes(ms), post).from(0, 0);
    let (get, post) = (send(false), send(true));
    let passes = get.what == What::Answer;
    let killed = get.by + 1 == steps.len() && !passes;
    let mut unknown = unknowns(model, chain, passes, killed);
    if [&get, &post].iter().any(|end| end.what == What::Page) {
        unknown.push(Unknown {
            what: "which status `error_page` of nginx gives the client is up to what answers there"
                .to_owned(),
            decides: true,
        });
    }
    let blind = unknown.iter().any(|unknown| unknown.decides);
    let (cut, other) = (get.cut(), post.cut());
    let passes = passes && !leads_nowhere(model, chain);
    Budget {
        ms,
        passes: (!passes || !blind).then_some(passes),
        websocket: websocket(model, chain, ms),
        deaf: deaf(model, steps),
        post: other.filter(|other| !blind && cut.as_ref() != Some(other)),
        executions: get.starts.len(),
        cut: cut.filter(|_| !blind),
        unknown: unknown.into_iter().map(|unknown| unknown.what).collect(),
    }
}

/// What becomes of a request whose app takes no connection.
fn deaf(model: &Model, steps: &[Step]) -> Option<Cut> {
    let dials = |step: &Step| {
        step.route
            .is_some_and(|id| !model.route(id).links.is_empty())
    };
    let last = steps.iter().rposition(dials)?;
    let connect = timeout(model, steps[last], Key::Connect)?.value()?;
    // Above that the kernel may give up first.
    let known = |step: &Step| {
        let route = step.route.map(|id| model.route(id));
        let keys = [patience_key(model, *step), Key::Tries, Key::Retries];
        let mut times = keys.iter().filter_map(|key| timeout(model, *step, *key));
        route.is_none_or(|route| route.retry.value().is_some())
            && times.all(|setting| setting.value().is_some())
    };
    let sure = *connect <= Amount::Finite(LONGEST_CONNECT) && steps[..=last].iter().all(known);
    let end = sure.then(|| Walk::new(model, steps, App::Deaf(last), false).from(0, 0))?;
    end.cut().filter(|_| end.what != What::Page)
}

/// How a request ends at a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// With the app's own answer.
    Answer,
    /// With an answer that a hop made.
    Status(u16),
    /// With what nginx puts in the place of an error: the status is not known.
    Page,
    /// With the end of the connection.
    Closed,
    /// Without anything in time.
    Late,
    /// Without a connection in time.
    Unconnected,
}

/// The end of a request at a hop.
#[derive(Debug, Clone)]
struct End {
    what: What,
    /// Milliseconds after the hop got the request.
    at: u64,
    /// The step that made it end.
    by: usize,
    /// When the app began to work on it, by the same clock.
    starts: Vec<u64>,
}

impl End {
    fn cut(&self) -> Option<Cut> {
        let status = match self.what {
            What::Answer => return None,
            What::Status(status) => Some(status),
            What::Closed | What::Late | What::Unconnected | What::Page => None,
        };
        Some(Cut {
            by: self.by,
            status,
            after_ms: self.at,
            executions: self.starts.len(),
        })
    }
}

/// What the app does with a request.
#[derive(Debug, Clone, Copy)]
enum App {
    /// Answers after so many milliseconds.
    Takes(u64),
    /// Closes the connection at once.
    Closes,
    /// Takes no connection from the step of this index.
    Deaf(usize),
}

struct Walk<'a> {
    model: &'a Model,
    steps: &'a [Step],
    app: App,
    post: bool,
    /// The peers of each step's group: what a proxy remembers of them between two requests.
    peers: Vec<Vec<Peer>>,
    /// Attempts that may still be walked.
    left: usize,
}

/// What nginx remembers of a peer.
#[derive(Debug, Clone, Copy, Default)]
struct Peer {
    fails: u64,
    /// When the last of them was.
    checked: u64,
}

impl Peer {
    fn is_out(self, ban: Ban, now: u64) -> bool {
        self.fails >= ban.fails && now.saturating_sub(self.checked) <= ban.ms
    }
}

impl<'a> Walk<'a> {
    fn new(model: &'a Model, steps: &'a [Step], app: App, post: bool) -> Self {
        let peers = steps.iter().map(|step| {
            let links = step.route.map_or(0, |id| model.route(id).links.len());
            vec![Peer::default(); links]
        });
        Self {
            model,
            steps,
            app,
            post,
            peers: peers.collect(),
            left: MOST,
        }
    }

    /// A request that reaches a step at some time, and all steps behind it.
    fn from(&mut self, at: usize, now: u64) -> End {
        let step = self.steps.get(at).copied();
        let route = step.and_then(|step| Some((step, self.model.route(step.route?))));
        let Some((step, route)) = route else {
            return self.app(at, step);
        };
        let mut end = self.repeated(at, step, route, now);
        let own = is_failure(end.what);
        end.what = match (end.what, route.on_timeout) {
            (What::Late, status) => status.map_or(What::Closed, What::Status),
            (What::Unconnected, Some(status)) => {
                What::Status(unconnected(self.model, step, status))
            }
            (What::Unconnected, None) => What::Closed,
            // Only what reads requests can say that there is no answer.
            (What::Closed, Some(_)) => What::Status(502),
            (what, _) => what,
        };
        end.what = paged(&route.pages, end.what, own || end.by == at);
        match step.link.and_then(|link| self.model.link(link).errand) {
            Some(Errand::Guard) if matches!(end.what, What::Status(500..)) => {
                end.what = What::Status(500);
            }
            Some(Errand::Mirror) => end.what = What::Answer,
            _ => {}
        }
        end
    }

    /// All attempts of a hop. The peers of a group are taken to be as the one of this chain.
    fn repeated(&mut self, at: usize, step: Step, route: &Route, now: u64) -> End {
        let retry = route.retry.value().cloned().unwrap_or_default();
        let ban = retry.ban.filter(|_| self.peers[at].len() > 1);
        let mut all = End {
            what: What::Closed,
            at: 0,
            by: at,
            starts: Vec::new(),
        };
        let mut asked = Vec::new();
        for left in (0..attempts(self.model, step).min(MOST)).rev() {
            let began = now.saturating_add(all.at);
            let peer = self.peer(at, ban, &asked, began);
            if ban.is_some() && peer.is_none() {
                // "no live upstreams"
                (all.what, all.by) = (What::Status(502), at);
                break;
            }
            let attempt = self.attempt(at, step, began);
            (all.what, all.by) = (attempt.what, attempt.by);
            let starts = attempt.starts.iter();
            all.starts
                .extend(starts.map(|start| all.at.saturating_add(*start)));
            all.at = all.at.saturating_add(attempt.at);
            let again = self.repeats(&retry, attempt.what);
            if let Some(peer) = peer.filter(|_| again || is_failure(attempt.what)) {
                let known = &mut self.peers[at][peer];
                known.fails += 1;
                known.checked = now.saturating_add(all.at);
            }
            asked.extend(peer);
            self.left = self.left.saturating_sub(1);
            let over = retry.window.is_some_and(|window| all.at >= window);
            if left == 0 || over || !again || self.left == 0 {
                break;
            }
        }
        all
    }

    /// A peer that this request has not asked yet and that is not out.
    fn peer(&self, at: usize, ban: Option<Ban>, asked: &[usize], now: u64) -> Option<usize> {
        let ban = ban?;
        let peers = self.peers[at].iter().enumerate();
        let mut open = peers.filter(|(at, peer)| !asked.contains(at) && !peer.is_out(ban, now));
        open.next().map(|(at, _)| at)
    }

    /// One attempt of a hop. Its clock started before any behind it: of two that run out together, it wins.
    fn attempt(&mut self, at: usize, step: Step, now: u64) -> End {
        if let App::Deaf(last) = self.app
            && last == at
        {
            let connect = timeout(self.model, step, Key::Connect);
            let connect = match connect.and_then(Setting::value) {
                Some(Amount::Finite(ms)) => *ms,
                _ => u64::MAX,
            };
            return End {
                what: What::Unconnected,
                at: connect,
                by: at,
                starts: Vec::new(),
            };
        }
        let remembered = self.peers.clone();
        let inner = self.from(at + 1, now);
        match patience(self.model, step) {
            Amount::Finite(patience) if patience <= inner.at => {
                self.forget(remembered, now.saturating_add(patience));
                End {
                    what: What::Late,
                    at: patience,
                    by: at,
                    starts: before(inner.starts, patience),
                }
            }
            _ => inner,
        }
    }

    /// Takes back what has not come to pass: a request whose client has gone away ends, and no peer is blamed.
    fn forget(&mut self, remembered: Vec<Vec<Peer>>, end: u64) {
        for (peers, known) in self.peers.iter_mut().zip(remembered) {
            for (peer, known) in peers.iter_mut().zip(known) {
                if peer.checked >= end {
                    *peer = known;
                }
            }
        }
    }

    fn repeats(&self, retry: &Retry, what: What) -> bool {
        let failed = match what {
            What::Answer | What::Page => false,
            What::Status(status) => retry.statuses.contains(&status),
            What::Closed => retry.close,
            What::Late => retry.timeout,
            // Nothing was sent, so a POST is no matter.
            What::Unconnected => return retry.connect,
        };
        failed && (!self.post || retry.posts)
    }

    /// The app answers when it is done, unless it kills the worker first.
    fn app(&self, at: usize, step: Option<Step>) -> End {
        let limit = step.and_then(|step| timeout(self.model, step, Key::Worker)?.value().copied());
        let (what, after) = match (self.app, limit, step) {
            (App::Closes | App::Deaf(_), _, _) => (What::Closed, 0),
            (App::Takes(ms), Some(Amount::Finite(limit)), Some(step)) if limit <= ms => {
                match answers_when_killed(self.model.hop(step.hop)) {
                    Versions::All => (What::Status(500), limit),
                    _ => (What::Closed, limit),
                }
            }
            (App::Takes(ms), _, _) => (What::Answer, ms),
        };
        End {
            what,
            at: after,
            by: at,
            starts: vec![0],
        }
    }
}

fn before(mut starts: Vec<u64>, end: u64) -> Vec<u64> {
    starts.retain(|start| *start < end);
    starts
}

/// Whether a peer is blamed for it.
fn is_failure(what: What) -> bool {
    matches!(what, What::Closed | What::Late | What::Unconnected)
}

/// What a client gets where no connection came about in time: HAProxy says 503, and nginx what it says of a late answer.
fn unconnected(model: &Model, step: Step, on_timeout: u16) -> u16 {
    match model.hop(step.hop).kind {
        HopKind::HaProxy => 503,
        _ => on_timeout,
    }
}

/// A status as `error_page` has it; `own` is whether nginx made it, or it came from behind.
fn paged(pages: &Pages, what: What, own: bool) -> What {
    let What::Status(status) = what else {
        return what;
    };
    match pages
        .statuses
        .get(&status)
        .filter(|_| own || pages.intercepts)
    {
        Some(Some(other)) => What::Status(*other),
        Some(None) => What::Page,
        None => what,
    }
}

/// How long a hop bears silence from the one behind it.
fn patience(model: &Model, step: Step) -> Amount {
    let setting = timeout(model, step, patience_key(model, step));
    let value = setting.and_then(|setting| setting.value().copied());
    value.unwrap_or(Amount::Infinite)
}

/// `timeout tunnel` of HAProxy takes the place of `timeout server` where bytes are passed on. A shorter `timeout client` was
/// measured to cut nothing there.
fn patience_key(model: &Model, step: Step) -> Key {
    let route = step.route.map(|id| model.route(id));
    let passes_bytes = route.is_some_and(|route| route.on_timeout.is_none());
    match timeout(model, step, Key::Tunnel) {
        Some(_) if passes_bytes => Key::Tunnel,
        _ => Key::Read,
    }
}

/// An upgraded connection is cut by the first hop that has heard nothing for too long: nginx goes by its read timeout,
/// HAProxy by `timeout tunnel`, which is `timeout server` where it is not set.
fn websocket(model: &Model, chain: &Chain, ms: u64) -> Option<Silence> {
    let routes = chain.steps.iter().filter_map(|step| step.route);
    let mut routes = routes.map(|id| model.route(id));
    routes.find(|route| model.carries_websockets(route))?;
    let proxies = chain.steps.iter().enumerate();
    let mut clocks = Vec::new();
    for (at, step) in proxies.filter(|(_, step)| step.route.is_some()) {
        let key = match timeout(model, *step, Key::Tunnel) {
            Some(_) => Key::Tunnel,
            None => Key::Read,
        };
        match timeout(model, *step, key)?.value() {
            Some(Amount::Finite(patience)) => clocks.push((*patience, at)),
            Some(Amount::Infinite) => {}
            None => return Some(Silence::Unknown),
        }
    }
    let first = clocks
        .into_iter()
        .min()
        .filter(|(patience, _)| *patience <= ms);
    Some(first.map_or(Silence::Stays, |(after_ms, by)| Silence::Cut {
        by,
        after_ms,
    }))
}

fn leads_nowhere(model: &Model, chain: &Chain) -> bool {
    let last = chain.steps.last().and_then(|step| step.link);
    last.is_some_and(|link| matches!(model.link(link).target, Target::Nowhere(_)))
}
