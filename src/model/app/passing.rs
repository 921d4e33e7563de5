//! What proxies are told to dial that are read by their flags and files alone: Traefik and cloudflared. Only what is
//! certain: what a dashboard, a template or an API tells them is left out.

use super::cx::Cx;
use super::{ContainerFiles, Launch, Process, cloudflared, traefik};
use crate::model::knowledge::{self, Known};
use crate::model::{Amount, Key, Setting, Timeouts};
use crate::syntax::value::{Text, quantity};

/// What such a proxy passes on.
#[derive(Debug, Clone, Default)]
pub struct Passing {
    /// Times that hold on every way.
    pub timeouts: Timeouts,
    /// Why no connection to the next hop is kept, if so.
    pub closes: Option<String>,
    /// The listeners by name (lower case), in the order of the process's own; empty if they have none.
    pub entries: Vec<String>,
    /// The ways that its own files and flags name.
    pub ways: Vec<Way>,
    /// Addresses that a file gives a name to, for ways that are named elsewhere.
    pub named: Vec<(String, Vec<Text>)>,
    /// Which containers tell it further ways by their labels, if any may.
    pub labels: Option<Labels>,
}

/// One way.
#[derive(Debug, Clone)]
pub struct Way {
    /// For people: `shop.example.com/api`.
    pub name: String,
    /// Server names, lower case; empty for any.
    pub hosts: Vec<String>,
    /// Names of the listeners; empty for all.
    pub entries: Vec<String>,
    /// URLs of the peers.
    pub urls: Vec<Text>,
    /// Times that hold on this way alone.
    pub timeouts: Timeouts,
}

/// The containers that Traefik listens to.
#[derive(Debug, Clone)]
pub struct Labels {
    /// Whether the labels are those of a swarm's services.
    pub swarm: bool,
    /// Whether a container without `traefik.enable` takes part.
    pub all: bool,
    /// A label that a container must have, with its value.
    pub needed: Option<(String, String)>,
    /// The network that containers are dialled on, if it is named for all.
    pub network: Option<String>,
}

/// What a process passes on, if it is a proxy that is read here.
pub fn passing(
    launch: &Launch,
    files: &mut dyn ContainerFiles,
    known: Known<'_>,
    process: &Process,
) -> Option<Passing> {
    let mut cx = Cx::new(launch, files, known);
    match process.program.as_str() {
        "traefik" => traefik::passing(&mut cx, &process.argv),
        "cloudflared" => cloudflared::passing(&mut cx, &process.argv),
        _ => None,
    }
}

/// A time that a text says: `30s`, or whole seconds; 0 is `zero`.
pub(super) fn time(text: &Text, zero: Amount) -> Setting<Amount> {
    let raw = match &text.value {
        Err(why) => return Setting::unknown(why.clone()),
        Ok(raw) => raw.trim(),
    };
    let seconds = raw
        .parse::<u64>()
        .ok()
        .map(|seconds| seconds.saturating_mul(1000));
    match quantity::duration_ms(raw).or(seconds) {
        Some(0) => super::settle::said(zero, text),
        Some(ms) => super::settle::said(Amount::Finite(ms), text),
        None => Setting::unknown(format!("{raw} is no plain duration")),
    }
}

/// A number of the table of edges, which a file that is not seen may change.
pub(super) fn usual(edge: &str, number: &str, zero: Amount) -> Option<Setting<Amount>> {
    let row = knowledge::edge(edge)?;
    let amount = match row.numbers.get(number)? {
        0.0 => zero,
        seconds => Amount::whole(seconds * 1000.0),
    };
    Some(Setting::assumed(amount, &row.name, "", &row.source))
}

/// Fills in what is written, or else what is usual.
pub(super) fn put(
    timeouts: &mut Timeouts,
    key: Key,
    written: Option<Setting<Amount>>,
    usual: Option<Setting<Amount>>,
) {
    if let Some(setting) = written.or(usual) {
        timeouts.insert(key, setting);
    }
}
