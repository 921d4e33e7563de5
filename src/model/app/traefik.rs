//! Traefik: its static configuration (a file, else flags, else variables), and the ways of its file provider. The ways
//! that the labels of containers tell are put together in `model/edge`.

use std::collections::BTreeMap;

use super::Process;
use super::cx::{Cx, Read};
use super::passing::{self, Labels, Passing, Way};
use super::properties::Properties;
use super::serve;
use super::settle::{self, address, listener};
use crate::model::knowledge::Program;
use crate::model::{Amount, Bind, Key, Listener, Setting, Timeouts};
use crate::syntax::rule;
use crate::syntax::value::{Text, path};
use crate::syntax::yaml::{self, Node};

/// Where Traefik looks for its file by itself.
const FILES: [&str; 4] = [
    "/etc/traefik/traefik.yml",
    "/etc/traefik/traefik.yaml",
    "/etc/traefik/traefik.toml",
    "traefik.yml",
];

/// `traefik --entrypoints.web.address=:80`.
pub(super) fn process(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let program = cx.known.program("traefik")?;
    let mut process = serve::bare(cx, program, argv, Vec::new(), Timeouts::new());
    told(cx, program, &mut process);
    Some(process)
}

/// Where it listens, by its static configuration over what the image does.
pub(super) fn told(cx: &mut Cx<'_>, program: &Program, process: &mut Process) {
    let options = Options::of(cx, &process.argv);
    let listeners = options.listeners(cx, program);
    if !listeners.is_empty() || options.unread {
        process.listeners = listeners;
    }
    process.listeners_complete = false;
}

