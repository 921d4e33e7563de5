//! The timeout-chain audit: every way from an edge to an app with every timeout and its origin. Equal ways are folded
//! here, once for both formats.

mod budget;
mod clash;
mod concern;
mod dot;
mod graph;
mod html;
mod json;
mod mermaid;
mod names;
mod scale;
mod svg;
mod text;
mod view;
pub(super) mod words;

use std::collections::HashMap;
use std::io::{self, Write};
use std::str::FromStr;

pub(super) use self::names::{Names, push_new};
use self::view::View;
use super::Look;
use crate::analyze::Analysis;
use crate::finding::Gap;
use crate::model::{
    Address, Bind, Budget, Chain, Hop, HopId, HopKind, Key, Link, Listener, Model, Route, RouteId,
    Setting, Step, Timeouts, Verdict,
};
use crate::project::Project;

/// A format of `chain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// For a person.
    Text,
    /// Schema `no502/chain/1`.
    Json,
    /// A flowchart for a README.
    Mermaid,
    /// A graph for Graphviz.
    Dot,
    /// A picture, drawn here.
    Svg,
    /// One page with pictures, all values and the findings.
    Html,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "mermaid" => Ok(Self::Mermaid),
            "dot" => Ok(Self::Dot),
            "svg" => Ok(Self::Svg),
            "html" => Ok(Self::Html),
            other => Err(format!(
                "unknown format `{other}`, expected text, json, mermaid, dot, svg or html"
            )),
        }
    }
}

/// Writes the chains of a model, and in JSON its links.
pub fn write(
    format: Format,
    analysis: &Analysis,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let folded = fold(&analysis.model);
    if format == Format::Json {
        return json::write(analysis, &folded, out);
    }
    let view = View::of(analysis, &folded);
    match format {
        Format::Text | Format::Json => text::write(&view, look, out),
        Format::Mermaid => mermaid::write(&view, out),
        Format::Dot => dot::write(&view, out),
        Format::Svg => svg::write(&view, out),
        Format::Html => html::write(&view, analysis, out),
    }
}

/// What could not be read or known. An include that is certainly missing is a finding of `check`; here it is why a value
/// is unknown.
fn gaps(analysis: &Analysis) -> Vec<Gap> {
    let sources = &analysis.project.sources;
    let missing = analysis.project.nginx.iter().flat_map(|conf| &conf.missing);
    let missing = missing.map(|one| Gap {
        path: sources.get(one.span.file).path.clone(),
        line: Some(sources.position(one.span).line),
        reason: format!(
            "include {}: there is no such file, and nginx does not start without it",
            one.inside
        ),
    });
    let mut gaps: Vec<Gap> = analysis.gaps.iter().cloned().chain(missing).collect();
    gaps.sort();
    gaps.dedup();
    gaps
}

/// Equal ways: the first of them stands for all. The model folds routes of one proxy that differ in name alone; here ways
/// become equal that dial the same address from different places.
struct Folded<'a> {
    chain: &'a Chain,
    others: Vec<&'a Chain>,
    count: usize,
}

/// What makes two ways equal: the same hops with the same timeouts, dialling the same address, with the same faults.
#[derive(PartialEq, Eq, Hash)]
struct Alike<'a> {
    steps: Vec<(HopId, Option<&'a str>, Timeouts)>,
    verdicts: &'a [Verdict],
    budget: Option<&'a Budget>,
}

fn fold(model: &Model) -> Vec<Folded<'_>> {
    let mut seen: HashMap<Alike, usize> = HashMap::new();
    let mut folded: Vec<Folded> = Vec::new();
    for chain in &model.chains {
        let count = chain.count.max(1);
        let at = *seen.entry(alike(chain, model)).or_insert(folded.len());
        match folded.get_mut(at) {
            Some(known) => {
                known.count += count;
                known.others.push(chain);
            }
            None => folded.push(Folded {
                chain,
                others: Vec::new(),
                count,
            }),
        }
    }
    folded
}

fn alike<'a>(chain: &'a Chain, model: &'a Model) -> Alike<'a> {
    let steps = chain.steps.iter().map(|step| {
        let written = step.link.map(|id| model.link(id).written.as_str());
        (step.hop, written, timeouts(step, model))
    });
    Alike {
        steps: steps.collect(),
        verdicts: &chain.verdicts,
        budget: chain.budget.as_ref(),
    }
}

