//! Comments, settings and baseline that silence findings; one that matches nothing is itself a finding, so that none
//! outlives what it was written for.

pub(crate) mod comment;
mod glob;

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::fingerprint::Numbering;
use crate::finding::{Edit, Finding, Fix, Safety, Severity};
use crate::rules::{RULES, card};
use crate::settings::Settings;
use crate::source::{FileId, Sources, Span};
use comment::{Comment, Scope};

/// Id of the finding about a suppression without a reason.
pub const REASONLESS: &str = "suppression-reasonless";
/// Id of the finding about a suppression that silences nothing.
pub const UNUSED: &str = "suppression-unused";

/// Findings by what became of them.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// What is reported, findings about suppressions included.
    pub kept: Vec<Finding>,
    /// What a comment or an `[[allow]]` silenced.
    pub silenced: Vec<Finding>,
    /// What the baseline accepts.
    pub baselined: Vec<Finding>,
}

/// Sorts findings into kept, silenced and accepted. A suppression silences a finding of its rule if any label of the
/// finding, primary or related, is in its reach: the person who reads either place can see it.
pub fn apply(findings: Vec<Finding>, sources: &Sources, settings: &Settings) -> Outcome {
    let mut suppressions = Suppressions::read(sources, settings);
    let baseline: BTreeSet<&str> = settings.baseline.iter().map(String::as_str).collect();
    let mut numbering = Numbering::default();
    let mut outcome = Outcome::default();
    for finding in findings {
        if suppressions.silence(&finding, sources) {
            outcome.silenced.push(finding);
            continue;
        }
        let path = &sources.get(finding.primary.span.file).path;
        if !baseline.is_empty() && baseline.contains(numbering.next(&finding, path).as_str()) {
            outcome.baselined.push(finding);
        } else {
            outcome.kept.push(finding);
        }
    }
    let complaints = suppressions.complaints(sources, settings);
    if !complaints.is_empty() {
        outcome.kept.extend(complaints);
        outcome
            .kept
            .sort_by(|a, b| place(a, sources).cmp(&place(b, sources)));
    }
    outcome
}

/// Files that are written inside another one, which has their path and holds their comments too.
pub(crate) fn holders(sources: &Sources) -> BTreeMap<FileId, FileId> {
    let mut first: BTreeMap<&str, FileId> = BTreeMap::new();
    let mut inside = BTreeMap::new();
    for (id, file) in sources.iter() {
        let holder = *first.entry(&file.path).or_insert(id);
        if holder != id {
            inside.insert(id, holder);
        }
    }
    inside
}

/// What findings are sorted by.
fn place<'a>(finding: &Finding, sources: &'a Sources) -> (&'a str, Span, &'static str) {
    let span = finding.primary.span;
    (&sources.get(span.file).path, span, finding.rule)
}

/// Every suppression of a run, and which of them did something.
struct Suppressions<'a> {
    comments: Vec<Comment>,
    /// Of each comment, the rules that silenced something.
    used: Vec<BTreeSet<String>>,
    /// Comments by file and by the line that they speak of; line 0 is the whole file.
    reach: BTreeMap<(FileId, usize), Vec<usize>>,
    /// Files that are written inside another one, which holds their comments too.
    inside: BTreeMap<FileId, FileId>,
    settings: &'a Settings,
    /// Whether each `[[allow]]` silenced something.
    allows_used: Vec<bool>,
}

impl<'a> Suppressions<'a> {
    fn read(sources: &Sources, settings: &'a Settings) -> Self {
        let inside = holders(sources);
        let comments: Vec<Comment> = sources
            .iter()
            .filter(|(id, _)| !inside.contains_key(id))
            .flat_map(|(id, file)| comment::read(id, file))
            .collect();
        let mut reach: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (at, comment) in comments.iter().enumerate() {
            let line = match comment.scope {
                Scope::File => 0,
                Scope::Line(line) => line,
            };
            reach.entry((comment.span.file, line)).or_default().push(at);
        }
        Self {
            used: vec![BTreeSet::new(); comments.len()],
            allows_used: vec![false; settings.allow.len()],
            comments,
            reach,
            inside,
            settings,
        }
    }

    /// Whether anything silences a finding. All that do are marked, so that none of them counts as stale.
    fn silence(&mut self, finding: &Finding, sources: &Sources) -> bool {
        let mut silenced = false;
        for label in finding.labels() {
            let file = label.span.file;
            let file = self.inside.get(&file).copied().unwrap_or(file);
            for line in [0, sources.position(label.span).line] {
                for &at in self.reach.get(&(file, line)).into_iter().flatten() {
                    if self.comments[at]
                        .rules
                        .iter()
                        .any(|rule| rule.value == finding.rule)
                    {
                        self.used[at].insert(finding.rule.to_owned());
                        silenced = true;
                    }
                }
            }
            for (allow, used) in self.settings.allow.iter().zip(&mut self.allows_used) {
                let path = &sources.get(file).path;
                let reaches = allow
                    .path
                    .as_ref()
                    .is_none_or(|pattern| glob::matches(pattern, path));
                if allow.rule == finding.rule && reaches {
                    *used = true;
                    silenced = true;
                }
            }
        }
        silenced
    }

