//! What an editor shows of the place under its cursor, in Markdown: a finding with the reason of its rule, where an
//! address leads and how long the proxy waits there, how long a time is and for whom it holds, what a service runs.

use std::collections::BTreeSet;

use crate::analyze::Analysis;
use crate::finding::{Finding, Label};
use crate::model::{
    Address, Amount, Hop, HopId, HopKind, Key, Link, LinkId, Setting, Target, Timeouts,
};
use crate::page::Page;
use crate::report::chain::{Names, push_new, words};
use crate::report::{advice, url, wrap};
use crate::rules::RULES;
use crate::source::{FileId, Span};

/// As many peers, ways or links are named; of more their number is told.
const SHOWN: usize = 4;

/// What is shown, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hover {
    /// What it is about.
    pub span: Span,
    /// Markdown.
    pub text: String,
}

/// What is known of a byte of a file: of what covers it, else of what is on its line.
pub fn at(analysis: &Analysis, file: FileId, byte: usize) -> Option<Hover> {
    let byte = u32::try_from(byte).ok()?;
    let source = analysis.project.sources.get(file);
    let line = source.line(byte);
    let on_line = |span: Span| span.file == file && source.line(span.start) == line;
    // A text that goes on over many lines, a whole block say, is not what the cursor is on.
    let here = |span: Span| on_line(span) && span.start <= byte && byte <= span.end;
    let covering = Cursor {
        analysis,
        is_on: &here,
    };
    let beside = Cursor {
        analysis,
        is_on: &on_line,
    };
    let mut told = covering.values();
    if told.is_empty() {
        told = beside.values();
    }
    told.extend(covering.findings());
    let span = told.first()?.0;
    let mut texts: Vec<String> = Vec::new();
    for (_, text) in told {
        push_new(&mut texts, text);
    }
    Some(Hover {
        span,
        text: texts.join("\n\n---\n\n"),
    })
}

type Told = Vec<(Span, String)>;

struct Cursor<'a> {
    analysis: &'a Analysis,
    is_on: &'a dyn Fn(Span) -> bool,
}

