//! `triage` over the logs in `fixtures/logs`: each `<name>.log` comes to `<name>.txt` and `<name>.json`, and where a folder
//! `<name>` lies beside it, that is the project. `UPDATE=1 cargo test --test triage` writes them.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads files, and fails where it cannot"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use no502::analyze::{Analysis, analyze};
use no502::host::FakeHost;
use no502::project::Project;
use no502::report::Look;
use no502::report::triage::{Format, write};
use no502::rules::{RULES, card};
use no502::settings::Settings;
use no502::triage::classes::{ASIDE, Classes};
use no502::triage::{Triage, explain};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/logs")
}

fn read(log: &[u8]) -> Triage {
    let mut triage = Triage::default();
    log.split(|byte| *byte == b'\n')
        .for_each(|line| triage.feed(line));
    triage
}

/// The project in a folder, if there is one.
fn project(dir: &Path) -> Option<Analysis> {
    let files = fs::read_dir(dir).ok()?.map(|entry| entry.unwrap().path());
    let files: Vec<(String, String)> = files
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    let host = FakeHost::new(
        files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str())),
    );
    let settings = Settings::default();
    let project = Project::load(&host, &settings);
    Some(analyze(&host, project, &settings))
}

fn report(triage: &Triage, analysis: Option<&Analysis>, format: Format) -> String {
    let mut out = Vec::new();
    let look = Look {
        verbose: true,
        ..Look::default()
    };
    let explained = explain(triage, analysis);
    write(format, triage, &explained, analysis, &look, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn logs_come_to_what_stands_beside_them() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut failures = Vec::new();
    let mut logs: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "log"))
        .collect();
    logs.sort();
    assert!(!logs.is_empty());
    for log in logs {
        let triage = read(&fs::read(&log).unwrap());
        let analysis = project(&log.with_extension(""));
        for (ending, format) in [("txt", Format::Text), ("json", Format::Json)] {
            let path = log.with_extension(ending);
            let made = report(&triage, analysis.as_ref(), format);
            if update {
                fs::write(&path, &made).unwrap();
            }
            if fs::read_to_string(&path).unwrap_or_default() != made {
                failures.push(format!("{}\n{made}", path.display()));
            }
            let wide = made.lines().filter(|line| line.chars().count() > 80);
            if ending == "txt" {
                failures.extend(wide.map(|line| format!("wider than 80 columns: {line}")));
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// Symptoms that are no line of a proxy's or an app's error log, and where they are met.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "Fatal errors found in configuration",
        "HAProxy's last words; those before them say why",
    ),
    (" 499 ", "a status in nginx's access log: the client left"),
    (
        "400 No required SSL certificate was sent",
        "the page that the next nginx answers with",
    ),
    (
        "peer did not return a certificate",
        "the log of whatever app asks for one",
    ),
    (
        "Unsupported upgrade request",
        "the log of uvicorn, at a level below error",
    ),
    ("upgrade required", "the answer of the app"),
];

/// A rule joins triage by its card alone: every symptom is a line of some class.
#[test]
fn every_symptom_is_of_a_class() {
    let homeless: BTreeSet<(&str, &str)> = Classes::get()
        .homeless
        .iter()
        .copied()
        .filter(|(_, symptom)| ELSEWHERE.iter().all(|(known, _)| known != symptom))
        .collect();
    assert!(
        homeless.is_empty(),
        "no class of rules/classes.toml has a line like these: {homeless:#?}"
    );
    let written: BTreeSet<&str> = RULES
        .iter()
        .flat_map(|rule| &card(rule).symptoms)
        .map(String::as_str)
        .collect();
    for (symptom, _) in ELSEWHERE {
        assert!(written.contains(symptom), "no card names `{symptom}`");
    }
}

#[test]
fn every_class_has_a_rule_or_says_why_not() {
    let classes = Classes::get();
    for (at, entry) in classes.entries.iter().enumerate() {
        assert!(
            !entry.says.ends_with('.') && !entry.says.contains('\n'),
            "{}",
            entry.says
        );
        if entry.name == ASIDE {
            continue;
        }
        let (rules, reason) = (classes.rules_of(at), &entry.unexplained);
        assert!(
            rules.is_empty() == reason.is_some(),
            "{}, `{}`: rules {rules:?}, unexplained {reason:?}",
            entry.name,
            entry.says
        );
    }
}
