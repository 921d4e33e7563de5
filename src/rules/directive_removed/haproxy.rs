//! Words that HAProxy no longer has.

use std::collections::HashMap;

use crate::finding::{Confidence, Finding, Severity};
use crate::model::HopId;
use crate::model::haproxy::{Statement, statements};
use crate::model::version::{Versions, at_least};
use crate::rules::Ctx;
use crate::rules::alike::Alike;
use crate::rules::words::list;
use crate::source::Span;

/// Words that are gone, in which kind of section, since when, and what to write in their place.
struct Removed {
    /// The first words of a line.
    words: &'static str,
    kind: Kind,
    /// The first version without them, or the first of which that is known.
    gone: &'static str,
    instead: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Global,
    Proxy,
    Opens,
}

const fn global(words: &'static str, gone: &'static str, instead: &'static str) -> Removed {
    Removed {
        words,
        kind: Kind::Global,
        gone,
        instead,
    }
}

const fn proxy(words: &'static str, gone: &'static str, instead: &'static str) -> Removed {
    Removed {
        words,
        kind: Kind::Proxy,
        gone,
        instead,
    }
}

/// Sources: what HAProxy 2.6 says when it refuses them, which names the version for most of them; `program`, the manual of
/// 3.3; `master-worker`, the first version that was seen to refuse it.
const REMOVED: &[Removed] = &[
    global(
        "nbproc",
        "2.5",
        "take it out: one process uses all cores with its threads",
    ),
    global(
        "debug",
        "2.6",
        "take it out, and start `haproxy -d` where it is needed",
    ),
    global("tune.chksize", "2.6", "take it out: `tune.bufsize` is used"),
    global(
        "master-worker",
        "3.5",
        "take it out, and start `haproxy -W`, as the official image does",
    ),
    proxy("appsession", "1.6", "write `stick-table` and `stick on`"),
    proxy(
        "option forceclose",
        "2.0",
        "take it out, or write `option httpclose`",
    ),
    proxy("option http-tunnel", "2.1", "take it out: it is not needed"),
    proxy(
        "option http_proxy",
        "2.5",
        "write `http-request do-resolve` and `http-request set-dst`",
    ),
    proxy(
        "option http-use-htx",
        "2.6",
        "take it out: there is nothing else any more",
    ),
    proxy(
        "option independant-streams",
        "2.6",
        "write `option independent-streams`",
    ),
    proxy(
        "mode health",
        "2.6",
        "write `http-request return status 200`",
    ),
    proxy(
        "monitor-net",
        "2.6",
        "write `http-request return status 200 if { src … }`",
    ),
    proxy("timeout clitimeout", "2.1", "write `timeout client`"),
    proxy("timeout contimeout", "2.1", "write `timeout connect`"),
    proxy("timeout srvtimeout", "2.1", "write `timeout server`"),
    proxy("clitimeout", "2.1", "write `timeout client`"),
    proxy("contimeout", "2.1", "write `timeout connect`"),
    proxy("srvtimeout", "2.1", "write `timeout server`"),
    proxy("redisp", "2.1", "write `option redispatch`"),
    proxy("redispatch", "2.1", "write `option redispatch`"),
    proxy(
        "block",
        "2.1",
        "write `http-request deny`, which takes the same condition",
    ),
    proxy("reqadd", "2.1", "write `http-request add-header`"),
    proxy("reqallow", "2.1", "write `http-request allow`"),
    proxy("reqiallow", "2.1", "write `http-request allow`"),
    proxy("reqdel", "2.1", "write `http-request del-header`"),
    proxy("reqidel", "2.1", "write `http-request del-header`"),
    proxy("reqdeny", "2.1", "write `http-request deny`"),
    proxy("reqideny", "2.1", "write `http-request deny`"),
    proxy("reqpass", "2.1", "take it out"),
    proxy("reqipass", "2.1", "take it out"),
    proxy(
        "reqrep",
        "2.1",
        "write `http-request replace-path`, `replace-uri` or `replace-header`",
    ),
    proxy(
        "reqirep",
        "2.1",
        "write `http-request replace-path`, `replace-uri` or `replace-header`",
    ),
    proxy("reqsetbe", "2.1", "write `use_backend`"),
    proxy("reqisetbe", "2.1", "write `use_backend`"),
    proxy("reqtarpit", "2.1", "write `http-request tarpit`"),
    proxy("reqitarpit", "2.1", "write `http-request tarpit`"),
    proxy("rspadd", "2.1", "write `http-response add-header`"),
    proxy("rspdel", "2.1", "write `http-response del-header`"),
    proxy("rspidel", "2.1", "write `http-response del-header`"),
    proxy("rspdeny", "2.1", "write `http-response deny`"),
    proxy("rspideny", "2.1", "write `http-response deny`"),
    proxy("rsprep", "2.1", "write `http-response replace-header`"),
    proxy("rspirep", "2.1", "write `http-response replace-header`"),
    proxy("grace", "2.5", "take it out"),
    proxy("bind-process", "2.7", "take it out: there is one process"),
    Removed {
        words: "program",
        kind: Kind::Opens,
        gone: "3.3",
        instead: "let the service manager, or a container of its own, start the program",
    },
    LISTEN,
];

