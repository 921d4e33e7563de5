//! What `no502 chain` draws of each folder of `fixtures/chains`, and of the shop: expectations stand beside the folder, and
//! `UPDATE=1 cargo test --test chain` writes them, with the picture and the chart of the README. Every picture is well-formed
//! and loads nothing; a browser and Graphviz look at them as well, where they are installed. As for the lab,
//! `NO502_LAB=required` makes a missing one a failure.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop at once, and reads its fixtures itself"
)]

mod drawn {
    pub(crate) mod browser;
    pub(crate) mod markup;
}

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use drawn::{browser, browser::not_looked_at, markup};

/// Format and ending of what is kept of each folder.
const FORMATS: [(&str, &str); 5] = [
    ("text", "txt"),
    ("mermaid", "mmd"),
    ("dot", "dot"),
    ("svg", "svg"),
    ("html", "html"),
];
/// So many ways that only the text is kept; the others would be longer than they are worth.
const LONG: &str = "fifty-routes";

/// A page that is kept has no findings, for their words are those of the rules.
const SELECTED: &str = "syntax-error";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("fixtures/chains")).unwrap();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.is_dir());
    found.push(root().join("fixtures/stacks/shop"));
    found.sort();
    found
}

fn name(folder: &Path) -> &str {
    folder.file_name().unwrap().to_str().unwrap()
}

fn drawn(folder: &Path, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_no502"))
        .args(["chain", "--color", "never"])
        .args(args)
        .arg(folder)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", folder.display());
    String::from_utf8(output.stdout).unwrap()
}

fn expect(path: &Path, actual: &str) -> Option<String> {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, actual).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    let line = expected
        .lines()
        .zip(actual.lines())
        .position(|(one, other)| one != other)
        .unwrap_or(0);
    (expected != actual).then(|| {
        let shown = actual.lines().nth(line).unwrap_or_default();
        format!("{}:{}: UPDATE=1 accepts\n{shown}", path.display(), line + 1)
    })
}

