//! SARIF 2.1.0 as GitHub, GitLab and Azure read it. Related labels are `relatedLocations`; the whole chain, or else
//! all labels, the primary one first, are a `codeFlow`; gaps are notifications, so that a viewer shows what was not judged.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{explain, outcome};
use crate::analyze::Analysis;
use crate::finding::{Confidence, Finding, Fix, Label, Severity};
use crate::source::{SourceFile, Sources, Span};

/// Writes one log with one run.
pub(super) fn write(analysis: &Analysis, prefix: &str, out: &mut dyn Write) -> io::Result<()> {
    let writer = Sarif {
        sources: &analysis.project.sources,
        prefix,
    };
    let mut ids: Vec<&'static str> = analysis.findings.iter().map(|f| f.rule).collect();
    ids.sort_unstable();
    ids.dedup();
    let results = super::fingerprinted(analysis)
        .into_iter()
        .map(|(finding, fingerprint)| writer.result(finding, &fingerprint, &ids))
        .collect();
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "no502",
                    version: env!("CARGO_PKG_VERSION"),
                    information_uri: "https://github.com/no502/no502",
                    rules: ids.iter().map(|id| rule(id, analysis)).collect(),
                },
            },
            // Columns count characters here; SARIF's own default is UTF-16 units.
            column_kind: "unicodeCodePoints",
            invocations: [json!({
                "executionSuccessful": true,
                "toolExecutionNotifications": writer.notifications(analysis),
            })],
            results,
        }],
    };
    super::write_json(&log, out)
}

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    invocations: [Value; 1],
    results: Vec<Value>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    information_uri: &'static str,
    rules: Vec<Value>,
}

/// Labels of a finding that are written: GitHub takes a thousand and shows a hundred.
const LABELS: usize = 100;

/// What a viewer shows of a rule; a rule without a page still needs an id and a description. GitHub wants both
/// descriptions and a help, and sorts by the precision.
fn rule(id: &str, analysis: &Analysis) -> Value {
    let card = explain::card(id);
    let title = card.as_ref().map_or(id, |card| card.title.as_str());
    let severity = card
        .as_ref()
        .map(|card| card.severity)
        .or_else(|| {
            let found = analysis.findings.iter().find(|finding| finding.rule == id);
            found.map(|finding| finding.severity)
        })
        .unwrap_or(Severity::Warning);
    let mut tags = vec!["reliability".to_owned()];
    tags.extend(card.as_ref().map(|card| card.category.clone()));
    let precision = card
        .as_ref()
        .map_or("medium", |card| match card.confidence {
            Confidence::High => "very-high",
            Confidence::Medium => "high",
            Confidence::Low => "medium",
        });
    let (why, url) = (explain::why(id).unwrap_or(title), super::url(id));
    json!({
        "id": id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": title},
        "help": {"text": format!("{why}\n\n{url}"), "markdown": format!("{why}\n\n[The page of this rule]({url})")},
        "helpUri": url,
        "defaultConfiguration": {"level": level(severity)},
        "properties": {
            "tags": tags,
            "precision": precision,
            "problem.severity": match severity {
                Severity::Info => "recommendation",
                other => other.as_str(),
            },
        },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

struct Sarif<'a> {
    sources: &'a Sources,
    prefix: &'a str,
}

impl Sarif<'_> {
    fn result(&self, finding: &Finding, fingerprint: &str, ids: &[&str]) -> Value {
        let mut text = vec![finding.message.clone()];
        text.extend(outcome::advice(finding));
        let mut result = json!({
            "ruleId": finding.rule,
            "ruleIndex": ids.binary_search(&finding.rule).unwrap_or_default(),
            "level": level(finding.severity),
            "message": {"text": text.join("\n")},
            "locations": [self.location(super::anchor(finding, self.sources))],
            "partialFingerprints": {"no502/v1": fingerprint},
            "properties": {
                "confidence": finding.confidence,
                "status": finding.status,
                "effect": finding.effect,
            },
        });
        let steps = flow(finding).take(LABELS);
        let steps = steps.map(|label| json!({"location": self.location(label)}));
        let steps: Vec<Value> = steps.collect();
        if steps.len() > 1 {
            result["codeFlows"] = json!([{"threadFlows": [{"locations": steps}]}]);
        }
        if !finding.related.is_empty() {
            let mut related: Vec<Value> = Vec::new();
            for (at, label) in finding.related.iter().take(LABELS).enumerate() {
                let mut location = self.location(label);
                location["id"] = json!(at + 1);
                related.push(location);
            }
            result["relatedLocations"] = json!(related);
        }
        if let Some(fix) = &finding.fix {
            result["fixes"] = json!([self.fix(fix)]);
        }
        result
    }

    fn location(&self, label: &Label) -> Value {
        let mut location = json!({
            "physicalLocation": {
                "artifactLocation": self.artifact(label.span),
                "region": region(self.sources.get(label.span.file), label.span),
            },
        });
        if !label.message.is_empty() {
            location["message"] = json!({"text": label.message});
        }
        location
    }

    fn artifact(&self, span: Span) -> Value {
        json!({"uri": self.uri(&self.sources.get(span.file).path)})
    }

    fn uri(&self, path: &str) -> String {
        percent_encode(&format!("{}{path}", self.prefix))
    }

    fn fix(&self, fix: &Fix) -> Value {
        // One artifactChange per file, as the format wants it.
        let mut changes: Map<String, Value> = Map::new();
        for edit in &fix.edits {
            let file = self.sources.get(edit.span.file);
            let change = changes.entry(file.path.clone()).or_insert_with(
                || json!({"artifactLocation": self.artifact(edit.span), "replacements": []}),
            );
            if let Some(replacements) = change["replacements"].as_array_mut() {
                replacements.push(json!({
                    "deletedRegion": region(file, edit.span),
                    "insertedContent": {"text": edit.text},
                }));
            }
        }
        let changes: Vec<Value> = changes.into_iter().map(|(_, change)| change).collect();
        json!({"description": {"text": fix.title}, "artifactChanges": changes})
    }

    fn notifications(&self, analysis: &Analysis) -> Vec<Value> {
        let notification = |gap: &crate::finding::Gap| {
            let mut place = json!({"artifactLocation": {"uri": self.uri(&gap.path)}});
            if let Some(line) = gap.line {
                place["region"] = json!({"startLine": line});
            }
            json!({
                "level": "note",
                "message": {"text": gap.reason},
                "locations": [{"physicalLocation": place}],
            })
        };
        analysis.gaps.iter().map(notification).collect()
    }
}

/// The whole chain, where a finding is about one; else all labels.
fn flow(finding: &Finding) -> impl Iterator<Item = &Label> {
    let labels = finding.labels();
    let labels = labels.filter(|_| finding.flow.is_empty());
    finding.flow.iter().chain(labels)
}

fn region(file: &SourceFile, span: Span) -> Value {
    let (start, end) = (file.position(span.start), file.position(span.end));
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

/// A relative URI reference: everything but unreserved characters and `/` is escaped.
fn percent_encode(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let encoded = path.bytes().map(|byte| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    });
    encoded.collect()
}
