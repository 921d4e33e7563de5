//! Every claim is proven: the real nginx and HAProxy answer a page's Bad with what it says, and its Good with success.
//! `README.md` beside this file says how a page becomes a running stack.
//!
//! Runs where nginx and haproxy are installed, and says so where they are not; `NO502_LAB=required` makes a missing
//! program a failure, and `NO502_LAB=<rule>` runs one page and prints what its programs said.

#![allow(clippy::print_stderr, reason = "a proof that was not run must be seen")]
#![allow(clippy::unwrap_used, reason = "all of this is a test")]
#![allow(clippy::disallowed_methods, reason = "tests touch the outside")]
#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the files of the pages are named by us"
)]
#![allow(
    clippy::format_push_string,
    reason = "texts of a few lines, once per case"
)]

mod address;
mod app;
mod blocks;
mod budget;
mod case;
mod certificate;
mod client;
mod dns;
mod haproxy;
mod lines;
mod nginx;
mod pairs;
mod program;
mod proxy;
mod rewrite;
mod spec;
mod stack;
mod stub;
mod triage;
mod yaml;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use no502::page::{Example, Page};
use program::NOT_HERE;
use spec::{Only, Spec};

/// Cases spend their time waiting for timeouts, so more of them run at once than there are cores.
const AT_ONCE: usize = 4;

#[test]
fn every_claim_holds() {
    let mode = std::env::var("NO502_LAB").unwrap_or_default();
    if let Some(missing) = ["nginx", "haproxy"]
        .into_iter()
        .find(|name| program::find(name).is_none())
    {
        assert_ne!(
            mode, "required",
            "{missing} is not installed, and NO502_LAB=required"
        );
        say(&format!(
            "\n*** the lab did not run: {missing} is not installed, and no claim was proven ***\n"
        ));
        return;
    }
    let pages = pages();
    let chosen = pages
        .iter()
        .filter(|(id, _)| ["", "required"].contains(&mode.as_str()) || *id == mode);
    let cases = Mutex::new(chosen);
    let (failures, unproven) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((id, text)) = cases.lock().unwrap().next() else {
                        break;
                    };
                    let start = Instant::now();
                    let result = prove(id, text, &mode == id);
                    let absent = |why: &&String| mode.is_empty() && why.ends_with(NOT_HERE);
                    let (said, list) = match result.as_ref().err() {
                        None => ("ok", None),
                        Some(why) if absent(&why) => ("not run", Some(&unproven)),
                        Some(_) => ("FAILED", Some(&failures)),
                    };
                    eprintln!("{id}: {said} in {:.1?}", start.elapsed());
                    if let (Some(list), Err(why)) = (list, result) {
                        list.lock().unwrap().push(format!("{id}: {why}"));
                    }
                }
            });
        }
    });
    let unproven = unproven.into_inner().unwrap().join("\n");
    if !unproven.is_empty() {
        say(&format!(
            "\n*** these pages were not proven:\n{unproven}\n***\n"
        ));
    }
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of {} pages:\n\n{}",
        failures.len(),
        pages.len(),
        failures.join("\n\n")
    );
}

/// A proof is worth nothing if it cannot fail.
#[test]
fn a_wrong_claim_is_refuted() {
    if ["nginx", "haproxy"]
        .iter()
        .any(|name| program::find(name).is_none())
    {
        return;
    }
    let (_, text) = pages()
        .into_iter()
        .find(|(id, _)| id == "timeout-missing")
        .unwrap();
    let wrong = text.replace("good = 504", "good = 200");
    let refuted = prove("timeout-missing", &wrong, false).unwrap_err();
    assert!(
        refuted.starts_with("Good must come to 200, and came to 504"),
        "{refuted}"
    );
}

/// To the terminal itself: what a passing test prints is swallowed.
fn say(text: &str) {
    // A closed terminal is no failure of a proof.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Id and text of every page, sorted.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // The stacks are pages of no rule, which hold the rewrite to what pages may contain.
    let folders = [root.join("rules"), root.join("tests/lab/stacks")];
    let files = folders
        .iter()
        .flat_map(|dir| fs::read_dir(dir).unwrap())
        .map(|entry| entry.unwrap().path());
    let mut pages: Vec<(String, String)> = files
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .map(|path| {
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                fs::read_to_string(&path).unwrap(),
            )
        })
        .filter(|(id, _)| id != "README" && !id.starts_with('_'))
        .collect();
    pages.extend(pairs::pages());
    pages.sort();
    pages
}

/// Puts both examples of a page to the proof, if its card says that they can be.
fn prove(id: &str, text: &str, loud: bool) -> Result<(), String> {
    let page = Page::parse(id, text)?;
    if page.card.proven != "lab" {
        return if page.lab.is_none() {
            Ok(())
        } else {
            Err("the card says it is not proven, and there is a proof".to_owned())
        };
    }
    let fence = page
        .lab
        .ok_or("the card says `lab`, and the page has no `toml lab` fence")?;
    let spec: Spec = toml::from_str(fence).map_err(|error| format!("lab fence: {error}"))?;
    for (example, only, wanted) in [
        (Example::Bad, Only::Bad, &spec.bad),
        (Example::Good, Only::Good, &spec.good),
    ] {
        let report = case::run(&page.files(example), &spec, only)
            .map_err(|why| format!("{example:?}: {why}"))?;
        if loud {
            eprintln!("{example:?}: {}\n{}", report.outcome, report.logs);
        }
        if example == Example::Bad {
            triage::names(id, &page.card, &report.log)?;
        }
        if !wanted.accepts(&report.outcome.to_string()) {
            return Err(format!(
                "{example:?} must come to {wanted}, and came to {}\n{}",
                report.outcome, report.logs
            ));
        }
    }
    Ok(())
}
