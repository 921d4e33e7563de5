//! What belongs to a HAProxy process as a whole: its `global`, its `resolvers`, and names that nothing defines.

use crate::model::haproxy::section::{Proxy, from, named};
use crate::model::{HopId, ServiceRef};
use crate::project::haproxy::HaproxyConf;
use crate::source::{Span, Spanned};
use crate::syntax::haproxy::{Line, Section, Word};
use crate::syntax::proxy_value::haproxy_time;

/// A HAProxy process.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its hop.
    pub hop: HopId,
    /// The service that runs it.
    pub service: Option<ServiceRef>,
    /// Whether every file of it was read.
    pub complete: bool,
    /// Whether there is neither `global` nor `defaults`: then this is a part of something, and what it lacks proves nothing.
    pub fragment: bool,
    /// `chroot` of `global`.
    pub chroot: Option<Spanned<String>>,
    /// `maxconn` of `global`: it does not start if it may not open two files for each, unless `no strict-limits`.
    pub connections: Option<Spanned<u64>>,
    /// Its `resolvers` sections.
    pub resolvers: Vec<Resolvers>,
    /// Names of its `defaults`.
    pub defaults: Vec<String>,
    /// Names that it uses and that nothing defines.
    pub undefined: Vec<Undefined>,
    /// Which section leads to which.
    pub ways: Vec<Way>,
}

/// A `resolvers` section.
#[derive(Debug, Clone)]
pub struct Resolvers {
    /// Its name.
    pub name: String,
    /// Its first line.
    pub span: Span,
    /// Whether it asks anyone: a `nameserver`, or those of `parse-resolv-conf`.
    pub asks: bool,
    /// `hold` lines: the status (`nx`, `timeout`, …), its time in milliseconds, and the line.
    pub holds: Vec<(String, Spanned<u64>)>,
    /// Actions such as `do-resolve` that use it.
    pub used_by_action: bool,
}

/// A way from a section that takes clients to one that has servers; a `listen` leads to itself.
#[derive(Debug, Clone)]
pub struct Way {
    /// Index into `Model::sections`.
    pub front: usize,
    /// Index into `Model::sections`.
    pub back: usize,
    /// Where it is chosen.
    pub span: Span,
    /// Indexes into the hop's listeners.
    pub listeners: Vec<usize>,
}

/// What a name that nothing defines should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndefinedKind {
    /// `use_backend`.
    UseBackend,
    /// `default_backend`.
    DefaultBackend,
    /// `resolvers` of a server.
    Resolvers,
    /// `from`.
    Defaults,
}

/// A name that a section uses and that nothing defines.
#[derive(Debug, Clone)]
pub struct Undefined {
    /// What it should have been.
    pub kind: UndefinedKind,
    /// The name, where it is used.
    pub name: Spanned<String>,
    /// The section that uses it: its first line.
    pub section: Span,
    /// A section that has the name and is of another kind.
    pub other: Option<Spanned<String>>,
}

impl Process {
    /// Of all sections of a process.
    pub(super) fn of(conf: &HaproxyConf, hop: HopId, proxies: &[Proxy]) -> Self {
        let resolvers: Vec<Resolvers> = conf
            .sections
            .iter()
            .filter(|section| section.kind.value == "resolvers")
            .map(|section| resolvers(conf, section))
            .collect();
        let mut undefined = Vec::new();
        if conf.complete {
            for proxy in proxies
                .iter()
                .filter(|proxy| !proxy.section.head.conditional)
            {
                backends(proxy, proxies, &mut undefined);
                name_servers(proxy, &resolvers, &mut undefined);
            }
            let sections = conf.sections.iter().filter(|section| {
                ["defaults", "frontend", "backend", "listen"].contains(&section.kind.value.as_str())
            });
            undefined.extend(sections.filter_map(|section| parent(conf, section)));
        }
        Self {
            hop,
            service: conf.service,
            complete: conf.complete,
            fragment: !conf
                .sections
                .iter()
                .any(|section| ["global", "defaults"].contains(&section.kind.value.as_str())),
            chroot: chroot(conf),
            connections: connections(conf),
            resolvers,
            defaults: named_defaults(conf),
            undefined,
            ways: Vec::new(),
        }
    }
}

fn named_defaults(conf: &HaproxyConf) -> Vec<String> {
    let sections = conf
        .sections
        .iter()
        .filter(|section| section.kind.value == "defaults");
    let names = sections.filter_map(|section| section.name.as_ref());
    names.map(|name| name.value.clone()).collect()
}

/// Where the process puts its root once it has read its files.
pub(super) fn chroot(conf: &HaproxyConf) -> Option<Spanned<String>> {
    let globals = conf
        .sections
        .iter()
        .filter(|section| section.kind.value == "global");
    let mut lines = globals.flat_map(|section| &section.lines);
    let line = lines.rfind(|line| line.words[0].text == "chroot")?;
    let word = line.words.get(1)?;
    let plain = !line.conditional && !word.has_env && word.text.starts_with('/');
    plain.then(|| Spanned::new(word.text.clone(), line.span))
}