    /// Findings about the suppressions themselves.
    fn complaints(&self, sources: &Sources, settings: &Settings) -> Vec<Finding> {
        let mut complaints = Vec::new();
        for (comment, used) in self.comments.iter().zip(&self.used) {
            complaints.extend(reasonless(comment));
            complaints.extend(stale(comment, used, settings, sources));
        }
        for (allow, used) in settings.allow.iter().zip(&self.allows_used) {
            let Some(span) = allow
                .span
                .filter(|_| !used && may_be_stale(&allow.rule, settings))
            else {
                continue;
            };
            let message = format!("this allow matches no {} finding", allow.rule);
            complaints.push(complaint(
                UNUSED,
                span,
                message,
                "delete it, or correct its path",
            ));
        }
        complaints.retain(|finding| settings.runs(finding.rule, false) && keeps(finding, settings));
        for finding in &mut complaints {
            if let Some(severity) = settings.severity.get(finding.rule) {
                finding.severity = *severity;
            }
        }
        complaints
    }
}

fn keeps(finding: &Finding, settings: &Settings) -> bool {
    settings
        .min_severity
        .is_none_or(|least| finding.severity >= least)
}

fn reasonless(comment: &Comment) -> Option<Finding> {
    if comment.has_reason || comment.rules.is_empty() {
        return None;
    }
    let help = "say after the parenthesis why this is no fault here";
    Some(complaint(
        REASONLESS,
        comment.span,
        "this suppression gives no reason".to_owned(),
        help,
    ))
}

fn stale(
    comment: &Comment,
    used: &BTreeSet<String>,
    settings: &Settings,
    sources: &Sources,
) -> Vec<Finding> {
    if comment.rules.is_empty() {
        let message = "this comment silences nothing: it names no rule".to_owned();
        let help = "write it as `# no502: allow(rule-id) reason`";
        return vec![complaint(UNUSED, comment.span, message, help)];
    }
    let mut stale = Vec::new();
    for rule in &comment.rules {
        let unknown = !RULES.iter().any(|known| known.id == rule.value);
        if unknown && !used.contains(&rule.value) {
            let message = format!("there is no rule `{}`", rule.value);
            stale.push(complaint(
                UNUSED,
                rule.span,
                message,
                "`no502 rules` lists them all",
            ));
        } else if !used.contains(&rule.value) && may_be_stale(&rule.value, settings) {
            let message = format!("this suppression matches no {} finding", rule.value);
            stale.push(complaint(
                UNUSED,
                rule.span,
                message,
                "delete it: what it was written for is gone",
            ));
        }
    }
    if used.is_empty() && stale.len() == comment.rules.len() {
        for finding in &mut stale {
            finding.fix = Some(removal(comment, sources));
        }
    }
    stale
}

/// Whether a finding of this rule would have been seen: a rule that did not run, or whose findings were left out, says
/// nothing about the suppressions that name it.
fn may_be_stale(rule: &str, settings: &Settings) -> bool {
    let unfiltered = settings.min_severity.is_none() && settings.min_confidence.is_none();
    unfiltered && settings.runs(rule, is_pedantic(rule))
}

fn is_pedantic(id: &str) -> bool {
    let rule = RULES.iter().find(|rule| rule.id == id);
    rule.is_some_and(|rule| card(rule).pedantic)
}

/// Takes a comment away: with its line if it has one of its own, else with the spaces before it.
fn removal(comment: &Comment, sources: &Sources) -> Fix {
    let text = &sources.get(comment.span.file).text;
    let (mut start, mut end) = (comment.span.start as usize, comment.span.end as usize);
    let before = text[..start].trim_end_matches([' ', '\t']);
    start = before.len();
    if (before.is_empty() || before.ends_with('\n')) && text[end..].starts_with(['\r', '\n']) {
        end += text[end..].find('\n').map_or(0, |at| at + 1);
    }
    Fix {
        title: "delete the suppression".to_owned(),
        safety: Safety::Safe,
        edits: vec![Edit {
            span: Span::new(comment.span.file, start, end),
            text: String::new(),
        }],
    }
}

fn complaint(rule: &'static str, span: Span, message: String, help: &str) -> Finding {
    Finding {
        help: help.to_owned(),
        evidence: vec![("message", message.clone())],
        ..Finding::new(rule, Severity::Warning, span, message)
    }
}

#[cfg(test)]
mod tests;
