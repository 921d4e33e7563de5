//! The projects that are damaged: those of `fixtures`, and what the pages of the rules call bad.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use no502::page::{Example, Page};
use no502::rules::RULES;

/// Path and bytes of every file.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Every project with its name.
pub(crate) fn all() -> Vec<(String, Files)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut all = Vec::new();
    for folder in ["stacks", "chains", "budgets"] {
        for project in entries(&root.join(folder)) {
            if project.is_dir() {
                let name = project.file_name().unwrap().to_string_lossy().into_owned();
                let mut files = Files::new();
                read(&project, "", &mut files);
                all.push((name, files));
            }
        }
    }
    assert!(all.len() > 50, "the projects are not where they were");
    all.extend(RULES.iter().map(|rule| {
        let page = Page::parse(rule.id, rule.page).unwrap();
        let files = page.files(Example::Bad).into_iter();
        let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
        (rule.id.to_owned(), files.collect())
    }));
    all
}

fn read(folder: &Path, prefix: &str, files: &mut Files) {
    for entry in entries(folder) {
        let name = entry.file_name().unwrap().to_str().unwrap();
        let path = format!("{prefix}{name}");
        if entry.is_dir() {
            read(&entry, &format!("{path}/"), files);
        } else if let Ok(bytes) = fs::read(&entry) {
            files.insert(path, bytes);
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}