/// `listen name address`, which has been two lines since.
const LISTEN: Removed = Removed {
    words: "listen <name> <address>",
    kind: Kind::Opens,
    gone: "2.0",
    instead: "write `bind <address>` below it",
};

/// No version before this one is maintained any more: what it lacks, it is a fault to write wherever nothing tells the version.
const OLDEST: &str = "2.7";

impl Removed {
    fn is_in(&self, statement: &Statement) -> bool {
        let fits = match self.kind {
            Kind::Global => statement.kind == "global" && !statement.opens,
            Kind::Proxy => is_proxy(statement) && !statement.opens,
            Kind::Opens => statement.opens,
        };
        if self.words == LISTEN.words {
            let third = statement.word(2);
            return fits && takes_clients(statement) && !third.is_empty() && third != "from";
        }
        let skipped = usize::from(["no", "default"].contains(&statement.word(0)));
        let mut written = statement.words().skip(skipped);
        // plain: words of the table above
        fits && self
            .words
            .split(' ')
            .all(|word| written.next() == Some(word))
    }
}

fn is_proxy(statement: &Statement) -> bool {
    ["defaults", "frontend", "backend", "listen"].contains(&statement.kind)
}

fn takes_clients(statement: &Statement) -> bool {
    ["frontend", "listen"].contains(&statement.kind)
}

pub(super) fn check(cx: &mut Ctx) {
    let mut found = Alike::new();
    for statement in statements(cx.project) {
        if let Some(row) = REMOVED.iter().find(|row| row.is_in(&statement)) {
            found.add(
                (statement.hop, row.gone),
                statement.span(),
                (row, statement.span()),
            );
        }
    }
    for ((hop, gone), rows) in found.groups() {
        report(cx, hop, gone, &rows);
    }
    same_names(cx);
    mixed_defaults(cx);
}

/// Whether a version certainly lacks what was gone by another; `None` if it has it, or if nobody can say.
fn lacks(cx: &Ctx, hop: HopId, gone: &str) -> Option<bool> {
    let version = &cx.model.hop(hop).version;
    match at_least(version, gone) {
        Versions::All => Some(true),
        Versions::None => None,
        Versions::Some if version.value().is_some() => Some(false),
        Versions::Some => {
            let old = crate::model::Setting::written(OLDEST.to_owned(), cx.model.hop(hop).span);
            (at_least(&old, gone) == Versions::All).then_some(false)
        }
    }
}