/// The hop's own timeouts, and over them those of the way through it.
fn timeouts(step: &Step, model: &Model) -> Timeouts {
    let mut timeouts = model.hop(step.hop).timeouts.clone();
    if let Some(id) = step.route {
        let route: &Route = model.route(id);
        timeouts.extend(
            route
                .timeouts
                .iter()
                .map(|(key, value)| (*key, value.clone())),
        );
    }
    timeouts
}

/// Where ways are chosen that are folded: the innermost routes of proxies, with those alike.
fn chosen(folded: &Folded, alike: &HashMap<RouteId, Vec<RouteId>>, model: &Model) -> Vec<RouteId> {
    let of_proxy = |id: &RouteId| {
        let route = model.route(*id);
        !matches!(model.hop(route.hop).kind, HopKind::Edge(_)) || !route.links.is_empty()
    };
    let chains = [folded.chain]
        .into_iter()
        .chain(folded.others.iter().copied());
    let innermost = chains.filter_map(|chain| {
        let mut routes = chain.steps.iter().rev().filter_map(|step| step.route);
        routes.find(of_proxy)
    });
    let others = |id: RouteId| alike.get(&id).into_iter().flatten().copied();
    innermost
        .flat_map(|id| [id].into_iter().chain(others(id)))
        .collect()
}

/// The name of the way through the first proxy; an edge in front of it has none of its own.
fn route_name<'a>(chain: &Chain, model: &'a Model) -> &'a str {
    let routes = || chain.steps.iter().filter_map(|step| step.route);
    let of_proxy = routes().find(|id| !model.route(*id).links.is_empty());
    of_proxy
        .or(routes().next())
        .map_or("", |id| model.route(id).name.as_str())
}

/// The service that runs a hop, or its program's name for a process on the host.
pub fn hop_name<'a>(hop: &'a Hop, project: &'a Project) -> &'a str {
    let service = hop.service.and_then(|at| {
        let stack = project.stacks.get(at.stack)?;
        stack.services.get(at.service)
    });
    service.map_or(hop.kind.as_str(), |service| service.name.value.as_str())
}

/// Where a way ends: the service or program of its last hop; of a place where no hop is known, the service, or what is
/// dialled.
pub fn end_name(chain: &Chain, analysis: &Analysis) -> Option<String> {
    let (project, model) = (&analysis.project, &analysis.model);
    let last = chain.steps.last()?;
    let name = match last.link.map(|id| model.link(id)) {
        Some(link) => link_end(link, project),
        None => hop_name(model.hop(last.hop), project),
    };
    Some(name.to_owned())
}

/// The service that a link names, or what it dials.
fn link_end<'a>(link: &'a Link, project: &'a Project) -> &'a str {
    let service = link.target.named().map(|at| project.service(at));
    service.map_or(&link.written, |service| &service.name.value)
}

/// Addresses on which a hop takes connections: `80`, `127.0.0.1:80`, `unix:/run/app.sock`.
pub fn listens(hop: &Hop, route: Option<&Route>) -> Vec<String> {
    let of_route = |at: &usize| hop.listeners.get(*at);
    let listeners: Vec<&Listener> = match route {
        Some(route) if !route.listeners.is_empty() => {
            route.listeners.iter().filter_map(of_route).collect()
        }
        _ => hop.listeners.iter().collect(),
    };
    let mut names: Vec<String> = listeners.into_iter().filter_map(address).collect();
    names.dedup();
    names
}

fn address(listener: &Listener) -> Option<String> {
    let Setting::Known { value, .. } = &listener.address else {
        return None;
    };
    Some(match value {
        Address::Unix(path) => format!("unix:{path}"),
        Address::Tcp { bind, port } => match bind {
            Bind::Any | Bind::AnyV4 | Bind::Unknown(_) => port.to_string(),
            Bind::Loopback | Bind::LoopbackV4 => format!("127.0.0.1:{port}"),
            Bind::One(host) => format!("{host}:{port}"),
        },
    })
}

/// `nginx 1.27`, `gunicorn`; where a default comes from.
fn program(program: &str, version: &str) -> String {
    format!("{program} {version}").trim_end().to_owned()
}

/// `60s`, `1m30s`, `250ms`, or the bare number of a count.
pub(super) fn amount(key: Key, n: u64) -> String {
    if key.is_count() {
        return n.to_string();
    }
    duration(n)
}

fn duration(ms: u64) -> String {
    match ms {
        ms if ms >= 120_000 && ms.is_multiple_of(3_600_000) => format!("{}h", ms / 3_600_000),
        ms if ms >= 120_000 && ms.is_multiple_of(60_000) => format!("{}m", ms / 60_000),
        ms if ms.is_multiple_of(1000) => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}