/// What it passes on.
pub(super) fn passing(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Passing> {
    let tag = super::tag(cx, "traefik");
    // The first version was told in other words.
    if tag.is_some_and(|tag| tag.starts_with("1.") || tag.starts_with("v1.")) {
        return None;
    }
    let options = Options::of(cx, argv);
    if options.unread {
        return None;
    }
    let mut passing = Passing {
        timeouts: options.timeouts(),
        closes: options.closes(),
        entries: options.entries().map(|(name, _)| name).collect(),
        labels: options.labels(),
        ..Passing::default()
    };
    for file in options.dynamic(cx) {
        ways(cx, &file, &mut passing);
    }
    Some(passing)
}

/// The static configuration under flat names in lower case: `providers.docker.network`.
#[derive(Default)]
struct Options {
    told: Vec<(String, Text)>,
    /// Whether some words could not be read, so that more may be told.
    open: bool,
    /// Whether all of it stands in a file that is not seen.
    unread: bool,
}

impl Options {
    /// The first of the three that is there: a file, flags, variables.
    fn of(cx: &mut Cx<'_>, argv: &[Text]) -> Self {
        let flags = Self::flags(argv);
        let named = flags
            .get("configfile")
            .cloned()
            .or_else(|| cx.env("TRAEFIK_CONFIGFILE"));
        if let Some(named) = named {
            let file = named.get().and_then(|path| Self::file(cx, path));
            return file.unwrap_or_else(Self::unseen);
        }
        if let Some(file) = FILES.iter().find_map(|path| Self::file(cx, path)) {
            return file;
        }
        if !flags.told.is_empty() {
            return flags;
        }
        let variables = Self::variables(cx);
        if !variables.told.is_empty() {
            return variables;
        }
        // Nothing tells it anything, unless a file does that is put there from elsewhere.
        let elsewhere = |cx: &mut Cx<'_>, path: &&str| matches!(cx.read(path), Read::Unknown(why) if !why.ends_with("in the image"));
        if FILES.iter().any(|path| elsewhere(cx, path)) {
            return Self::unseen();
        }
        flags
    }

    fn unseen() -> Self {
        Self {
            unread: true,
            ..Self::default()
        }
    }

    fn file(cx: &mut Cx<'_>, path: &str) -> Option<Self> {
        let mut properties = Properties::default();
        if !matches!(cx.read(path), Read::Text(..)) || !properties.add(cx, path) {
            return None;
        }
        let open = properties.open.is_some();
        let told = properties.below("").into_iter();
        Some(Self {
            told: told
                .map(|(key, text)| (key.to_ascii_lowercase(), text))
                .collect(),
            open,
            unread: false,
        })
    }

    fn flags(argv: &[Text]) -> Self {
        let mut options = Self::default();
        let mut words = argv.iter().peekable();
        while let Some(word) = words.next() {
            let Some(text) = word.get() else {
                options.open = true;
                continue;
            };
            let Some(flag) = text.strip_prefix("--") else {
                continue;
            };
            // plain: the word has lost its quotes already
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, value.to_owned()),
                None => {
                    let next =
                        words.next_if(|next| next.get().is_some_and(|next| !next.starts_with('-')));
                    let value = next.and_then(Text::get).unwrap_or("true");
                    (flag, value.to_owned())
                }
            };
            let text = Text {
                value: Ok(value),
                ..word.clone()
            };
            options.told.push((name.to_ascii_lowercase(), text));
        }
        options
    }

    fn variables(cx: &Cx<'_>) -> Self {
        let told = cx.launch.environment.iter().filter_map(|(name, value)| {
            let key = name.value.strip_prefix("TRAEFIK_")?;
            let key = key.to_ascii_lowercase().replace('_', ".");
            Some((key, value.clone()?))
        });
        Self {
            told: told.collect(),
            open: cx.launch.environment_open.is_some(),
            unread: false,
        }
    }

    fn get(&self, key: &str) -> Option<&Text> {
        let mut told = self.told.iter().rev();
        told.find(|(name, _)| name == key).map(|(_, text)| text)
    }

    fn says(&self, key: &str) -> Option<&str> {
        self.get(key)?.get()
    }

    /// Whether a part is switched on: named at all, and not switched off.
    fn has(&self, part: &str) -> bool {
        let below = |name: &str| {
            let rest = name.strip_prefix(part);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.says(part) != Some("false") && self.told.iter().any(|(name, _)| below(name))
    }

    /// Entry points: name and address.
    fn entries(&self) -> impl Iterator<Item = (String, &Text)> {
        self.told.iter().filter_map(|(key, text)| {
            let name = key.strip_prefix("entrypoints.")?.strip_suffix(".address")?;
            // plain: the name of an entry point has no dot
            (!name.contains('.')).then(|| (name.to_owned(), text))
        })
    }

    fn listeners(&self, cx: &Cx<'_>, program: &Program) -> Vec<Listener> {
        let entries = self.entries().filter_map(|(_, text)| {
            let mut text = text.clone();
            if let Ok(value) = &mut text.value {
                if value.ends_with("/udp") {
                    return None;
                }
                let bare = value.trim_end_matches("/tcp").len();
                value.truncate(bare);
            }
            let mut made = listener(
                address(cx, &text, None, &Bind::Any),
                settle::protocol(&program.protocol)?,
                program,
            );
            made.protocol = Setting::unknown("Traefik's routers decide it");
            Some(made)
        });
        entries.collect()
    }

    fn timeouts(&self) -> Timeouts {
        let mut timeouts = Timeouts::new();
        let transport = |name: &str, zero: Amount| {
            let key = format!("serverstransport.forwardingtimeouts.{name}");
            self.get(&key).map(|text| passing::time(text, zero))
        };
        let usual = |number: &str| passing::usual("traefik", number, Amount::Infinite);
        let mut put = |key, written, usual| passing::put(&mut timeouts, key, written, usual);
        put(
            Key::Connect,
            transport("dialtimeout", Amount::Infinite),
            usual("connect_timeout_s"),
        );
        put(
            Key::Read,
            transport("responseheadertimeout", Amount::Infinite),
            usual("response_timeout_s"),
        );
        put(
            Key::KeepaliveIdle,
            transport("idleconntimeout", Amount::Infinite),
            usual("upstream_idle_s"),
        );
        put(
            Key::ClientIdle,
            self.client_idle(),
            usual("client_keepalive_s"),
        );
        timeouts
    }

    /// One value for all entry points; where one of several has its own, nothing is said.
    fn client_idle(&self) -> Option<Setting<Amount>> {
        const END: &str = ".transport.respondingtimeouts.idletimeout";
        let mut written = self
            .told
            .iter()
            .filter(|(key, _)| key.starts_with("entrypoints.") && key.ends_with(END));
        let (_, first) = written.next()?;
        if self.entries().count() > 1 {
            return Some(Setting::unknown("its entry points differ"));
        }
        Some(passing::time(first, Amount::Infinite))
    }

    fn closes(&self) -> Option<String> {
        let most = self.says("serverstransport.maxidleconnsperhost")?;
        let none = most.trim().parse::<i64>().is_ok_and(|most| most < 0);
        none.then(|| "maxIdleConnsPerHost is below zero".to_owned())
    }

    /// What the provider of containers is told.
    fn labels(&self) -> Option<Labels> {
        let swarm =
            self.has("providers.swarm") || self.says("providers.docker.swarmmode") == Some("true");
        let provider = if self.has("providers.swarm") {
            "providers.swarm"
        } else {
            "providers.docker"
        };
        if !self.has(provider) {
            return None;
        }
        let says = |name: &str| self.says(&format!("{provider}.{name}"));
        let needed = match says("constraints") {
            None => None,
            Some(constraint) if constraint.trim().is_empty() => None,
            Some(constraint) => Some(rule::label(constraint)?),
        };
        Some(Labels {
            swarm,
            all: !self.open && says("exposedbydefault") != Some("false"),
            needed,
            network: says("network").map(str::to_owned),
        })
    }

    /// The files of the file provider.
    fn dynamic(&self, cx: &mut Cx<'_>) -> Vec<String> {
        if let Some(file) = self.says("providers.file.filename") {
            return vec![file.to_owned()];
        }
        let Some(folder) = self.says("providers.file.directory") else {
            return Vec::new();
        };
        let names = cx.list(folder).unwrap_or_default();
        let names = names
            .into_iter()
            .filter(|name| path::has_extension(name, &["yml", "yaml"]));
        names.map(|name| format!("{folder}/{name}")).collect()
    }
}

