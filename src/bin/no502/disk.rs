//! The real world: the one implementation of `Host` that opens files. Whatever a path or a symbolic link says, nothing
//! outside the root is read, and only regular files are opened, so that a pipe or a device cannot make a run wait.

#![expect(clippy::disallowed_methods, reason = "this is the Host that is asked")]

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use no502::host::{Entry, Host, PathKind, Walk};
use walkdir::{DirEntry, WalkDir};

use crate::failure::Failure;

/// Configs are small; what is larger than this is a dump or a data set, and reading it would only cost time.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// Folders that hold other people's work and are never deployed as a config.
const NEVER_ENTERED: &[&str] = &[".git", "node_modules"];

/// Files as an editor has them, whose text is not on the disk yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buffers {
    /// Bytes by the absolute path, which is free of links as far as it is there.
    texts: BTreeMap<PathBuf, Vec<u8>>,
}

impl Buffers {
    /// Takes the text of a file.
    pub(crate) fn insert(&mut self, file: PathBuf, text: Vec<u8>) {
        self.texts.insert(file, text);
    }

    /// The text of a file: the editor's, else what is on the disk.
    pub(crate) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let real = || path.canonicalize().unwrap_or_else(|_| path.to_owned());
        match self.texts.get(path).or_else(|| self.texts.get(&real())) {
            Some(text) => Ok(text.clone()),
            None => read_regular(path),
        }
    }
}

/// Size and time of change of files.
pub(crate) type Stamps = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

/// A folder on the disk.
pub(crate) struct Disk {
    root: PathBuf,
    scopes: Vec<PathBuf>,
    named: Vec<PathBuf>,
    ignoring: bool,
    deep: bool,
    now: i64,
    buffers: Buffers,
    ignores: RefCell<HashMap<PathBuf, Option<Gitignore>>>,
}

impl Disk {
    /// `root` is absolute and free of links. `scopes` are the folders below it that are walked, `named` the files that
    /// are read even where version control ignores them.
    pub(crate) fn new(root: PathBuf, scopes: Vec<PathBuf>, named: Vec<PathBuf>) -> Self {
        Self {
            root,
            scopes,
            named,
            ignoring: true,
            deep: true,
            now: 0,
            buffers: Buffers::default(),
            ignores: RefCell::default(),
        }
    }

    /// Whether `.gitignore` limits the walk.
    pub(crate) fn ignoring(mut self, ignoring: bool) -> Self {
        self.ignoring = ignoring;
        self
    }

    /// Whether folders inside the scopes are walked as well.
    pub(crate) fn deep(mut self, deep: bool) -> Self {
        self.deep = deep;
        self
    }

    /// What the time is, in seconds since 1970.
    pub(crate) fn at(mut self, now: i64) -> Self {
        self.now = now;
        self
    }

    /// With files as an editor has them.
    pub(crate) fn with(mut self, buffers: Buffers) -> Self {
        self.buffers = buffers;
        self
    }

    /// The text of the buffer that a path leads to.
    fn buffered(&self, path: &str) -> Option<&Vec<u8>> {
        if self.buffers.texts.is_empty() {
            return None;
        }
        let real = self.locate(path).unwrap_or_else(|_| self.root.join(path));
        self.buffers.texts.get(&real)
    }

    /// The place of a path below the root, links followed; an error if it is not below the root after all.
    fn locate(&self, path: &str) -> io::Result<PathBuf> {
        let relative = Path::new(path);
        let plain = relative
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let outside = || io::Error::new(io::ErrorKind::PermissionDenied, "lies outside the root");
        if !plain {
            return Err(outside());
        }
        let real = self.root.join(relative).canonicalize()?;
        if real.starts_with(&self.root) {
            Ok(real)
        } else {
            Err(outside())
        }
    }

    /// Writes a file anew, in place, so that its mode, its owner and a link to it stay. It must still hold what was read:
    /// what somebody has typed since is not written over.
    pub(crate) fn replace(&self, path: &str, old: &str, new: &str) -> Result<(), Failure> {
        let real = self.locate(path);
        let real = real.map_err(|error| Failure::unreadable(Path::new(path), &error))?;
        replace(&real, path, old, new)
    }

    /// The path below the root as the library writes it; `None` if it is not UTF-8.
    fn below_root(&self, path: &Path) -> Option<String> {
        let relative = path.strip_prefix(&self.root).ok()?;
        let parts: Option<Vec<&str>> = relative.iter().map(|part| part.to_str()).collect();
        Some(parts?.join("/"))
    }

