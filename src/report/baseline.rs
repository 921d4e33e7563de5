//! The baseline: today's findings, accepted, so that a gate fails on new ones alone. Written here, read back here.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::{fingerprinted, path_of};
use crate::analyze::Analysis;

/// Name of the file that is read if it lies in the root.
pub const NAME: &str = "no502-baseline.json";

const SCHEMA: &str = "no502/baseline/1";

/// A baseline file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    schema: String,
    /// What it accepts, in the order of the report.
    pub findings: Vec<Entry>,
}

/// One accepted finding. Only the fingerprint counts; the rest is for the person who reads the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What names the finding in every run.
    pub fingerprint: String,
    /// Id of the rule.
    pub rule: String,
    /// Path below the root.
    pub path: String,
    /// What it said when it was accepted.
    pub message: String,
}

impl Baseline {
    /// All that a run reports.
    pub fn of(analysis: &Analysis) -> Self {
        let sources = &analysis.project.sources;
        let entry = |(finding, fingerprint): (&crate::finding::Finding, String)| Entry {
            fingerprint,
            rule: finding.rule.to_owned(),
            path: path_of(finding, sources).to_owned(),
            message: finding.message.clone(),
        };
        Self {
            schema: SCHEMA.to_owned(),
            findings: fingerprinted(analysis).into_iter().map(entry).collect(),
        }
    }

    /// Reads a file; an error says what is wrong with its text.
    pub fn read(text: &str) -> Result<Self, String> {
        let baseline: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if baseline.schema == SCHEMA {
            Ok(baseline)
        } else {
            Err(format!(
                "schema is `{}`, expected `{SCHEMA}`",
                baseline.schema
            ))
        }
    }

    /// Writes a file.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        super::write_json(self, out)
    }
}
