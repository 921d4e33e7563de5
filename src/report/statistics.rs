//! How many findings each rule has, the most frequent first.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::analyze::Analysis;
use crate::finding::Severity;
use crate::rules::{card, find};

/// Findings of one rule.
pub(super) struct Row {
    pub(super) rule: &'static str,
    /// Title of its page; empty if it has none.
    pub(super) title: &'static str,
    pub(super) count: usize,
    pub(super) worst: Severity,
}

/// One line for each rule: the count, the worst severity, the id and the title.
pub fn write(analysis: &Analysis, out: &mut dyn Write) -> io::Result<()> {
    let rows = rows(analysis);
    let longest = rows.iter().map(|row| row.rule.len()).max().unwrap_or(0);
    for row in rows {
        writeln!(
            out,
            "{:>5}  {:<7}  {:<longest$}  {}",
            row.count,
            row.worst.as_str(),
            row.rule,
            row.title
        )?;
    }
    Ok(())
}

/// The rules that found something.
pub(super) fn rows(analysis: &Analysis) -> Vec<Row> {
    let mut rules = BTreeMap::new();
    for finding in &analysis.findings {
        let (count, worst) = rules
            .entry(finding.rule)
            .or_insert((0_usize, finding.severity));
        *count += 1;
        *worst = finding.severity.max(*worst);
    }
    let row = |(rule, (count, worst))| Row {
        rule,
        title: find(rule).map_or("", |rule| &card(rule).title),
        count,
        worst,
    };
    let mut rows: Vec<Row> = rules.into_iter().map(row).collect();
    rows.sort_by_key(|row| (Reverse(row.count), row.rule));
    rows
}
