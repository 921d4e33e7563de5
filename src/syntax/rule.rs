//! Rules and constraints of Traefik: ``Host(`a`) && PathPrefix(`/b`)``. Only what is plain is taken out of them.

use pest::Parser;
use pest::iterators::Pair;

use grammar::{Grammar, Rule};

mod grammar {
    #![allow(missing_docs)]

    #[derive(pest_derive::Parser)]
    #[grammar = "../grammars/rule.pest"]
    pub(super) struct Grammar;
}

/// The names in all `Host(…)`, lower case, in their order.
pub fn hosts(rule: &str) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for argument in arguments(rule, &["Host", "HostSNI", "HostHeader"]) {
        let host = argument.to_ascii_lowercase();
        if host != "*" && !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// For people: the first host with the first path behind it; `None` if the rule names neither.
pub fn name(rule: &str) -> Option<String> {
    let host = hosts(rule).into_iter().next();
    let path = arguments(rule, &["PathPrefix", "Path"]).into_iter().next();
    if host.is_none() && path.is_none() {
        return None;
    }
    Some(format!(
        "{}{}",
        host.unwrap_or_default(),
        path.unwrap_or_default()
    ))
}

/// The label that a constraint asks for, if that is all it does: ``Label(`a`, `b`)``.
pub fn label(constraint: &str) -> Option<(String, String)> {
    let found = arguments(constraint, &["Label"]);
    let bare = constraint.trim();
    let single =
        bare.starts_with("Label(") && bare.ends_with(')') && bare.matches('(').count() == 1;
    match found.as_slice() {
        [name, value] if single => Some((name.clone(), value.clone())),
        _ => None,
    }
}

/// What stands in quotes between the brackets of all calls of these names.
fn arguments(rule: &str, names: &[&str]) -> Vec<String> {
    let calls = Grammar::parse(Rule::rule, rule).into_iter().flatten();
    let calls = calls.flat_map(Pair::into_inner);
    let mut found = Vec::new();
    for call in calls.filter(|pair| pair.as_rule() == Rule::call) {
        let mut parts = call.into_inner();
        let named = parts
            .next()
            .is_some_and(|name| names.contains(&name.as_str()));
        let quoted = parts
            .filter(|_| named)
            .filter_map(|part| part.into_inner().next());
        found.extend(quoted.map(|text| text.as_str().to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_paths_are_taken_out() {
        let rule =
            "(Host(`A.example.com`, `b.example.com`) || HostRegexp(`.+`)) && PathPrefix(`/api`)";
        assert_eq!(hosts(rule), ["a.example.com", "b.example.com"]);
        assert_eq!(name(rule).as_deref(), Some("a.example.com/api"));
        assert_eq!(name("HostSNI(`*`)"), None);
    }

    #[test]
    fn a_single_label_is_a_constraint() {
        let asked = label("Label(`stack`,`shop`)");
        assert_eq!(asked, Some(("stack".to_owned(), "shop".to_owned())));
        assert_eq!(label("!Label(`stack`,`shop`)"), None);
        assert_eq!(label("Label(`a`,`b`) || Label(`c`,`d`)"), None);
    }
}
