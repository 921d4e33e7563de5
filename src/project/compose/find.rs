//! Which compose files are deployed together. Compose itself takes the default file of a folder and its override; all
//! else is told by `no502.toml`, by `COMPOSE_FILE`, by a call in a script, or by what a file lacks.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::load::Plan;
use super::outline::{Need, Outline, outline};
use super::reader::Reader;
use crate::host::Host;
use crate::settings::Settings;
use crate::syntax::value::{pair, path, script};

/// Names that compose looks for, first one wins.
const DEFAULTS: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
];

/// Overrides that compose adds by itself, first one wins.
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// Files beside the compose files that may say how these are combined.
const SCRIPTS: [&str; 14] = [
    "Makefile",
    "makefile",
    "GNUmakefile",
    "justfile",
    "Justfile",
    "Taskfile.yml",
    "Taskfile.yaml",
    "package.json",
    "README.md",
    "README",
    "README.rst",
    ".gitlab-ci.yml",
    "Jenkinsfile",
    "Procfile",
];

/// The stacks of a project, in the order of their files.
pub(super) fn plans(reader: &mut Reader, settings: &Settings, candidates: &[String]) -> Vec<Plan> {
    let mut plans: Vec<Plan> = settings.stacks.iter().map(declared).collect();
    let told: HashSet<&str> = settings
        .stacks
        .iter()
        .flat_map(|stack| stack.files.iter().map(String::as_str))
        .collect();
    let mut outlines = BTreeMap::new();
    for candidate in candidates {
        if let Some(found) = outline(reader, candidate) {
            outlines.insert(candidate.clone(), found);
        }
    }
    let pulled = pulled(&outlines);
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for candidate in candidates {
        if told.contains(candidate.as_str()) || !outlines.contains_key(candidate) {
            continue;
        }
        let folder = path::folder(candidate);
        folders.entry(folder).or_default().push(candidate);
    }
    for (folder, files) in folders {
        let mut finder = Finder {
            folder,
            files: files.into_iter().collect(),
            outlines: &outlines,
            pulled: &pulled,
        };
        plans.extend(finder.plans(reader));
    }
    plans
}

fn declared(stack: &crate::settings::StackFiles) -> Plan {
    let first = stack.files.first().cloned().unwrap_or_default();
    Plan {
        directory: path::folder(&first).to_owned(),
        path: first,
        files: stack.files.clone(),
        env: (!stack.env.is_empty()).then(|| stack.env.clone()),
        profiles: stack.profiles.clone(),
        guessed: false,
    }
}

/// Files that others include, and files other than a default one that others extend: no stacks of their own.
fn pulled(outlines: &BTreeMap<String, Outline>) -> HashSet<String> {
    let mut pulled = HashSet::new();
    for (file, outline) in outlines {
        let folder = path::folder(file);
        let is_default = |path: &str| DEFAULTS.contains(&path::file_name(path));
        let inside = |written: &String| match path::resolve(folder, written) {
            path::Place::Inside(path) if path != *file => Some(path),
            _ => None,
        };
        // What compose finds by itself in the same folder is still deployed without the file that includes it.
        let found_anyway = |path: &String| is_default(path) && path::folder(path) == folder;
        pulled.extend(
            outline
                .includes
                .iter()
                .filter_map(inside)
                .filter(|path| !found_anyway(path)),
        );
        pulled.extend(
            outline
                .extends
                .iter()
                .filter_map(inside)
                .filter(|path| !is_default(path)),
        );
    }
    open_rings(outlines, &mut pulled);
    pulled
}

/// Files that include each other in a ring are all pulled: the uppermost of each ring is the one that starts it.
fn open_rings(outlines: &BTreeMap<String, Outline>, pulled: &mut HashSet<String>) {
    let mut reached = HashSet::new();
    for file in outlines.keys().filter(|file| !pulled.contains(*file)) {
        reach(outlines, file, &mut reached);
    }
    let including = outlines.iter().filter(|(_, one)| !one.includes.is_empty());
    let mut files: Vec<&String> = including.map(|(file, _)| file).collect();
    files.sort_by_key(|file| file.matches('/').count());
    for file in files {
        if !reached.contains(file) {
            reach(outlines, file, &mut reached);
            pulled.remove(file);
        }
    }
}

