//! Schema `no502/triage/1`. Keys are only ever added.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::analyze::Analysis;
use crate::finding::Effect;
use crate::report::{fingerprinted, write_json};
use crate::triage::{Explained, Place, Triage, Upstream};

/// Writes one JSON object.
pub(super) fn write(
    triage: &Triage,
    explained: &[Explained],
    analysis: Option<&Analysis>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let fingerprints: Vec<String> = analysis
        .map(fingerprinted)
        .into_iter()
        .flatten()
        .map(|(_, fingerprint)| fingerprint)
        .collect();
    let shapes = triage.shapes.commonest(SHAPES).into_iter();
    let report = Report {
        schema: "no502/triage/1",
        version: env!("CARGO_PKG_VERSION"),
        lines: triage.lines,
        unknown: triage.unknown,
        answers: &triage.answers,
        classes: explained
            .iter()
            .map(|class| JsonClass::new(class, &fingerprints))
            .collect(),
        shapes: shapes
            .map(|(shape, count)| JsonShape { shape, count })
            .collect(),
    };
    write_json(&report, out)
}

/// So many shapes of unknown errors are told.
const SHAPES: usize = 20;

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    version: &'static str,
    lines: u64,
    /// Errors by their own word that no class takes.
    unknown: u64,
    /// Answers of 500 and above that access logs count, by status.
    answers: &'a BTreeMap<u16, u64>,
    classes: Vec<JsonClass<'a>>,
    /// The commonest of the unknown.
    shapes: Vec<JsonShape<'a>>,
}

#[derive(Serialize)]
struct JsonClass<'a> {
    class: &'a str,
    count: u64,
    first: Option<&'a str>,
    last: Option<&'a str>,
    status: Vec<u16>,
    effect: Effect,
    says: &'a [String],
    /// Those with findings first.
    rules: &'a [&'static str],
    /// Only where there is no rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    unexplained: Option<&'static str>,
    upstreams: Vec<JsonUpstream<'a>>,
    findings: Vec<&'a str>,
}

impl<'a> JsonClass<'a> {
    fn new(class: &'a Explained, fingerprints: &'a [String]) -> Self {
        Self {
            class: class.name,
            count: class.tally.count,
            first: class.tally.first.as_deref(),
            last: class.tally.last.as_deref(),
            status: class.tally.status.iter().copied().collect(),
            effect: class.effect(),
            says: &class.says,
            rules: &class.rules,
            unexplained: class.unexplained,
            upstreams: class.upstreams.iter().map(JsonUpstream::new).collect(),
            findings: class
                .findings
                .iter()
                .map(|at| fingerprints[*at].as_str())
                .collect(),
        }
    }
}

/// `path` and `line` are the first of `places`.
#[derive(Serialize)]
struct JsonUpstream<'a> {
    address: &'a str,
    hop: Option<&'a str>,
    path: Option<&'a str>,
    line: Option<usize>,
    count: u64,
    places: Vec<JsonPlace<'a>>,
}

impl<'a> JsonUpstream<'a> {
    fn new(upstream: &'a Upstream) -> Self {
        let first = upstream.places.first();
        Self {
            address: upstream.address,
            hop: upstream.hop.as_deref(),
            path: first.map(|place| place.path.as_str()),
            line: first.map(|place| place.line),
            count: upstream.count,
            places: upstream.places.iter().map(JsonPlace::new).collect(),
        }
    }
}

#[derive(Serialize)]
struct JsonPlace<'a> {
    path: &'a str,
    line: usize,
}

impl<'a> JsonPlace<'a> {
    fn new(place: &'a Place) -> Self {
        Self {
            path: &place.path,
            line: place.line,
        }
    }
}

#[derive(Serialize)]
struct JsonShape<'a> {
    shape: &'a str,
    count: u64,
}
