//! Schema `no502/chain/1`. Keys are only ever added.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Folded, budget, chosen, hop_name, listens, program, route_name, timeouts};
use crate::analyze::Analysis;
use crate::finding::Gap;
use crate::model::chain::alike;
use crate::model::{
    Amount, DeadEnd, Dialled, Key, Link, Origin, RouteId, ServiceRef, Setting, Step, Target,
};

/// Writes one JSON object.
pub(super) fn write(analysis: &Analysis, folded: &[Folded], out: &mut dyn Write) -> io::Result<()> {
    let writer = Json {
        analysis,
        alike: alike(&analysis.model),
    };
    let links = analysis.model.links.iter().enumerate();
    let report = Report {
        schema: "no502/chain/1",
        version: env!("CARGO_PKG_VERSION"),
        links: links.map(|(id, link)| writer.link(id, link)).collect(),
        chains: folded.iter().map(|chain| writer.chain(chain)).collect(),
        gaps: super::gaps(analysis).iter().map(gap).collect(),
    };
    super::super::write_json(&report, out)
}

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    version: &'static str,
    links: Vec<Value>,
    chains: Vec<JsonChain>,
    gaps: Vec<Value>,
}

fn gap(gap: &Gap) -> Value {
    json!({"path": gap.path, "line": gap.line, "reason": gap.reason})
}

#[derive(Serialize)]
struct JsonChain {
    hops: Vec<Value>,
    route: String,
    routes: Vec<Value>,
    count: usize,
    links: Vec<u32>,
    verdicts: Vec<JsonVerdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<Value>,
}

#[derive(Serialize)]
struct JsonVerdict {
    rule: &'static str,
    outer: usize,
    inner: usize,
    status: Option<u16>,
    after_ms: Option<u64>,
}

struct Json<'a> {
    analysis: &'a Analysis,
    alike: HashMap<RouteId, Vec<RouteId>>,
}

