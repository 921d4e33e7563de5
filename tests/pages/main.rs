//! Every page is a test: Bad is reported where it is marked and nowhere else, Good is silent for every rule, near misses
//! are silent for this one, the output is what the tool prints, and none of it hangs on names, order or units.
//! `UPDATE=1` writes outputs and the catalogue instead of comparing them.

#![allow(clippy::disallowed_methods, reason = "tests read the pages")]
#![allow(clippy::unwrap_used, reason = "all of this is a test")]
#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the files of the pages are named by us"
)]

mod allow;
mod change;
mod pages;
mod table;

use std::collections::BTreeSet;

use no502::page::{Example, Page};
use no502::rules::RULES;

use pages::{Project, read_rule, wants_update};

/// Judges every rule of the table and shows all that is wrong at once.
fn every_rule(judge: impl Fn(&str, &Page) -> Result<(), String>) {
    // A rule of another layer is judged where that layer is tested.
    let own = RULES.iter().filter(|rule| rule.check.is_some());
    let failures: Vec<String> = own
        .filter_map(|rule| {
            let text = read_rule(rule.id);
            let result = Page::parse(rule.id, &text).and_then(|page| judge(rule.id, &page));
            result
                .err()
                .map(|why| format!("rules/{}.md: {why}", rule.id))
        })
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn bad_is_reported_where_it_is_marked() {
    every_rule(|id, page| {
        let project = Project::of(&page.files(Example::Bad));
        let marks: BTreeSet<String> = page
            .expectations()
            .iter()
            .map(|mark| format!("{}:{} {}", mark.path, mark.line, mark.rule))
            .collect();
        let asked: BTreeSet<&str> = page.expectations().iter().map(|mark| mark.rule).collect();
        if !asked.contains(id) {
            return Err(format!("no line of Bad is marked `# expect: {id}`"));
        }
        let analysis = project.analyze(page.card.pedantic);
        let found: BTreeSet<String> = analysis
            .findings
            .iter()
            .filter(|finding| asked.contains(finding.rule))
            .map(|finding| {
                format!(
                    "{} {}",
                    analysis.project.sources.place(finding.primary.span),
                    finding.rule
                )
            })
            .collect();
        let missing: Vec<_> = marks.difference(&found).collect();
        let extra: Vec<_> = found.difference(&marks).collect();
        if missing.is_empty() && extra.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "Bad: not reported {missing:?}, not marked {extra:?}"
            ))
        }
    });
}

/// As the files are, and with the line ends of Windows.
#[test]
fn bad_can_be_allowed() {
    every_rule(|_, page| {
        let files = Project::of(&page.files(Example::Bad)).files;
        allow::judge(&files, page.card.pedantic)?;
        let dos = files.iter().map(|(path, text)| {
            let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
            (path.clone(), text)
        });
        let dos: Vec<_> = dos.collect();
        allow::judge(&dos, page.card.pedantic).map_err(|why| format!("with CRLF: {why}"))
    });
}

#[test]
fn good_is_silent() {
    every_rule(|id, page| {
        let allowed =
            |rule: &str| rule != id && page.card.good_allows.iter().any(|allowed| allowed == rule);
        let said =
            Project::of(&page.files(Example::Good)).said(page.card.pedantic, |rule| !allowed(rule));
        if said.is_empty() {
            Ok(())
        } else {
            Err(format!("Good is not silent: {said:?}"))
        }
    });
}

#[test]
fn near_misses_are_silent() {
    every_rule(|id, page| {
        for miss in page.near_misses() {
            let said = Project::of(&miss.files).said(page.card.pedantic, |rule| rule == id);
            if !said.is_empty() {
                return Err(format!("near miss \"{}\": {said:?}", miss.name));
            }
        }
        Ok(())
    });
}

#[test]
fn fixes_heal_what_they_stand_by() {
    every_rule(|id, page| {
        let mut project = Project::of(&page.files(Example::Bad));
        let offered = project.fix(id, page.card.pedantic);
        if offered.join(", ") != page.card.fix.replace("none", "") {
            return Err(format!(
                "the card promises `{}`, Bad is offered {offered:?}",
                page.card.fix
            ));
        }
        let left = project.fix(id, page.card.pedantic);
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("the fix leaves\n{project}"))
        }
    });
}

