//! `error_page`: which status a client gets in the end.

use crate::model::Pages;
use crate::model::nginx::pass::Prefix;
use crate::model::nginx::scope::Scope;
use crate::syntax::nginx::Directive;

/// What holds at a block.
pub(super) fn pages(scope: &Scope, prefix: Prefix) -> Pages {
    let mut pages = Pages {
        intercepts: scope.flag(prefix.intercept_errors(), false),
        ..Pages::default()
    };
    for directive in scope.all("error_page") {
        if let Some((codes, status)) = page(directive) {
            // Of two for one status the first one holds.
            for code in codes {
                pages.statuses.entry(code).or_insert(status);
            }
        }
    }
    pages
}

/// `error_page 502 504 =200 /late.html`: the codes, and the status in their place. `None` if it stays as it is.
fn page(directive: &Directive) -> Option<(Vec<u16>, Option<u16>)> {
    let words: Vec<&str> = directive
        .args
        .iter()
        .map(|arg| arg.value.as_str())
        .collect();
    let (uri, rest) = words.split_last()?;
    let elsewhere = ["http://", "https://", "$"];
    let redirects = elsewhere.iter().any(|start| uri.starts_with(start));
    let (codes, status) = match rest.split_last() {
        // A redirect has a status of its own unless one is written that is one as well.
        Some((word, codes)) if word.starts_with('=') => {
            let written = word[1..].parse().ok();
            (codes, written.or(redirects.then_some(302)))
        }
        _ if redirects => (rest, Some(302)),
        _ => return None,
    };
    Some((
        codes.iter().filter_map(|code| code.parse().ok()).collect(),
        status,
    ))
}
