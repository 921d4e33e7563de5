//! Which value holds in a section: HAProxy takes a keyword from the section itself, else from its `defaults`.

use std::collections::{HashMap, HashSet};

use crate::model::haproxy::tls;
use crate::model::{Setting, websocket};
use crate::project::haproxy::HaproxyConf;
use crate::source::{Span, Spanned};
use crate::syntax::haproxy::{Line, Section, Word, expand, expand_address};

/// `defaults` that take from others, deeper than this, are a circle.
const DEPTH: usize = 16;

/// A section that is longer has its lines by their first word: every way through a frontend asks it for a dozen keywords.
const LONG: usize = 32;

/// What the sections of a process share, found once: a process may have thousands of them, and each asks.
pub(super) struct Frame<'a> {
    conf: &'a HaproxyConf,
    /// The first `defaults` of each name.
    defaults: HashMap<&'a str, &'a Section>,
    /// Of long sections, by their first line, the lines by their first word.
    by_word: HashMap<Span, HashMap<&'a str, Vec<&'a Line>>>,
    /// Where the process puts its root once it has read its files.
    pub(super) chroot: Option<Spanned<String>>,
    /// `user` and `group`, or `uid` and `gid`, of `global`; `Err`: the environment fills them in.
    pub(super) user: Result<Option<(String, Option<String>)>, ()>,
    /// `ssl-server-verify`.
    pub(super) verify: Option<Setting<bool>>,
    /// Whether some section sets the Host of requests.
    pub(super) sets_host: bool,
    /// Every `ssl-default-bind-options`.
    pub(super) bind_options: Vec<&'a Line>,
    /// `tune.bufsize`.
    pub(super) buffer: Option<Spanned<u64>>,
    /// `tune.maxrewrite`.
    pub(super) rewrite: Option<Spanned<u64>>,
}

impl<'a> Frame<'a> {
    /// Of all files of a process.
    pub(super) fn of(conf: &'a HaproxyConf) -> Self {
        let (mut defaults, mut by_word) = (HashMap::new(), HashMap::new());
        for section in &conf.sections {
            if section.lines.len() > LONG {
                by_word.insert(section.head.span, lines_by_word(section));
            }
            if let Some(name) = section
                .name
                .as_ref()
                .filter(|_| section.kind.value == "defaults")
            {
                defaults.entry(name.value.as_str()).or_insert(section);
            }
        }
        Self {
            conf,
            defaults,
            by_word,
            chroot: global(conf, "chroot").and_then(chroot),
            user: user(conf),
            sets_host: conf.sections.iter().flat_map(|s| &s.lines).any(sets_host),
            bind_options: globals(conf)
                .filter(|line| line.words[0].text == "ssl-default-bind-options")
                .collect(),
            verify: global(conf, "ssl-server-verify").map(tls::server_verify),
            buffer: global(conf, "tune.bufsize").and_then(number),
            rewrite: global(conf, "tune.maxrewrite").and_then(number),
        }
    }

    /// The `defaults` of a name.
    pub(super) fn named(&self, name: &str) -> Option<&'a Section> {
        self.defaults.get(name).copied()
    }

    /// Lines of a section that begin with some words.
    fn lines(
        &self,
        section: &'a Section,
        words: &[&str],
    ) -> impl DoubleEndedIterator<Item = &'a Line> {
        let known = self.by_word.get(&section.head.span);
        let found = known.and_then(|lines| lines.get(words[0]));
        let all = known.is_none().then_some(&section.lines);
        let lines = found.into_iter().flatten().copied();
        let lines = lines.chain(all.into_iter().flatten());
        lines.filter(move |line| begins(line, words))
    }
}

fn lines_by_word(section: &Section) -> HashMap<&str, Vec<&Line>> {
    let mut by_word: HashMap<&str, Vec<&Line>> = HashMap::new();
    for line in &section.lines {
        let lines = by_word.entry(line.words[0].text.as_str()).or_default();
        lines.push(line);
    }
    by_word
}

/// The last line of `global` that begins with a word.
fn global<'a>(conf: &'a HaproxyConf, word: &str) -> Option<&'a Line> {
    globals(conf).rfind(|line| line.words[0].text == word)
}

fn globals(conf: &HaproxyConf) -> impl DoubleEndedIterator<Item = &Line> {
    let sections = conf.sections.iter();
    let globals = sections.filter(|section| section.kind.value == "global");
    globals.flat_map(|section| &section.lines)
}

fn sets_host(line: &Line) -> bool {
    let words = line.words.as_slice();
    let [rules, action, name, ..] = words else {
        return false;
    };
    rules.text == "http-request"
        && matches!(action.text.as_str(), "set-header" | "replace-header")
        && name.text.eq_ignore_ascii_case("host")
}

fn user(conf: &HaproxyConf) -> Result<Option<(String, Option<String>)>, ()> {
    let word = |names: [&str; 2]| match names.iter().find_map(|name| global(conf, name)) {
        None => Ok(None),
        Some(line) => match line.words.get(1) {
            Some(word) if !line.conditional && !word.has_env => Ok(Some(word.text.clone())),
            _ => Err(()),
        },
    };
    let group = word(["group", "gid"])?;
    Ok(word(["user", "uid"])?.map(|user| (user, group)))
}

