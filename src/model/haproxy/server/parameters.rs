//! The words after a server's address, taken for what they are: a flag, or a name and its value.

use crate::model::haproxy::section::Proxy;
use crate::source::{Span, Spanned};
use crate::syntax::haproxy::{Line, Word};

/// Parameters that a value follows, in any of HAProxy 2.4 to 3.4.
const VALUED: &[&str] = &[
    "addr",
    "agent-addr",
    "agent-inter",
    "agent-port",
    "agent-send",
    "alpn",
    "ca-file",
    "check-alpn",
    "check-proto",
    "check-sni",
    "ciphers",
    "ciphersuites",
    "client-sigalgs",
    "cookie",
    "crl-file",
    "crt",
    "curves",
    "downinter",
    "error-limit",
    "fall",
    "fastinter",
    "guid",
    "hash-key",
    "id",
    "idle-ping",
    "init-addr",
    "init-state",
    "inter",
    "interface",
    "log-bufsize",
    "log-proto",
    "max-reuse",
    "maxconn",
    "maxqueue",
    "minconn",
    "namespace",
    "npn",
    "observe",
    "on-error",
    "on-marked-down",
    "on-marked-up",
    "pool-conn-name",
    "pool-low-conn",
    "pool-max-conn",
    "pool-purge-delay",
    "port",
    "proto",
    "proxy-v2-options",
    "redir",
    "resolve-net",
    "resolve-opts",
    "resolve-prefer",
    "resolvers",
    "rise",
    "shard",
    "sigalgs",
    "slowstart",
    "sni",
    "socks4",
    "source",
    "ssl-max-ver",
    "ssl-min-ver",
    "tcp-md5sig",
    "tcp-ut",
    "track",
    "usesrc",
    "verify",
    "verifyhost",
    "weight",
    "ws",
];

/// The parameters of a server: those of `default-server` first, nearest last, then its own. A later one wins.
pub(in crate::model::haproxy) struct Parameters<'a> {
    pairs: Vec<(&'a Word, Option<&'a Word>)>,
    proxy: &'a Proxy<'a>,
}

impl<'a> Parameters<'a> {
    /// Of a server line whose parameters start at a word.
    pub(super) fn of(proxy: &'a Proxy<'a>, line: &'a Line, at: usize) -> Self {
        let mut pairs = Vec::new();
        for (steps, section) in proxy.around().into_iter().enumerate().rev() {
            let lines = section
                .lines
                .iter()
                .filter(|line| line.words[0].text == "default-server" && !line.conditional);
            for defaults in lines {
                // Within a section, a `default-server` counts for what follows it.
                if steps > 0 || defaults.span < line.span {
                    take(&defaults.words[1..], &mut pairs);
                }
            }
        }
        take(line.words.get(at..).unwrap_or(&[]), &mut pairs);
        Self { pairs, proxy }
    }

    /// Where a flag is set, unless `no-…` or its opposite takes it back.
    pub(in crate::model::haproxy) fn flag(&self, name: &str) -> Option<Span> {
        let opposite = if name == "disabled" { "enabled" } else { "" };
        let about = |word: &Word| {
            let text = word.text.as_str();
            text == name || text == opposite || text.strip_prefix("no-") == Some(name)
        };
        let (word, _) = self.pairs.iter().rfind(|(word, _)| about(word))?;
        (word.text == name).then_some(word.span)
    }

    /// Where a parameter is named, whatever its value.
    pub(in crate::model::haproxy) fn named(&self, name: &str) -> Option<Span> {
        let (word, _) = self.pairs.iter().rfind(|(word, _)| word.text == name)?;
        Some(word.span)
    }

    /// What follows a parameter's name; `None` as well if it holds an unknown variable.
    pub(in crate::model::haproxy) fn value(&self, name: &str) -> Option<Spanned<String>> {
        let (_, value) = self.pairs.iter().rfind(|(word, _)| word.text == name)?;
        let word = (*value)?;
        Some(Spanned::new(self.proxy.word(word).ok()?, word.span))
    }
}

fn take<'a>(words: &'a [Word], pairs: &mut Vec<(&'a Word, Option<&'a Word>)>) {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let value = if VALUED.contains(&word.text.as_str()) {
            words.next()
        } else {
            None
        };
        pairs.push((word, value));
    }
}
