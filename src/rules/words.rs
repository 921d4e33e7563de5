//! How rules name hops, services, times and outcomes, so that all of them speak alike.

use crate::finding::{Confidence, Effect, Finding, Severity};
use crate::model::{
    Amount, Errand, HopId, HopKind, Link, Lookup, Origin, Protocol, ServiceRef, Setting,
};
use crate::project::compose::NetworkMode;
use crate::rules::Ctx;
use crate::source::Span;

/// What HAProxy does where a server refuses: it tries as often again as `retries` says, three times by default, a second
/// between. Measured with 2.4 to 3.4.
const REFUSED: &str = "HAProxy retries first, 3s by default, and logs `SC--`";
/// What HAProxy does where no server has an address, or all are down. Measured with 2.4 to 3.4.
pub(super) const NO_SERVER: &str = "at once, and HAProxy logs `<NOSRV>` and `SC--`";

/// What comes of a fault: for the client, and in the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub(super) effect: Effect,
    pub(super) status: &'static [u16],
    pub(super) log: &'static str,
}

impl Seen {
    pub(super) fn of(effect: Effect, status: &'static [u16]) -> Self {
        Self {
            effect,
            status,
            log: "",
        }
    }

    /// The same with what stands in the log, or comes before the answer.
    pub(super) fn logged(self, log: &'static str) -> Self {
        Self { log, ..self }
    }
}

impl Ctx<'_> {
    /// `nginx`, `HAProxy`, `gunicorn`.
    pub(super) fn program(&self, hop: HopId) -> String {
        match &self.model.hop(hop).kind {
            HopKind::Nginx => "nginx".to_owned(),
            HopKind::HaProxy => "HAProxy".to_owned(),
            HopKind::App(name) | HopKind::Edge(name) => name.clone(),
        }
    }

    /// `nginx (service proxy)`, or the program alone for a process on the host.
    pub(super) fn hop_name(&self, hop: HopId) -> String {
        match self.model.hop(hop).service {
            Some(service) => format!(
                "{} (service {})",
                self.program(hop),
                self.service_name(service)
            ),
            None => self.program(hop),
        }
    }

    /// `, and a margin of 10s is asked for`: what is said of times that are in order.
    pub(super) fn asked_for(&self) -> String {
        let asked = duration(Amount::Finite(self.asked()));
        format!(", and a margin of {asked} is asked for")
    }

    /// `, 5s longer`, or `, 5s shorter, and a margin of 10s is asked for`, in the words that a rule has for it; nothing where
    /// the difference tells nothing.
    pub(super) fn apart(&self, long: Amount, short: Amount, [more, less]: [&str; 2]) -> String {
        match (apart(long, short), apart(short, long)) {
            (Some(by), _) => format!(", {by} {more}"),
            (_, Some(by)) => format!(", {by} {less}{}", self.asked_for()),
            _ => String::new(),
        }
    }

    /// The network namespace of a process: the service that owns it, `None` for the host's.
    pub(super) fn machine(&self, hop: HopId) -> Option<ServiceRef> {
        let service = self.model.hop(hop).service?;
        let on_host = self.project.service(service).network_mode.value == NetworkMode::Host;
        (!on_host).then(|| self.project.namespace(service))
    }

    /// The key of a service.
    pub(super) fn service_name(&self, service: ServiceRef) -> &str {
        &self.project.service(service).name.value
    }

    /// Of each stack whether it has what only a swarm knows.
    pub(super) fn swarms(&self) -> Vec<bool> {
        let stacks = self.project.stacks.iter();
        stacks
            .map(|stack| stack.services.iter().any(|one| one.swarm.is_some()))
            .collect()
    }

    /// The key of a service in its compose file.
    pub(super) fn service_span(&self, service: ServiceRef) -> Span {
        self.project.service(service).name.span
    }

    /// What a client gets of a proxy that fails with the next hop: nginx answers 502, HAProxy 503, and what passes bytes on
    /// closes the connection. A failed `auth_request` is a 500.
    pub(super) fn failed(&self, link: &Link) -> Seen {
        match (&self.model.hop(link.from).kind, link.protocol) {
            // The answer of a mirror is nobody's.
            _ if link.errand == Some(Errand::Mirror) => Seen::of(Effect::Response, &[]),
            _ if link.errand.is_some() => Seen::of(Effect::Response, &[500]),
            (_, Protocol::Tcp) => Seen::of(Effect::Closed, &[]),
            (HopKind::HaProxy, _) => Seen::of(Effect::Response, &[503]),
            _ => Seen::of(Effect::Response, &[502]),
        }
    }

    /// The same where a connection is refused.
    pub(super) fn refused(&self, link: &Link) -> Seen {
        self.failed(link).logged(self.in_log_of(link, REFUSED))
    }

    /// The same where a proxy has nobody to connect to: no server of it has an address, or all are down.
    pub(super) fn serverless(&self, link: &Link) -> Seen {
        self.failed(link).logged(self.in_log_of(link, NO_SERVER))
    }

    /// What HAProxy logs of a request; nothing where another proxy dials.
    fn in_log_of(&self, link: &Link, words: &'static str) -> &'static str {
        let haproxy = self.model.hop(link.from).kind == HopKind::HaProxy;
        if haproxy { words } else { "" }
    }

    /// What comes of an address that nothing answers to: a refusal where a name is missing, silence where the address of a
    /// container on another network is dialled, which Docker drops.
    pub(super) fn unreached(&self, link: &Link) -> Seen {
        match (&link.lookup, link.protocol) {
            (Lookup::AtStart, _) => Seen::of(Effect::NoStart, &[]),
            (Lookup::Never, protocol) if protocol != Protocol::Tcp => {
                Seen::of(Effect::Response, &[504])
            }
            _ => self.refused(link),
        }
    }

    /// What comes of a name that nobody knows: a proxy that looks it up while it starts does not start.
    pub(super) fn unnamed(&self, link: &Link) -> Seen {
        match link.lookup {
            Lookup::AtStart => Seen::of(Effect::NoStart, &[]),
            _ => self.serverless(link),
        }
    }
}

