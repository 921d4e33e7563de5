//! Chains as one page that needs nothing else: no network, no fonts, no script to be read. For each way the picture, what
//! is inverted, and a table of all values; then the findings and the gaps. The filter is all that needs the script.

use std::io::{self, Write};

use super::budget::Tone;
use super::scale::Scale;
use super::svg;
use super::text::figures;
use super::view::{Hop, Value, View, Way};
use crate::analyze::Analysis;
use crate::finding::{Finding, Gap, Severity};
use crate::report::xml::escape;
use crate::report::outcome;
use crate::rules::count;
use crate::source::Sources;

const PAGE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Writes the page.
pub(super) fn write(view: &View, analysis: &Analysis, out: &mut dyn Write) -> io::Result<()> {
    head(view, out)?;
    if !view.ways.is_empty() {
        filter(out)?;
        overview(view, out)?;
        ways(view, out)?;
    }
    writeln!(out, "</main>")?;
    findings(analysis, out)?;
    gaps(&view.gaps, out)?;
    writeln!(out, "<script>\n{SCRIPT}</script>\n</body>\n</html>")
}

/// The policy forbids the browser to load anything at all, so that no name of a config can make it.
fn head(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let style = svg::STYLE;
    let defs = svg::DEFS;
    let figures = escape(&figures(view));
    let skip = match view.ways.len() {
        0 => "",
        _ => "<a class=\"skip\" href=\"#ways\">Skip to the ways</a>\n",
    };
    writeln!(
        out,
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Timeout chains</title>
<style>
{PAGE}{style}</style>
</head>
<body>
{skip}<svg width="0" height="0" style="position:absolute" aria-hidden="true" class="pic">{defs}</svg>
<header>
<h1>Timeout chains</h1>
<p class="dim">{figures}</p>
</header>
<main>"#
    )
}

/// Without the script it could do nothing, and is not shown.
fn filter(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        r#"<div class="filter" id="filter" role="search" hidden>
<label>Route or hop <input type="search" id="words" autocomplete="off" spellcheck="false"></label>
<label><input type="checkbox" id="only"> only inverted</label>
<output id="shown" aria-live="polite"></output>
</div>"#
    )
}

fn overview(view: &View, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<h2 id=\"overview\">Overview</h2>\n<table class=\"overview\">"
    )?;
    writeln!(
        out,
        "<thead><tr><th scope=\"col\">Route</th><th scope=\"col\">Way</th><th scope=\"col\">What the client may see</th></tr></thead>\n<tbody>"
    )?;
    for (at, way) in view.ways.iter().enumerate() {
        let seen = way.clashes.iter().filter(|clash| !clash.hidden);
        let mut sees: Vec<&str> = seen.map(|clash| clash.short.as_str()).collect();
        sees.dedup();
        let sees = match (sees.is_empty(), &way.end) {
            (false, _) => format!("<span class=\"bad\">{}</span>", escape(&sees.join(", "))),
            (true, Some(end)) => format!("<span class=\"dim\">{}</span>", escape(&end.why)),
            (true, None) => "<span class=\"good\">no inversion</span>".to_owned(),
        };
        let alike = way.alike().map_or(String::new(), |alike| {
            format!(" <span class=\"dim\">({alike})</span>")
        });
        writeln!(
            out,
            "<tr{}><td><a href=\"#way-{}\"><code>{}</code></a>{alike}</td><td><code>{}</code></td><td>{sees}</td></tr>",
            found_by(way),
            at + 1,
            escape(&way.routes[0]),
            escape(&way.path(" → ")),
        )?;
    }
    writeln!(out, "</tbody>\n</table>")
}

/// What the filter looks at.
fn found_by(way: &Way) -> String {
    let hops = way.hops.iter().flat_map(|hop| {
        let dials = hop.dials.iter().flat_map(|dials| dials.written.clone());
        let own = [hop.who(), hop.listens.join(" ")];
        own.into_iter().chain(hop.via.clone()).chain(dials)
    });
    let end = way.end.iter().flat_map(|end| end.names.clone());
    let rules = way.clashes.iter().map(|clash| clash.rule.to_owned());
    let words: Vec<String> = way
        .routes
        .iter()
        .cloned()
        .chain(hops)
        .chain(end)
        .chain(rules)
        .collect();
    let inverted = if way.clashes.is_empty() {
        ""
    } else {
        " data-inverted"
    };
    format!(
        " data-find=\"{}\"{inverted}",
        escape(&words.join(" ").to_lowercase())
    )
}

fn ways(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let scale = Scale::of(view);
    writeln!(out, "<h2 id=\"ways\" tabindex=\"-1\">Ways</h2>")?;
    writeln!(out, "<ul class=\"key\">")?;
    for (picture, text) in svg::keys() {
        writeln!(out, "<li>{picture} {text}</li>")?;
    }
    writeln!(out, "</ul>")?;
    for (at, way) in view.ways.iter().enumerate() {
        let id = at + 1;
        let title = escape(&way.routes[0]);
        writeln!(
            out,
            "<article id=\"way-{id}\" aria-labelledby=\"h{id}\"{}>",
            found_by(way)
        )?;
        writeln!(out, "<h3 id=\"h{id}\">{title}</h3>")?;
        if let Some(alike) = way.alike() {
            let also = match way.routes.len() {
                1 => String::new(),
                _ => format!(
                    ", also <code>{}</code>",
                    escape(&way.routes[1..].join(", "))
                ),
            };
            writeln!(out, "<p class=\"dim\">{alike}{also}</p>")?;
        }
        writeln!(
            out,
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Picture of {title}\">\n{}</div>",
            svg::alone(way, &scale, id)
        )?;
        clashes(way, out)?;
        budget(way, out)?;
        values(way, out)?;
        writeln!(out, "</article>")?;
    }
    Ok(())
}