    fn ignores(&self, path: &Path, is_dir: bool) -> bool {
        if !self.ignoring {
            return false;
        }
        let mut folder = path.parent();
        while let Some(dir) = folder.filter(|dir| dir.starts_with(&self.root)) {
            match self.matched(dir, path, is_dir) {
                Match::Ignore(()) => return true,
                Match::Whitelist(()) => return false,
                Match::None => folder = dir.parent(),
            }
        }
        false
    }

    /// What the ignore file of one folder says of a path.
    fn matched(&self, dir: &Path, path: &Path, is_dir: bool) -> Match<()> {
        let mut known = self.ignores.borrow_mut();
        if !known.contains_key(dir) {
            known.insert(dir.to_owned(), self.ignore_file(dir));
        }
        match known.get(dir).and_then(Option::as_ref) {
            Some(rules) => rules.matched(path, is_dir).map(|_| ()),
            None => Match::None,
        }
    }

    /// The rules of `.gitignore` in a folder; in the root, those of `.git/info/exclude` come before and so count less.
    fn ignore_file(&self, dir: &Path) -> Option<Gitignore> {
        let mut builder = GitignoreBuilder::new(dir);
        let exclude = (dir == self.root).then(|| dir.join(".git/info/exclude"));
        let mut found = false;
        for file in exclude.into_iter().chain([dir.join(".gitignore")]) {
            let Ok(bytes) = read_regular(&file) else {
                continue;
            };
            for line in String::from_utf8_lossy(&bytes).lines() {
                // A pattern that cannot be read ignores nothing, as in git.
                let _ = builder.add_line(None, line);
                found = true;
            }
        }
        found.then(|| builder.build().ok()).flatten()
    }

    /// Size and time of every file that the walk comes across, links followed, and of those that were named.
    pub(crate) fn stamps(&self) -> Stamps {
        let scopes = self.scopes.iter();
        let entries = scopes.flat_map(|scope| self.entries(scope)).flatten();
        let paths = entries.map(DirEntry::into_path);
        let stamp = |path: PathBuf| {
            let about = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
            Some((path, (about.len(), about.modified().ok())))
        };
        paths
            .chain(self.named.iter().cloned())
            .filter_map(stamp)
            .collect()
    }

    /// The files and folders below a folder that are not left out.
    fn entries(&self, scope: &Path) -> impl Iterator<Item = walkdir::Result<DirEntry>> {
        WalkDir::new(scope)
            .follow_links(false)
            .max_depth(if self.deep { usize::MAX } else { 1 })
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| entry.depth() == 0 || self.is_wanted(entry))
    }

    fn walk_scope(&self, scope: &Path, found: &mut Found) {
        for entry in self.entries(scope) {
            match entry {
                Ok(entry) => self.note(&entry, found),
                Err(error) => {
                    let path = error.path().and_then(|path| self.below_root(path));
                    let reason = error.io_error().map_or_else(|| error.to_string(), describe);
                    found.unreadable.push((path.unwrap_or_default(), reason));
                }
            }
        }
    }

    fn is_wanted(&self, entry: &DirEntry) -> bool {
        let is_dir = entry.file_type().is_dir();
        let never = is_dir && NEVER_ENTERED.iter().any(|name| entry.file_name() == *name);
        !never && !self.ignores(entry.path(), is_dir)
    }

    fn note(&self, entry: &DirEntry, found: &mut Found) {
        let kind = entry.file_type();
        if kind.is_dir() || !(kind.is_file() || kind.is_symlink()) {
            return;
        }
        let Some(path) = self.below_root(entry.path()) else {
            if is_called_like_a_config(entry.path()) {
                let path = entry.path().strip_prefix(&self.root);
                let shown = path.unwrap_or(entry.path()).to_string_lossy().into_owned();
                let why = "its name is not UTF-8".to_owned();
                found.unreadable.push((shown, why));
            }
            return;
        };
        if kind.is_file() {
            found.files.entry(entry.path().to_owned()).or_insert(path);
            return;
        }
        match self.locate(&path) {
            Ok(real) if real.is_file() => drop(found.links.entry(real).or_insert(path)),
            Err(error) if is_called_like_a_config(entry.path()) => {
                found.unreadable.push((path, describe(&error)));
            }
            // A link to a folder is no further place to look: the folder itself is walked. One that leads nowhere is
            // nobody's config unless its name says so.
            _ => {}
        }
    }
}

fn is_called_like_a_config(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ["conf", "cfg", "yml", "yaml"].contains(&ending))
}

/// What a walk came across, by the real place of each file.
#[derive(Default)]
struct Found {
    files: BTreeMap<PathBuf, String>,
    links: BTreeMap<PathBuf, String>,
    unreadable: Vec<(String, String)>,
}

