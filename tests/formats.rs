//! One gallery of findings through every renderer. Expectations are `fixtures/formats/<case>.<format>.txt`;
//! `UPDATE=1 cargo test --test formats` rewrites them.

mod gallery {
    pub(crate) mod chains;
    pub(crate) mod findings;
}

use std::path::PathBuf;

use gallery::{chains, findings};
use no502::analyze::Analysis;
use no502::page::Card;
use no502::report::{self, Format, Look, chain};
use serde_json::Value;

#[test]
fn every_case_in_every_format() {
    for (name, analysis) in findings::cases() {
        for format in Format::ALL {
            let text = render(format, &analysis, &look());
            let text = if format == Format::Html {
                without(&without(&text, "style"), "script")
            } else {
                text
            };
            expect(&format!("{name}.{}.txt", format.as_str()), &text);
        }
    }
}

#[test]
fn ascii_and_color_and_verbose() {
    let analysis = findings::case("three-files");
    let ascii = Look {
        unicode: false,
        verbose: true,
        ..look()
    };
    let drawn = render(Format::Pretty, &analysis, &ascii);
    assert!(drawn.is_ascii(), "{drawn}");
    expect("three-files.ascii.txt", &drawn);
    let color = Look {
        color: true,
        ..look()
    };
    expect(
        "three-files.color.txt",
        &render(Format::Pretty, &analysis, &color),
    );
    let plain = render(Format::Pretty, &analysis, &look());
    assert!(!plain.contains('\u{1b}'), "no escape without color");
}

#[test]
fn pretty_keeps_to_its_width() {
    for (name, analysis) in findings::cases() {
        for width in [80, 100] {
            let narrow = Look { width, ..look() };
            for line in render(Format::Pretty, &analysis, &narrow).lines() {
                let long = line.chars().count() > width;
                assert!(!long, "{name} at {width}: {line}");
                assert_eq!(line.trim_end(), line, "{name}: blanks at the end");
            }
        }
    }
}

#[test]
fn no_format_passes_a_control_character_on() {
    let analysis = findings::case("lossy-and-hostile");
    for format in Format::ALL {
        let text = render(format, &analysis, &look());
        let bad = text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(bad, None, "{}: {text}", format.as_str());
    }
}

