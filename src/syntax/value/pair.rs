//! Pairs and lists in one scalar: `NAME=value`, `service:alias`, `host:address`, `a.yml:b.yml`, `dev,debug`.

use pest::Parser;
use pest::iterators::Pair;

use super::grammar::{Grammar, Rule};

/// `NAME=value`; the value is `None` without `=`.
pub fn assignment(text: &str) -> (String, Option<String>) {
    two(Rule::assignment, text)
}

/// `left:right` at the first colon; the right is `None` without one.
pub fn colon_pair(text: &str) -> (String, Option<String>) {
    two(Rule::colon_pair, text)
}

/// `host:address` or `host=address`; brackets around an address are dropped.
pub fn extra_host(text: &str) -> Option<(String, String)> {
    let (host, address) = two(Rule::extra_host, text);
    address.map(|address| (host, address))
}

/// The paths of `COMPOSE_FILE`.
pub fn path_list(text: &str) -> Vec<String> {
    parts(Rule::path_list, text)
}

/// The names of `COMPOSE_PROFILES`.
pub fn name_list(text: &str) -> Vec<String> {
    parts(Rule::name_list, text)
}

fn two(rule: Rule, text: &str) -> (String, Option<String>) {
    let mut parts = parts(rule, text).into_iter();
    let left = parts.next().unwrap_or_else(|| text.to_owned());
    (left, parts.next())
}

fn parts(rule: Rule, text: &str) -> Vec<String> {
    Grammar::parse(rule, text)
        .ok()
        .and_then(|mut pairs| pairs.next())
        .map(Pair::into_inner)
        .into_iter()
        .flatten()
        .filter(|part| part.as_rule() != Rule::EOI)
        .map(|part| part.as_str().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_split_at_their_first_sign() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(assignment("A=b=c"), ("A".into(), some("b=c")));
        assert_eq!(assignment("A="), ("A".into(), some("")));
        assert_eq!(assignment("A"), ("A".into(), None));
        assert_eq!(colon_pair("db:x:y"), ("db".into(), some("x:y")));
        assert_eq!(colon_pair("db"), ("db".into(), None));
        assert_eq!(extra_host("h:[::1]"), Some(("h".into(), "::1".into())));
        assert_eq!(extra_host("h=::1"), Some(("h".into(), "::1".into())));
        assert_eq!(extra_host("h"), None);
    }

    #[test]
    fn lists_drop_what_is_empty() {
        assert_eq!(path_list("a.yml::b.yml;c.yml"), ["a.yml", "b.yml", "c.yml"]);
        assert_eq!(name_list("dev, debug,"), ["dev", "debug"]);
        assert!(name_list("").is_empty());
    }
}
