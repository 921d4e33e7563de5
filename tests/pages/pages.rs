//! The pages on disk, and an example as a project in memory.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use no502::analyze::{Analysis, analyze};
use no502::finding::Safety;
use no502::fix;
use no502::host::FakeHost;
use no502::page::File;
use no502::project;
use no502::report::{self, Format, Look};
use no502::settings::Settings;

/// 2026-01-01, the day on which certificates of the pages are judged.
pub(crate) const NOW: i64 = 1_767_225_600;

/// Whether expectations are written instead of compared.
pub(crate) fn wants_update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

/// The path of a file in `rules/`.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("rules")
        .join(name)
}

/// Ids of all pages on disk, sorted.
pub(crate) fn ids() -> Vec<String> {
    let files = fs::read_dir(path(""))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let pages = files.filter(|file| file.extension().is_some_and(|end| end == "md"));
    let mut ids: Vec<String> = pages
        .map(|file| file.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    ids.retain(|id| id != "README" && !id.starts_with('_'));
    ids.sort();
    ids
}

/// The page of a rule, as it is on disk: `UPDATE=1` must not write what was compiled in.
pub(crate) fn read_rule(id: &str) -> String {
    fs::read_to_string(path(&format!("{id}.md")))
        .unwrap_or_else(|error| panic!("rules/{id}.md: {error}"))
}

/// Writes the page of a rule.
pub(crate) fn write_rule(id: &str, text: &str) -> Result<(), String> {
    fs::write(path(&format!("{id}.md")), text).map_err(|error| error.to_string())
}

/// Files in memory.
#[derive(Clone)]
pub(crate) struct Project {
    /// Path and text.
    pub(crate) files: Vec<(String, String)>,
}

impl Project {
    /// The files of an example.
    pub(crate) fn of(files: &[File]) -> Self {
        let own = |(path, text): &File| ((*path).to_owned(), (*text).to_owned());
        Self {
            files: files.iter().map(own).collect(),
        }
    }

    /// All that the tool has to say.
    pub(crate) fn analyze(&self, pedantic: bool) -> Analysis {
        let host = FakeHost {
            now: NOW,
            ..FakeHost::new(self.files.clone())
        };
        let settings = Settings {
            pedantic,
            ..Settings::default()
        };
        analyze(&host, project::Project::load(&host, &settings), &settings)
    }

    /// Findings of the rules that are asked for, each as `place rule: message`.
    pub(crate) fn said(&self, pedantic: bool, asked: impl Fn(&str) -> bool) -> Vec<String> {
        let analysis = self.analyze(pedantic);
        let findings = analysis
            .findings
            .iter()
            .filter(|finding| asked(finding.rule));
        findings
            .map(|finding| {
                let place = analysis.project.sources.place(finding.primary.span);
                format!("{place} {}: {}", finding.rule, finding.message)
            })
            .collect()
    }

    /// Applies the fixes of one rule; says which kinds of fix there were.
    pub(crate) fn fix(&mut self, rule: &str, pedantic: bool) -> Vec<String> {
        let mut analysis = self.analyze(pedantic);
        analysis.findings.retain(|finding| finding.rule == rule);
        let sources = &analysis.project.sources;
        for change in fix::plan(sources, &analysis.findings, Safety::Unsafe).changes {
            let path = &sources.get(change.file).path;
            let file = self.files.iter_mut().find(|(known, _)| known == path);
            file.unwrap().1 = change.text;
        }
        let fixes = analysis
            .findings
            .iter()
            .filter_map(|finding| finding.fix.as_ref());
        let kinds: BTreeSet<String> = fixes
            .map(|fix| format!("{:?}", fix.safety).to_lowercase())
            .collect();
        kinds.into_iter().collect()
    }

    /// What a terminal without colours shows.
    pub(crate) fn printed(&self, pedantic: bool) -> String {
        let mut out = Vec::new();
        report::write(
            Format::Pretty,
            &self.analyze(pedantic),
            &Look::default(),
            &mut out,
        )
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines = text.lines().map(str::trim_end);
        lines.fold(String::new(), |text, line| text + line + "\n")
    }
}

impl fmt::Display for Project {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        self.files
            .iter()
            .try_for_each(|(path, text)| writeln!(out, "--- {path}\n{text}"))
    }
}