#[test]
fn json_has_the_promised_shape() {
    for (name, analysis) in findings::cases() {
        let json = json(Format::Json, &analysis, &look());
        assert_eq!(json["schema"], "no502/check/1");
        let keys = |value: &Value| {
            let object = value.as_object().expect("an object");
            object.keys().cloned().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(keys(&json), "schema version summary findings gaps");
        assert_eq!(
            keys(&json["summary"]),
            "files errors warnings infos suppressed baselined links complete"
        );
        assert_eq!(
            keys(&json["summary"]["links"]),
            "total resolved external unknown"
        );
        for finding in json["findings"].as_array().expect("an array") {
            assert_eq!(
                keys(finding).replace(" flow", ""),
                "rule severity confidence status effect message help fingerprint url labels fix"
            );
            let labels = finding["labels"].as_array().expect("an array");
            let primaries = labels.iter().filter(|one| one["role"] == "primary");
            assert_eq!(primaries.count(), 1, "{name}");
            assert_eq!(keys(&labels[0]), "role path message start end");
            assert_eq!(keys(&labels[0]["end"]), "line column byte");
        }
        let complete = json["summary"]["complete"].as_bool();
        let gapless = json["gaps"].as_array().is_some_and(Vec::is_empty);
        assert_eq!(complete, Some(gapless), "{name}");
    }
}

/// Viewers that know flows walk the whole chain, edge to app; all others show what they always did.
#[test]
fn a_chain_is_told_in_order() {
    let analysis = findings::case("whole-chain");
    let sarif = json(Format::Sarif, &analysis, &look());
    let flow = &sarif["runs"][0]["results"][0]["codeFlows"][0]["threadFlows"][0];
    let told = |place: &Value| {
        place["location"]["message"]["text"]
            .as_str()
            .map(str::to_owned)
    };
    let steps = flow["locations"].as_array().expect("steps");
    let told: Vec<String> = steps.iter().filter_map(told).collect();
    assert_eq!(told[0], "HAProxy waits 90s");
    assert_eq!(told[4], "gunicorn kills the worker of a request after 30s");
    let json = json(Format::Json, &analysis, &look());
    assert_eq!(
        json["findings"][0]["flow"].as_array().map(Vec::len),
        Some(5)
    );
    let mut flat = findings::case("whole-chain");
    flat.findings[0].flow.clear();
    for format in Format::ALL {
        let same = render(format, &flat, &look()) == render(format, &analysis, &look());
        let tells = matches!(format, Format::Sarif | Format::Json | Format::Html);
        assert_eq!(same, !tells, "{}", format.as_str());
    }
}

#[test]
fn equal_findings_have_different_fingerprints() {
    let json = json(Format::Gitlab, &findings::case("twins"), &look());
    let (one, two) = (&json[0]["fingerprint"], &json[1]["fingerprint"]);
    assert_eq!(
        format!("{}-2", one.as_str().unwrap()),
        two.as_str().unwrap()
    );
}

#[test]
fn sarif_has_what_the_standard_requires() {
    for (name, analysis) in findings::cases() {
        let log = json(Format::Sarif, &analysis, &look());
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let driver = &run["tool"]["driver"];
        assert!(driver["name"].is_string());
        let rules = driver["rules"].as_array().expect("rules");
        for result in run["results"].as_array().expect("results") {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"], "{name}");
            assert!(rules[index]["helpUri"].is_string());
            assert!(result["message"]["text"].is_string());
            assert!(result["partialFingerprints"]["no502/v1"].is_string());
            let related = result["relatedLocations"].as_array().into_iter().flatten();
            for place in result["locations"]
                .as_array()
                .unwrap()
                .iter()
                .chain(related)
            {
                check_location(place, &name);
            }
            for fix in result["fixes"].as_array().into_iter().flatten() {
                for change in fix["artifactChanges"].as_array().expect("changes") {
                    let replacements = change["replacements"].as_array().expect("an array");
                    assert!(!replacements.is_empty());
                    assert!(replacements[0]["deletedRegion"].is_object());
                }
            }
        }
    }
}

fn check_location(place: &Value, name: &str) {
    let physical = &place["physicalLocation"];
    let uri = physical["artifactLocation"]["uri"].as_str().expect("a uri");
    assert!(uri.starts_with("deploy/"), "{name}: {uri} has the prefix");
    assert!(!uri.contains(' '), "{name}: {uri} is escaped");
    let region = &physical["region"];
    let number = |key: &str| region[key].as_u64().expect("a number");
    assert!(number("startLine") >= 1 && number("startColumn") >= 1);
    let (start, end) = (
        (number("startLine"), number("startColumn")),
        (number("endLine"), number("endColumn")),
    );
    assert!(start <= end, "{name}: {region}");
}

/// The cards of the real rules reach SARIF, whichever rules there are.
#[test]
fn sarif_tells_what_the_card_tells() {
    for (id, card) in report::explain::rows() {
        let mut analysis = findings::case("one-file");
        analysis.findings[0].rule = id;
        let log = json(Format::Sarif, &analysis, &look());
        let rule = &log["runs"][0]["tool"]["driver"]["rules"][0];
        assert_eq!(rule["shortDescription"]["text"], card.title);
        assert_eq!(rule["properties"]["tags"][1], card.category);
    }
}

#[test]
fn forge_formats_take_the_prefix() {
    let analysis = findings::case("three-files");
    for format in [
        Format::Sarif,
        Format::Github,
        Format::Gitlab,
        Format::Checkstyle,
    ] {
        let text = render(format, &analysis, &look());
        assert!(text.contains("deploy/nginx/nginx.conf"), "{text}");
    }
}

#[test]
fn format_names_are_known() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse(), Ok(format));
    }
    let error = "xml".parse::<Format>().unwrap_err();
    assert!(error.contains("unknown format `xml`"), "{error}");
}

