//! The one table of rules, and what a rule may use.

use std::sync::OnceLock;

use crate::finding::{Finding, Label};
use crate::model::Model;
use crate::page::Card;
use crate::project::Project;
use crate::settings::Settings;
use crate::source::Span;

/// A rule: its page and its predicate.
pub struct Rule {
    /// Its id, which is also the name of its page.
    pub id: &'static str,
    /// The text of `rules/<id>.md`.
    pub page: &'static str,
    /// The predicate; `None` for a rule that another layer reports (`syntax-error`).
    pub check: Option<fn(&mut Ctx)>,
}

/// Every rule, sorted by id.
pub const RULES: &[Rule] = &[];

/// Runs every rule that the settings ask for; findings are sorted by place.
pub fn check(project: &Project, model: &Model, settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES {
        let card = card(rule);
        if let Some(check) = rule.check
            && settings.runs(rule.id, card.pedantic)
        {
            check(&mut Ctx {
                project,
                model,
                settings,
                id: rule.id,
                card,
                findings: &mut findings,
            });
        }
    }
    findings.retain_mut(|finding| {
        if let Some(severity) = settings.severity.get(finding.rule) {
            finding.severity = *severity;
        }
        settings
            .min_severity
            .is_none_or(|least| finding.severity >= least)
            && settings
                .min_confidence
                .is_none_or(|least| finding.confidence >= least)
    });
    let path = |finding: &Finding| &project.sources.get(finding.primary.span.file).path;
    findings
        .sort_by(|a, b| (path(a), a.primary.span, a.rule).cmp(&(path(b), b.primary.span, b.rule)));
    findings
}

/// The card of a rule. Every card is read once; a page that does not read is a defect that the tests find.
pub fn card(rule: &Rule) -> &'static Card {
    static CARDS: OnceLock<Vec<Card>> = OnceLock::new();
    let read =
        |rule: &Rule| Card::of(rule.page).expect("the pages are part of the program and tested");
    let cards = CARDS.get_or_init(|| RULES.iter().map(read).collect());
    let at = RULES
        .iter()
        .position(|other| other.id == rule.id)
        .expect("a rule of the table");
    &cards[at]
}

/// What a rule sees, and where it reports. It knows neither its id nor its severity.
pub struct Ctx<'a> {
    /// The files and compose projects.
    pub project: &'a Project,
    /// What they mean together.
    pub model: &'a Model,
    /// What the run was asked to do.
    pub settings: &'a Settings,
    id: &'static str,
    card: &'a Card,
    findings: &'a mut Vec<Finding>,
}

impl Ctx<'_> {
    /// Reports one finding with the card's severity, confidence and status; the caller adds labels and help.
    pub fn report(&mut self, span: Span, message: impl Into<String>) -> &mut Finding {
        self.findings.push(Finding {
            rule: self.id,
            severity: self.card.severity,
            confidence: self.card.confidence,
            status: self.card.status.clone(),
            effect: self.card.effect,
            message: message.into(),
            help: String::new(),
            primary: Label {
                span,
                message: String::new(),
            },
            related: Vec::new(),
            fix: None,
            evidence: Vec::new(),
        });
        self.findings.last_mut().expect("just pushed")
    }
}
