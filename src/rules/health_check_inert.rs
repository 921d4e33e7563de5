//! rules/health-check-inert.md

use std::collections::BTreeMap;

use crate::model::haproxy::Section;
use crate::rules::words::count;
use crate::rules::{Ctx, compose_healthcheck};
use crate::source::Span;

pub(super) fn check(cx: &mut Ctx) {
    let model = cx.model;
    let mut options: BTreeMap<Span, Vec<&Section>> = BTreeMap::new();
    for section in &model.sections {
        match &section.probe.option {
            Some(option) if is_inert(cx, section) => {
                options.entry(option.span).or_default().push(section);
            }
            None if !section.probe.own_rules.is_empty() && has_checks(cx, section) => {
                report_rules(cx, section);
            }
            _ => {}
        }
    }
    for (option, sections) in options {
        report_option(cx, option, &sections);
    }
    compose_healthcheck::inert(cx);
}

/// Whether a section says how its servers are to be probed and none of them is. An option in `defaults` is meant for
/// those that are: it is without effect only if it is for all.
pub(super) fn is_inert(cx: &Ctx, section: &Section) -> bool {
    let Some(option) = &section.probe.option else {
        return false;
    };
    let same = |other: &&Section| {
        let place = other.probe.option.as_ref().map(|option| option.span);
        place == Some(option.span)
    };
    let mut sharing = cx.model.sections.iter().filter(same);
    section.reached && !section.servers.is_empty() && !sharing.any(|other| has_checks(cx, other))
}

fn has_checks(cx: &Ctx, section: &Section) -> bool {
    let server = |server: &crate::model::haproxy::Server| {
        server.probed_elsewhere || cx.model.link(server.link).checked
    };
    section.server_lines.iter().any(server)
}

fn report_option(cx: &mut Ctx, option: Span, sections: &[&Section]) {
    let model = cx.model;
    let name = sections[0]
        .probe
        .option
        .as_ref()
        .map_or("", |option| &option.value);
    let servers: Vec<_> = sections
        .iter()
        .flat_map(|section| &section.servers)
        .collect();
    let who = match sections {
        [only] => format!("{} {}", only.kind, only.name),
        several => count(several.len(), "section"),
    };
    let lacking = match servers.len() {
        1 => "the only server has no `check`".to_owned(),
        number => format!("none of the {number} servers has `check`"),
    };
    let message =
        format!("option {name} says how {who} is probed, but {lacking}: nothing is probed");
    let finding = cx.report(option, message);
    finding.here("without effect");
    for id in servers.iter().take(4) {
        finding.label(model.link(**id).span, "no `check`");
    }
    finding
        .help("add `check` to each server, or `default-server check` above them")
        .because("option", name)
        .because("for", &who);
}

fn report_rules(cx: &mut Ctx, section: &Section) {
    let rules = &section.probe.own_rules;
    let message = format!(
        "http-check in {} {} without `option httpchk`: the check only connects",
        section.kind, section.name
    );
    let finding = cx.report(rules[0], message);
    finding.here("HAProxy ignores it and says so at the start");
    for rule in &rules[1..] {
        finding.label(*rule, "and this");
    }
    finding
        .help("add `option httpchk` to the section")
        .because("backend", &section.name);
}
