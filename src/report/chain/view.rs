//! What every picture of the chains tells, worked out once: ways with their hops, each value in words, and what clashes
//! between two hops. Ways that differ in the peer alone are one here.

use std::collections::{BTreeSet, HashMap};

use super::budget::{Remark, remarks};
use super::clash::{self, Clash};
use super::names::{Names, joined, push_new};
pub(super) use super::words::Mark;
use super::{Folded, chosen, hop_name, link_end, listens, program, timeouts, words};
use crate::analyze::Analysis;
use crate::finding::Gap;
use crate::model::chain::alike;
use crate::model::{
    Amount, Budget, Chain, HopKind, Key, Link, LinkId, RouteId, Setting, Step, Target,
};
use crate::report::wrap::{folded, plain};
use crate::source::{FileId, Span};

/// All that there is to show.
pub(super) struct View {
    /// Edge by edge, as the model found them.
    pub(super) ways: Vec<Way>,
    /// What could not be read or known.
    pub(super) gaps: Vec<Gap>,
}

/// One way from an edge to an app, or as far as it can be followed.
pub(super) struct Way {
    /// Names of the ways through its last proxy that has names: `shop.example.com/api/`; never empty.
    pub(super) routes: Vec<String>,
    /// Where these are written, each place once: `nginx.conf:12`.
    places: Vec<String>,
    /// Whether another way has the same name.
    pub(super) has_double: bool,
    /// File and line of all that makes these ways: routes, what they dial, values and processes.
    pub(super) lines: BTreeSet<(FileId, usize)>,
    /// How many ways it stands for.
    pub(super) count: usize,
    /// Whether nginx chooses among the routes, so that they are locations.
    is_nginx: bool,
    /// Edge first.
    pub(super) hops: Vec<Hop>,
    /// Where the last hop leads if nothing is known of what is there.
    pub(super) end: Option<End>,
    /// Outermost first.
    pub(super) clashes: Vec<Clash>,
    /// What becomes of a request as long as `--budget` says; empty if nobody asked.
    pub(super) budget: Vec<Remark>,
    /// How long that request takes (milliseconds).
    pub(super) takes: Option<u64>,
}

/// One process on a way.
pub(super) struct Hop {
    /// The service, or the program of a process on the host.
    pub(super) name: String,
    /// Its peers, for which all of this holds as well.
    pub(super) peers: Vec<String>,
    /// `nginx 1.28`; equal to the name for a program on the host of which no version is known.
    pub(super) program: String,
    /// `80`, `127.0.0.1:8000`.
    pub(super) listens: Vec<String>,
    /// The way through it, if that has a name of its own.
    pub(super) via: Option<String>,
    /// In the order of the keys.
    pub(super) values: Vec<Value>,
    /// Whom it dials; `None` for the last hop and for an edge that names nobody.
    pub(super) dials: Option<Dials>,
}

/// One setting of a hop.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Value {
    /// Which.
    pub(super) key: Key,
    /// `None` if it is unknown.
    pub(super) amount: Option<Amount>,
    /// `60s`, `3`, `no limit`, `?`.
    pub(super) text: String,
    /// How it is known.
    pub(super) mark: Mark,
    /// Where it comes from, the mark included: `inherited from nginx.conf:7`.
    pub(super) origin: String,
    /// Whether it takes part in an inversion.
    pub(super) clashes: bool,
}

/// Where a hop sends a request.
pub(super) struct Dials {
    /// As written, for each peer: `http://web:8000`.
    pub(super) written: Vec<String>,
    /// Where that is written, for each peer.
    pub(super) places: Vec<String>,
    /// What the written text does not tell: the port reached, or that nothing is.
    pub(super) leads: Option<String>,
}

/// What a way ends at if it is no hop.
pub(super) struct End {
    /// A service or what is dialled, for each peer.
    pub(super) names: Vec<String>,
    /// Why nothing is known of it, lower case.
    pub(super) why: String,
}

impl Hop {
    /// Whether a way ends here and nothing is known of the times that it keeps.
    pub(super) fn is_silent(&self) -> bool {
        self.values.is_empty() && self.dials.is_none()
    }
}

impl Way {
    /// `12 locations alike`; nothing for a single one.
    pub(super) fn alike(&self) -> Option<String> {
        match (self.count, self.routes.len()) {
            (1, _) => None,
            (count, names) if count == names && self.is_nginx => {
                Some(format!("{count} locations alike"))
            }
            (count, _) => Some(format!("{count} ways alike")),
        }
    }

    /// The places where it is chosen, if its name alone does not find them; a file is named once.
    pub(super) fn at(&self) -> Option<Vec<String>> {
        let told = self.places.len() > 1 || self.has_double;
        (told && !self.places.is_empty()).then(|| folded(&self.places))
    }

    /// The hops and the end, for a headline: `haproxy → nginx → web`.
    pub(super) fn path(&self, arrow: &str) -> String {
        let names = self.hops.iter().map(|hop| hop.name.as_str());
        let end = self.end.iter().filter_map(|end| end.names.first());
        let names: Vec<&str> = names.chain(end.map(String::as_str)).collect();
        names.join(arrow)
    }
}