/// One finding for all words that went with one version.
fn report(cx: &mut Ctx, hop: HopId, gone: &str, rows: &[(&Removed, Span)]) {
    let Some(sure) = lacks(cx, hop, gone) else {
        return;
    };
    let mut names: Vec<String> = Vec::new();
    for (row, _) in rows {
        let name = format!("`{}`", row.words);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let what = list(&names);
    let message = match cx.model.hop(hop).version.value() {
        Some(have) if sure => format!("HAProxy {have} has no {what} any more: gone by {gone}"),
        Some(have) => format!("HAProxy has no {what} from {gone} on, and this is {have}"),
        None => {
            format!("HAProxy has no {what} from {gone} on, and nothing tells which version this is")
        }
    };
    let (first, place) = rows[0];
    let finding = cx.report(place, message);
    finding.here("refused, and fatal");
    let mut told = vec![first.words];
    for (row, place) in &rows[1..] {
        if told.contains(&row.words) {
            finding.again([*place]);
        } else {
            told.push(row.words);
            finding.label(*place, row.instead);
        }
    }
    finding.help(first.instead).because("word", what);
    finish(cx, hop, sure);
}

/// Where the version is told, and how sure it is.
fn finish(cx: &mut Ctx, hop: HopId, sure: bool) {
    let version = cx.model.hop(hop).version.clone();
    let Some(finding) = cx.findings.last_mut() else {
        return;
    };
    label_version(finding, version.value(), version.span());
    if !sure {
        finding
            .severity(Severity::Warning)
            .at_most(Confidence::Medium);
    }
}

fn label_version(finding: &mut Finding, version: Option<&String>, place: Option<Span>) {
    if let (Some(version), Some(place)) = (version, place) {
        finding.label(place, format!("HAProxy {version}"));
    }
}

/// The first version that was seen to refuse a `defaults` section that some name and others just follow.
const UNMIXED: &str = "2.6";

/// A `defaults` section that `from` names, and that holds as well for a section which names none and follows it.
fn mixed_defaults(cx: &mut Ctx) {
    let mut last: HashMap<HopId, (Span, &str)> = HashMap::new();
    let mut named: HashMap<(HopId, &str), Span> = HashMap::new();
    let mut followed: Vec<(HopId, &str, Span, Span)> = Vec::new();
    for head in statements(cx.project).filter(|statement| statement.opens) {
        let words: Vec<&str> = head.words().collect();
        let from = words
            .iter()
            .position(|word| *word == "from")
            .filter(|at| *at > 0);
        let from = from.and_then(|at| words.get(at + 1).copied());
        if let Some(name) = from {
            named.entry((head.hop, name)).or_insert(head.span());
        }
        match head.kind {
            "defaults" => {
                last.insert(head.hop, (head.span(), head.section));
            }
            "frontend" | "backend" | "listen" if from.is_none() => {
                if let Some((place, name)) =
                    last.get(&head.hop).filter(|(_, name)| !name.is_empty())
                {
                    followed.push((head.hop, name, *place, head.span()));
                }
            }
            _ => {}
        }
    }
    let mut mixed = Alike::new();
    for (hop, name, place, follower) in followed {
        if let Some(user) = named.get(&(hop, name)) {
            mixed.add((hop, name.to_owned()), follower, (place, *user, follower));
        }
    }
    for ((hop, name), uses) in mixed.groups() {
        let Some(sure) = lacks(cx, hop, UNMIXED) else {
            continue;
        };
        let (defaults, user, follower) = uses[0];
        let message = format!(
            "defaults {name} is named by `from` and holds here because nothing else is named, which HAProxy refuses from {UNMIXED} on"
        );
        let finding = cx.report(follower, message);
        finding
            .here("refused, and fatal")
            .label(user, format!("names {name}"));
        finding.label(defaults, "the last before the section that names none");
        finding.again(uses[1..].iter().map(|(_, _, follower)| *follower));
        finding
            .help(format!(
                "write `from {name}` here too, or a `defaults` without a name in front"
            ))
            .because("word", &name);
        finish(cx, hop, sure);
    }
}

/// The first version that takes no frontend and backend of one name.
const APART: &str = "3.3";

/// A frontend and a backend of one name, which were two things before.
fn same_names(cx: &mut Ctx) {
    let mut heads: HashMap<(HopId, &str, &str), Span> = HashMap::new();
    let mut pairs = Alike::new();
    for head in statements(cx.project).filter(|statement| statement.opens) {
        let other = match head.kind {
            "frontend" => "backend",
            "backend" => "frontend",
            _ => continue,
        };
        heads
            .entry((head.hop, head.kind, head.section))
            .or_insert(head.span());
        if let Some(first) = heads.get(&(head.hop, other, head.section)) {
            let pair = (*first, head.span(), head.section.to_owned());
            pairs.add(head.hop, head.span(), pair);
        }
    }
    for (hop, pairs) in pairs.groups() {
        let Some(sure) = lacks(cx, hop, APART) else {
            continue;
        };
        let (first, second, name) = &pairs[0];
        let have = cx
            .model
            .hop(hop)
            .version
            .value()
            .cloned()
            .unwrap_or_default();
        let message = format!(
            "a frontend and a backend are both called {name}, which HAProxy refuses from {APART} on, and this is {have}"
        );
        let finding = cx.report(*second, message);
        finding
            .here("refused, and fatal")
            .label(*first, "has this name already");
        finding.again(pairs[1..].iter().map(|(_, second, _)| *second));
        finding
            .help("give each a name of its own, such as one with `_front` or `_back` behind it")
            .because("word", "one name");
        finish(cx, hop, sure);
    }
}
