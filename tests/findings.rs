//! The page of `no502 check --format html`, as a reader and a browser see it: well-formed, loading nothing, whatever a config
//! says; the filter filters; ten thousand findings still open. As for `chain`, `NO502_LAB=required` makes a missing browser
//! a failure.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop at once, and makes its files itself"
)]

mod drawn {
    pub(crate) mod browser;
    pub(crate) mod markup;
}
mod gallery {
    pub(crate) mod findings;
}

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use drawn::{browser, markup};
use gallery::findings;
use no502::analyze::Analysis;
use no502::report::{self, Format, Look};

const SCRIPT: &str = include_str!("drawn/findings.js");

fn page(analysis: &Analysis) -> String {
    let mut out = Vec::new();
    report::write(Format::Html, analysis, &Look::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// What the program writes for a folder.
fn checked(folder: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_no502"))
        .args(["check", "--fail-on=never", "--format=html"])
        .arg(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn shop() -> String {
    checked(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stacks/shop"))
}

/// A project whose file names, names and texts would be markup, and end the script or an attribute. Several tests look at
/// it, and its folder is laid out once.
fn hostile() -> String {
    static PAGE: OnceLock<String> = OnceLock::new();
    let lay_out = || {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("hostile");
        let _ = fs::remove_dir_all(&folder);
        let inside = folder.join("\"><img src=x onerror=alert(1)> &amp; '");
        fs::create_dir_all(&inside).unwrap();
        let text = "server {\n  listen 80;\n  </script><script>alert(1)</script> \"'><img src=x onerror=alert(2)>;\n\
                      location / { proxy_pass http://</style><b>:80; }\n  <!-- 1;\n  ]]> ;\n}\n";
        fs::write(inside.join("nginx.conf"), text).unwrap();
        checked(&folder)
    };
    PAGE.get_or_init(lay_out).clone()
}

/// Each case of the gallery, the shop, and a config that is up to no good.
fn pages() -> Vec<(String, String)> {
    let cases = findings::cases().into_iter();
    let mut pages: Vec<_> = cases.map(|(name, case)| (name, page(&case))).collect();
    pages.push(("shop".to_owned(), shop()));
    pages.push(("hostile".to_owned(), hostile()));
    pages
}

/// One finding ten thousand times.
fn many() -> String {
    let mut analysis = findings::case("three-files");
    let one = analysis.findings[0].clone();
    analysis.findings = vec![one; 10_000];
    page(&analysis)
}

#[test]
fn pages_are_well_formed_and_load_nothing() {
    for (name, page) in pages() {
        let elements = markup::read(&page).unwrap_or_else(|why| panic!("{name}: {why}"));
        let foreign = elements.iter().find_map(markup::Element::loads);
        assert_eq!(foreign, None, "{name}");
        let named = |wanted: &str| elements.iter().filter(|one| one.name == wanted).count();
        assert_eq!(
            (named("script"), named("style"), named("img")),
            (1, 1, 0),
            "{name}"
        );
        assert!(!page.contains("@import"), "{name}");
    }
}

#[test]
fn a_page_tells_what_the_pretty_report_tells() {
    let page = markup::words(&shop());
    for said in [
        "5 errors, 5 warnings",
        "gunicorn of backoffice listens on 127.0.0.1:8001 only, nginx dials it from another container",
        "binds the container&apos;s own loopback",
        "compose.yaml:61",
        "command: [&quot;gunicorn&quot;",
        "help let haproxy depend on nginx-1 and nginx-2 with condition: service_healthy",
        "effect the process does not start",
        "--fix applies it",
        "+    ",
        "The app kills its worker before the proxy stops waiting",
    ] {
        assert!(
            page.contains(said),
            "the page does not say `{said}`\n{page}"
        );
    }
}

/// A finding about an inversion leads through all hops, edge to app.
#[test]
fn a_chain_is_told_in_its_order() {
    let page = page(&findings::case("whole-chain"));
    let told: Vec<&str> = page
        .split("<p class=\"say")
        .skip(1)
        .map(|part| part.split("</p>").next().unwrap())
        .collect();
    assert_eq!(told.len(), 5);
    for (at, (step, said)) in told
        .iter()
        .zip([
            "HAProxy waits 90s",
            "dials proxy:80",
            "nginx waits 60s",
            "dials http://web:8000",
            "gunicorn kills",
        ])
        .enumerate()
    {
        assert!(
            step.contains(&format!("<b>{}</b> {said}", at + 1)),
            "{step}"
        );
    }
    assert_eq!(page.matches("class=\"say here\"").count(), 1);
}

/// Where Chromium is installed: no page scrolls sideways, nothing lacks a name, and filter, groups and keys do their work.
#[test]
fn a_browser_finds_nothing_amiss() {
    let Some(browser) = browser::find() else {
        return browser::not_looked_at("Chromium");
    };
    let wanted = ["shop", "hostile", "long-line", "fixes", "clean"];
    let mut pages = pages();
    pages.retain(|(name, _)| wanted.contains(&name.as_str()));
    pages.push(("ten-thousand".to_owned(), many()));
    for (name, page) in pages {
        let found = browser.examine(&page, SCRIPT, &format!("check-{name}"), &[390, 1280]);
        assert_eq!(found, "", "{name}");
    }
}
