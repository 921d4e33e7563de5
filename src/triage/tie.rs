//! From classes to causes: which rules explain a class, which lines of a project say what was dialled, and which findings
//! stand there.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::classes::{Classes, says_ending, unexplained_ending};
use super::pattern::Pattern;
use super::{Tally, Triage};
use crate::analyze::Analysis;
use crate::finding::{Effect, Finding, Label};
use crate::model::nginx::is_address;
use crate::model::{Dialled, HopKind, Link, Target};
use crate::rules::{card, find};
use crate::source::Span;

/// A class with all that explains it.
#[derive(Debug, Clone)]
pub struct Explained<'a> {
    /// Its name.
    pub name: &'a str,
    /// What was counted.
    pub tally: &'a Tally,
    /// What its lines say, the commonest first.
    pub says: Vec<String>,
    /// Why no rule explains it, if none does.
    pub unexplained: Option<&'static str>,
    /// The rules that do: those that have findings here, then the others.
    pub rules: Vec<&'static str>,
    /// What was dialled or looked up, the commonest first.
    pub upstreams: Vec<Upstream<'a>>,
    /// Indexes into the findings of the analysis.
    pub findings: Vec<usize>,
}

/// What was dialled, and where the project says so.
#[derive(Debug, Clone)]
pub struct Upstream<'a> {
    /// `172.20.0.3:8080`, `unix:/run/app.sock`, `backend/server`, or a name.
    pub address: &'a str,
    /// Lines about it.
    pub count: u64,
    /// The service that it is, if all places agree.
    pub hop: Option<String>,
    /// Where it is written.
    pub places: Vec<Place>,
}

/// A line of a file of the project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Path below the root.
    pub path: String,
    /// Line from 1.
    pub line: usize,
}

/// The classes, the commonest first.
pub fn explain<'a>(triage: &'a Triage, analysis: Option<&Analysis>) -> Vec<Explained<'a>> {
    let classes = triage.classes.iter();
    let mut explained: Vec<Explained> = classes
        .map(|(name, tally)| explained(name, tally, analysis))
        .collect();
    explained.sort_by_key(|class| (Reverse(class.tally.count), class.name));
    explained
}

fn explained<'a>(name: &'a str, tally: &'a Tally, analysis: Option<&Analysis>) -> Explained<'a> {
    let classes = Classes::get();
    let mut entries: Vec<(usize, u64)> = tally.entries.iter().map(|(at, n)| (*at, *n)).collect();
    entries.sort_by_key(|(at, count)| (Reverse(*count), *at));
    let entries: Vec<usize> = entries.into_iter().map(|(at, _)| at).collect();
    let mut says: Vec<String> = Vec::new();
    for at in &entries {
        let line = &classes.entries[*at].says;
        if !says.contains(line) {
            says.push(line.clone());
        }
    }
    if says.is_empty() {
        says.push(says_ending(name));
    }
    let known = entries.iter().flat_map(|at| classes.rules_of(*at));
    let rules = nearest(known.chain(classes.rules_of_ending(name)), tally);
    let upstreams = upstreams(tally, analysis);
    let findings = analysis.map_or_else(Vec::new, |analysis| {
        findings(&rules, tally, &upstreams, analysis)
    });
    let found: Vec<&str> = findings
        .iter()
        .filter_map(|at| Some(analysis?.findings[*at].rule))
        .collect();
    let mut rules = rules;
    let severity = |rule: &str| find(rule).map(|rule| card(rule).severity);
    rules.sort_by_key(|rule| (!found.contains(rule), Reverse(severity(rule))));
    let reasons = entries
        .iter()
        .map(|at| classes.entries[*at].unexplained.as_deref());
    let reason = reasons.flatten().next();
    let unexplained = match reason {
        None if entries.is_empty() => Some(unexplained_ending(name)),
        reason => reason,
    };
    Explained {
        name,
        tally,
        says,
        unexplained: unexplained.filter(|_| rules.is_empty()),
        rules,
        upstreams: upstreams
            .into_iter()
            .map(|(upstream, _)| upstream)
            .collect(),
        findings,
    }
}