#[test]
fn chains_in_both_formats() {
    for (name, analysis) in chains::cases() {
        let text = render_chain(chain::Format::Text, &analysis);
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
        expect(&format!("{name}.chain-text.txt"), &text);
        let json = render_chain(chain::Format::Json, &analysis);
        let value: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(value["schema"], "no502/chain/1");
        for one in value["chains"].as_array().expect("an array") {
            let hops = one["hops"].as_array().expect("an array").len();
            for verdict in one["verdicts"].as_array().expect("an array") {
                assert!(verdict["inner"].as_u64().is_some_and(|at| at < hops as u64));
            }
        }
        expect(&format!("{name}.chain-json.txt"), &json);
    }
}

#[test]
fn a_page_on_the_terminal() {
    let mut out = Vec::new();
    let page = include_str!("../fixtures/formats/page.md");
    report::explain::page(
        page,
        &Look {
            width: 72,
            ..look()
        },
        &mut out,
    )
    .unwrap();
    expect("page.explain.txt", &String::from_utf8(out).unwrap());
}

#[test]
fn the_catalogue_counts_proofs() {
    let page = include_str!("../fixtures/formats/page.md");
    let card = Card::of(page).unwrap();
    let unproven = Card {
        title: "A rule that cannot be provoked here, with a title that is far longer than one line"
            .to_owned(),
        status: vec![502, 503, 504],
        proven: "not on loopback: needs a second host".to_owned(),
        pedantic: true,
        ..card.clone()
    };
    let rows = [
        ("timeout-missing", card),
        ("a-long-rule-id-indeed", unproven),
    ];
    let mut out = Vec::new();
    report::explain::catalogue(
        &rows,
        &Look {
            width: 80,
            ..look()
        },
        &mut out,
    )
    .unwrap();
    expect("catalogue.text.txt", &String::from_utf8(out).unwrap());
    let mut out = Vec::new();
    report::explain::catalogue_json(&rows, &mut out).unwrap();
    let json: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(json["schema"], "no502/rules/1");
    assert_eq!(json["proof"]["lab"], 1);
    assert_eq!(json["proof"]["not_on_loopback"], 1);
    assert_eq!(json["rules"][1]["status"][2], 504);
}

fn look() -> Look {
    Look {
        prefix: "deploy/".to_owned(),
        ..Look::default()
    }
}

fn render(format: Format, analysis: &Analysis, look: &Look) -> String {
    let mut out = Vec::new();
    report::write(format, analysis, look, &mut out).expect("a Vec takes everything");
    String::from_utf8(out).expect("UTF-8")
}

/// A page without what is the same on all of them.
fn without(page: &str, element: &str) -> String {
    let start = page.find(&format!("<{element}>")).expect("an element");
    let end = page.find(&format!("</{element}>")).expect("its end");
    format!("{}{}", &page[..start], &page[end + element.len() + 3..])
}

fn render_chain(format: chain::Format, analysis: &Analysis) -> String {
    let mut out = Vec::new();
    chain::write(format, analysis, &look(), &mut out).expect("a Vec takes everything");
    String::from_utf8(out).expect("UTF-8")
}

fn json(format: Format, analysis: &Analysis, look: &Look) -> Value {
    serde_json::from_str(&render(format, analysis, look)).expect("JSON")
}

#[allow(
    clippy::disallowed_methods,
    reason = "a test keeps its expectations on the disk"
)]
fn expect(name: &str, actual: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/formats")
        .join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, actual).expect("fixtures can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "{name} differs; UPDATE=1 accepts it\n{actual}"
    );
}
