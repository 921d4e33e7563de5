//! Which compose files are deployed together. Compose itself takes the default file of a folder and its override; all
//! else is told by `no502.toml`, by `COMPOSE_FILE`, by a call in a script, or by what a file lacks.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::load::Plan;
use super::outline::{Outline, outline};
use super::reader::Reader;
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
    }
}

/// Files that others include, and files other than a default one that others extend: no stacks of their own.
fn pulled(outlines: &BTreeMap<String, Outline>) -> HashSet<String> {
    let mut pulled = HashSet::new();
    for (file, outline) in outlines {
        let inside = |written: &String| match path::resolve(path::folder(file), written) {
            path::Place::Inside(path) if path != *file => Some(path),
            _ => None,
        };
        pulled.extend(outline.includes.iter().filter_map(inside));
        pulled.extend(
            outline
                .extends
                .iter()
                .filter_map(inside)
                .filter(|path| !DEFAULTS.contains(&path::file_name(path))),
        );
    }
    pulled
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
            plans.push(self.plan(files));
        }
        let base = self.default_files();
        let main = base.first().cloned();
        for file in &base {
            self.files.remove(file.as_str());
        }
        let mut others: Vec<String> = self.files.iter().map(ToString::to_string).collect();
        others.retain(|file| !self.pulled.contains(file));
        let mut overlays = self.called(reader, main.as_deref(), &others);
        let in_call: HashSet<&String> = overlays.iter().flat_map(|plan| &plan.files).collect();
        others.retain(|file| !in_call.contains(file));
        let mut alone = Vec::new();
        for file in others {
            match self.base_for(&file, main.as_deref()) {
                Base::NotNeeded => alone.push(self.plan(vec![file])),
                Base::Default => {
                    let mut files = vec![base[0].clone()];
                    files.push(file);
                    overlays.push(self.plan(files));
                }
                Base::Other(other) => overlays.push(self.plan(vec![other, file])),
                Base::Missing => {
                    let reason = "needs services that another compose file defines, and which one is not known";
                    reader.gap(&file, reason);
                }
            }
        }
        if !base.is_empty() && !self.pulled.contains(&base[0]) {
            let completed = overlays.iter().any(|plan| plan.files.contains(&base[0]));
            let partial = base.len() == 1 && self.outlines[&base[0]].has_partial_service();
            if !(partial && completed) {
                plans.push(self.plan(base));
            }
        }
        plans.extend(overlays);
        plans.extend(alone);
        plans
    }

    fn plan(&self, files: Vec<String>) -> Plan {
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

    /// `COMPOSE_FILE` of the folder's `.env`.
    fn compose_file(&self, reader: &mut Reader) -> Option<Vec<String>> {
        let variables = reader.variables(&[path::join(self.folder, ".env")], false);
        let (written, _) = variables.known("COMPOSE_FILE")?;
        let files: Option<Vec<String>> = pair::path_list(written)
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

    /// Stacks that a script, a Makefile, a README or a comment puts together.
    fn called(&self, reader: &Reader, main: Option<&str>, others: &[String]) -> Vec<Plan> {
        if others.is_empty() {
            return Vec::new();
        }
        let mut known: HashSet<&str> = others.iter().map(String::as_str).collect();
        known.extend(main);
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
                let whole = files.len() == call.len() && files.len() > 1;
                let ours = files.iter().all(|file| known.contains(file.as_str()));
                if whole && ours && !found.contains(&files) {
                    found.push(files);
                }
            }
        }
        found.into_iter().map(|files| self.plan(files)).collect()
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

    /// Which other file a file needs below it.
    fn base_for(&self, file: &str, main: Option<&str>) -> Base {
        let Some(own) = self.outlines.get(file) else {
            return Base::Missing;
        };
        let needs = own.needs();
        if needs.is_empty() {
            return Base::NotNeeded;
        }
        if let Some(main) = main {
            let gives = needs.iter().any(|need| self.outlines[main].gives(need));
            if gives {
                return Base::Default;
            }
        }
        let mut givers = self
            .files
            .iter()
            .filter(|other| **other != file)
            .filter(|other| self.outlines[**other].needs().is_empty())
            .filter(|other| needs.iter().any(|need| self.outlines[**other].gives(need)));
        match (givers.next(), givers.next()) {
            (Some(only), None) => Base::Other((*only).to_owned()),
            _ if own.has_partial_service() && own.is_all_partial() => Base::Missing,
            // What nothing here defines is a fault of the file itself.
            _ => Base::NotNeeded,
        }
    }
}

enum Base {
    NotNeeded,
    Default,
    Other(String),
    Missing,
}