#[test]
fn a_rule_holds_under_change() {
    every_rule(|id, page| {
        for (example, files) in
            [Example::Bad, Example::Good].map(|example| (example, page.files(example)))
        {
            let project = Project::of(&files);
            let count =
                |project: &Project| project.said(page.card.pedantic, |rule| rule == id).len();
            let before = count(&project);
            for (name, changed) in change::all(&project) {
                let after = count(&changed);
                if after != before {
                    return Err(format!(
                        "{example:?}, {name}: {before} findings became {after}\n{changed}"
                    ));
                }
            }
        }
        Ok(())
    });
}

/// The changes are worth nothing if they change nothing, whatever the table holds.
#[test]
fn changes_change_what_they_name() {
    let project = Project::of(&[
        (
            "compose.yaml",
            "services:\n  web:\n    image: web:1\n    depends_on: [nginx]\n  nginx:\n    image: nginx:1.27\n",
        ),
        (
            "a.conf",
            "server {\n    proxy_read_timeout 60s;\n    proxy_pass http://web:8000/web;\n}\n",
        ),
    ]);
    let all = change::all(&project);
    let text = |name: &str, path: &str| {
        let (_, changed) = all.iter().find(|(change, _)| *change == name).unwrap();
        changed
            .files
            .iter()
            .find(|(file, _)| file == path)
            .unwrap()
            .1
            .clone()
    };
    assert_eq!(
        text("services renamed", "compose.yaml"),
        "services:\n  webz:\n    image: web:1\n    depends_on: [nginxz]\n  nginxz:\n    image: nginx:1.27\n"
    );
    assert!(text("services renamed", "a.conf").contains("http://webz:8000/web;"));
    assert!(
        text("services reversed", "compose.yaml")
            .starts_with("services:\n  nginx:\n    image: nginx:1.27\n  web:\n")
    );
    assert!(text("units changed", "a.conf").contains("timeout 60000ms;"));
    assert!(text("moved into a folder", "deploy/a.conf").contains("60s"));
}

#[test]
fn ports_and_mounts_change_in_every_file() {
    let project = Project::of(&[
        (
            "compose.yaml",
            "services:\n  web:\n    command: gunicorn -b :8000 shop:app\n  nginx:\n    volumes: [\"./a.conf:/etc/nginx/nginx.conf:ro\"]\n",
        ),
        ("a.conf", "proxy_pass http://web:8000/80001;\n"),
    ]);
    let all = change::all(&project);
    let changed = |name: &str| {
        &all.iter()
            .find(|(change, _)| *change == name)
            .unwrap()
            .1
            .files
    };
    let ports = changed("ports changed");
    assert!(ports[0].1.contains("-b :18000 shop:app"));
    assert_eq!(ports[1].1, "proxy_pass http://web:18000/80001;\n");
    let split = changed("a mounted file split through an include");
    assert!(split[0].1.contains(
        "[\"./a.conf:/etc/nginx/nginx.conf:ro\", \"./part.conf:/etc/nginx/part-of-it.conf:ro\"]"
    ));
    assert_eq!(split[1].1, "include /etc/nginx/part-of-it.conf;\n");
    assert_eq!(split[2].1, "proxy_pass http://web:8000/80001;\n");
}

#[test]
fn output_is_what_the_tool_prints() {
    every_rule(|id, page| {
        let printed = Project::of(&page.files(Example::Bad)).printed(page.card.pedantic);
        let Some(range) = page.output.clone() else {
            return Err("there is no fence under ## Output".to_owned());
        };
        if page.output() == Some(&printed) {
            return Ok(());
        }
        if wants_update() {
            let mut text = read_rule(id);
            text.replace_range(range, &printed);
            return pages::write_rule(id, &text);
        }
        Err(format!(
            "the output is another one (UPDATE=1 writes it):\n{printed}"
        ))
    });
}