#[test]
fn every_chain_is_drawn_as_expected() {
    let mut wrong = Vec::new();
    for folder in folders() {
        for (format, ending) in FORMATS {
            let args = ["--format", format, "--select", SELECTED];
            let text = drawn(&folder, &args);
            let again = drawn(&folder, &args);
            assert_eq!(text, again, "{} in {format}", folder.display());
            if name(&folder) == LONG && format != "text" {
                continue;
            }
            let file = format!("fixtures/chains/{}.{ending}", name(&folder));
            wrong.extend(expect(&root().join(file), &text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn text_fits_a_terminal_and_has_no_trailing_blanks() {
    for folder in folders() {
        for args in [&["--format", "text"][..], &["--budget", "45s"]] {
            for line in drawn(&folder, args).lines() {
                assert!(line.chars().count() <= 80, "{}: {line}", folder.display());
                assert_eq!(line, line.trim_end(), "{}", folder.display());
            }
        }
    }
}

#[test]
fn pictures_and_pages_are_well_formed_and_load_nothing() {
    for folder in folders() {
        for format in ["svg", "html"] {
            for budget in [&[][..], &["--budget", "45s"]] {
                let text = drawn(&folder, &[&["--format", format], budget].concat());
                let elements = markup::read(&text)
                    .unwrap_or_else(|why| panic!("{} in {format}: {why}", folder.display()));
                let foreign = elements.iter().find_map(markup::Element::loads);
                assert_eq!(foreign, None, "{} in {format}", folder.display());
                assert!(!text.contains("@import"), "{}", folder.display());
            }
        }
    }
}

#[test]
fn names_stay_names() {
    let folder = root().join("fixtures/chains/long-names");
    for format in ["svg", "html"] {
        let text = drawn(&folder, &["--format", format]);
        let elements = markup::read(&text).unwrap();
        let scripts = elements.iter().filter(|one| one.name == "script").count();
        assert_eq!(
            scripts,
            usize::from(format == "html"),
            "a name became a script"
        );
        assert!(elements.iter().all(|one| one.name != "b"));
        assert!(
            text.contains("&lt;script&gt;alert(&apos;x&apos;)&lt;/"),
            "{format}"
        );
    }
    let chart = drawn(&folder, &["--format", "mermaid"]);
    assert!(!chart.contains("<script"), "{chart}");
    for line in chart.lines() {
        // A quote in a name would end the label.
        assert!(line.matches('"').count() % 2 == 0, "{line}");
    }
}

/// The page says in words all that the picture shows.
#[test]
fn a_page_tells_what_the_text_tells() {
    let folder = root().join("fixtures/stacks/shop");
    let page = markup::words(&drawn(&folder, &["--format", "html"]));
    for said in [
        "10 ways (5 different), 10 inverted",
        "shop.example.com/api/",
        "haproxy gives up after 30s, nginx-1 behind it only after 60s",
        "the client gets 504 after 30s",
        "nginx-1 keeps an idle connection 60s, storefront closes it after 6s",
        "the client gets 502 now and then",
        "inherited from haproxy/haproxy.cfg:12",
        "assumed default of node 22",
        "All timeouts, and where they come from",
        "keepalive-inverted",
        "of the project",
    ] {
        assert!(page.contains(said), "the page does not say `{said}`");
    }
}

#[test]
fn the_filters_hold_for_every_format() {
    let folder = root().join("fixtures/stacks/shop");
    for format in ["text", "json", "mermaid", "dot", "svg", "html"] {
        let text = drawn(
            &folder,
            &["--format", format, "--to", "api", "--from", "80"],
        );
        assert!(
            text.contains("shop.example.com/api/") || format == "json",
            "{format}"
        );
        assert!(text.contains("\"api\"") || format != "json");
        let others = text.contains("shop.example.com/images/");
        // The findings of a page are those of the whole project, and so are the links in JSON.
        assert!(!others || format == "html", "{format}: {text}");
    }
    let inverted = drawn(
        &root().join("fixtures/chains/one-proxy"),
        &["--only-inverted", "--format", "svg"],
    );
    assert!(inverted.contains("no way"), "{inverted}");
}

#[test]
fn the_readme_shows_what_is_drawn() {
    let shop = root().join("fixtures/stacks/shop");
    let picture = drawn(&shop, &["--to", "storefront", "--format", "svg"]);
    let different = expect(&root().join("docs/chain.svg"), &picture);
    assert_eq!(different, None);
    let chart = drawn(&shop, &["--to", "storefront", "--format", "mermaid"]);
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let start = readme.find("```mermaid\n").expect("a chart in the README") + "```mermaid\n".len();
    let end = start + readme[start..].find("```").unwrap();
    let new = format!("{}{chart}{}", &readme[..start], &readme[end..]);
    assert_eq!(expect(&path, &new), None);
    assert!(readme.contains("(docs/chain.svg)"));
}

/// A finding about an inversion leads through all hops of the way, not just through the two.
#[test]
fn a_finding_walks_the_whole_chain() {
    let output = Command::new(env!("CARGO_BIN_EXE_no502"))
        .args([
            "check",
            "--format",
            "json",
            "--select",
            "worker-timeout-inverted",
        ])
        .arg(root().join("fixtures/stacks/shop"))
        .output()
        .unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let flow = json["findings"][0]["flow"].as_array().unwrap();
    let told: Vec<&str> = flow
        .iter()
        .map(|step| step["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        told,
        [
            "HAProxy (service haproxy) waits 30s",
            "dials nginx-1:8080",
            "nginx (service nginx-1) waits 60s",
            "dials api:8000",
            "gunicorn (service api) kills the worker of a request after 30s",
        ]
    );
}

/// Where Graphviz is installed, it takes every graph without a word.
#[test]
fn graphviz_takes_the_graphs() {
    for folder in folders() {
        let graph = drawn(&folder, &["--format", "dot"]);
        let Ok(mut dot) = Command::new("dot")
            .arg("-Tsvg")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
        else {
            return not_looked_at("Graphviz");
        };
        std::io::Write::write_all(dot.stdin.as_mut().unwrap(), graph.as_bytes()).unwrap();
        let output = dot.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        // A machine without fonts complains of that, which is no fault of the graph.
        let errors = said.lines().find(|line| line.contains("rror"));
        assert_eq!(errors, None, "{}", folder.display());
    }
}

/// Where Chromium is installed: no two texts of a picture overlap, none leaves it, a page never scrolls sideways, and the
/// filter filters.
#[test]
fn a_browser_finds_nothing_amiss() {
    let Some(browser) = browser::find() else {
        return not_looked_at("Chromium");
    };
    for folder in folders() {
        let page = drawn(&folder, &["--format", "html", "--budget", "45s"]);
        let script = include_str!("drawn/examine.js");
        let found = browser.examine(&page, script, name(&folder), &[390, 1280]);
        assert_eq!(found, "", "{}", folder.display());
    }
}
