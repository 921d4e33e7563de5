//! The words after a server's address, taken for what they are: a flag, or a name and its value.

use crate::model::haproxy::section::Proxy;
use crate::source::{Span, Spanned};
use crate::syntax::haproxy::{Line, Word, takes_value};

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
        let value = if takes_value(&word.text) {
            words.next()
        } else {
            None
        };
        pairs.push((word, value));
    }
}
