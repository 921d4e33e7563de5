//! Suppressions over small files: what is silenced, and what is said about those that silence nothing.

use super::*;
use crate::settings::Allow;
use crate::source::SourceFile;

fn sources(files: &[(&str, &str)]) -> Sources {
    let mut sources = Sources::default();
    for (path, text) in files {
        sources.add(SourceFile::new(*path, text.as_bytes().to_vec()));
    }
    sources
}

/// A finding at the first occurrence of a word in a file.
fn at(sources: &Sources, path: &str, word: &str) -> Finding {
    let file = sources.by_path(path).unwrap();
    let start = sources.get(file).text.find(word).unwrap();
    let mut finding = complaint(
        "final-newline-missing",
        Span::new(file, start, start + word.len()),
        "m".to_owned(),
        "h",
    );
    finding.evidence = vec![("word", word.to_owned())];
    finding
}

fn run(text: &str, word: &str) -> (usize, Vec<String>) {
    let sources = sources(&[("a.conf", text)]);
    let outcome = apply(
        vec![at(&sources, "a.conf", word)],
        &sources,
        &Settings::default(),
    );
    let kept = outcome
        .kept
        .iter()
        .map(|finding| finding.rule.to_owned())
        .collect();
    (outcome.silenced.len(), kept)
}

#[test]
fn line_and_line_above_and_file() {
    let allow = "# no502: allow(final-newline-missing) the editor cuts it";
    for text in [
        format!("first;\nhere; {allow}\n"),
        format!("first;\n{allow}\nhere;\n"),
        format!("first;\n\t{allow}\n# more words\n\n  here;\n"),
        format!("{allow}\nfirst;\n\nhere;\n"),
        format!("\u{feff}# Copyright\n{allow}\r\n\r\nfirst;\r\nhere;\r\n"),
    ] {
        assert_eq!(run(&text, "here"), (1, vec![]), "{text}");
    }
}

#[test]
fn another_line_is_not_silenced() {
    let text = "first; # no502: allow(final-newline-missing) why\nhere;\n";
    let (silenced, kept) = run(text, "here");
    assert_eq!(silenced, 0);
    assert!(kept.contains(&"final-newline-missing".to_owned()));
    assert!(kept.contains(&UNUSED.to_owned()));
}

#[test]
fn a_reason_is_required() {
    let (silenced, kept) = run("x;\nhere; # no502: allow(final-newline-missing)\n", "here");
    assert_eq!((silenced, kept), (1, vec![REASONLESS.to_owned()]));
}

#[test]
fn a_hash_in_a_string_is_no_comment() {
    let text = "x;\nhere \"a # no502: allow(final-newline-missing) why\";\n";
    assert_eq!(
        run(text, "here"),
        (0, vec!["final-newline-missing".to_owned()])
    );
    let text = "x;\nhere don't # no502: allow(final-newline-missing) why\n";
    assert_eq!(run(text, "here"), (1, vec![]));
}

#[test]
fn several_rules_and_an_unknown_one() {
    let sources = sources(&[(
        "a.conf",
        "x;\nhere; # no502: allow(final-newline-missing, nope) why\n",
    )]);
    let outcome = apply(
        vec![at(&sources, "a.conf", "here")],
        &sources,
        &Settings::default(),
    );
    assert_eq!(outcome.silenced.len(), 1);
    assert_eq!(outcome.kept.len(), 1);
    assert_eq!(outcome.kept[0].message, "there is no rule `nope`");
    assert_eq!(sources.text(outcome.kept[0].primary.span), "nope");
}

#[test]
fn a_related_label_silences_too() {
    let sources = sources(&[
        ("a.conf", "x;\nhere;\n"),
        (
            "b.yaml",
            "a: 1\nb: 2 # no502: allow(final-newline-missing) known\n",
        ),
    ]);
    let mut finding = at(&sources, "a.conf", "here");
    finding.label(at(&sources, "b.yaml", "b: 2").primary.span, "there");
    let outcome = apply(vec![finding], &sources, &Settings::default());
    assert_eq!((outcome.kept.len(), outcome.silenced.len()), (0, 1));
}

#[test]
fn a_stale_comment_can_be_taken_away() {
    let sources = sources(&[(
        "a.conf",
        "x;\n  # no502: allow(nope) why\ny; # no502: allow(nope) why\n",
    )]);
    let outcome = apply(Vec::new(), &sources, &Settings::default());
    let removed: Vec<&str> = outcome
        .kept
        .iter()
        .map(|f| sources.text(f.fix.as_ref().unwrap().edits[0].span))
        .collect();
    assert_eq!(
        removed,
        ["  # no502: allow(nope) why\n", " # no502: allow(nope) why"]
    );
}

#[test]
fn settings_allow_by_path() {
    let sources = sources(&[("x/a.conf", "here;\n"), ("no502.toml", "rule")]);
    let allow = |path: &str| Settings {
        allow: vec![Allow {
            rule: "final-newline-missing".to_owned(),
            path: Some(path.to_owned()),
            reason: "why".to_owned(),
            span: Some(Span::new(FileId(1), 0, 4)),
        }],
        ..Settings::default()
    };
    let finding = at(&sources, "x/a.conf", "here");
    let outcome = apply(vec![finding.clone()], &sources, &allow("x/*.conf"));
    assert_eq!((outcome.kept.len(), outcome.silenced.len()), (0, 1));
    let outcome = apply(vec![finding], &sources, &allow("y"));
    assert_eq!(outcome.silenced.len(), 0);
    assert!(outcome.kept.iter().any(|finding| finding.rule == UNUSED));
}

#[test]
fn a_baseline_accepts_what_it_names() {
    let sources = sources(&[("a.conf", "here; there;\n")]);
    let (old, new) = (
        at(&sources, "a.conf", "here"),
        at(&sources, "a.conf", "there"),
    );
    let settings = Settings {
        baseline: vec![Numbering::default().next(&old, "a.conf")],
        ..Settings::default()
    };
    let outcome = apply(vec![old, new.clone()], &sources, &settings);
    assert_eq!(outcome.baselined.len(), 1);
    assert_eq!(outcome.kept, vec![new]);
}

#[test]
fn a_rule_that_did_not_run_makes_nothing_stale() {
    let sources = sources(&[(
        "a.conf",
        "x;\ny; # no502: allow(final-newline-missing) why\n",
    )]);
    let settings = Settings {
        select: vec![UNUSED.to_owned()],
        ..Settings::default()
    };
    let stale = apply(Vec::new(), &sources, &settings).kept;
    let known = RULES.iter().any(|rule| rule.id == "final-newline-missing");
    assert!(!known || stale.is_empty());
}

#[test]
fn a_slip_of_the_pen_is_told() {
    for comment in [
        "alow(final-newline-missing) why",
        "allow final-newline-missing",
        "ignore",
    ] {
        let (silenced, kept) = run(&format!("x;\nhere; # no502: {comment}\n"), "here");
        assert_eq!(silenced, 0, "{comment}");
        assert!(kept.contains(&UNUSED.to_owned()), "{comment}");
    }
}
