//! Chains as a Mermaid flowchart, which a README shows: a node for each hop with its timeouts as bars on one scale, an edge
//! for each way between two, red where it is inverted.

use std::io::{self, Write};

use super::graph::{Graph, Node, bar, said};
use super::scale::Scale;
use super::text::figures;
use super::view::{Value, View};

/// Writes the chart without a fence.
pub(super) fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let graph = Graph::of(view);
    writeln!(out, "%% no502 chain: {}", figures(view))?;
    writeln!(
        out,
        "%%{{init: {{\"flowchart\": {{\"wrappingWidth\": 480}}}}}}%%"
    )?;
    writeln!(out, "flowchart LR")?;
    for (at, node) in graph.nodes.iter().enumerate() {
        match node {
            Node::Hop { hop, values } => {
                let mut lines = vec![format!("<b>{}</b>", safe(&hop.who()))];
                if !hop.listens.is_empty() {
                    lines.push(safe(&format!("on {}", hop.listens.join(", "))));
                }
                lines.extend(values.iter().map(|value| line(value, &graph.scale)));
                writeln!(out, "  n{at}[\"{}\"]:::hop", lines.join("<br/>"))?;
            }
            Node::End(end) => {
                let name = safe(&end.names.join(", "));
                writeln!(
                    out,
                    "  n{at}([\"<b>{name}</b><br/>{}\"]):::lost",
                    safe(&end.why)
                )?;
            }
        }
    }
    for edge in &graph.edges {
        let clashes = edge
            .clashes
            .iter()
            .map(|clash| format!("<b>⚠ {}</b>", safe(clash)));
        let label: Vec<String> = edge
            .lines()
            .iter()
            .map(|line| safe(line))
            .chain(clashes)
            .collect();
        let (arrow, label) = match (edge.clashes.is_empty(), label.join("<br/>")) {
            (true, label) => ("-->", label),
            (false, label) => ("==>", label),
        };
        if label.is_empty() {
            writeln!(out, "  n{} {arrow} n{}", edge.from, edge.to)?;
        } else {
            writeln!(out, "  n{} {arrow}|\"{label}\"| n{}", edge.from, edge.to)?;
        }
    }
    if graph.nodes.is_empty() {
        writeln!(out, "  none[\"{}\"]", figures(view))?;
    }
    let inverted = graph.edges.iter().enumerate();
    for (at, _) in inverted.filter(|(_, edge)| !edge.clashes.is_empty()) {
        writeln!(out, "  linkStyle {at} stroke:#c62038,stroke-width:3px")?;
    }
    writeln!(out, "  classDef hop text-align:left")?;
    writeln!(out, "  classDef lost stroke-dasharray:5 4")
}

/// The bar of a value, and the value.
fn line(value: &Value, scale: &Scale) -> String {
    let bar = bar(value, scale, UNIT).map(|length| "━".repeat(length.max(1)));
    let sign = if value.clashes {
        Some("⚠".to_owned())
    } else {
        None
    };
    let parts = bar.into_iter().chain([safe(&said(value))]).chain(sign);
    parts.collect::<Vec<_>>().join(" ")
}

/// A text inside quotes. Mermaid ends a label at a quote, reads `#…;` as a character and Markdown in backquotes, and hands
/// the rest to the browser as HTML: letters, digits and what paths are made of pass, all else goes by its number.
fn safe(text: &str) -> String {
    let safe = text.chars().map(|char| {
        if char.is_alphanumeric() || " ./:,-_()→?∞".contains(char) {
            char.to_string()
        } else {
            format!("#{};", u32::from(char))
        }
    });
    safe.collect()
}

/// Characters of a step of the scale.
const UNIT: usize = 2;
