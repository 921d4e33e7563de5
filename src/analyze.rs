//! From a project to an analysis: the only place where the steps meet.

use crate::finding::{Finding, Gap};
use crate::model::Model;
use crate::project::Project;
use crate::settings::Settings;

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

/// Joins a project into a model and judges it.
pub fn analyze(project: Project, _settings: &Settings) -> Analysis {
    let gaps = project.gaps.clone();
    Analysis {
        project,
        gaps,
        ..Analysis::default()
    }
}