/// What one file of the file provider says. Traefik fills it in as a template first, so one that holds any is left out.
fn ways(cx: &mut Cx<'_>, file: &str, passing: &mut Passing) {
    let Read::Text(id, text) = cx.read(file) else {
        return;
    };
    if text.contains("{{") {
        return;
    }
    let parsed = yaml::parse(id, &text);
    let Some(http) = parsed.documents.first().and_then(|root| get(root, "http")) else {
        return;
    };
    let served = services(http);
    for (name, router) in children(http, "routers") {
        let Some(service) = scalar(router, "service") else {
            continue;
        };
        let own = service.strip_suffix("@file").unwrap_or(&service);
        let Some((urls, transport)) = served.get(own) else {
            continue;
        };
        let rule = scalar(router, "rule").unwrap_or_default();
        passing.ways.push(Way {
            name: rule::name(&rule).unwrap_or(name),
            hosts: rule::hosts(&rule),
            entries: entry_points(router),
            urls: urls.clone(),
            timeouts: if *transport {
                own_transport()
            } else {
                Timeouts::new()
            },
        });
    }
    passing
        .named
        .extend(served.into_iter().map(|(name, (urls, _))| (name, urls)));
}

/// The plain groups of servers of a file, and whether a transport of their own sets their times.
fn services(http: &Node) -> BTreeMap<String, (Vec<Text>, bool)> {
    let mut served = BTreeMap::new();
    for (name, service) in children(http, "services") {
        let Some(balancer) = get(service, "loadBalancer") else {
            continue;
        };
        let servers = get(balancer, "servers")
            .and_then(Node::items)
            .unwrap_or(&[]);
        let urls = servers.iter().filter_map(|server| {
            let url = get(server, "url")?;
            Some(Text::known(url.scalar()?.text.clone(), url.span))
        });
        let transport = get(balancer, "serversTransport").is_some();
        served.insert(name, (urls.collect(), transport));
    }
    served
}

/// Times that a transport of the service's own sets, which is not followed.
pub(crate) fn own_transport() -> Timeouts {
    let keys = [Key::Connect, Key::Read, Key::KeepaliveIdle];
    let unknown = |key| {
        (
            key,
            Setting::unknown("a serversTransport of its own sets it"),
        )
    };
    keys.into_iter().map(unknown).collect()
}

fn entry_points(router: &Node) -> Vec<String> {
    let items = get(router, "entryPoints")
        .and_then(Node::items)
        .unwrap_or(&[]);
    let names = items
        .iter()
        .filter_map(|item| Some(item.scalar()?.text.to_ascii_lowercase()));
    names.collect()
}

/// The value of a key; Traefik does not tell case apart.
fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let mut entries = node.entries()?.iter();
    let entry = entries.find(|entry| entry.key.value.eq_ignore_ascii_case(key))?;
    Some(&entry.value)
}

fn children<'n>(node: &'n Node, key: &str) -> impl Iterator<Item = (String, &'n Node)> {
    let entries = get(node, key).and_then(Node::entries).unwrap_or(&[]);
    entries
        .iter()
        .map(|entry| (entry.key.value.clone(), &entry.value))
}

fn scalar(node: &Node, key: &str) -> Option<String> {
    Some(get(node, key)?.scalar()?.text.clone())
}
