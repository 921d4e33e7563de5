//! Whole projects: what the program says of each folder of `fixtures/stacks`, beside it in `expected.txt`.
//! `UPDATE=1 cargo test --test stacks` writes the answers.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop at once, and reads its fixtures itself"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn stacks() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stacks");
    let entries = fs::read_dir(root).expect("fixtures/stacks");
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.is_dir());
    found.sort();
    found
}

/// What `check --format short` says of a stack. Gaps are part of it.
fn said(stack: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_no502"))
        .args(["check", "-q", "--format", "short", "--color", "never"])
        .arg(stack)
        .output()
        .expect("the program runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.is_empty(), "{}: {errors}", stack.display());
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn every_stack_is_judged_as_expected() {
    let stacks = stacks();
    assert!(stacks.len() >= 20, "the stacks are not where they were");
    let mut wrong = Vec::new();
    for stack in stacks {
        let (said, file) = (said(&stack), stack.join("expected.txt"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&file, &said).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if said != expected {
            wrong.push(format!(
                "{}\n--- expected\n{expected}--- said\n{said}",
                stack.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_example_shows_what_it_is_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stacks");
    let broken = said(&root.join("shop"));
    let mut rules: Vec<&str> = broken
        .lines()
        .filter_map(|line| line.split(['[', ']']).nth(1))
        .collect();
    rules.sort_unstable();
    rules.dedup();
    assert!(rules.len() >= 8, "{broken}");
    assert_eq!(said(&root.join("shop-fixed")), "");
}
