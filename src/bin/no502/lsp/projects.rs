//! Which folder a file is judged with, and what is known of each such folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use lsp_types::Diagnostic;
use serde_json::Value;

use super::documents::real;
use super::judge::Judged;
use super::requests::Ask;
use crate::config::NAME;
use crate::roots::ancestor_with;

/// A folder that the editor has open.
pub(super) struct Folder {
    /// As the editor names it.
    given: PathBuf,
    real: PathBuf,
}

impl Folder {
    /// A folder by the name that the editor has for it.
    pub(super) fn new(given: PathBuf) -> Self {
        Self {
            real: real(&given),
            given,
        }
    }

    /// Whether this is what the editor means by a name.
    pub(super) fn is(&self, given: &Path) -> bool {
        self.given == given
    }
}

/// The root of a project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Home {
    /// Absolute, free of links.
    pub(super) root: PathBuf,
    /// Whether the folders in it belong to it.
    pub(super) deep: bool,
}

impl Home {
    /// Where a file is judged: as by `check` in its folder of the editor, or in a smaller project inside that. A file
    /// without any of this is judged with those beside it, for its folder may be the person's whole home.
    pub(super) fn of(file: &Path, folders: &[Folder]) -> Self {
        let dir = file.parent().unwrap_or(file);
        let around = folders
            .iter()
            .filter(|folder| dir.starts_with(&folder.real));
        let around = around
            .map(|folder| &folder.real)
            .max_by_key(|real| real.as_os_str().len());
        let marked = [NAME, ".git"].into_iter().find_map(|name| {
            let root = ancestor_with(dir, name)?;
            let inside = around.is_none_or(|folder| root.starts_with(folder));
            inside.then_some(root)
        });
        let root = marked.or(around.cloned());
        Self {
            deep: root.is_some(),
            root: root.unwrap_or_else(|| dir.to_owned()),
        }
    }

    /// A path below the root as the editor would name it.
    pub(super) fn named(&self, path: &str, folders: &[Folder]) -> PathBuf {
        let whole = self.root.join(path);
        let named = folders.iter().find_map(|folder| {
            let rest = whole.strip_prefix(&folder.real).ok()?;
            Some(folder.given.join(rest))
        });
        named.unwrap_or(whole)
    }
}

/// What is known of a project.
#[derive(Default)]
pub(super) struct Project {
    /// Counts its texts: what was judged of an earlier one is stale.
    pub(super) generation: u64,
    /// When it is to be judged, if it has changed.
    pub(super) due: Option<Instant>,
    /// Whether faults of its settings are told aloud: not while somebody types.
    pub(super) loud: bool,
    /// What came out last.
    pub(super) judged: Option<Judged>,
    /// What the editor was told, by URI.
    pub(super) published: BTreeMap<String, Vec<Diagnostic>>,
    /// Requests that wait for the text that they ask about to be judged.
    pub(super) waiting: Vec<(Value, Ask)>,
}

impl Project {
    /// What is known of the present texts.
    pub(super) fn current(&self) -> Option<&Judged> {
        let judged = self.judged.as_ref();
        judged.filter(|judged| judged.generation == self.generation)
    }
}