impl Finding {
    /// What comes of it, in place of what the card says.
    pub(super) fn seen(&mut self, seen: Seen) -> &mut Self {
        self.outcome(seen.effect, seen.status);
        self.log = seen.log;
        self
    }

    /// The dialling places after the first, which is the primary one.
    pub(super) fn repeats(&mut self, links: &[&Link]) -> &mut Self {
        self.again(links[1..].iter().map(|link| link.span))
    }

    /// Further places that show the same.
    pub(super) fn again(&mut self, places: impl IntoIterator<Item = Span>) -> &mut Self {
        for place in places {
            self.label(place, "and here");
        }
        self
    }
}

/// `30s`, `500ms`, `for ever`.
pub(super) fn duration(amount: Amount) -> String {
    match amount {
        Amount::Infinite => "for ever".to_owned(),
        Amount::Finite(ms) if ms % 1000 == 0 => format!("{}s", ms / 1000),
        Amount::Finite(ms) => format!("{ms}ms"),
    }
}

/// How much longer one time is than another; nothing where one has no end, or seems to have the wrong unit.
pub(super) fn apart(long: Amount, short: Amount) -> Option<String> {
    const SLIP: u64 = 100;
    let (Amount::Finite(long), Amount::Finite(short)) = (long, short) else {
        return None;
    };
    let alike = long > short && short.saturating_mul(SLIP) > long;
    alike.then(|| duration(Amount::Finite(long - short)))
}

/// A value for a label: what it does, and whose default it is if nothing is written.
pub(super) fn stated(what: &str, setting: &Setting<Amount>) -> String {
    match setting.origin() {
        Some(Origin::Default {
            program, version, ..
        }) if version.is_empty() => {
            format!("{what}: {program}'s default, no setting found")
        }
        Some(Origin::Default {
            program, version, ..
        }) => {
            format!("{what}: the default of {program} {version}, no setting found")
        }
        _ => what.to_owned(),
    }
}

/// Lowers a finding that rests on an assumed default to a warning of medium confidence.
pub(super) fn soften<T>(finding: &mut Finding, settings: &[&Setting<T>]) {
    let assumed =
        |setting: &&Setting<T>| setting.origin().is_some_and(|origin| !origin.is_certain());
    if settings.iter().any(assumed) {
        finding.severity = finding.severity.min(Severity::Warning);
        finding.at_most(Confidence::Medium);
    }
}

/// For the label of the first of several ways that share a cause.
pub(super) fn first_of(ways: usize) -> String {
    match ways {
        1 => "on this way".to_owned(),
        _ => format!("the first of {ways} ways"),
    }
}

/// `4k`, `20m`, `15360 bytes`.
pub(super) fn bytes(number: u64) -> String {
    const K: u64 = 1024;
    match number {
        0 => "0 bytes".to_owned(),
        number if number.is_multiple_of(K * K) => format!("{}m", number / (K * K)),
        number if number.is_multiple_of(K) => format!("{}k", number / K),
        number => format!("{number} bytes"),
    }
}

/// `1 server`, `2 servers`, `2 fixes`.
pub fn count(number: usize, noun: &str) -> String {
    let ending = match (number, noun.ends_with('x')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{number} {noun}{ending}")
}

/// `a`, `a and b`, `a, b and c`; after six the rest is counted.
pub(super) fn list(names: &[&str]) -> String {
    const SHOWN: usize = 6;
    let (shown, more) = names.split_at(names.len().min(SHOWN));
    match (shown, more.len()) {
        (_, more) if more > 0 => format!("{} and {more} more", shown.join(", ")),
        ([first @ .., last], _) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => shown.join(", "),
    }
}

/// `a is`, `a and b are`.
pub(super) fn are(names: &[&str]) -> String {
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", list(names))
}
