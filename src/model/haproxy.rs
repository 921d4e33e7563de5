//! A HAProxy process as a hop: what its frontends listen on, and every way from a frontend through a backend.

mod bind;
mod probe;
mod process;
mod retry;
mod section;
mod server;
mod sizes;
mod statements;
mod timer;
mod tls;
mod unset;

use std::collections::{HashMap, HashSet};

use crate::model::defaults;
use crate::model::tls::Client;
use crate::model::version::image_version;
use crate::model::{
    Amount, Hop, HopId, HopKind, Key, LinkId, Model, Pages, Protocol, Reuse, Route, Setting,
    Timeouts,
};
use crate::project::Project;
use crate::project::haproxy::HaproxyConf;
use crate::settings::Settings;
use crate::source::{Span, Spanned};
use crate::syntax::haproxy::Line;
use crate::syntax::proxy_value::{address_list, haproxy_time};
use bind::listener;
pub use probe::{Probe, ProbeHead};
pub use process::{Process, Resolvers, Undefined, UndefinedKind, Way};
use section::{Frame, Proxy};
pub use server::Server;
pub use statements::{Statement, statements};
pub use timer::Timer;
pub use unset::{Unset, unset};

/// A `frontend`, `backend` or `listen` section, for rules that judge the section itself.
#[derive(Debug, Clone)]
pub struct Section {
    /// The process.
    pub hop: HopId,
    /// `frontend`, `backend` or `listen`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its first line.
    pub span: Span,
    /// First line of the `defaults` that hold for it.
    pub defaults: Option<Span>,
    /// `mode tcp`, which is also the default.
    pub tcp: bool,
    /// Of `connect`, `client` and `server` those that it needs and that are set nowhere.
    pub missing_timeouts: Vec<&'static str>,
    /// The timeouts that hold here, as they are written.
    pub timers: Vec<Timer>,
    /// Whether `mode` is written, here or in `defaults`.
    pub mode: Option<Span>,
    /// Own lines that only `mode http` acts on, by their first words: `http-request`, `option httplog`.
    pub http_work: Vec<Spanned<String>>,
    /// Its servers.
    pub servers: Vec<LinkId>,
    /// The same with what their lines say beside the address, in the same order.
    pub server_lines: Vec<Server>,
    /// How `check` probes them.
    pub probe: Probe,
    /// `http-reuse` as it holds here.
    pub http_reuse: Option<Spanned<String>>,
    /// `balance` as it holds here.
    pub balance: Option<Spanned<String>>,
    /// `option redispatch`.
    pub redispatch: Option<Span>,
    /// `cookie`: a client sticks to a server.
    pub cookie: Option<Span>,
    /// `maxconn` as it holds here: how many clients it takes at a time. A backend's is not read.
    pub maxconn: Option<Spanned<String>>,
    /// The `use_backend` lines of a frontend that leads everything somewhere under conditions alone, and nothing anywhere else.
    pub conditional_ways: Vec<Span>,
    /// Whether a frontend leads here. A `listen` always counts.
    pub reached: bool,
    /// Whether some request may get an answer, or a connection, without a server; true as well where not all is known.
    pub serverless: bool,
}

impl Section {
    /// Whether requests come through here: a backend that no frontend leads to, or that has no server, delays nobody.
    pub fn is_used(&self) -> bool {
        self.kind != "backend" || (self.reached && !self.servers.is_empty())
    }

    /// The timeouts that act here: a frontend's are about clients, a backend's about servers.
    pub fn acting_timers(&self) -> impl Iterator<Item = &Timer> {
        const SERVER: &[&str] = &[
            "connect",
            "server",
            "tunnel",
            "queue",
            "check",
            "server-fin",
        ];
        let (front, back) = (self.kind != "backend", self.kind != "frontend");
        self.timers.iter().filter(move |timer| {
            let about_servers = SERVER.contains(&timer.name.as_str());
            (about_servers && back) || (!about_servers && front)
        })
    }
}