impl Hop {
    /// `web (gunicorn 23)`, `nginx 1.28`, `nginx-1, nginx-2 (nginx 1.28)`.
    pub(super) fn who(&self) -> String {
        let names = self.names();
        if self.program.starts_with(&self.name) && self.peers.is_empty() {
            self.program.clone()
        } else {
            format!("{names} ({})", self.program)
        }
    }

    /// The name and those of the peers.
    pub(super) fn names(&self) -> String {
        let peers = self.peers.iter().map(String::as_str);
        let names: Vec<&str> = [self.name.as_str()].into_iter().chain(peers).collect();
        names.join(", ")
    }
}

impl View {
    /// Everything that is known of the folded ways.
    pub(super) fn of(analysis: &Analysis, folded: &[Folded]) -> Self {
        let builder = Builder {
            analysis,
            alike: alike(&analysis.model),
        };
        let mut seen: HashMap<Peers, usize> = HashMap::new();
        let mut ways: Vec<Way> = Vec::new();
        for one in folded {
            let key = builder.peers(one.chain);
            let at = *seen.entry(key).or_insert(ways.len());
            match ways.get_mut(at) {
                Some(known) => builder.join(known, one),
                None => ways.push(builder.way(one)),
            }
        }
        let mut named: HashMap<String, usize> = HashMap::new();
        for way in &ways {
            *named.entry(way.routes[0].clone()).or_default() += 1;
        }
        for way in &mut ways {
            way.has_double = named[&way.routes[0]] > 1;
        }
        Self {
            ways,
            gaps: super::gaps(analysis),
        }
    }
}

/// What ways have in common that differ in the peers alone: the places where each way is chosen, and all values.
#[derive(PartialEq, Eq, Hash)]
struct Peers {
    steps: Vec<(String, Vec<String>)>,
    end: Option<String>,
    verdicts: Vec<(&'static str, usize)>,
    budget: Option<Budget>,
}

struct Builder<'a> {
    analysis: &'a Analysis,
    alike: HashMap<RouteId, Vec<RouteId>>,
}

