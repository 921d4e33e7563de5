//! What holds for the table of rules and for the cards of all pages together, and the catalogue made of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use no502::finding::{Confidence, Severity};
use no502::page::{Card, Page};
use no502::rules::RULES;

use crate::pages::{ids, path, read_rule, wants_update};

const CATEGORIES: [&str; 10] = [
    "reach",
    "names",
    "timeouts",
    "keep-alive",
    "health",
    "headers",
    "tls",
    "limits",
    "load",
    "built-in",
];

const FORMATS: [&str; 4] = ["nginx", "haproxy", "compose", "app"];

fn cards() -> Vec<(String, Card)> {
    let card = |id: String| {
        let card = Card::of(&read_rule(&id)).unwrap_or_else(|why| panic!("rules/{id}.md: {why}"));
        (id, card)
    };
    ids().into_iter().map(card).collect()
}

#[test]
fn the_table_is_sorted_and_every_rule_has_its_page() {
    let table: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert!(table.is_sorted_by(|a, b| a < b), "{table:?}");
    for rule in RULES {
        assert!(
            rule.page.starts_with(&format!("# {}\n", rule.id)),
            "{} has another page",
            rule.id
        );
    }
}

#[test]
fn every_page_is_read() {
    let failures: Vec<String> = ids()
        .iter()
        .filter_map(|id| {
            Page::parse(id, &read_rule(id))
                .err()
                .map(|why| format!("rules/{id}.md: {why}"))
        })
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn the_template_is_a_page() {
    let text = fs::read_to_string(path("_template.md")).unwrap();
    Page::parse("the-defect", &text).unwrap();
}

#[test]
fn ids_name_defects() {
    for id in ids() {
        let is_kebab = id.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
        assert!(is_kebab, "{id} is not kebab-case");
        let remedy = ["no-", "use-", "require-"]
            .iter()
            .any(|start| id.starts_with(start));
        assert!(!remedy, "{id} names a remedy; a rule names the defect");
    }
}

#[test]
fn aliases_are_nobody_else() {
    let mut owners: BTreeMap<String, String> =
        ids().into_iter().map(|id| (id.clone(), id)).collect();
    for (id, card) in cards() {
        for alias in card.aliases {
            if let Some(owner) = owners.insert(alias.clone(), id.clone()) {
                panic!("the alias {alias} of {id} is {owner}");
            }
        }
    }
}

#[test]
fn cards_keep_their_promises() {
    for (id, card) in cards() {
        assert!(
            !card.title.ends_with('.'),
            "{id}: the title ends in a full stop"
        );
        assert!(
            !card.title.is_empty() && !card.title.contains('\n'),
            "{id}: the title is one line"
        );
        assert!(
            CATEGORIES.contains(&card.category.as_str()),
            "{id}: no category is called {}",
            card.category
        );
        assert!(
            ["none", "safe", "unsafe"].contains(&card.fix.as_str()),
            "{id}: no fix is called {}",
            card.fix
        );
        for format in &card.formats {
            assert!(
                FORMATS.contains(&format.as_str()),
                "{id}: no format is called {format}"
            );
        }
        let is_sure = card.severity < Severity::Error || card.confidence == Confidence::High;
        assert!(
            is_sure,
            "{id}: an error that is not certain breaks builds that are right"
        );
        let reason = card.proven.strip_prefix("not on loopback: ");
        assert!(
            card.proven == "lab" || reason.is_some_and(|reason| !reason.is_empty()),
            "{id}: proven = {}",
            card.proven
        );
        for rule in &card.good_allows {
            assert!(
                ids().contains(rule),
                "{id}: good_allows names no rule: {rule}"
            );
        }
    }
}

#[test]
fn every_page_has_a_rule() {
    let known = |id: &String| RULES.iter().any(|rule| rule.id == id);
    let orphans: Vec<String> = ids().into_iter().filter(|id| !known(id)).collect();
    assert!(
        orphans.is_empty(),
        "no rule in src/rules.rs for {orphans:?}"
    );
}

#[test]
fn the_catalogue_is_made_of_the_cards() {
    let made = catalogue();
    let file = path("README.md");
    if wants_update() {
        fs::write(&file, &made).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == made,
        "rules/README.md is not what the cards say; UPDATE=1 cargo test writes it"
    );
}

fn catalogue() -> String {
    let cards = cards();
    let mut out = String::from(
        "# Rules\n\n<!-- Made from the cards of the pages by `UPDATE=1 cargo test`. -->\n\n\
         The real programs prove most of these on loopback; the page of each other one says why they cannot.\n\
         A rule is added with a page, as [`_template.md`](_template.md) shows it.\n",
    );
    for category in CATEGORIES {
        let rows: Vec<_> = cards
            .iter()
            .filter(|(_, card)| card.category == category)
            .collect();
        if rows.is_empty() {
            continue;
        }
        let _ = write!(
            out,
            "\n## {}\n\n| rule | severity | client gets | what is wrong |\n| --- | --- | --- | --- |\n",
            heading(category)
        );
        for (id, card) in rows {
            let pedantic = if card.pedantic { ", pedantic" } else { "" };
            let _ = writeln!(
                out,
                "| [`{id}`]({id}.md) | {}{pedantic} | {} | {} |",
                card.severity.as_str(),
                gets(card),
                card.title.replace('|', "\\|")
            );
        }
    }
    out
}

fn heading(category: &str) -> String {
    let mut letters = category.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    match category {
        "tls" => "TLS".to_owned(),
        _ => first.into_iter().chain(letters).collect(),
    }
}

/// Statuses, or what happens instead of an answer.
fn gets(card: &Card) -> String {
    let mut parts: Vec<String> = card.status.iter().map(u16::to_string).collect();
    let effect = serde_json::to_value(card.effect).unwrap();
    let effect = effect.as_str().unwrap_or_default();
    if effect != "response" {
        parts.push(effect.replace('-', " "));
    }
    parts.join(", ")
}