fn connections(conf: &HaproxyConf) -> Option<Spanned<u64>> {
    let globals = conf
        .sections
        .iter()
        .filter(|section| section.kind.value == "global");
    let mut found = None;
    for line in globals.flat_map(|section| &section.lines) {
        let words: Vec<&str> = line.words.iter().map(|word| word.text.as_str()).collect();
        match words.as_slice() {
            ["maxconn", number, ..] => {
                let number = number.parse().ok().filter(|_| !line.conditional);
                found = number.map(|number| Spanned::new(number, line.span));
            }
            ["no", "strict-limits", ..] => return None,
            _ => {}
        }
    }
    found
}

fn resolvers(conf: &HaproxyConf, section: &Section) -> Resolvers {
    let first = |line: &&Line, text: &str| line.words[0].text == text;
    let name = section.name.as_ref().map_or("", |name| name.value.as_str());
    let holds = section
        .lines
        .iter()
        .filter(|line| first(line, "hold") && !line.conditional);
    let holds = holds.filter_map(|line| {
        let (status, time) = (line.words.get(1)?, line.words.get(2)?);
        let ms = haproxy_time(&time.text)?;
        Some((status.text.clone(), Spanned::new(ms, line.span)))
    });
    let mut lines = conf.sections.iter().flat_map(|section| &section.lines);
    let named = |word: &Word| word.text.contains("do-resolve(") && word.text.contains(name);
    Resolvers {
        name: name.to_owned(),
        span: section.head.span,
        asks: section
            .lines
            .iter()
            .any(|line| first(&line, "nameserver") || first(&line, "parse-resolv-conf")),
        holds: holds.collect(),
        used_by_action: lines.any(|line| line.words.iter().any(named)),
    }
}

/// The lines that choose a backend: `use_backend` in order, then `default_backend` as it holds here.
pub(super) fn choices<'a>(front: &Proxy<'a>) -> impl Iterator<Item = &'a Line> {
    let chosen = front.own(&["use_backend"]);
    chosen.chain(front.find(&["default_backend"]).map(|(line, _)| line))
}

fn backends(front: &Proxy, proxies: &[Proxy], undefined: &mut Vec<Undefined>) {
    // A name that something fills in first may be any.
    let open = |proxy: &Proxy| proxy.name().contains(['{', '<', '%', '$']);
    if front.section.kind.value == "backend" || proxies.iter().any(open) {
        return;
    }
    for line in choices(front).filter(|line| !line.conditional) {
        let Some(word) = line.words.get(1) else {
            continue;
        };
        let Ok(name) = front.word(word) else { continue };
        // `%[…]` is a name that only a request tells; `default_backend` takes it for a plain one.
        let chosen = line.words[0].text == "use_backend";
        if name.is_empty() || name.contains(['{', '<', '$']) || (chosen && name.contains('%')) {
            continue;
        }
        let having: Vec<&Proxy> = proxies.iter().filter(|p| p.name() == name).collect();
        if having.iter().any(|p| p.section.kind.value != "frontend") {
            continue;
        }
        undefined.push(Undefined {
            kind: if chosen {
                UndefinedKind::UseBackend
            } else {
                UndefinedKind::DefaultBackend
            },
            name: Spanned::new(name, word.span),
            section: front.span(),
            other: having
                .first()
                .map(|proxy| Spanned::new("frontend".to_owned(), proxy.span())),
        });
    }
}

fn name_servers(back: &Proxy, known: &[Resolvers], undefined: &mut Vec<Undefined>) {
    let sections = back.around().into_iter();
    let lines = sections.flat_map(|section| &section.lines).filter(|line| {
        let first = line.words[0].text.as_str();
        ["server", "server-template", "default-server"].contains(&first) && !line.conditional
    });
    for line in lines {
        let at = line.words.iter().position(|word| word.text == "resolvers");
        let Some(word) = at.and_then(|at| line.words.get(at + 1)) else {
            continue;
        };
        // HAProxy has a section of this name by itself since 2.6.
        let there = |name: &str| name == "default" || known.iter().any(|known| known.name == name);
        let seen = undefined.iter().any(|other| other.name.span == word.span);
        if !word.has_env && !there(&word.text) && !seen {
            undefined.push(Undefined {
                kind: UndefinedKind::Resolvers,
                name: Spanned::new(word.text.clone(), word.span),
                section: back.span(),
                other: None,
            });
        }
    }
}

/// `from` may name what stands before it alone.
fn parent(conf: &HaproxyConf, section: &Section) -> Option<Undefined> {
    let name = from(section).filter(|_| !section.head.conditional)?;
    let word = section.head.words.iter().rfind(|word| word.text == name)?;
    let known = named(conf, name).is_some_and(|parent| {
        parent.head.span.file != section.head.span.file || parent.head.span < section.head.span
    });
    (!known && !word.has_env).then(|| Undefined {
        kind: UndefinedKind::Defaults,
        name: Spanned::new(name.to_owned(), word.span),
        section: section.head.span,
        other: None,
    })
}
