//! The findings of `check` as one page that needs nothing else: each with the lines that take part, what to do, what a client
//! sees, and the fix as a diff. By file; the script filters them, and groups them by rule.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::{Head, class, code, prose};
use crate::analyze::Analysis;
use crate::finding::{Finding, Gap, Safety, Severity};
use crate::report::statistics::{self, Row};
use crate::report::xml::escape;
use crate::report::{Look, of_severity, outcome, path_of, pretty, url};
use crate::rules::count;

const STYLE: &str = include_str!("check.css");
const SCRIPT: &str = include_str!("check.js");

/// Writes the page.
pub(in crate::report) fn write(
    analysis: &Analysis,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let plain = Look {
        color: false,
        ..look.clone()
    };
    let skip = match analysis.findings.len() {
        0 => "",
        _ => "<a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n",
    };
    let head = Head {
        title: "Findings of no502",
        figures: &pretty::summary(analysis, &plain),
        style: STYLE,
        opening: skip,
    };
    super::head(&head, out)?;
    if analysis.findings.is_empty() {
        writeln!(out, "<p class=\"good\">Nothing to report</p>")?;
    } else {
        let rows = statistics::rows(analysis);
        overview(&rows, out)?;
        filter(analysis, &rows, out)?;
        findings(analysis, out)?;
    }
    writeln!(out, "</main>")?;
    let mut gaps = analysis.gaps.clone();
    if look.verbose {
        gaps.extend(unknown(analysis));
    }
    super::gaps(&gaps, out)?;
    super::foot(SCRIPT, out)
}

/// Links that lead nobody knows where, as the pretty report lists them.
fn unknown(analysis: &Analysis) -> impl Iterator<Item = Gap> {
    pretty::unknown_links(analysis).map(|(span, reason)| {
        let file = analysis.project.sources.get(span.file);
        Gap {
            path: file.path.clone(),
            line: Some(file.line(span.start)),
            reason,
        }
    })
}

/// A row for each rule.
fn overview(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<h2 id=\"overview\">Rules</h2>\n<table class=\"overview\">\n<thead><tr><th scope=\"col\">Rule</th><th scope=\"col\">What it says</th><th scope=\"col\">Findings</th></tr></thead>\n<tbody>"
    )?;
    for row in rows {
        writeln!(
            out,
            "<tr><td><a href=\"#findings\" data-rule=\"{0}\"><code>{0}</code></a></td><td>{1}</td><td class=\"num\"><span class=\"{2}\">{3}</span></td></tr>",
            escape(row.rule),
            prose(row.title),
            class(row.worst),
            count(row.count, row.worst.as_str()),
        )?;
    }
    writeln!(out, "</tbody>\n</table>")
}

/// Without the script it could do nothing, and is not shown.
fn filter(analysis: &Analysis, rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        r#"<div class="filter" id="filter" role="search" aria-label="Findings to show" hidden>
<label>Text <input type="search" id="words" autocomplete="off" spellcheck="false" aria-keyshortcuts="/"></label>
<span class="dim keys" aria-hidden="true"><kbd>/</kbd> to filter, <kbd>Esc</kbd> for all, <kbd>j</kbd> <kbd>k</kbd> next and previous</span>"#
    )?;
    for severity in [Severity::Error, Severity::Warning, Severity::Info] {
        let some = of_severity(&analysis.findings, severity);
        if some > 0 {
            writeln!(
                out,
                "<label><input type=\"checkbox\" class=\"severity\" value=\"{0}\" checked> <span class=\"{1}\">{0}</span> {some}</label>",
                severity.as_str(),
                class(severity),
            )?;
        }
    }
    let sources = &analysis.project.sources;
    let mut ids: Vec<&str> = rows.iter().map(|row| row.rule).collect();
    ids.sort_unstable();
    let paths = analysis.findings.iter().map(|one| path_of(one, sources));
    let paths: BTreeSet<&str> = paths.collect();
    choice("rule", "Rule", ids.into_iter(), out)?;
    choice("file", "File", paths.into_iter(), out)?;
    writeln!(
        out,
        "<label>Grouped by <select id=\"by\"><option value=\"file\">file</option><option value=\"rule\">rule</option></select></label>\n<output id=\"shown\" aria-live=\"polite\"></output>\n</div>"
    )
}

fn choice<'a>(
    id: &str,
    name: &str,
    values: impl ExactSizeIterator<Item = &'a str>,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(
        out,
        "<label>{name} <select id=\"{id}\"><option value=\"\">all {}</option>",
        values.len()
    )?;
    for value in values {
        write!(out, "<option>{}</option>", escape(value))?;
    }
    writeln!(out, "</select></label>")
}

fn findings(analysis: &Analysis, out: &mut dyn Write) -> io::Result<()> {
    let path = |finding: &Finding| path_of(finding, &analysis.project.sources).to_owned();
    let mut number = 0;
    writeln!(out, "<div id=\"findings\" tabindex=\"-1\">")?;
    let groups = analysis.findings.chunk_by(|a, b| path(a) == path(b));
    for group in groups {
        writeln!(
            out,
            "<section>\n<h2><code>{}</code> <span class=\"dim\">{}</span></h2>",
            escape(&path(&group[0])),
            count(group.len(), "finding")
        )?;
        for finding in group {
            number += 1;
            article(number, finding, analysis, out)?;
        }
        writeln!(out, "</section>")?;
    }
    writeln!(out, "</div>")
}

fn article(
    number: usize,
    finding: &Finding,
    analysis: &Analysis,
    out: &mut dyn Write,
) -> io::Result<()> {
    let sources = &analysis.project.sources;
    let (severity, rule) = (finding.severity.as_str(), escape(finding.rule));
    let path = escape(path_of(finding, sources));
    writeln!(
        out,
        "<article id=\"finding-{number}\" tabindex=\"-1\" aria-labelledby=\"h{number}\" data-severity=\"{severity}\" data-rule=\"{rule}\" data-file=\"{path}\">",
    )?;
    writeln!(
        out,
        "<p><span class=\"{}\">{severity}</span> <a href=\"{}\"><code>{rule}</code></a></p>",
        class(finding.severity),
        escape(&url(finding.rule)),
    )?;
    writeln!(
        out,
        "<h3 id=\"h{number}\">{}</h3>",
        escape(&finding.message)
    )?;
    code::excerpts(finding, sources, out)?;
    if !finding.help.is_empty() {
        writeln!(out, "<p><b>help</b> {}</p>", prose(&finding.help))?;
    }
    let sure = match finding.confidence.as_str() {
        "high" => String::new(),
        word => format!(" <span class=\"dim\">({word} confidence)</span>"),
    };
    let effect = prose(&outcome::in_words(finding));
    writeln!(out, "<p><b>effect</b> {effect}{sure}</p>")?;
    if let Some(fix) = &finding.fix {
        let how = match fix.safety {
            Safety::Safe => "<code>--fix</code> applies it",
            Safety::Unsafe => "<code>--fix=unsafe</code> applies it, read it first",
        };
        let title = prose(&fix.title);
        writeln!(
            out,
            "<p><b>fix</b> {title} <span class=\"dim\">({how})</span></p>"
        )?;
        code::fix(fix, sources, out)?;
    }
    writeln!(out, "</article>")
}
