//! Chains for Graphviz: a table for each hop with its timeouts as bars on one scale, an edge for each way between two, red
//! where it is inverted.

use std::io::{self, Write};

use super::graph::{self, Edge, Language, Node, bar, said};
use super::scale::Scale;
use super::view::{Hop, Value, View};
use crate::report::xml::escape;

/// Writes one directed graph.
pub(super) fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    graph::write::<Dot>(view, out)
}

/// HTML-like labels, for they alone have tables.
enum Dot {}

impl Language for Dot {
    const BREAK: &'static str = "<BR/>";

    fn begin(figures: &str) -> String {
        [
            &format!("// no502 chain: {figures}"),
            "digraph chains {",
            "  rankdir=LR; ranksep=1; nodesep=0.5; bgcolor=\"white\";",
            "  node [shape=plain, fontname=\"Helvetica\", fontsize=11];",
            "  edge [fontname=\"Helvetica\", fontsize=10, color=\"#5a6675\"];",
        ]
        .join("\n")
    }

    fn node(at: usize, node: &Node, scale: &Scale) -> String {
        let label = match node {
            Node::Hop { hop, values } => table(hop, values, scale),
            Node::End(end) => format!(
                "<TABLE BORDER=\"1\" STYLE=\"DASHED\" CELLBORDER=\"0\" CELLPADDING=\"6\"><TR><TD><B>{}</B><BR/>{}</TD></TR></TABLE>",
                escape(&end.names.join(", ")),
                folded(&end.why)
            ),
        };
        format!("  n{at} [label=<{label}>];")
    }

    fn text(text: &str) -> String {
        escape(text)
    }

    fn clash(text: &str) -> String {
        format!("<B>! {text}</B>")
    }

    fn edge(edge: &Edge, label: &str) -> String {
        let style = if edge.clashes.is_empty() {
            ""
        } else {
            ", color=\"#c62038\", fontcolor=\"#b3162e\", penwidth=2"
        };
        let label = match label {
            "" => "\"\"".to_owned(),
            label => format!("<{label}>"),
        };
        format!("  n{} -> n{} [label={label}{style}];", edge.from, edge.to)
    }

    fn empty(figures: &str) -> String {
        format!("  none [label=\"{figures}\"];")
    }

    fn end(_edges: &[Edge]) -> String {
        "}".to_owned()
    }
}

fn table(hop: &Hop, values: &[&Value], scale: &Scale) -> String {
    let listens = if hop.listens.is_empty() {
        String::new()
    } else {
        format!(
            "<BR ALIGN=\"LEFT\"/>on {}<BR ALIGN=\"LEFT\"/>",
            escape(&hop.listens.join(", "))
        )
    };
    let mut rows = vec![format!(
        "<TR><TD COLSPAN=\"2\" ALIGN=\"LEFT\" BGCOLOR=\"#f4f6f9\"><B>{}</B>{listens}</TD></TR>",
        escape(&hop.who())
    )];
    let longest = (scale.steps() + 1) * UNIT;
    for value in values {
        let (mut name, mut color) = (escape(&said(value)), "#3f63c8");
        if value.clashes {
            name = format!("<FONT COLOR=\"#b3162e\"><B>! {name}</B></FONT>");
            color = "#c62038";
        }
        let bar = match bar(value, scale, UNIT) {
            None | Some(0) => String::from("<TD></TD>"),
            Some(length) => format!(
                "<TD><TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLPADDING=\"0\" CELLSPACING=\"0\"><TR>{}{}</TR></TABLE></TD>",
                cell(length, &format!(" BGCOLOR=\"{color}\"")),
                cell(longest - length, "")
            ),
        };
        rows.push(format!("<TR><TD ALIGN=\"LEFT\">{name}</TD>{bar}</TR>"));
    }
    format!(
        "<TABLE BORDER=\"1\" COLOR=\"#8a95a3\" CELLBORDER=\"0\" CELLPADDING=\"3\" CELLSPACING=\"0\">{}</TABLE>",
        rows.concat()
    )
}

/// A part of a bar, or of what is left of its line.
fn cell(width: usize, color: &str) -> String {
    if width == 0 {
        return String::new();
    }
    format!("<TD{color} FIXEDSIZE=\"TRUE\" WIDTH=\"{width}\" HEIGHT=\"9\"></TD>")
}

/// A sentence in lines, for Graphviz does not break any.
fn folded(text: &str) -> String {
    let lines: Vec<String> = crate::report::wrap::filled(text, 36)
        .iter()
        .map(|line| escape(line))
        .collect();
    lines.join("<BR/>")
}

/// Points of a step of the scale.
const UNIT: usize = 12;