fn chroot(line: &Line) -> Option<Spanned<String>> {
    let word = line.words.get(1)?;
    let plain = !line.conditional && !word.has_env && word.text.starts_with('/');
    plain.then(|| Spanned::new(word.text.clone(), line.span))
}

fn number(line: &Line) -> Option<Spanned<u64>> {
    let number = line.words.get(1)?.text.parse().ok()?;
    Some(Spanned::new(number, line.span))
}

/// A section with the `defaults` that hold for it.
#[derive(Clone, Copy)]
pub(super) struct Proxy<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) conf: &'a HaproxyConf,
    pub(super) section: &'a Section,
    /// The `defaults` it takes from: named by `from`, else the last one before it.
    pub(super) defaults: Option<&'a Section>,
}

impl<'a> Proxy<'a> {
    /// The sections of a process that pass or take traffic, in order.
    pub(super) fn of(frame: &'a Frame<'a>) -> Vec<Self> {
        let mut last: Option<&Section> = None;
        let mut proxies = Vec::new();
        for section in &frame.conf.sections {
            match section.kind.value.as_str() {
                "defaults" => last = Some(section),
                "frontend" | "backend" | "listen" => {
                    let defaults = from(section).map_or(last, |name| frame.named(name));
                    proxies.push(Self {
                        frame,
                        conf: frame.conf,
                        section,
                        defaults,
                    });
                }
                _ => {}
            }
        }
        proxies
    }

    pub(super) fn name(&self) -> &'a str {
        self.section
            .name
            .as_ref()
            .map_or("", |name| name.value.as_str())
    }

    /// Where the section is best pointed at.
    pub(super) fn span(&self) -> Span {
        self.section.head.span
    }

    /// Lines of the section itself that begin with some words.
    pub(super) fn own(&self, words: &'a [&'a str]) -> impl Iterator<Item = &'a Line> {
        self.frame.lines(self.section, words)
    }

    /// The section itself, then the `defaults` that it takes from, nearest first.
    pub(super) fn around(&self) -> Vec<&'a Section> {
        let mut sections = vec![self.section];
        let mut next = self.defaults;
        while let Some(defaults) = next.filter(|_| sections.len() <= DEPTH) {
            sections.push(defaults);
            next = from(defaults).and_then(|name| self.frame.named(name));
        }
        sections
    }

    /// The line that holds here, and whether it is inherited.
    pub(super) fn find(&self, words: &'a [&'a str]) -> Option<(&'a Line, bool)> {
        let mut found = self
            .around()
            .into_iter()
            .enumerate()
            .filter_map(|(steps, section)| {
                let line = self.frame.lines(section, words).next_back()?;
                Some((line, steps > 0))
            });
        found.next()
    }

    /// The word after some others, as it holds here.
    pub(super) fn value_of(&self, words: &'a [&'a str]) -> Option<Spanned<String>> {
        let (line, _) = self.find(words)?;
        let word = line.words.get(words.len()).filter(|_| !line.conditional)?;
        Some(Spanned::new(self.word(word).ok()?, word.span))
    }

    /// Whether an option holds here: the last of `option x` and `no option x` wins, the section before its defaults.
    pub(super) fn option(&self, name: &'a str) -> Option<Span> {
        self.option_line(name).map(|line| line.span)
    }

    /// The line that sets an option here.
    pub(super) fn option_line(&self, name: &'a str) -> Option<&'a Line> {
        let forms: [&[&str]; 3] = [
            &["option", name],
            &["no", "option", name],
            &["default", "option", name],
        ];
        let last = |section: &'a Section| {
            let lines = forms.map(|words| self.frame.lines(section, words).next_back());
            lines
                .into_iter()
                .flatten()
                .max_by_key(|line| line.span.start)
        };
        let found = self.around().into_iter().find_map(last);
        found.filter(|line| begins(line, forms[0]))
    }

    /// The ACLs that are about websockets.
    pub(super) fn websocket_acls(&self) -> HashSet<&'a str> {
        let acls = self.own(&["acl"]);
        let acls = acls.filter(|acl| acl.words.get(2..).is_some_and(websocket::is_test));
        acls.map(|acl| acl.words[1].text.as_str()).collect()
    }

    /// Whether some request gets an answer here without a server: statistics, a redirect, a refusal, a page for 503,
    /// a Lua service; or goes elsewhere (`dispatch`, `use_backend`).
    pub(super) fn manages_without_servers(&self) -> bool {
        const ALONE: &[&[&str]] = &[
            &["dispatch"],
            &["redirect"],
            &["block"],
            &["stats"],
            &["monitor-uri"],
            &["use_backend"],
            &["default_backend"],
            &["errorfile"],
            &["errorfiles"],
            &["errorloc"],
            &["errorloc302"],
            &["errorloc303"],
            &["http-error"],
            &["filter"],
            &["use-fcgi-app"],
        ];
        let alone = |line: &Line| ALONE.iter().any(|words| begins(line, words));
        self.section
            .lines
            .iter()
            .any(|line| alone(line) || answers(line) || line.conditional)
    }

    /// The `use_backend` lines of a frontend, if each has a condition and nothing says what becomes of a request that meets
    /// none: no `default_backend`, and no answer of its own that may be meant for it.
    pub(super) fn conditional_ways(&self) -> Vec<Span> {
        let ways: Vec<&Line> = self.own(&["use_backend"]).collect();
        let acls = self
            .own(&["acl"])
            .filter(|acl| acl.words.iter().any(takes_all));
        let wide: HashSet<&str> = acls
            .filter_map(|acl| acl.words.get(1))
            .map(|word| word.text.as_str())
            .collect();
        let covers = |line: &&Line| {
            let dynamic = line.words.get(1).is_none_or(|word| word.text.contains('%'));
            dynamic || line.conditional || !is_narrow(line, &wide)
        };
        let answered = |line: &Line| {
            let answers = answers(line) || begins(line, &["redirect"]) || begins(line, &["stats"]);
            line.conditional || answers && !is_narrow(line, &wide)
        };
        let rest = self.section.kind.value == "frontend"
            && self.conf.complete
            && !ways.iter().any(covers)
            && self.find(&["default_backend"]).is_none()
            && !self.section.lines.iter().any(answered);
        if rest {
            ways.into_iter().map(|line| line.span).collect()
        } else {
            Vec::new()
        }
    }

    /// A word with its environment references filled in; `Err` names what is unknown.
    pub(super) fn word(&self, word: &Word) -> Result<String, String> {
        if !word.has_env {
            return Ok(word.text.clone());
        }
        expand(word, &|name| {
            self.conf.environment.value(name).map(str::to_owned)
        })
        .map_err(unknown)
    }

    /// The same for an address, in which HAProxy expands references without quotes as well.
    pub(super) fn address(&self, word: &Word) -> Result<String, String> {
        expand_address(word, &|name| {
            self.conf.environment.value(name).map(str::to_owned)
        })
        .map_err(unknown)
    }
}

