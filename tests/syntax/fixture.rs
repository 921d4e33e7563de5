//! Texts in `fixtures/syntax/<format>/` and the trees beside them; `UPDATE=1` rewrites the trees.

#![expect(clippy::disallowed_methods, reason = "fixtures are on the disk")]

use std::fs;
use std::path::{Path, PathBuf};

/// Every file of a format with this extension, by name: path and bytes.
pub(crate) fn texts(format: &str, extension: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/syntax")
        .join(format);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder of fixtures")
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no fixture of {format}");
    paths
        .into_iter()
        .map(|path| (path.clone(), fs::read(path).expect("a fixture")))
        .collect()
}

/// Compares what a reader made of a fixture with the `.tree` beside it.
pub(crate) fn expect_tree(path: &Path, tree: &str) {
    let expected_path = path.with_extension("tree");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&expected_path, tree).expect("a tree beside its fixture");
        return;
    }
    let expected = fs::read_to_string(&expected_path).unwrap_or_default();
    assert!(
        expected == tree,
        "{} differs from what was read (UPDATE=1 rewrites it):\n{tree}",
        expected_path.display(),
    );
}