impl Cursor<'_> {
    fn findings(&self) -> Told {
        let findings = self.analysis.findings.iter();
        let told = findings.filter_map(|finding| {
            let labels = finding.labels();
            let mut labels = labels.filter(|label| (self.is_on)(label.span));
            let Label { span, .. } = labels.next()?;
            Some((*span, rule(finding)))
        });
        told.collect()
    }

    /// Addresses that are dialled, times, and services.
    fn values(&self) -> Told {
        let mut told = self.ways();
        told.extend(self.times());
        told.extend(self.hops());
        told
    }

    /// Where a request goes from here. A way is on its `proxy_pass` and, by what is dialled, on a server of an upstream.
    /// Services that run from one file mostly have all of it in common.
    fn ways(&self) -> Told {
        let model = &self.analysis.model;
        let mut ways: Vec<Way> = Vec::new();
        let mut known: BTreeSet<LinkId> = BTreeSet::new();
        for route in &model.routes {
            let on_route = (self.is_on)(route.span);
            let links = route.links.iter().copied();
            let links = links.filter(|id| on_route || (self.is_on)(model.link(*id).span));
            let links: Vec<LinkId> = links.collect();
            let Some(first) = links.first().map(|id| model.link(*id)) else {
                continue;
            };
            let span = if on_route { route.span } else { first.span };
            let (leads, values) = (self.all_lead(&links), self.list(&route.timeouts, is_ahead));
            known.extend(links);
            let same = |way: &Way| way.leads == leads && way.values == values;
            let at = ways.iter().position(same).unwrap_or(ways.len());
            if at > SHOWN {
                // One more than is shown, so that they are known to differ, is enough.
                continue;
            }
            if at == ways.len() {
                ways.push(Way {
                    span,
                    leads,
                    values,
                    who: Vec::new(),
                    names: Names::default(),
                });
            }
            push_new(&mut ways[at].who, self.hop_name(route.hop));
            ways[at].names.add(format!("`{}`", route.name));
        }
        let differ = ways.len() > 1;
        ways.truncate(SHOWN);
        let told = ways.into_iter().map(|way| (way.span, way.text(differ)));
        let mut told: Told = told.collect();
        let links = (0..).map(LinkId).zip(&model.links);
        let links = links.filter(|(id, link)| !known.contains(id) && (self.is_on)(link.span));
        told.extend(links.map(|(_, link)| (link.span, self.leads(link))));
        told
    }

    fn all_lead(&self, links: &[LinkId]) -> String {
        let shown = links.iter().take(SHOWN);
        let lines = shown.map(|id| self.leads(self.analysis.model.link(*id)));
        let more = links.len().saturating_sub(SHOWN);
        let more = (more > 0).then(|| format!("and {more} more"));
        lines.chain(more).collect::<Vec<_>>().join("  \n")
    }

    /// `→ service web, port 8000: gunicorn listens on :8000`.
    fn leads(&self, link: &Link) -> String {
        let hop = |hop: &Option<(HopId, usize)>| {
            let (id, at) = (*hop)?;
            let address = self.analysis.model.hop(id).listeners.get(at)?;
            let on = address.address.value().map(Address::short)?;
            Some(format!("{} listens on `{on}`", self.program(id)))
        };
        let why = || words::end(link, self.analysis);
        match &link.target {
            Target::Service {
                service,
                port,
                hop: reached,
            } => {
                let name = &self.analysis.project.service(*service).name.value;
                let at = match port {
                    0 => format!("`{}`", link.written),
                    port => format!("port {port}"),
                };
                let what = hop(reached).unwrap_or_else(why);
                format!("→ service `{name}`, {at}: {what}")
            }
            Target::Host { port, hop: reached } => {
                let at = match port {
                    0 => format!("`{}`", link.written),
                    port => format!("port {port}"),
                };
                let what = hop(reached).unwrap_or_else(why);
                format!("→ {at} of the host: {what}")
            }
            _ => format!("→ `{}`: {}", link.written, why()),
        }
    }

    /// Times that are written here, and whom they hold for.
    fn times(&self) -> Told {
        let model = &self.analysis.model;
        let mut told: Vec<Held> = Vec::new();
        for route in &model.routes {
            self.hold(&mut told, route.hop, &route.timeouts, Some(&route.name));
        }
        for (id, hop) in (0..).map(HopId).zip(&model.hops) {
            self.hold(&mut told, id, &hop.timeouts, None);
        }
        let told = told.into_iter().map(|held| {
            let mut text = format!(
                "`{}` {}: {} {}",
                held.key.as_str(),
                amount(held.key, held.amount),
                held.who.join(", "),
                means(held.key)
            );
            if !held.ways.list.is_empty() {
                text = format!("{text}\n\nfor {}", some(&held.ways.list));
            }
            (held.span, text)
        });
        told.collect()
    }

    fn hold(&self, told: &mut Vec<Held>, hop: HopId, timeouts: &Timeouts, way: Option<&String>) {
        for (key, setting) in timeouts {
            let (Some(amount), Some(span)) = (setting.value(), setting.span()) else {
                continue;
            };
            if !(self.is_on)(span) {
                continue;
            }
            let same =
                |held: &&mut Held| (held.key, held.span, held.amount) == (*key, span, *amount);
            let held = match told.iter_mut().find(same) {
                Some(held) => held,
                None => {
                    told.push(Held {
                        span,
                        key: *key,
                        amount: *amount,
                        who: Vec::new(),
                        ways: Names::default(),
                    });
                    told.last_mut().expect("just pushed")
                }
            };
            push_new(&mut held.who, self.hop_name(hop));
            if let Some(way) = way.filter(|way| !way.is_empty()) {
                held.ways.add(format!("`{way}`"));
            }
        }
    }

    /// The processes of a service, on its key and where they are told to start.
    fn hops(&self) -> Told {
        let project = &self.analysis.project;
        let hops = (0..).map(HopId).zip(&self.analysis.model.hops);
        let told = hops.filter_map(|(id, hop)| {
            let places = [project.service(hop.service?).name.span, hop.span];
            let mut here = places.into_iter().filter(|span| (self.is_on)(*span));
            Some((here.next()?, self.hop(id, hop)))
        });
        told.collect()
    }

    fn hop(&self, id: HopId, hop: &Hop) -> String {
        let version = hop.version.value().map_or("", String::as_str);
        let listens = hop.listeners.iter();
        let listens = listens.filter_map(|one| one.address.value().map(Address::short));
        let listens: Vec<String> = listens.map(|on| format!("`{on}`")).collect();
        let on = match (listens.is_empty(), hop.listeners_complete) {
            (false, true) => format!(" listens on {}", listens.join(", ")),
            (false, false) => format!(" listens on {}, and maybe elsewhere", listens.join(", ")),
            (true, _) => ": on which ports it listens is not known".to_owned(),
        };
        let mut text = format!("{} {version}", self.program(id))
            .trim_end()
            .to_owned()
            + &on;
        let values = self.list(&hop.timeouts, |_| true);
        if !values.is_empty() {
            text = format!("{text}\n\n{values}");
        }
        let links = self.analysis.model.links.iter();
        let dials = |link: &&Link| match &link.target {
            Target::Service { hop, .. } | Target::Host { hop, .. } => {
                hop.is_some_and(|(to, _)| to == id)
            }
            _ => false,
        };
        let mut places = Names::default();
        for link in links.filter(dials) {
            places.add(self.analysis.project.sources.place(link.span));
        }
        if !places.list.is_empty() {
            text = format!("{text}\n\ndialled at {}", some(&places.list));
        }
        text
    }

    /// Each value with where it comes from, a line each.
    fn list(&self, timeouts: &Timeouts, wanted: fn(Key) -> bool) -> String {
        let sources = &self.analysis.project.sources;
        let timeouts = timeouts.iter().filter(|(key, _)| wanted(**key));
        let lines = timeouts.map(|(key, setting)| {
            let value = match setting {
                Setting::Known { value, .. } => amount(*key, *value),
                Setting::Unknown(_) => "?".to_owned(),
            };
            let (_, origin) = words::origin(setting, sources);
            format!("- `{}` {value} ({})", key.as_str(), wrap::plain(&origin))
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// `nginx`, `HAProxy`, `gunicorn`.
    fn program(&self, hop: HopId) -> &str {
        match &self.analysis.model.hop(hop).kind {
            HopKind::HaProxy => "HAProxy",
            kind => kind.as_str(),
        }
    }

    /// `nginx (service proxy)`, or the program alone for a process on the host.
    fn hop_name(&self, hop: HopId) -> String {
        match self.analysis.model.hop(hop).service {
            Some(service) => {
                let name = &self.analysis.project.service(service).name.value;
                format!("{} (service `{name}`)", self.program(hop))
            }
            None => self.program(hop).to_owned(),
        }
    }
}

/// A time that is written, and the ways that it holds for.
struct Held {
    span: Span,
    key: Key,
    amount: Amount,
    who: Vec<String>,
    ways: Names,
}

/// Where a request goes, and how long whoever sends it there waits.
struct Way {
    span: Span,
    leads: String,
    values: String,
    who: Vec<String>,
    names: Names,
}

impl Way {
    /// With the names of its routes, if other ways from the same place differ.
    fn text(&self, differs: bool) -> String {
        let Self { leads, values, .. } = self;
        let mut who = self.who.join(", ");
        if differs {
            who = format!("{who}, for {}", some(&self.names.list));
        }
        match values.as_str() {
            "" => leads.clone(),
            values => format!("{leads}\n\n{who}:\n\n{values}"),
        }
    }
}

/// A few of them, and how many more there are.
fn some(names: &[String]) -> String {
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Whether it is about the next hop, and not about the client.
fn is_ahead(key: Key) -> bool {
    !matches!(
        key,
        Key::ClientHeader | Key::ClientBody | Key::ClientIdle | Key::KeepaliveRequests
    )
}

/// Title, first paragraph of the page, and what to do.
fn rule(finding: &Finding) -> String {
    let rule = RULES.iter().find(|rule| rule.id == finding.rule);
    let page = rule.and_then(|rule| Page::parse(rule.id, rule.page).ok());
    let (title, why) = page
        .as_ref()
        .map_or(("", ""), |page| (page.card.title.as_str(), page.why));
    let mut parts = vec![format!(
        "**{title}** ([{}]({}))",
        finding.rule,
        url(finding.rule)
    )];
    parts.push(beginning(why));
    parts.extend(advice(finding));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

/// The first sentences of the first paragraph.
fn beginning(prose: &str) -> String {
    const ENOUGH: usize = 240;
    let paragraph = prose.split("\n\n").next().unwrap_or_default();
    let paragraph = paragraph.replace('\n', " ");
    let mut ends = paragraph.match_indices(". ").map(|(at, _)| at + 1);
    let end = ends.find(|end| *end >= ENOUGH);
    paragraph[..end.unwrap_or(paragraph.len())].to_owned()
}

fn amount(key: Key, amount: Amount) -> String {
    match amount {
        Amount::Finite(number) => super::chain::amount(key, number),
        Amount::Infinite => "no limit".to_owned(),
    }
}

/// What happens when it is over, after the name of the process.
fn means(key: Key) -> &'static str {
    match key {
        Key::Connect => "waits so long for a connection to the next hop",
        Key::Send => "waits so long between two writes to the next hop",
        Key::Read => "waits so long between two reads from the next hop",
        Key::Retries => "tries so often again",
        Key::Tries => "tries so often in all",
        Key::KeepaliveIdle => "keeps an idle connection so long",
        Key::KeepaliveRequests => "takes so many requests on one connection",
        Key::ClientHeader => "waits so long for the head of a request",
        Key::ClientBody => "waits so long between two reads of a request's body",
        Key::ClientIdle => "keeps an idle connection of a client so long",
        Key::Queue => "lets a request wait so long for a free server",
        Key::Tunnel => "keeps an upgraded connection without traffic so long",
        Key::Worker => "kills a worker that takes longer",
        Key::Grace => "lets requests end so long after it is told to stop",
    }
}