/// Adds all that a file takes in, itself included.
fn reach(outlines: &BTreeMap<String, Outline>, start: &str, reached: &mut HashSet<String>) {
    let mut open = vec![start.to_owned()];
    while let Some(file) = open.pop() {
        let Some(outline) = outlines.get(&file) else {
            continue;
        };
        let folder = path::folder(&file).to_owned();
        if reached.insert(file) {
            let taken = outline.includes.iter().chain(&outline.extends);
            open.extend(
                taken.filter_map(|written| match path::resolve(&folder, written) {
                    path::Place::Inside(path) => Some(path),
                    path::Place::Outside(_) => None,
                }),
            );
        }
    }
}

/// A file as compose would find it by itself: with its override, if the name is one that compose looks for.
pub(super) fn with_override(host: &dyn Host, file: &str) -> Vec<String> {
    let mut files = vec![file.to_owned()];
    if DEFAULTS.contains(&path::file_name(file)) {
        let mut names = OVERRIDES
            .iter()
            .map(|name| path::join(path::folder(file), name));
        files.extend(names.find(|path| host.stat(path).is_some()));
    }
    files
}

struct Finder<'f> {
    folder: &'f str,
    files: BTreeSet<&'f str>,
    outlines: &'f BTreeMap<String, Outline>,
    pulled: &'f HashSet<String>,
}

