//! The outside world, as far as a run may ask about it. The library knows no disk, clock or environment: it asks a
//! [`Host`], and a test brings its own.

pub mod path;

use std::collections::BTreeMap;

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A socket, a pipe or a device.
    Other,
}

/// One entry of a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// For `walk` the path below the root, for `list` the bare name.
    pub path: String,
    /// Whether it is a directory.
    pub is_dir: bool,
}

/// What a walk over the root found.
#[derive(Debug, Clone, Default)]
pub struct Walk {
    /// Files below the root, sorted; ignored ones, `.git` and `node_modules` are left out.
    pub files: Vec<String>,
    /// What could not be entered: path and reason.
    pub unreadable: Vec<(String, String)>,
}

/// The outside world. Every path is below the root, `/`-separated and normalised; `""` is the root itself. A path that
/// leaves the root is never asked.
pub trait Host {
    /// Every file below the root that is worth a look.
    fn walk(&self) -> Walk;
    /// The bytes of a file, or why not (for people).
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
    /// The entries of a directory, sorted by name; empty if there is none.
    fn list(&self, path: &str) -> Vec<Entry>;
    /// What is at a path, following links; `None` if nothing.
    fn stat(&self, path: &str) -> Option<PathKind>;
    /// Whether version control leaves this path out: its absence from the tree proves nothing.
    fn is_ignored(&self, path: &str) -> bool;
    /// Seconds since 1970, as `--now` fixes them.
    fn now(&self) -> i64;
}

/// A world in memory, for tests and rule pages.
#[derive(Debug, Clone, Default)]
pub struct FakeHost {
    /// Path and content of every file.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Paths that version control ignores.
    pub ignored: Vec<String>,
    /// Seconds since 1970.
    pub now: i64,
}

impl FakeHost {
    /// A world of text files.
    pub fn new<P: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (P, T)>) -> Self {
        let files = files
            .into_iter()
            .map(|(path, text)| (path.into(), text.into().into_bytes()))
            .collect();
        Self {
            files,
            ..Self::default()
        }
    }
}

impl Host for FakeHost {
    fn walk(&self) -> Walk {
        Walk {
            files: self.files.keys().cloned().collect(),
            unreadable: Vec::new(),
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.files
            .get(path)
            .cloned()
            .ok_or_else(|| "no such file".to_owned())
    }

    fn list(&self, path: &str) -> Vec<Entry> {
        let prefix = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let mut entries: Vec<Entry> = self
            .files
            .keys()
            .filter_map(|file| file.strip_prefix(&prefix))
            .map(|rest| match rest.split_once('/') {
                Some((dir, _)) => Entry {
                    path: dir.to_owned(),
                    is_dir: true,
                },
                None => Entry {
                    path: rest.to_owned(),
                    is_dir: false,
                },
            })
            .collect();
        entries.dedup();
        entries
    }

    fn stat(&self, path: &str) -> Option<PathKind> {
        if self.files.contains_key(path) {
            return Some(PathKind::File);
        }
        let is_dir = path.is_empty()
            || self
                .files
                .keys()
                .any(|file| file.starts_with(&format!("{path}/")));
        is_dir.then_some(PathKind::Dir)
    }

    fn is_ignored(&self, path: &str) -> bool {
        self.ignored
            .iter()
            .any(|ignored| path == ignored || path.starts_with(&format!("{ignored}/")))
    }

    fn now(&self) -> i64 {
        self.now
    }
}