/// The rules one of whose symptoms stands in a message as it was met; all of them if none does, for a symptom may be an
/// example (a path, a name) of many.
fn nearest<'r>(rules: impl Iterator<Item = &'r &'static str>, tally: &Tally) -> Vec<&'static str> {
    let mut all: Vec<&'static str> = Vec::new();
    for rule in rules {
        if !all.contains(rule) {
            all.push(rule);
        }
    }
    let met = |rule: &&&'static str| {
        let symptoms = find(rule).map_or(&[][..], |rule| &card(rule).symptoms);
        let mut patterns = symptoms.iter().map(|text| Pattern::from(text.clone()));
        patterns.any(|pattern| tally.messages.iter().any(|said| pattern.fits(said)))
    };
    let near: Vec<&'static str> = all.iter().filter(met).copied().collect();
    if near.is_empty() { all } else { near }
}

/// A peer with the links that may be the ones which dialled it.
type Tied<'a, 'm> = (Upstream<'a>, Vec<&'m Link>);

fn upstreams<'a, 'm>(tally: &'a Tally, analysis: Option<&'m Analysis>) -> Vec<Tied<'a, 'm>> {
    let mut all: Vec<Tied> = Vec::new();
    for (address, count) in &tally.addresses {
        let links = analysis.map_or_else(Vec::new, |analysis| links(address, analysis));
        let places: BTreeSet<Place> = analysis
            .into_iter()
            .flat_map(|analysis| links.iter().map(|link| place(link.span, analysis)))
            .collect();
        let upstream = Upstream {
            address,
            count: *count,
            hop: analysis.and_then(|analysis| target(&links, analysis)),
            places: places.into_iter().collect(),
        };
        all.push((upstream, links));
    }
    all.sort_by_key(|(upstream, _)| (Reverse(upstream.count), upstream.address));
    all
}

/// The service that all links lead to.
fn target(links: &[&Link], analysis: &Analysis) -> Option<String> {
    let service = |link: &Link| match link.target {
        Target::Service { service, .. } => Some(service),
        _ => None,
    };
    let first = service(links.first()?)?;
    let same = links.iter().all(|link| service(link) == Some(first));
    same.then(|| analysis.project.service(first).name.value.clone())
}

/// The links that an address in a log may come from: those that dial it word for word, the servers of a group or a section
/// of that name, and last, since a name becomes an address, those that dial its port by a name.
fn links<'m>(address: &str, analysis: &'m Analysis) -> Vec<&'m Link> {
    let model = &analysis.model;
    let named = section_links(address, analysis);
    if !named.is_empty() {
        return named;
    }
    let (host, port) = host_and_port(address);
    let all = |fits: &dyn Fn(&Link) -> bool| -> Vec<&'m Link> {
        model.links.iter().filter(|link| fits(link)).collect()
    };
    let exact = all(&|link| match &link.dialled {
        Dialled::Tcp {
            host: dialled,
            port: to,
            ..
        } => dialled.value.eq_ignore_ascii_case(host) && port.is_none_or(|port| port == *to),
        Dialled::Unix(path) => address.strip_prefix("unix:") == Some(path.value.as_str()),
        Dialled::Unknown(_) => false,
    });
    if !exact.is_empty() {
        return exact;
    }
    let group = |link: &Link| {
        link.group
            .as_ref()
            .is_some_and(|group| group.value == address)
    };
    let grouped = all(&group);
    if !grouped.is_empty() || !is_address(host) {
        return grouped;
    }
    all(&|link| match &link.dialled {
        Dialled::Tcp { host, port: to, .. } => {
            // HAProxy logs no addresses, so that these are nginx's.
            let logged = model.hop(link.from).kind == HopKind::Nginx;
            logged && Some(*to) == port && !is_address(&host.value)
        }
        _ => false,
    })
}

