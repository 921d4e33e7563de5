//! From a project to an analysis: the only place where the steps meet.

use std::collections::HashSet;

use crate::finding::{Finding, Gap};
use crate::host::Host;
use crate::model::Model;
use crate::project::Project;
use crate::rules;
use crate::settings::Settings;
use crate::suppress;

/// All that a reader of a run may want to know.
#[derive(Debug, Clone, Default)]
pub struct Analysis {
    /// Files, compose projects, syntax errors.
    pub project: Project,
    /// What they mean together.
    pub model: Model,
    /// What is wrong, sorted by path, line and rule.
    pub findings: Vec<Finding>,
    /// Findings that a comment or a setting silenced.
    pub silenced: Vec<Finding>,
    /// Findings that a baseline accepts.
    pub baselined: Vec<Finding>,
    /// What could not be read or known.
    pub gaps: Vec<Gap>,
}

/// Joins a project into a model and judges it. What its app processes read is asked of the same host.
pub fn analyze(host: &dyn Host, mut project: Project, settings: &Settings) -> Analysis {
    let model = Model::build(host, &mut project, settings);
    let findings = rules::check(&project, &model, settings);
    let outcome = suppress::apply(findings, &project.sources, settings);
    let mut gaps = project.gaps.clone();
    gaps.extend(model.gaps.iter().cloned());
    gaps.sort();
    // What a file lacks in several places is told where it lacks it first.
    let mut told = HashSet::new();
    gaps.retain(|gap| told.insert((gap.path.clone(), gap.reason.clone())));
    Analysis {
        project,
        model,
        findings: outcome.kept,
        silenced: outcome.silenced,
        baselined: outcome.baselined,
        gaps,
    }
}
