//! How a backend's servers are probed, and lines that mean nothing outside of `mode http`.

use crate::model::haproxy::section::{Proxy, begins};
use crate::source::{Span, Spanned};
use crate::syntax::haproxy::Line;

/// How `check` probes the servers of a section. Without an option it only connects.
#[derive(Debug, Clone, Default)]
pub struct Probe {
    /// The option that makes it more than a connection: `httpchk`, `tcp-check`, `redis-check`, …
    pub option: Option<Spanned<String>>,
    /// Whether the section itself has that option, and no `defaults`.
    pub own: bool,
    /// What `option httpchk` asks for.
    pub head: Option<ProbeHead>,
    /// `http-check` lines of the section and its `defaults`, by their second word.
    pub rules: Vec<Spanned<String>>,
    /// What the one `http-check expect` wants, `status 200`; `None` as well if there are several.
    pub expects: Option<Spanned<String>>,
    /// Own `http-check` lines.
    pub own_rules: Vec<Span>,
}

/// The request line that `option httpchk` gives, and what `http-check send` adds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProbeHead {
    /// The method; `OPTIONS` if none is written.
    pub method: Option<String>,
    /// The URI; `/` if none is written.
    pub uri: Option<String>,
    /// What is written as the version, headers included.
    pub version: Option<String>,
    /// Whether a Host header is sent.
    pub host: bool,
}

impl Probe {
    /// As it holds in a section.
    pub(super) fn of(proxy: &Proxy) -> Self {
        const OPTIONS: &[&str] = &[
            "httpchk",
            "tcp-check",
            "external-check",
            "ldap-check",
            "mysql-check",
            "pgsql-check",
            "redis-check",
            "smtpchk",
            "spop-check",
            "ssl-hello-chk",
        ];
        let found = OPTIONS
            .iter()
            .filter_map(|name| Some((*name, proxy.option_line(name)?)));
        // The last one wins, and the section stands after its defaults.
        let own = |line: &Line| proxy.section.lines.iter().any(|own| own.span == line.span);
        let chosen = found.max_by_key(|(_, line)| (own(line), line.span));
        let mut probe = Self {
            own_rules: proxy.own(&["http-check"]).map(|line| line.span).collect(),
            ..Self::default()
        };
        let Some((name, line)) = chosen.filter(|(_, line)| !line.conditional) else {
            return probe;
        };
        probe.option = Some(Spanned::new(name.to_owned(), line.span));
        probe.own = own(line);
        let sections = proxy.around().into_iter().rev();
        let lines = sections.flat_map(|section| &section.lines);
        let rules: Vec<&Line> = lines.filter(|line| begins(line, &["http-check"])).collect();
        probe.rules = rules
            .iter()
            .filter_map(|line| line.words.get(1))
            .map(|word| Spanned::new(word.text.clone(), word.span))
            .collect();
        probe.expects = expects(&rules);
        if name == "httpchk" {
            probe.head = Some(head(line, &rules));
        }
        probe
    }
}

fn expects(rules: &[&Line]) -> Option<Spanned<String>> {
    let mut expects = rules
        .iter()
        .filter(|rule| begins(rule, &["http-check", "expect"]));
    let rule = expects.next()?;
    let words: Vec<&str> = rule.words[2..]
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    let plain = expects.next().is_none() && rule.words.iter().all(|word| !word.has_env);
    plain.then(|| Spanned::new(words.join(" "), rule.span))
}

/// `option httpchk [method] [uri [version]]`; one word alone is the URI.
fn head(line: &Line, rules: &[&Line]) -> ProbeHead {
    let words: Vec<String> = line.words[2..].iter().map(|w| w.text.clone()).collect();
    let mut head = match words.as_slice() {
        [] => ProbeHead::default(),
        [uri] => ProbeHead {
            uri: Some(uri.clone()),
            ..ProbeHead::default()
        },
        [method, uri, rest @ ..] => ProbeHead {
            method: Some(method.clone()),
            uri: Some(uri.clone()),
            version: (!rest.is_empty()).then(|| rest.join(" ")),
            host: false,
        },
    };
    head.host = head.version.as_deref().is_some_and(names_host);
    for rule in rules
        .iter()
        .filter(|rule| begins(rule, &["http-check", "send"]))
    {
        let texts: Vec<&str> = rule.words.iter().map(|word| word.text.as_str()).collect();
        let after = |name: &str| {
            let at = texts.iter().position(|text| *text == name)?;
            texts.get(at + 1).map(|text| (*text).to_owned())
        };
        head.method = after("meth").or(head.method);
        head.uri = after("uri").or(after("uri-lf")).or(head.uri);
        head.version = after("ver").or(head.version);
        let mut headers = texts.windows(2).filter(|pair| pair[0] == "hdr");
        head.host |= headers.any(|pair| pair[1].eq_ignore_ascii_case("host"));
    }
    head
}

fn names_host(version: &str) -> bool {
    version.to_ascii_lowercase().contains("host:")
}

/// Own lines that HAProxy ignores in `mode tcp`, most of them with a warning at the start.
pub(super) fn http_work(proxy: &Proxy) -> Vec<Spanned<String>> {
    let lines = proxy.section.lines.iter().filter(|line| !line.conditional);
    let work = lines.filter_map(|line| {
        let first = line.words[0].text.as_str();
        let second = line.words.get(1).map_or("", |word| word.text.as_str());
        let text = match (first, second) {
            ("http-request" | "http-response" | "http-after-response" | "redirect", _) => first,
            (
                "option",
                "httplog"
                | "forwardfor"
                | "http-server-close"
                | "httpclose"
                | "http-keep-alive"
                | "http-buffer-request"
                | "originalto",
            ) => {
                return Some(Spanned::new(format!("option {second}"), line.span));
            }
            ("compression" | "http-reuse" | "errorfile", _) => first,
            _ => return None,
        };
        Some(Spanned::new(text.to_owned(), line.span))
    });
    work.collect()
}