/// Adds the hop of a HAProxy process, its links and its routes.
pub(super) fn add(model: &mut Model, project: &Project, settings: &Settings, conf: &HaproxyConf) {
    let hop = HopId(u32::try_from(model.hops.len()).expect("fewer hops than u32::MAX"));
    let span = match conf.service {
        Some(at) => project.service(at).name.span,
        None => conf
            .sections
            .first()
            .map_or(Span::new(conf.main, 0, 0), |section| section.kind.span),
    };
    let stated = settings.versions.get("haproxy");
    let version = image_version(conf.image.as_ref(), stated, "haproxy");
    model.hops.push(Hop {
        listeners_complete: conf.complete,
        ..Hop::new(HopKind::HaProxy, conf.service, span, version)
    });
    let frame = Frame::of(conf);
    let proxies = Proxy::of(&frame);
    model
        .processes
        .push(Process::of(conf, hop, &frame, &proxies));
    let mut backs = HashMap::new();
    for proxy in proxies
        .iter()
        .filter(|proxy| proxy.section.kind.value != "frontend")
    {
        backs.entry(proxy.name()).or_insert(*proxy);
    }
    let mut reader = Reader {
        dials_clients_choice: !conf.complete
            || conf.sections.iter().any(section::dials_clients_choice),
        model,
        conf,
        hop,
        sections: HashMap::new(),
        backs,
        any_reached: false,
    };
    for proxy in &proxies {
        reader.section(proxy);
    }
    for proxy in proxies
        .iter()
        .filter(|proxy| proxy.section.kind.value != "backend")
    {
        reader.routes(proxy);
    }
    if reader.any_reached {
        reader.reach_all();
    }
}

struct Reader<'a> {
    model: &'a mut Model,
    conf: &'a HaproxyConf,
    hop: HopId,
    /// Whether some backend, perhaps, needs no server, for the client names whom to dial.
    dials_clients_choice: bool,
    /// Index into `Model::sections` by kind and name.
    sections: HashMap<(bool, String), usize>,
    /// The first section of each name that can be a backend.
    backs: HashMap<&'a str, Proxy<'a>>,
    /// Whether some backend is chosen at run time: then it may be any.
    any_reached: bool,
}

/// A frontend or a `listen`, with what all ways through it share.
struct Entry<'s, 'a> {
    front: &'s Proxy<'a>,
    listeners: Vec<usize>,
    /// Its ACLs that are about websockets.
    websockets: HashSet<&'a str>,
}

impl<'a> Reader<'a> {
    fn section(&mut self, proxy: &Proxy<'a>) {
        let tcp = is_tcp(proxy);
        let mut servers = Vec::new();
        let mut server_lines = Vec::new();
        let version = self.model.hop(self.hop).version.clone();
        for made in server::servers(proxy, self.hop, tcp, &version) {
            let link =
                LinkId(u32::try_from(self.model.links.len()).expect("fewer links than u32::MAX"));
            let opened = made.tls.map(|client| Client {
                links: vec![link],
                ..client
            });
            self.model.tls.extend(opened);
            self.model.links.push(made.link);
            servers.push(link);
            server_lines.push(Server {
                link,
                ..made.server
            });
        }
        let kind = proxy.section.kind.value.clone();
        let is_frontend = kind == "frontend";
        self.sections.insert(
            (is_frontend, proxy.name().to_owned()),
            self.model.sections.len(),
        );
        self.model.sections.push(Section {
            hop: self.hop,
            reached: kind == "listen",
            name: proxy.name().to_owned(),
            span: proxy.span(),
            defaults: proxy.defaults.map(|section| section.head.span),
            tcp,
            mode: proxy.find(&["mode"]).map(|(line, _)| line.span),
            http_work: probe::http_work(proxy),
            missing_timeouts: self.missing(proxy, &kind),
            timers: timer::timers(proxy),
            servers,
            server_lines,
            probe: Probe::of(proxy),
            http_reuse: proxy.value_of(&["http-reuse"]),
            balance: proxy.value_of(&["balance"]),
            redispatch: proxy.option("redispatch"),
            cookie: proxy.own(&["cookie"]).next().map(|line| line.span),
            maxconn: proxy.value_of(&["maxconn"]).filter(|_| kind != "backend"),
            conditional_ways: proxy.conditional_ways(),
            serverless: proxy.manages_without_servers() || self.dials_clients_choice,
            kind,
        });
    }