fn clashes(way: &Way, out: &mut dyn Write) -> io::Result<()> {
    if way.clashes.is_empty() {
        return Ok(());
    }
    writeln!(out, "<ol class=\"clashes\">")?;
    for clash in &way.clashes {
        writeln!(
            out,
            "<li>{}:<br><span class=\"{}\">{}</span> <code class=\"dim\">{}</code></li>",
            escape(&clash.facts),
            if clash.hidden { "dim" } else { "bad" },
            escape(&clash.client),
            clash.rule
        )?;
    }
    writeln!(out, "</ol>")
}

/// What `--budget` asks.
fn budget(way: &Way, out: &mut dyn Write) -> io::Result<()> {
    for remark in &way.budget {
        let (class, sign) = match remark.tone {
            Tone::Good => ("good", "✓ "),
            Tone::Bad => ("bad", "✗ "),
            Tone::Unsure => ("warn", "? "),
            Tone::More => ("dim", ""),
        };
        let text = escape(&remark.text);
        writeln!(out, "<p class=\"budget {class}\">{sign}{text}</p>")?;
    }
    Ok(())
}

fn values(way: &Way, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<details>\n<summary>All timeouts, and where they come from</summary>\n<div class=\"scroll\">\n<table class=\"values\">"
    )?;
    writeln!(
        out,
        "<thead><tr><th scope=\"col\">Timeout</th><th scope=\"col\">Value</th><th scope=\"col\">From</th></tr></thead>"
    )?;
    for hop in &way.hops {
        writeln!(
            out,
            "<tbody>\n<tr><th scope=\"rowgroup\" colspan=\"3\"><code>{}</code></th></tr>",
            escape(&hop.who())
        )?;
        for value in &hop.values {
            writeln!(out, "{}", row(value))?;
        }
        if let Some(dials) = dials(hop) {
            writeln!(out, "{dials}")?;
        }
        writeln!(out, "</tbody>")?;
    }
    writeln!(out, "</table>\n</div>\n</details>")
}

fn row(value: &Value) -> String {
    let class = if value.clashes { "num bad" } else { "num" };
    format!(
        "<tr><td>{}</td><td class=\"{class}\">{}</td><td><code>{}</code></td></tr>",
        value.key.as_str().replace('_', " "),
        escape(&value.text),
        escape(&value.origin)
    )
}

fn dials(hop: &Hop) -> Option<String> {
    let dials = hop.dials.as_ref()?;
    Some(format!(
        "<tr><td>dials</td><td><code>{}</code></td><td><code>{}</code></td></tr>",
        escape(&dials.written.join(", ")),
        escape(&dials.places.join(", "))
    ))
}

/// All findings of the project, those about inversions first: they are what the page is about.
fn findings(analysis: &Analysis, out: &mut dyn Write) -> io::Result<()> {
    if analysis.findings.is_empty() {
        return Ok(());
    }
    let mut findings: Vec<&Finding> = analysis.findings.iter().collect();
    findings.sort_by_key(|finding| !finding.rule.ends_with("-inverted"));
    writeln!(
        out,
        "<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">{} of the project</h2>\n<ul class=\"plain\">",
        count(findings.len(), "finding")
    )?;
    for one in findings {
        let class = match one.severity {
            Severity::Error => "bad",
            Severity::Warning => "warn",
            Severity::Info => "dim",
        };
        writeln!(
            out,
            "<li><span class=\"{class}\">{}</span> <code>{}</code><br>{}<br><span class=\"dim\">{}</span>",
            one.severity.as_str(),
            escape(one.rule),
            escape(&one.message),
            escape(&outcome::advice(one).join("; ")),
        )?;
        places(one, &analysis.project.sources, out)?;
        writeln!(out, "</li>")?;
    }
    writeln!(out, "</ul>\n</section>")
}

fn places(finding: &Finding, sources: &Sources, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<ul class=\"places\">")?;
    for label in [&finding.primary].into_iter().chain(&finding.related) {
        let message = if label.message.is_empty() {
            String::new()
        } else {
            format!(": {}", escape(&label.message))
        };
        writeln!(
            out,
            "<li><code>{}</code>{message}</li>",
            escape(&sources.place(label.span))
        )?;
    }
    writeln!(out, "</ul>")
}

fn gaps(gaps: &[Gap], out: &mut dyn Write) -> io::Result<()> {
    if gaps.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<section aria-labelledby=\"gaps\">\n<h2 id=\"gaps\">{}: what could not be read or known</h2>\n<ul class=\"plain\">",
        count(gaps.len(), "gap")
    )?;
    for gap in gaps {
        let line = gap.line.map_or(String::new(), |line| format!(":{line}"));
        writeln!(
            out,
            "<li><code>{}{line}</code><br>{}</li>",
            escape(&gap.path),
            escape(&gap.reason)
        )?;
    }
    writeln!(out, "</ul>\n</section>")
}
