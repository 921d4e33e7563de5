//! Chains as a Mermaid flowchart, which a README shows: a node for each hop with its timeouts as bars on one scale, an edge
//! for each way between two, red where it is inverted.

use std::io::{self, Write};

use super::graph::{self, Edge, Language, Node, bar, said};
use super::scale::Scale;
use super::view::{Value, View};

/// Writes the chart without a fence.
pub(super) fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    graph::write::<Mermaid>(view, out)
}

/// A flowchart.
enum Mermaid {}

impl Language for Mermaid {
    const BREAK: &'static str = "<br/>";

    fn begin(figures: &str) -> String {
        [
            &format!("%% no502 chain: {figures}"),
            "%%{init: {\"flowchart\": {\"wrappingWidth\": 480}}}%%",
            "flowchart LR",
        ]
        .join("\n")
    }

    fn node(at: usize, node: &Node, scale: &Scale) -> String {
        match node {
            Node::Hop { hop, values } => {
                let mut lines = vec![format!("<b>{}</b>", safe(&hop.who()))];
                if !hop.listens.is_empty() {
                    lines.push(safe(&format!("on {}", hop.listens.join(", "))));
                }
                lines.extend(values.iter().map(|value| line(value, scale)));
                format!("  n{at}[\"{}\"]:::hop", lines.join(Self::BREAK))
            }
            Node::End(end) => {
                let (name, why) = (safe(&end.names.join(", ")), safe(&end.why));
                format!("  n{at}([\"<b>{name}</b><br/>{why}\"]):::lost")
            }
        }
    }

    fn text(text: &str) -> String {
        safe(text)
    }

    fn clash(text: &str) -> String {
        format!("<b>⚠ {text}</b>")
    }

    fn edge(edge: &Edge, label: &str) -> String {
        let arrow = if edge.clashes.is_empty() {
            "-->"
        } else {
            "==>"
        };
        let label = match label {
            "" => String::new(),
            label => format!("|\"{label}\"|"),
        };
        format!("  n{} {arrow}{label} n{}", edge.from, edge.to)
    }

    fn empty(figures: &str) -> String {
        format!("  none[\"{figures}\"]")
    }

    fn end(edges: &[Edge]) -> String {
        let inverted = edges.iter().enumerate();
        let inverted = inverted.filter(|(_, edge)| !edge.clashes.is_empty());
        let mut lines: Vec<String> = inverted
            .map(|(at, _)| format!("  linkStyle {at} stroke:#c62038,stroke-width:3px"))
            .collect();
        lines.push("  classDef hop text-align:left".to_owned());
        lines.push("  classDef lost stroke-dasharray:5 4".to_owned());
        lines.join("\n")
    }
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
