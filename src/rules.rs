//! The one table of rules, and what a rule may use.

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

impl<'a> Ctx<'a> {
    /// For the run of one rule.
    pub(crate) fn new(
        project: &'a Project,
        model: &'a Model,
        settings: &'a Settings,
        (id, card): (&'static str, &'a Card),
        findings: &'a mut Vec<Finding>,
    ) -> Self {
        Self {
            project,
            model,
            settings,
            id,
            card,
            findings,
        }
    }

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