impl Host for Disk {
    /// A file that a link names is known by the link: `sites-enabled/shop` is what nginx reads, and
    /// `sites-available/shop`, which it points to, would only be the same file again.
    fn walk(&self) -> Walk {
        let mut found = Found::default();
        for scope in &self.scopes {
            self.walk_scope(scope, &mut found);
        }
        let mut files = found.files;
        files.extend(found.links);
        for named in &self.named {
            if let Some(path) = self.below_root(named) {
                files.insert(named.clone(), path);
            }
        }
        let mut files: Vec<String> = files.into_values().collect();
        files.sort();
        files.dedup();
        Walk {
            files,
            unreadable: found.unreadable,
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        if let Some(text) = self.buffered(path) {
            return Ok(text.clone());
        }
        self.locate(path)
            .and_then(|real| read_regular(&real))
            .map_err(|error| describe(&error))
    }

    fn list(&self, path: &str) -> Vec<Entry> {
        let Ok(folder) = self.locate(path) else {
            return Vec::new();
        };
        let Ok(entries) = fs::read_dir(&folder) else {
            return Vec::new();
        };
        let mut entries: Vec<Entry> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| {
                Some(Entry {
                    path: entry.file_name().to_str()?.to_owned(),
                    is_dir: entry.path().is_dir(),
                })
            })
            .collect();
        let unsaved = self.buffers.texts.keys();
        let unsaved = unsaved.filter(|file| file.parent() == Some(&folder) && !file.exists());
        entries.extend(unsaved.filter_map(|file| {
            Some(Entry {
                path: file.file_name()?.to_str()?.to_owned(),
                is_dir: false,
            })
        }));
        entries.sort();
        entries
    }

    fn stat(&self, path: &str) -> Option<PathKind> {
        if self.buffered(path).is_some() {
            return Some(PathKind::File);
        }
        let kind = fs::metadata(self.locate(path).ok()?).ok()?.file_type();
        Some(if kind.is_file() {
            PathKind::File
        } else if kind.is_dir() {
            PathKind::Dir
        } else {
            PathKind::Other
        })
    }

    fn is_ignored(&self, path: &str) -> bool {
        let full = self.root.join(path);
        let parents = full
            .ancestors()
            .skip(1)
            .take_while(|dir| dir.starts_with(&self.root) && *dir != self.root);
        self.ignores(&full, full.is_dir()) || parents.into_iter().any(|dir| self.ignores(dir, true))
    }

    fn now(&self) -> i64 {
        self.now
    }
}

/// Writes a file anew that a person calls `shown`. It must still hold what was read; `old` is empty for one that is not
/// there yet.
pub(crate) fn replace(real: &Path, shown: &str, old: &str, new: &str) -> Result<(), Failure> {
    let now = match read_regular(real) {
        Err(error) if old.is_empty() && error.kind() == io::ErrorKind::NotFound => Vec::new(),
        now => now.map_err(|error| Failure::unreadable(Path::new(shown), &error))?,
    };
    if now != old.as_bytes() {
        return Err(Failure::new(format!(
            "`{shown}` has changed since it was read, and is left as it is"
        ))
        .help("start the run again"));
    }
    fs::write(real, new)
        .map_err(|error| Failure::new(format!("`{shown}` cannot be written: {}", describe(&error))))
}

/// The bytes of a regular file of a size that a config may have.
pub(crate) fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let about = fs::metadata(path)?;
    if about.is_dir() {
        return Err(io::Error::other("is a directory"));
    }
    if !about.is_file() {
        return Err(io::Error::other("is no regular file"));
    }
    let too_large = || io::Error::other(format!("is larger than {} MiB", LARGEST_FILE >> 20));
    if about.len() > LARGEST_FILE {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0));
    File::open(path)?
        .take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(too_large());
    }
    Ok(bytes)
}

/// An error of the system in the words of a finding, the same on every system: lower case, no number, no full stop.
pub(crate) fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::PermissionDenied if error.get_ref().is_none() => {
            "permission denied".to_owned()
        }
        io::ErrorKind::NotADirectory => "is below a file".to_owned(),
        _ => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or(&text);
            let mut letters = text.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_lowercase().chain(letters).collect()
            })
        }
    }
}

/// Whether a file that a person named can be opened. Its size is not looked at: that is a gap, not a failure.
pub(crate) fn check_readable(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_file() {
        File::open(path).map(drop)
    } else {
        Err(io::Error::other("is no regular file"))
    }
}

/// Whether a folder that a person named can be entered.
pub(crate) fn check_enterable(path: &Path) -> io::Result<()> {
    fs::read_dir(path).map(drop)
}
