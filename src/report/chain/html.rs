//! Chains as one page that needs nothing else: no network, no fonts, no script to be read. For each way the picture, what
//! is inverted, and a table of all values; then the findings and the gaps. The filter is all that needs the script.

mod findings;

use std::io::{self, Write};

use super::budget::Tone;
use super::concern::Concern;
use super::scale::Scale;
use super::svg;
use super::text::figures;
use super::view::{Hop, Mark, Value, View, Way};
use crate::analyze::Analysis;
use crate::report::html;
use crate::report::xml::escape;
use crate::rules::count;

const PAGE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Writes the page.
pub(super) fn write(view: &View, analysis: &Analysis, out: &mut dyn Write) -> io::Result<()> {
    let sources = &analysis.project.sources;
    let concern = Concern::of(view, &analysis.findings, sources);
    head(view, out)?;
    if !view.ways.is_empty() {
        filter(out)?;
        overview(view, out)?;
        ways(view, &concern, out)?;
    }
    writeln!(out, "</main>")?;
    findings::write(&concern, view, sources, out)?;
    html::gaps(&view.gaps, out)?;
    html::foot(SCRIPT, out)
}

fn head(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let skip = match view.ways.len() {
        0 => "",
        _ => "<a class=\"skip\" href=\"#ways\">Skip to the ways</a>\n",
    };
    let defs = svg::DEFS;
    let opening = format!(
        "{skip}<svg width=\"0\" height=\"0\" style=\"position:absolute\" aria-hidden=\"true\" class=\"pic\">{defs}</svg>\n"
    );
    let head = html::Head {
        title: "Timeout chains",
        figures: &figures(view),
        style: &[PAGE, svg::STYLE].concat(),
        opening: &opening,
    };
    html::head(&head, out)
}

/// Without the script it could do nothing, and is not shown.
fn filter(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        r#"<div class="filter" id="filter" role="search" aria-label="Ways to show" hidden>
<label>Route or hop <input type="search" id="words" autocomplete="off" spellcheck="false" aria-keyshortcuts="/"></label>
<span class="dim keys" aria-hidden="true"><kbd>/</kbd> to filter, <kbd>Esc</kbd> for all</span>
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
            (true, None) => match (unknown(way), way.hops.last().filter(|hop| hop.is_silent())) {
                (_, Some(last)) => format!(
                    "<span class=\"dim\">no inversion, as far as is known: the timeouts of {} are unknown</span>",
                    escape(&last.name)
                ),
                (0, None) => "<span class=\"good\">no inversion</span>".to_owned(),
                (some, None) => format!(
                    "<span class=\"dim\">no inversion, as far as is known: {} unknown</span>",
                    are(some, "value")
                ),
            },
        };
        let alike = way.alike().map_or(String::new(), |alike| {
            format!(" <span class=\"dim\">({alike})</span>")
        });
        let place = way.at().filter(|_| way.has_double).map(|at| {
            let at = escape(&at.join(", "));
            format!("<br><span class=\"dim\">at <code>{at}</code></span>")
        });
        let place = place.unwrap_or_default();
        writeln!(
            out,
            "<tr><td><a href=\"#way-{}\"><code>{}</code></a>{alike}{place}</td><td><code>{}</code></td><td>{sees}</td></tr>",
            at + 1,
            escape(&way.routes[0]),
            escape(&way.path(" → ")),
        )?;
    }
    writeln!(out, "</tbody>\n</table>")
}

fn unknown(way: &Way) -> usize {
    let values = way.hops.iter().flat_map(|hop| &hop.values);
    values.filter(|value| value.mark == Mark::Unknown).count()
}

/// `1 value is`, `2 values are`.
fn are(number: usize, noun: &str) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb}", count(number, noun))
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

fn ways(view: &View, concern: &Concern, out: &mut dyn Write) -> io::Result<()> {
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
        about(way, out)?;
        writeln!(
            out,
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Picture of {title}\">\n{}</div>",
            svg::alone(way, &scale, id)
        )?;
        clashes(way, &concern.clashes[at], out)?;
        budget(way, out)?;
        others(&concern.others[at], concern, out)?;
        values(way, out)?;
        writeln!(out, "</article>")?;
    }
    Ok(())
}

/// How many ways it stands for, their other names, and where they are written.
fn about(way: &Way, out: &mut dyn Write) -> io::Result<()> {
    let code = |names: &[String]| format!("<code>{}</code>", escape(&names.join(", ")));
    let also = match way.routes.len() {
        1 => None,
        _ => Some(format!("also {}", code(&way.routes[1..]))),
    };
    let at = way.at().map(|at| format!("at {}", code(&at)));
    let said: Vec<String> = way.alike().into_iter().chain(also).chain(at).collect();
    if said.is_empty() {
        return Ok(());
    }
    writeln!(out, "<p class=\"dim\">{}</p>", said.join(", "))
}

fn clashes(way: &Way, told: &[Option<usize>], out: &mut dyn Write) -> io::Result<()> {
    if way.clashes.is_empty() {
        return Ok(());
    }
    writeln!(out, "<ol class=\"clashes\">")?;
    for (clash, told) in way.clashes.iter().zip(told) {
        let rule = match told {
            Some(at) => finding(*at, clash.rule),
            None => format!("<code class=\"dim\">{}</code>", clash.rule),
        };
        writeln!(
            out,
            "<li>{}:<br><span class=\"{}\">{}</span> {rule}</li>",
            escape(&clash.facts),
            if clash.hidden { "dim" } else { "bad" },
            escape(&clash.client),
        )?;
    }
    writeln!(out, "</ol>")
}

/// Leads to a finding below.
fn finding(at: usize, rule: &str) -> String {
    let rule = escape(rule);
    format!("<a href=\"#finding-{}\"><code>{rule}</code></a>", at + 1)
}

/// Findings about something on the way that are no inversions.
fn others(others: &[usize], concern: &Concern, out: &mut dyn Write) -> io::Result<()> {
    if others.is_empty() {
        return Ok(());
    }
    let links: Vec<String> = others
        .iter()
        .map(|at| finding(*at, concern.findings[*at].rule))
        .collect();
    writeln!(
        out,
        "<p class=\"others\">Found on this way: {}</p>",
        links.join(", ")
    )
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