impl Builder<'_> {
    fn peers(&self, chain: &Chain) -> Peers {
        let model = &self.analysis.model;
        let step = |step: &Step| {
            let hop = self.hop(step, chain, 0);
            let route = step.route.map(|id| model.route(id).span);
            let leads = hop.dials.and_then(|dials| dials.leads);
            let values = hop.values.into_iter();
            let values = values.map(|one| format!("{:?} {} {}", one.key, one.text, one.origin));
            (
                format!("{route:?} {} {:?} {leads:?}", hop.program, hop.listens),
                values.collect(),
            )
        };
        let verdicts = chain.verdicts.iter();
        let last = chain.steps.last().and_then(|step| step.link);
        Peers {
            steps: chain.steps.iter().map(step).collect(),
            end: last.map(|id| self.end(id).why),
            verdicts: verdicts.map(|one| (one.rule, one.outer)).collect(),
            budget: chain.budget.clone(),
        }
    }

    fn way(&self, folded: &Folded) -> Way {
        let chain = folded.chain;
        let told = |verdict| clash::tell(verdict, chain, self.analysis);
        let clashes: Vec<Clash> = chain.verdicts.iter().map(told).collect();
        let mut hops: Vec<Hop> = Vec::new();
        for (at, step) in chain.steps.iter().enumerate() {
            let mut hop = self.hop(step, chain, at);
            for value in &mut hop.values {
                value.clashes = clashes.iter().any(|clash| clash.touches(at, value.key));
            }
            hops.push(hop);
        }
        let last = chain.steps.last().and_then(|step| step.link);
        let budget = chain.budget.as_ref();
        let (routes, places) = self.routes(folded);
        Way {
            routes,
            places,
            has_double: false,
            lines: self.lines(folded),
            count: folded.count,
            is_nginx: self.is_nginx(chain),
            hops,
            end: last.map(|id| self.end(id)),
            clashes,
            budget: budget.map_or(Vec::new(), |one| remarks(one, chain, self.analysis)),
            takes: budget.map(|one| one.ms),
        }
    }

    fn is_nginx(&self, chain: &Chain) -> bool {
        let routed = chain.steps.iter().rev().find(|step| step.route.is_some());
        routed.is_some_and(|step| self.analysis.model.hop(step.hop).kind == HopKind::Nginx)
    }

    /// Adds a way that differs in its peers.
    fn join(&self, known: &mut Way, folded: &Folded) {
        known.count += folded.count;
        for (hop, step) in known.hops.iter_mut().zip(&folded.chain.steps) {
            let model = &self.analysis.model;
            let name = hop_name(model.hop(step.hop), &self.analysis.project);
            if hop.name != name {
                push_new(&mut hop.peers, plain(name).into_owned());
            }
            if let (Some(dials), Some(link)) = (&mut hop.dials, step.link) {
                let link = model.link(link);
                push_new(&mut dials.written, plain(&link.written).into_owned());
                push_new(&mut dials.places, self.place(link.span));
            }
        }
        let last = folded.chain.steps.last().and_then(|step| step.link);
        if let (Some(end), Some(id)) = (&mut known.end, last) {
            for name in self.end(id).names {
                push_new(&mut end.names, name);
            }
        }
        let (routes, places) = self.routes(folded);
        known.routes = joined(&known.routes, routes);
        known.places = joined(&known.places, places);
        known.lines.extend(self.lines(folded));
    }

    /// Names and places of the innermost routes of proxies with those alike; the route of an edge that names no peers has
    /// the name of the edge.
    fn routes(&self, folded: &Folded) -> (Vec<String>, Vec<String>) {
        let model = &self.analysis.model;
        let (mut names, mut places) = (Names::default(), Names::default());
        for id in chosen(folded, &self.alike, model) {
            let route = model.route(id);
            names.add(plain(&route.name).into_owned());
            places.add(self.place(route.span));
        }
        (names.or_all(), places.list)
    }

    fn lines(&self, folded: &Folded) -> BTreeSet<(FileId, usize)> {
        let (project, model) = (&self.analysis.project, &self.analysis.model);
        let mut spans: Vec<Span> = Vec::new();
        for chain in [folded.chain]
            .into_iter()
            .chain(folded.others.iter().copied())
        {
            for step in &chain.steps {
                spans.push(model.hop(step.hop).span);
                spans.extend(step.link.map(|id| model.link(id).span));
                if let Some(id) = step.route {
                    let others = self.alike.get(&id).into_iter().flatten();
                    let routes = [&id].into_iter().chain(others);
                    spans.extend(routes.map(|id| model.route(*id).span));
                }
                let values = timeouts(step, model);
                spans.extend(values.values().filter_map(Setting::span));
            }
        }
        let sources = &project.sources;
        let lines = spans.into_iter();
        lines
            .map(|span| (span.file, sources.get(span.file).line(span.start)))
            .collect()
    }

    fn hop(&self, step: &Step, chain: &Chain, at: usize) -> Hop {
        let (project, model) = (&self.analysis.project, &self.analysis.model);
        let hop = model.hop(step.hop);
        let version = hop.version.value().map_or("", String::as_str);
        let route = step.route.map(|id| model.route(id));
        let innermost = chain.steps[at + 1..]
            .iter()
            .all(|step| step.route.is_none());
        let unseen = matches!(hop.kind, HopKind::Edge(_)) && hop.service.is_none();
        let named = route.filter(|_| !innermost && !unseen);
        let values = timeouts(step, model);
        Hop {
            name: plain(hop_name(hop, project)).into_owned(),
            peers: Vec::new(),
            program: match &hop.kind {
                HopKind::Edge(_) if unseen => "edge".to_owned(),
                kind => plain(&program(kind.as_str(), version)).into_owned(),
            },
            listens: listens(hop, route)
                .iter()
                .map(|one| plain(one).into_owned())
                .collect(),
            via: named
                .map(|route| plain(&route.name).into_owned())
                .filter(|via| !via.is_empty()),
            values: values
                .iter()
                .map(|(key, one)| self.value(*key, one))
                .collect(),
            dials: step.link.map(|id| self.dials(model.link(id))),
        }
    }

    fn value(&self, key: Key, setting: &Setting<Amount>) -> Value {
        let amount = setting.value().copied();
        let (mark, origin) = words::origin(setting, &self.analysis.project.sources);
        Value {
            key,
            amount,
            text: match amount {
                Some(Amount::Finite(n)) => super::amount(key, n),
                Some(Amount::Infinite) => "no limit".to_owned(),
                None => "?".to_owned(),
            },
            mark,
            origin: plain(&origin).into_owned(),
            clashes: false,
        }
    }

    fn dials(&self, link: &Link) -> Dials {
        Dials {
            written: vec![plain(&link.written).into_owned()],
            places: vec![self.place(link.span)],
            leads: leads(link).map(|text| plain(&text).into_owned()),
        }
    }

    fn end(&self, id: LinkId) -> End {
        let link = self.analysis.model.link(id);
        End {
            names: vec![plain(link_end(link, &self.analysis.project)).into_owned()],
            why: plain(&words::end(link, self.analysis)).into_owned(),
        }
    }

    fn place(&self, span: Span) -> String {
        plain(&self.analysis.project.sources.place(span)).into_owned()
    }
}

/// What a link reaches, as far as the written text does not say so.
fn leads(link: &Link) -> Option<String> {
    let unless_written = |port: u16, what: &str| {
        let told = port == 0 || link.written.contains(&format!(":{port}"));
        (!told).then(|| format!("{what} {port}"))
    };
    match &link.target {
        Target::Service { port, .. } => unless_written(*port, "port"),
        Target::Host { port, .. } => unless_written(*port, "host port"),
        _ => None,
    }
}