impl Json<'_> {
    fn link(&self, id: usize, link: &Link) -> Value {
        let (project, model) = (&self.analysis.project, &self.analysis.model);
        let hop = model.hop(link.from);
        json!({
            "id": id,
            "from": {
                "hop": hop_name(hop, project),
                "kind": hop.kind.as_str(),
                "path": project.sources.get(link.span.file).path,
                "line": project.sources.position(link.span).line,
            },
            "written": link.written,
            "protocol": link.protocol.as_str(),
            "to": self.target(link),
        })
    }

    fn target(&self, link: &Link) -> Value {
        let socket = match &link.dialled {
            Dialled::Unix(path) => Some(path.value.as_str()),
            _ => None,
        };
        let dialled = match &link.dialled {
            Dialled::Tcp { port, .. } => Some(*port),
            Dialled::Unix(_) => Some(0),
            Dialled::Unknown(_) => None,
        };
        let (kind, service, port, why) = match &link.target {
            Target::Service { service, port, .. } => ("service", Some(*service), Some(*port), None),
            Target::Host { port, .. } => {
                let kind = if socket.is_some() { "socket" } else { "host" };
                (kind, None, Some(*port), None)
            }
            Target::External => ("external", None, dialled, None),
            Target::Nowhere(dead) => {
                let (kind, service, why) = dead_end(dead);
                (kind, service, dialled, Some(why))
            }
            Target::Unknown(why) => ("unknown", None, None, Some(why.as_str())),
        };
        let place = service.and_then(|at| self.service(at));
        let mut to = json!({
            "kind": kind,
            "stack": place.map(|(stack, _)| stack),
            "service": place.map(|(_, service)| service),
            "port": port,
            "why": why,
        });
        if let Some(path) = socket {
            to["socket"] = json!(path);
        }
        to
    }

    fn service(&self, at: ServiceRef) -> Option<(&str, &str)> {
        let stack = self.analysis.project.stacks.get(at.stack)?;
        let service = stack.services.get(at.service)?;
        Some((&stack.path, &service.name.value))
    }

    fn chain(&self, folded: &Folded) -> JsonChain {
        let steps = &folded.chain.steps;
        let verdicts = folded.chain.verdicts.iter().map(|verdict| JsonVerdict {
            rule: verdict.rule,
            outer: verdict.outer,
            inner: verdict.inner,
            status: verdict.status,
            after_ms: verdict.after_ms,
        });
        JsonChain {
            hops: steps.iter().map(|step| self.hop(step)).collect(),
            route: route_name(folded.chain, &self.analysis.model).to_owned(),
            routes: self.routes(folded),
            count: folded.count,
            links: steps
                .iter()
                .filter_map(|step| step.link)
                .map(|id| id.0)
                .collect(),
            verdicts: verdicts.collect(),
            budget: folded.chain.budget.as_ref().map(budget::json),
        }
    }

    /// Each place where the ways are chosen once, by the innermost proxy that chooses.
    fn routes(&self, folded: &Folded) -> Vec<Value> {
        let (project, model) = (&self.analysis.project, &self.analysis.model);
        let mut known = HashSet::new();
        let routes = chosen(folded, &self.alike, model).into_iter();
        let routes = routes.map(|id| model.route(id));
        let new = routes.filter(|route| known.insert((route.span, &route.name)));
        new.map(|route| {
            json!({
                "name": route.name,
                "path": project.sources.get(route.span.file).path,
                "line": project.sources.position(route.span).line,
            })
        })
        .collect()
    }

    fn hop(&self, step: &Step) -> Value {
        let (project, model) = (&self.analysis.project, &self.analysis.model);
        let hop = model.hop(step.hop);
        let settings: Map<String, Value> = timeouts(step, model)
            .iter()
            .map(|(key, setting)| (key.as_str().to_owned(), self.setting(*key, setting)))
            .collect();
        json!({
            "hop": hop_name(hop, project),
            "kind": hop.kind.as_str(),
            "listens": listens(hop, step.route.map(|id| model.route(id))),
            "settings": settings,
        })
    }

    fn setting(&self, key: Key, setting: &Setting<Amount>) -> Value {
        let unit = if key.is_count() { "count" } else { "ms" };
        let mut written = Map::new();
        let finite = match setting.value() {
            Some(Amount::Finite(n)) => Some(*n),
            _ => None,
        };
        written.insert(unit.to_owned(), json!(finite));
        if setting.value() == Some(&Amount::Infinite) {
            written.insert("infinite".to_owned(), json!(true));
        }
        let origin = match setting {
            Setting::Unknown(_) => "unknown",
            Setting::Known { origin, .. } => match origin {
                Origin::Written(_) => "written",
                Origin::Inherited(_) => "inherited",
                Origin::Default { .. } => "default",
            },
        };
        written.insert("origin".to_owned(), json!(origin));
        if setting.origin().is_some_and(|origin| !origin.is_certain()) {
            written.insert("assumed".to_owned(), json!(true));
        }
        let source = match setting.origin() {
            Some(Origin::Default {
                program: name,
                version,
                ..
            }) => Some(program(name, version)),
            _ => None,
        };
        written.insert("source".to_owned(), json!(source));
        let sources = &self.analysis.project.sources;
        let span = setting.span();
        let path = span.map(|span| &sources.get(span.file).path);
        let line = span.map(|span| sources.position(span).line);
        written.insert("path".to_owned(), json!(path));
        written.insert("line".to_owned(), json!(line));
        if let Setting::Unknown(why) = setting {
            written.insert("why".to_owned(), json!(why));
        }
        Value::Object(written)
    }
}

/// A certain dead end is not unknown: what it would be, the service that it names, and why nothing answers.
fn dead_end(dead: &DeadEnd) -> (&'static str, Option<ServiceRef>, &str) {
    let kind = match dead {
        DeadEnd::UnknownHost | DeadEnd::OwnLoopback => "host",
        DeadEnd::Disjoint(_) | DeadEnd::LeftOff(..) | DeadEnd::Profile(_) => "service",
        DeadEnd::NoSocket(_) => "socket",
    };
    (kind, dead.service(), dead.why())
}
