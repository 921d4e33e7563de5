//! Which files belong together: discovery, compose projects, includes, templates, and what a container sees.

pub mod compose;

use crate::finding::{Gap, SyntaxError};
use crate::host::Host;
use crate::settings::Settings;
use crate::source::Sources;

/// Everything that was read, before any meaning.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// All files.
    pub sources: Sources,
    /// Compose projects.
    pub stacks: Vec<compose::Stack>,
    /// Syntax errors of every format.
    pub errors: Vec<SyntaxError>,
    /// What could not be read or known.
    pub gaps: Vec<Gap>,
}

impl Project {
    /// Reads what is below the root of a host.
    pub fn load(_host: &dyn Host, _settings: &Settings) -> Self {
        Self::default()
    }
}
