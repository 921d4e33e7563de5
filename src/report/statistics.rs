//! How many findings each rule has, the most frequent first.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::analyze::Analysis;
use crate::rules::{card, find};

/// One line for each rule: the count, the worst severity, the id and the title.
pub fn write(analysis: &Analysis, out: &mut dyn Write) -> io::Result<()> {
    let mut rules = BTreeMap::new();
    for finding in &analysis.findings {
        let (count, worst) = rules
            .entry(finding.rule)
            .or_insert((0_usize, finding.severity));
        *count += 1;
        *worst = finding.severity.max(*worst);
    }
    let mut rows: Vec<_> = rules.into_iter().collect();
    rows.sort_by_key(|(id, (count, _))| (std::cmp::Reverse(*count), *id));
    let longest = rows.iter().map(|(id, _)| id.len()).max().unwrap_or(0);
    for (id, (count, worst)) in rows {
        let title = find(id).map_or("", |rule| &card(rule).title);
        writeln!(
            out,
            "{count:>5}  {:<7}  {id:<longest$}  {title}",
            worst.as_str()
        )?;
    }
    Ok(())
}
