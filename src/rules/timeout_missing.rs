//! rules/timeout-missing.md

use std::collections::BTreeMap;

use crate::model::haproxy::Section;
use crate::rules::Ctx;
use crate::rules::words::{count, list};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    // One finding for each place that could set it: the `defaults` if several sections lack it, else the section.
    let mut places: BTreeMap<Span, Vec<&Section>> = BTreeMap::new();
    let lacking = |section: &&Section| section.is_used() && !section.missing_timeouts.is_empty();
    for section in cx.model.sections.iter().filter(lacking) {
        places
            .entry(section.defaults.unwrap_or(section.span))
            .or_default()
            .push(section);
    }
    for (place, sections) in places {
        report(cx, place, &sections);
    }
}

fn report(cx: &mut Ctx, place: Span, sections: &[&Section]) {
    let (place, who) = match sections {
        [only] => (only.span, format!("{} {}", only.kind, only.name)),
        several => (place, count(several.len(), "section")),
    };
    let mut missing: Vec<&str> = sections
        .iter()
        .flat_map(|section| section.missing_timeouts.iter().copied())
        .collect();
    missing.sort_unstable();
    missing.dedup();
    let names: Vec<String> = missing
        .iter()
        .map(|name| format!("timeout {name}"))
        .collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (joined, names) = (names.join(", "), list(&names));
    let usual = |name: &&str| {
        format!(
            "`timeout {name} {}`",
            if *name == "connect" { "5s" } else { "60s" }
        )
    };
    let example: Vec<String> = missing.iter().map(usual).collect();
    let finding = cx.report(
        place,
        format!("{names} {verb} unset for {who}, and HAProxy then waits for ever"),
    );
    finding.here(format!("sets no {names}"));
    for section in sections.iter().filter(|section| section.span != place) {
        finding.label(
            section.span,
            format!("waits for ever: {}", section.missing_timeouts.join(", ")),
        );
    }
    finding
        .help(format!("set {} here or in `defaults`", example.join(", ")))
        .because("missing", &joined)
        .because("for", &who);
}