/// Whether the condition of a `use_backend` holds for websockets: it names an ACL, or has a test, about them.
pub(super) fn chooses_websockets(line: &Line, acls: &HashSet<&str>) -> bool {
    let Some(at) = line.words.iter().position(|word| word.text == "if") else {
        return false;
    };
    let condition = &line.words[at + 1..];
    let ends = |from: usize| condition[from..].iter().position(|word| word.text == "}");
    (0..condition.len()).any(|at| {
        let negated = at > 0 && condition[at - 1].text.ends_with('!');
        let test = match condition[at].text.as_str() {
            "{" => ends(at).map(|end| websocket::is_test(&condition[at + 1..at + end])),
            name => Some(acls.contains(name)),
        };
        !negated && test == Some(true)
    })
}

/// Whether a rule answers by itself.
fn answers(line: &Line) -> bool {
    const ANSWERS: &[&str] = &[
        "return",
        "redirect",
        "deny",
        "tarpit",
        "reject",
        "silent-drop",
        "use-service",
        "auth",
        "cache-use",
        "switch-mode",
    ];
    let rules = ["http-request", "tcp-request"];
    let action = line.words.iter().skip(1).take(2);
    rules.iter().any(|name| begins(line, &[name]))
        && action
            .map(|word| word.text.as_str())
            .any(|word| ANSWERS.contains(&word) || word.starts_with("lua."))
}

/// Whether the condition of a line leaves something out for certain: it names what it takes, and not what it leaves. `wide`
/// are ACLs that may take everything.
fn is_narrow(line: &Line, wide: &HashSet<&str>) -> bool {
    let Some(at) = line.words.iter().position(|word| word.text == "if") else {
        return false;
    };
    let mut condition = line.words[at + 1..].iter();
    !condition.any(|word| takes_all(word) || wide.contains(word.text.as_str()))
}

/// Whether a word of a test may make it true for everything, or for what another test leaves.
fn takes_all(word: &Word) -> bool {
    const ALL: &[&str] = &["TRUE", "always_true", "/"];
    word.has_env || word.text.starts_with('!') || ALL.contains(&word.text.as_str())
}

fn unknown(variable: String) -> String {
    format!("the value of variable {variable} is not known")
}

/// Whether a section dials the address that the client named: `option transparent`, `option http_proxy` until 2.4.
pub(super) fn dials_clients_choice(section: &Section) -> bool {
    const CHOICES: &[&[&str]] = &[
        &["option", "transparent"],
        &["option", "http_proxy"],
        &["transparent"],
    ];
    let mut lines = section.lines.iter();
    lines.any(|line| CHOICES.iter().any(|words| begins(line, words)))
}

pub(super) fn begins(line: &Line, words: &[&str]) -> bool {
    line.words.len() >= words.len()
        && line
            .words
            .iter()
            .zip(words)
            .all(|(word, wanted)| word.text == *wanted)
}

pub(super) fn from(section: &Section) -> Option<&str> {
    let at = section
        .head
        .words
        .iter()
        .position(|word| word.text == "from")?;
    section
        .head
        .words
        .get(at + 1)
        .map(|word| word.text.as_str())
}