impl Finder<'_> {
    fn plans(&mut self, reader: &mut Reader) -> Vec<Plan> {
        let mut plans = Vec::new();
        if let Some(files) = self.compose_file(reader) {
            for file in &files {
                self.files.remove(file.as_str());
            }
            plans.push(plan(files));
        }
        let base = self.default_files();
        for file in &base {
            self.files.remove(file.as_str());
        }
        let mut others: Vec<String> = self.files.iter().map(ToString::to_string).collect();
        others.retain(|file| !self.pulled.contains(file));
        let passed_over = self.passed_over(&base);
        let mut overlays = self.called(reader, &base, &others);
        let in_call: HashSet<&String> = overlays.iter().flat_map(|plan| &plan.files).collect();
        others.retain(|file| !in_call.contains(file));
        let mut alone = Vec::new();
        for file in others {
            if passed_over.contains(&file) {
                let taken = path::file_name(&base[0]);
                reader.gap(
                    &file,
                    format!("compose takes {taken} of this folder, and not this one"),
                );
                continue;
            }
            match self.below(&file, &base) {
                Below::Nothing => alone.push(Plan {
                    guessed: !self.is_only_one(&file) && !self.outlines[&file].needs().is_empty(),
                    ..plan(vec![file])
                }),
                Below::Files(mut files) => {
                    files.push(file);
                    overlays.push(Plan {
                        guessed: true,
                        ..plan(files)
                    });
                }
                Below::Unknown => {
                    let reason = "needs services that another compose file defines, and which one is not known";
                    reader.gap(&file, reason);
                }
            }
        }
        if !base.is_empty() && !self.pulled.contains(&base[0]) {
            let completed = overlays.iter().any(|plan| plan.files.contains(&base[0]));
            let partial = base.len() == 1 && self.outlines[&base[0]].has_partial_service();
            if !(partial && completed) {
                plans.push(plan(base));
            }
        }
        plans.extend(overlays);
        plans.extend(alone);
        plans
    }

    /// `COMPOSE_FILE` of the folder's `.env`.
    fn compose_file(&self, reader: &mut Reader) -> Option<Vec<String>> {
        let variables = reader.variables(&[path::join(self.folder, ".env")], false);
        let (written, _) = variables.known("COMPOSE_FILE")?;
        let list = match variables.known("COMPOSE_PATH_SEPARATOR") {
            // plain: paths with the separator between that the line above names
            Some((mark, _)) if !mark.is_empty() => written.split(mark).map(str::to_owned).collect(),
            _ => pair::path_list(written),
        };
        let files: Option<Vec<String>> = list
            .iter()
            .map(|file| match path::resolve(self.folder, file) {
                path::Place::Inside(path) => Some(path),
                path::Place::Outside(_) => None,
            })
            .collect();
        files.filter(|files| !files.is_empty())
    }

    /// The default file with its override.
    fn default_files(&self) -> Vec<String> {
        let first_of = |names: &[&str]| {
            names
                .iter()
                .map(|name| path::join(self.folder, name))
                .find(|path| self.files.contains(path.as_str()))
        };
        let Some(main) = first_of(&DEFAULTS) else {
            return Vec::new();
        };
        let mut files = vec![main];
        files.extend(first_of(&OVERRIDES));
        files
    }

    /// Default files that compose does not take, because the folder has one with a name that comes first.
    fn passed_over(&self, base: &[String]) -> Vec<String> {
        if base.is_empty() {
            return Vec::new();
        }
        let names = DEFAULTS.iter().map(|name| path::join(self.folder, name));
        names
            .filter(|path| self.files.contains(path.as_str()))
            .collect()
    }

    /// Stacks that a script, a Makefile, a README or a comment puts together.
    fn called(&self, reader: &Reader, base: &[String], others: &[String]) -> Vec<Plan> {
        if others.is_empty() {
            return Vec::new();
        }
        let known: HashSet<&str> = others.iter().chain(base).map(String::as_str).collect();
        let mut found: Vec<Vec<String>> = Vec::new();
        for (folder, text) in self.scripts(reader, others) {
            for call in script::compose_calls(&text) {
                let files: Vec<String> = call
                    .iter()
                    .filter_map(|file| match path::resolve(&folder, file) {
                        path::Place::Inside(path) => Some(path),
                        path::Place::Outside(_) => None,
                    })
                    .collect();
                let whole = files.len() == call.len() && files.len() > 1 && files != base;
                let ours = files.iter().all(|file| known.contains(file.as_str()));
                if whole && ours && !found.contains(&files) {
                    found.push(files);
                }
            }
        }
        found.into_iter().map(plan).collect()
    }

    /// Texts that may hold calls, each with the folder that its paths start from.
    fn scripts(&self, reader: &Reader, others: &[String]) -> Vec<(String, String)> {
        let mut texts: Vec<(String, String)> = others
            .iter()
            .filter_map(|file| self.outlines.get(file))
            .map(|outline| (self.folder.to_owned(), outline.header.clone()))
            .collect();
        let mut folders = vec![self.folder];
        if !self.folder.is_empty() {
            folders.push("");
        }
        for folder in folders {
            for entry in reader.host.list(folder) {
                let is_script = SCRIPTS.contains(&entry.path.as_str())
                    || path::has_extension(&entry.path, &["sh", "mk", "ps1", "bat"]);
                if entry.is_dir || !is_script {
                    continue;
                }
                if let Ok(bytes) = reader.host.read(&path::join(folder, &entry.path)) {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    texts.push((folder.to_owned(), text));
                }
            }
        }
        texts
    }

    /// Whether nothing that was found could complete a file.
    fn is_only_one(&self, file: &str) -> bool {
        self.outlines.len() == 1 && !OVERRIDES.contains(&path::file_name(file))
    }

    /// Which other files a file needs below it.
    fn below(&self, file: &str, base: &[String]) -> Below {
        let Some(own) = self.outlines.get(file) else {
            return Below::Unknown;
        };
        let mut needs = own.needs();
        if needs.is_empty() {
            return Below::Nothing;
        }
        let mut files = Vec::new();
        if self.is_only_one(file) {
            return Below::Nothing;
        }
        for below in base {
            let gives = |need: &Need| self.outlines[below].gives(need);
            if needs.iter().any(gives) {
                files = base[..=files.len()].to_vec();
                needs.retain(|need| !gives(need));
            }
        }
        if !files.is_empty() {
            return Below::Files(files);
        }
        let mut givers = self
            .files
            .iter()
            .filter(|other| **other != file)
            .map(|other| (other, &self.outlines[*other]))
            .filter(|(_, outline)| outline.needs().is_empty())
            .filter(|(_, outline)| needs.iter().any(|need| outline.gives(need)));
        match (givers.next(), givers.next()) {
            (Some((only, _)), None) => Below::Files(vec![(*only).to_owned()]),
            _ if own.has_partial_service() => Below::Unknown,
            // What nothing here defines is a fault of the file itself.
            _ => Below::Nothing,
        }
    }
}

/// The plan of some files, named after the last that is no override: the first is shared by overlays.
fn plan(files: Vec<String>) -> Plan {
    let first = files.first().cloned().unwrap_or_default();
    let is_override = |file: &String| OVERRIDES.contains(&path::file_name(file));
    let named = files
        .iter()
        .rfind(|file| !is_override(file))
        .unwrap_or(&first);
    Plan {
        path: named.clone(),
        directory: path::folder(&first).to_owned(),
        files,
        ..Plan::default()
    }
}

/// What a file must be laid over.
enum Below {
    Nothing,
    Files(Vec<String>),
    Unknown,
}
