//! What a run comes to, and its exit code.

use std::process::ExitCode;

/// What a run that did its work has to say; a failure is exit code 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing at or above the limit.
    Clean,
    /// Findings at or above the limit.
    Findings,
    /// The tool could not do all of its work, and has said why.
    Failed,
    /// With `--strict`: gaps, and nothing worse.
    Gaps,
    /// The editor of a language server has gone without a `shutdown`.
    Deserted,
}

impl Verdict {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings | Self::Deserted => 1,
            Self::Failed => 2,
            Self::Gaps => 3,
        }
    }
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        Self::from(verdict.code())
    }
}
