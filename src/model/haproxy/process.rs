//! What belongs to a HAProxy process as a whole: its `global`, its `resolvers`, and names that nothing defines.

use std::collections::{HashMap, HashSet};

use crate::model::haproxy::section::{Frame, Proxy, from};
use crate::model::{HopId, ServiceRef};
use crate::project::haproxy::HaproxyConf;
use crate::source::{Span, Spanned};
use crate::syntax::haproxy::{Line, Section, Word, map_choice};
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
    /// `user` and `group` of `global`; `Err`: they are not plain.
    pub user: Result<Option<(String, Option<String>)>, ()>,
    /// `chroot` of `global`.
    pub chroot: Option<Spanned<String>>,
    /// `maxconn` of `global`: it does not start if it may not open two files for each, unless `no strict-limits`.
    pub connections: Option<Spanned<u64>>,
    /// Whether some `log` of it leads anywhere: `log global` only repeats those of `global`.
    pub logs: bool,
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
    /// A value of a map file, or what `use_backend` takes where the file has none.
    MapValue,
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
    /// Of a value of a map: the line that looks it up.
    pub lookup: Option<Span>,
    /// Where a request goes that a map sends to nobody: `default_backend`.
    pub instead: Option<Spanned<String>>,
}

impl Process {
    /// Of all sections of a process.
    pub(super) fn of(conf: &HaproxyConf, hop: HopId, frame: &Frame, proxies: &[Proxy]) -> Self {
        let resolvers = all_resolvers(conf);
        let mut undefined = Vec::new();
        if conf.complete {
            let names = Names::of(proxies);
            let known: HashSet<&str> = resolvers.iter().map(|known| known.name.as_str()).collect();
            let mut seen = HashSet::new();
            for proxy in proxies
                .iter()
                .filter(|proxy| !proxy.section.head.conditional)
            {
                backends(proxy, &names, &mut undefined);
                name_servers(proxy, &known, &mut seen, &mut undefined);
            }
            let sections = conf.sections.iter().filter(|section| {
                ["defaults", "frontend", "backend", "listen"].contains(&section.kind.value.as_str())
            });
            undefined.extend(sections.filter_map(|section| parent(frame, section)));
        }
        Self {
            hop,
            service: conf.service,
            complete: conf.complete,
            fragment: !conf
                .sections
                .iter()
                .any(|section| ["global", "defaults"].contains(&section.kind.value.as_str())),
            user: frame.user.clone(),
            chroot: frame.chroot.clone(),
            connections: connections(conf),
            logs: conf
                .sections
                .iter()
                .flat_map(|section| &section.lines)
                .any(logs),
            resolvers,
            defaults: named_defaults(conf),
            undefined,
            ways: Vec::new(),
        }
    }
}

fn logs(line: &Line) -> bool {
    let place = line.words.get(1).map(|word| word.text.as_str());
    line.words[0].text == "log" && place.is_some_and(|place| place != "global")
}

fn named_defaults(conf: &HaproxyConf) -> Vec<String> {
    let sections = conf
        .sections
        .iter()
        .filter(|section| section.kind.value == "defaults");
    let names = sections.filter_map(|section| section.name.as_ref());
    names.map(|name| name.value.clone()).collect()
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

fn all_resolvers(conf: &HaproxyConf) -> Vec<Resolvers> {
    let lines = conf.sections.iter().flat_map(|section| &section.lines);
    let words = lines.flat_map(|line| &line.words);
    let actions: Vec<&Word> = words
        .filter(|word| word.text.contains("do-resolve("))
        .collect();
    let sections = conf.sections.iter();
    let resolving = sections.filter(|section| section.kind.value == "resolvers");
    resolving
        .map(|section| resolvers(&actions, section))
        .collect()
}

fn resolvers(actions: &[&Word], section: &Section) -> Resolvers {
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
    Resolvers {
        name: name.to_owned(),
        span: section.head.span,
        asks: section
            .lines
            .iter()
            .any(|line| first(&line, "nameserver") || first(&line, "parse-resolv-conf")),
        holds: holds.collect(),
        used_by_action: actions.iter().any(|word| word.text.contains(name)),
    }
}

/// The lines that choose a backend: `use_backend` in order, then `default_backend` as it holds here.
pub(super) fn choices<'a>(front: &Proxy<'a>) -> impl Iterator<Item = &'a Line> {
    let chosen = front.own(&["use_backend"]);
    chosen.chain(front.find(&["default_backend"]).map(|(line, _)| line))
}