    fn missing(&self, proxy: &Proxy<'a>, kind: &str) -> Vec<&'static str> {
        let needed: &[&'static str] = match kind {
            "frontend" => &["client"],
            "backend" => &["connect", "server"],
            _ => &["client", "connect", "server"],
        };
        let unset = |name: &&str| {
            proxy
                .find(match *name {
                    "client" => &["timeout", "client"],
                    "connect" => &["timeout", "connect"],
                    _ => &["timeout", "server"],
                })
                .is_none()
        };
        if self.conf.complete {
            needed.iter().copied().filter(|name| unset(name)).collect()
        } else {
            Vec::new()
        }
    }

    fn routes(&mut self, front: &Proxy<'a>) {
        let entry = Entry {
            front,
            listeners: self.listeners(front),
            websockets: front.websocket_acls(),
        };
        let mut seen: HashSet<&str> = HashSet::new();
        if front.section.kind.value == "listen" {
            self.route(&entry, front, &front.section.head);
            seen.insert(front.name());
        }
        for line in process::choices(front) {
            let Some(word) = line.words.get(1) else {
                continue;
            };
            let name = front.word(word).unwrap_or_default();
            // A map may be added to while HAProxy runs.
            self.any_reached |= name.contains("%[") || name.is_empty();
            let given = process::mapped_names(front, &name, word.span);
            let names = std::iter::once(name).chain(given.into_iter().map(|name| name.value));
            for name in names {
                match self.backs.get(name.as_str()).copied() {
                    Some(back) if seen.insert(back.name()) => {
                        self.route(&entry, &back, line);
                    }
                    _ => {}
                }
            }
        }
    }

    fn reach_all(&mut self) {
        for section in self
            .model
            .sections
            .iter_mut()
            .filter(|section| section.hop == self.hop)
        {
            section.reached = true;
        }
    }

    fn route(&mut self, entry: &Entry<'_, 'a>, back: &Proxy<'a>, line: &Line) {
        let front = entry.front;
        let Some(at) = self.sections.get(&(false, back.name().to_owned())).copied() else {
            return;
        };
        self.model.sections[at].reached = true;
        self.way(front, at, line.span, &entry.listeners);
        let links = self.model.sections[at].servers.clone();
        if links.is_empty() {
            return;
        }
        let protocol = self.model.link(links[0]).protocol;
        let name = if front.name() == back.name() {
            front.name().to_owned()
        } else {
            format!("{} → {}", front.name(), back.name())
        };
        let closing = ["httpclose", "http-server-close", "forceclose"];
        let closes = closing.iter().find(|option| {
            back.option(option)
                .or_else(|| front.option(option))
                .is_some()
        });
        let reuse = match closes {
            Some(option) => Reuse::Off(format!("option {option}")),
            None if protocol == Protocol::Tcp || is_tcp(back) => Reuse::Off("mode tcp".to_owned()),
            None => Reuse::On(back.find(&["http-reuse"]).map(|(line, _)| line.span)),
        };
        let timeouts = self.timeouts(front, back);
        let http = !is_tcp(back);
        let (hop, listeners) = (self.hop, entry.listeners.clone());
        let hosts = Vec::new();
        self.model.routes.push(Route {
            hop,
            name,
            listeners,
            hosts,
            span: line.span,
            links,
            protocol,
            timeouts,
            retry: retry::retry(front, back, http),
            on_timeout: http.then_some(504),
            pages: Pages::default(),
            sizes: sizes::sizes(front, back),
            reuse,
            upgrades: protocol != Protocol::Tcp
                && section::chooses_websockets(line, &entry.websockets),
        });
    }

    fn way(&mut self, front: &Proxy<'a>, back: usize, span: Span, listeners: &[usize]) {
        let is_frontend = front.section.kind.value == "frontend";
        let key = (is_frontend, front.name().to_owned());
        let Some(front) = self.sections.get(&key).copied() else {
            return;
        };
        if let Some(process) = self.model.processes.last_mut() {
            process.ways.push(Way {
                front,
                back,
                span,
                listeners: listeners.to_vec(),
            });
        }
    }

    fn timeouts(&self, front: &Proxy<'a>, back: &Proxy<'a>) -> Timeouts {
        let connect = self.time(back, &[&["timeout", "connect"]], "timeout-connect");
        let read = self.time(back, &[&["timeout", "server"]], "timeout-server");
        let queue = self.time(
            back,
            &[&["timeout", "queue"], &["timeout", "connect"]],
            "timeout-connect",
        );
        let tunnel = self.time(
            back,
            &[&["timeout", "tunnel"], &["timeout", "server"]],
            "timeout-server",
        );
        let mut timeouts = Timeouts::from([
            (Key::Connect, connect),
            (Key::Read, read),
            (Key::Queue, queue),
            (Key::Tunnel, tunnel),
            (Key::Retries, self.retries(back)),
        ]);
        if !is_tcp(front) {
            let head: &[&[&str]] = &[&["timeout", "http-request"], &["timeout", "client"]];
            let idle: &[&[&str]] = &[
                &["timeout", "http-keep-alive"],
                &["timeout", "http-request"],
                &["timeout", "client"],
            ];
            timeouts.insert(Key::ClientHeader, self.time(front, head, "timeout-client"));
            timeouts.insert(Key::ClientIdle, self.time(front, idle, "timeout-client"));
        }
        timeouts
    }

    /// The first of several keywords that is set, each falling back to the next.
    fn time(
        &self,
        proxy: &Proxy<'a>,
        names: &'a [&'a [&'a str]],
        setting: &str,
    ) -> Setting<Amount> {
        for name in names {
            let Some((line, inherited)) = proxy.find(name) else {
                continue;
            };
            let Some(word) = line.words.get(2) else {
                continue;
            };
            if line.conditional {
                return Setting::unknown(CONDITIONAL);
            }
            let text = match proxy.word(word) {
                Ok(text) => text,
                Err(why) => return Setting::unknown(why),
            };
            return match haproxy_time(&text) {
                // Zero is no limit: `timeout server 0` was measured to wait for ever.
                Some(0) => known(Amount::Infinite, line, inherited),
                Some(ms) => known(Amount::Finite(ms), line, inherited),
                None => Setting::unknown(format!("{text} is no time")),
            };
        }
        if !self.conf.complete {
            return Setting::unknown("a file of this HAProxy was not seen");
        }
        defaults::setting("haproxy", setting, &self.model.hop(self.hop).version)
    }

    fn retries(&self, back: &Proxy<'a>) -> Setting<Amount> {
        let written = back.find(&["retries"]).and_then(|(line, inherited)| {
            let count = line.words.get(1)?.text.parse().ok()?;
            Some(if line.conditional {
                Setting::unknown(CONDITIONAL)
            } else {
                known(Amount::Finite(count), line, inherited)
            })
        });
        written.unwrap_or_else(|| {
            defaults::setting("haproxy", "retries", &self.model.hop(self.hop).version)
        })
    }

    fn listeners(&mut self, front: &Proxy<'a>) -> Vec<usize> {
        let tcp = is_tcp(front);
        let mut indexes = Vec::new();
        for line in front.own(&["bind"]) {
            let Some(word) = line.words.get(1) else {
                continue;
            };
            let text = front.address(word);
            let items = match &text {
                Ok(text) => address_list(text),
                Err(_) => vec![(0, word.text.as_str())],
            };
            for (at, item) in items {
                let mut listener = listener(line, word, at, item, tcp, text.is_ok());
                listener.tls = tls::terms(front, line);
                let hop = &mut self.model.hops[self.hop.0 as usize];
                hop.listeners_complete &= listener.address.value().is_some();
                hop.listeners.push(listener);
                indexes.push(hop.listeners.len() - 1);
            }
        }
        indexes
    }
}

fn known(value: Amount, line: &Line, inherited: bool) -> Setting<Amount> {
    if inherited {
        Setting::inherited(value, line.span)
    } else {
        Setting::written(value, line.span)
    }
}

/// Why a value is unknown that only one branch of an `.if` sets.
const CONDITIONAL: &str = "it stands in an `.if` that is decided when HAProxy starts";

/// `mode tcp` is the default.
fn is_tcp(proxy: &Proxy) -> bool {
    let mode = proxy.find(&["mode"]).map(|(line, _)| line);
    let tcp = |line: &Line| !line.conditional && line.words.get(1).is_some_and(|w| w.text == "tcp");
    mode.is_none_or(tcp) && proxy.conf.complete
}