/// The servers that HAProxy means by `backend/server`, or by a backend alone.
fn section_links<'m>(address: &str, analysis: &'m Analysis) -> Vec<&'m Link> {
    let model = &analysis.model;
    let (section, server) = address.split_once('/').unwrap_or((address, ""));
    let sections = model.sections.iter();
    let mut sections = sections.filter(|known| known.name == section && known.kind != "frontend");
    let lines = sections.next().map_or(&[][..], |known| &known.server_lines);
    // Servers of a template are called by its prefix and a number.
    let fits = |name: &str| {
        let number = server.strip_prefix(name);
        number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let exact = lines.iter().any(|line| line.name.value == server);
    let chosen = lines.iter().filter(|line| match server {
        "" | "<NOSRV>" => true,
        _ if exact => line.name.value == server,
        _ => fits(&line.name.value),
    });
    chosen.map(|line| model.link(line.link)).collect()
}

fn host_and_port(address: &str) -> (&str, Option<u16>) {
    let parts = address.rsplit_once(':');
    let numbered = parts.and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = numbered.map_or((address, None), |(host, port)| (host, Some(port)));
    (host.trim_matches(['[', ']']), port)
}

fn place(span: Span, analysis: &Analysis) -> Place {
    let sources = &analysis.project.sources;
    Place {
        path: sources.get(span.file).path.clone(),
        line: sources.position(span).line,
    }
}

/// The findings of the rules that concern what was dialled, or the place that the log names, the worst first. Where nothing
/// in the log leads to a line of the project, all of them may be meant.
fn findings(
    rules: &[&'static str],
    tally: &Tally,
    upstreams: &[Tied],
    analysis: &Analysis,
) -> Vec<usize> {
    let places: BTreeSet<Place> = upstreams
        .iter()
        .flat_map(|(_, links)| links.iter())
        .flat_map(|link| concerned(link, analysis))
        .map(|span| place(span, analysis))
        .collect();
    let tied = !upstreams.is_empty() && upstreams.iter().all(|(_, links)| !links.is_empty());
    let at = |label: &Label| {
        let here = place(label.span, analysis);
        let file = |path: &str| path.rsplit('/').next().unwrap_or("").to_owned();
        let pointed = |((path, line), _): (&(String, usize), &u64)| {
            *line == here.line && file(path) == file(&here.path)
        };
        places.contains(&here) || tally.places.iter().any(pointed)
    };
    let labels = |finding: &Finding| {
        let labels = finding.labels();
        labels.chain(&finding.flow).any(at)
    };
    let all = analysis.findings.iter().enumerate();
    let mut chosen: Vec<(usize, &Finding)> = all
        .filter(|(_, finding)| rules.contains(&finding.rule))
        .collect();
    let here: Vec<(usize, &Finding)> = chosen
        .iter()
        .filter(|(_, finding)| labels(finding))
        .copied()
        .collect();
    if tied || !here.is_empty() {
        chosen = here;
    }
    chosen.sort_by_key(|(at, finding)| (Reverse(finding.severity), *at));
    chosen.into_iter().map(|(at, _)| at).collect()
}

/// Where a finding about a link has a label: at the address, the group, or what is dialled. One at the proxy alone may as well be
/// about whoever dials the proxy.
fn concerned(link: &Link, analysis: &Analysis) -> Vec<Span> {
    let model = &analysis.model;
    let mut spans = vec![link.span];
    spans.extend(link.group.as_ref().map(|group| group.span));
    if let Target::Service { service, hop, .. } = link.target {
        spans.push(analysis.project.service(service).name.span);
        spans.extend(hop.map(|(hop, _)| model.hop(hop).span));
    }
    spans
}

impl Explained<'_> {
    /// What most clients saw.
    pub fn effect(&self) -> Effect {
        self.tally.effect()
    }
}