/// The names of the sections of a process.
struct Names<'a> {
    /// The first of each name, and whether one of that name can be a backend.
    sections: HashMap<&'a str, (Span, bool)>,
    /// Whether something fills a name in first, so that it may be any.
    open: bool,
}

impl<'a> Names<'a> {
    fn of(proxies: &[Proxy<'a>]) -> Self {
        let mut sections = HashMap::new();
        for proxy in proxies {
            let known = sections
                .entry(proxy.name())
                .or_insert((proxy.span(), false));
            known.1 |= proxy.section.kind.value != "frontend";
        }
        let open = |proxy: &Proxy| proxy.name().contains(['{', '<', '%', '$']);
        Self {
            sections,
            open: proxies.iter().any(open),
        }
    }
}

fn backends(front: &Proxy, names: &Names, undefined: &mut Vec<Undefined>) {
    if front.section.kind.value == "backend" || names.open {
        return;
    }
    for line in choices(front).filter(|line| !line.conditional) {
        let Some(word) = line.words.get(1) else {
            continue;
        };
        let Ok(name) = front.word(word) else { continue };
        mapped(front, &name, line, names, undefined);
        // `%[…]` is a name that only a request tells; `default_backend` takes it for a plain one.
        let chosen = line.words[0].text == "use_backend";
        if name.is_empty() || name.contains(['{', '<', '$']) || (chosen && name.contains('%')) {
            continue;
        }
        let having = names.sections.get(name.as_str());
        if having.is_some_and(|(_, passes)| *passes) {
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
            other: having.map(|(span, _)| Spanned::new("frontend".to_owned(), *span)),
            lookup: None,
            instead: None,
        });
    }
}

/// The names that a map gives a `use_backend`, each where it is written; none if the file was not seen.
pub(super) fn mapped_names(front: &Proxy, name: &str, word: Span) -> Vec<Spanned<String>> {
    let Some(choice) = map_choice(name) else {
        return Vec::new();
    };
    let Some(values) = front.conf.maps.get(&choice.path) else {
        return Vec::new();
    };
    let whole = |value: &str| format!("{}{value}{}", choice.before, choice.after);
    let values = values
        .iter()
        .map(|value| Spanned::new(whole(&value.value), value.span));
    let fallback = choice
        .fallback
        .iter()
        .map(|value| Spanned::new(whole(value), word));
    values.chain(fallback).collect()
}

/// HAProxy looks these names up for each request, and goes on with the next line where there is no such backend.
fn mapped(front: &Proxy, name: &str, line: &Line, names: &Names, undefined: &mut Vec<Undefined>) {
    let having = |name: &str| names.sections.get(name).is_some_and(|(_, passes)| *passes);
    let instead = || front.value_of(&["default_backend"]);
    let given = mapped_names(front, name, line.words[1].span);
    undefined.extend(
        given
            .into_iter()
            .filter(|name| !having(&name.value))
            .map(|name| Undefined {
                kind: UndefinedKind::MapValue,
                name,
                section: front.span(),
                other: None,
                lookup: Some(line.span),
                instead: instead(),
            }),
    );
}

fn name_servers(
    back: &Proxy,
    known: &HashSet<&str>,
    seen: &mut HashSet<Span>,
    undefined: &mut Vec<Undefined>,
) {
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
        let there = word.text == "default" || known.contains(word.text.as_str());
        if !word.has_env && !there && seen.insert(word.span) {
            undefined.push(Undefined {
                kind: UndefinedKind::Resolvers,
                name: Spanned::new(word.text.clone(), word.span),
                section: back.span(),
                other: None,
                lookup: None,
                instead: None,
            });
        }
    }
}

/// `from` may name what stands before it alone.
fn parent(frame: &Frame, section: &Section) -> Option<Undefined> {
    let name = from(section).filter(|_| !section.head.conditional)?;
    let word = section.head.words.iter().rfind(|word| word.text == name)?;
    let known = frame.named(name).is_some_and(|parent| {
        parent.head.span.file != section.head.span.file || parent.head.span < section.head.span
    });
    (!known && !word.has_env).then(|| Undefined {
        kind: UndefinedKind::Defaults,
        name: Spanned::new(name.to_owned(), word.span),
        section: section.head.span,
        other: None,
        lookup: None,
        instead: None,
    })
}
