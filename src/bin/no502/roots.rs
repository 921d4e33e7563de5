//! From the paths on the command line to the one root that a run looks at.

use std::io;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// What a run looks at, and what of it is reported.
#[derive(Debug)]
pub(crate) struct Roots {
    /// The folder that everything is relative to; nothing outside it is read. Absolute, free of links.
    pub(crate) root: PathBuf,
    /// The folders below it that are walked.
    pub(crate) scopes: Vec<PathBuf>,
    /// The files that were named.
    pub(crate) files: Vec<PathBuf>,
    /// Only findings with a label in one of these files or below one of these folders are reported, relative to the
    /// root; all if it is empty.
    pub(crate) focus: Vec<PathBuf>,
    /// Whether the scopes are walked with the folders in them.
    pub(crate) deep: bool,
    /// The enclosing git root.
    pub(crate) git: Option<PathBuf>,
    /// Paths that cannot be read.
    pub(crate) failures: Vec<Failure>,
}

impl Roots {
    /// The current folder if no path is given. Fails if not one path can be read.
    pub(crate) fn of(paths: &[PathBuf]) -> Result<Self, Vec<Failure>> {
        let here = [PathBuf::from(".")];
        let paths = if paths.is_empty() { &here } else { paths };
        let (mut named, mut failures) = (Vec::new(), Vec::new());
        for path in paths {
            match Named::new(path) {
                Ok(path) => named.push(path),
                Err(error) => failures.push(Failure::unreadable(path, &error)),
            }
        }
        let Some(root) = common_ancestor(&named) else {
            return Err(failures);
        };
        let whole = named.len() == 1 && named[0].is_dir;
        let focus = named.iter().filter(|_| !whole);
        Ok(Self {
            focus: focus
                .filter_map(|named| named.path.strip_prefix(&root).ok())
                .map(Path::to_owned)
                .collect(),
            scopes: outermost(named.iter().map(|named| named.root.clone()).collect()),
            files: named
                .iter()
                .filter(|named| !named.is_dir)
                .map(|named| named.path.clone())
                .collect(),
            deep: true,
            git: ancestor_with(&root, ".git"),
            root,
            failures,
        })
    }

    /// The roots of a file whose text comes from elsewhere, and its place.
    pub(crate) fn of_buffer(name: &Path) -> Result<(Self, PathBuf), Failure> {
        let unreadable = |error: &io::Error| Failure::unreadable(name, error);
        let folder = name.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new("."));
        let folder = folder.canonicalize().map_err(|error| unreadable(&error))?;
        let Some(base) = name.file_name() else {
            return Err(Failure::new(format!(
                "`{}` is no name of a file",
                name.display()
            )));
        };
        let path = folder
            .join(base)
            .canonicalize()
            .unwrap_or_else(|_| folder.join(base));
        let root = root_of(path.parent().unwrap_or(&folder));
        let focus = path.strip_prefix(&root).unwrap_or(&path).to_owned();
        let roots = Self {
            focus: vec![focus],
            scopes: vec![root.clone()],
            files: vec![path.clone()],
            deep: true,
            git: ancestor_with(&root, ".git"),
            root,
            failures: Vec::new(),
        };
        Ok((roots, path))
    }

    /// A folder that an editor works in, and the files that it has open there. All that is found is reported.
    pub(crate) fn of_editor(root: PathBuf, deep: bool, files: Vec<PathBuf>) -> Self {
        Self {
            scopes: vec![root.clone()],
            files,
            focus: Vec::new(),
            deep,
            git: ancestor_with(&root, ".git"),
            root,
            failures: Vec::new(),
        }
    }

    /// Path of the root below the enclosing git root, `/`-separated, with a `/` at its end; empty if they are one.
    pub(crate) fn prefix(&self) -> String {
        let below = self
            .git
            .as_deref()
            .and_then(|git| self.root.strip_prefix(git).ok());
        let parts = below.into_iter().flat_map(Path::iter);
        parts
            .map(|part| part.to_string_lossy().into_owned() + "/")
            .collect()
    }

    /// The files that were named, in their order, as paths below the root with `/` between the parts.
    pub(crate) fn named_files(&self) -> Vec<String> {
        let below = self
            .files
            .iter()
            .filter_map(|file| file.strip_prefix(&self.root).ok());
        let joined = |path: &Path| {
            path.iter()
                .map(|part| part.to_string_lossy())
                .collect::<Vec<_>>()
                .join("/")
        };
        below.map(joined).collect()
    }

    /// Whether what is at a path below the root was asked for.
    pub(crate) fn wants(&self, path: &str) -> bool {
        self.focus.is_empty()
            || self
                .focus
                .iter()
                .any(|focus| Path::new(path).starts_with(focus))
    }
}

/// One path of the command line.
struct Named {
    path: PathBuf,
    root: PathBuf,
    is_dir: bool,
}

impl Named {
    fn new(written: &Path) -> io::Result<Self> {
        let path = written.canonicalize()?;
        if path.is_dir() {
            crate::disk::check_enterable(&path)?;
            return Ok(Self {
                root: path.clone(),
                path,
                is_dir: true,
            });
        }
        crate::disk::check_readable(&path)?;
        Ok(Self {
            root: root_of(path.parent().unwrap_or(&path)),
            path,
            is_dir: false,
        })
    }
}

/// The root of a file that lies in a folder.
fn root_of(folder: &Path) -> PathBuf {
    let root = ancestor_with(folder, "no502.toml").or_else(|| ancestor_with(folder, ".git"));
    root.unwrap_or_else(|| folder.to_owned())
}

/// The nearest folder, this one included, that holds an entry of this name.
pub(crate) fn ancestor_with(folder: &Path, name: &str) -> Option<PathBuf> {
    folder
        .ancestors()
        .find(|dir| dir.join(name).exists())
        .map(Path::to_owned)
}

fn common_ancestor(named: &[Named]) -> Option<PathBuf> {
    let (first, rest) = named.split_first()?;
    let mut common = first.root.as_path();
    for other in rest {
        while !other.root.starts_with(common) {
            common = common.parent()?;
        }
    }
    Some(common.to_owned())
}

/// Leaves out folders that lie in another one, so that nothing is walked twice.
fn outermost(mut folders: Vec<PathBuf>) -> Vec<PathBuf> {
    folders.sort();
    folders.dedup();
    let all = folders.clone();
    folders.retain(|folder| {
        !all.iter()
            .any(|other| folder != other && folder.starts_with(other))
    });
    folders
}
