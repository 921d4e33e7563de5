//! Chains as one graph, for formats that lay out by themselves: hops that are the same with the same values are one node,
//! and each pair of neighbours is one edge. A language only says how it spells them.

use std::collections::HashMap;
use std::io::{self, Write};

use super::budget::Tone;
use super::scale::Scale;
use super::text::figures;
use super::view::{End, Hop, Mark, Value, View, Way};
use crate::model::{Amount, Key};
use crate::report::wrap::filled;

/// How a format spells a graph.
pub(super) trait Language {
    /// What breaks a line of a label.
    const BREAK: &'static str;

    /// What comes first, with the figures as a comment.
    fn begin(figures: &str) -> String;
    /// Node `n<at>`.
    fn node(at: usize, node: &Node, scale: &Scale) -> String;
    /// A text within a label.
    fn text(text: &str) -> String;
    /// An inversion within a label, its text escaped already.
    fn clash(text: &str) -> String;
    /// An edge; its label may be empty.
    fn edge(edge: &Edge, label: &str) -> String;
    /// The one node of a graph without any.
    fn empty(figures: &str) -> String;
    /// What comes last.
    fn end(edges: &[Edge]) -> String;
}

/// Writes all ways in a language.
pub(super) fn write<L: Language>(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let graph = Graph::of(view);
    let figures = figures(view);
    writeln!(out, "{}", L::begin(&figures))?;
    for (at, node) in graph.nodes.iter().enumerate() {
        writeln!(out, "{}", L::node(at, node, &graph.scale))?;
    }
    for edge in &graph.edges {
        let lines = edge.lines().into_iter().map(|line| L::text(&line));
        let clashes = edge.clashes.iter().map(|text| L::clash(&L::text(text)));
        let label: Vec<String> = lines.chain(clashes).collect();
        writeln!(out, "{}", L::edge(edge, &label.join(L::BREAK)))?;
    }
    if graph.nodes.is_empty() {
        writeln!(out, "{}", L::empty(&figures))?;
    }
    writeln!(out, "{}", L::end(&graph.edges))
}

/// Nodes and edges, in the order of the ways.
struct Graph<'a> {
    nodes: Vec<Node<'a>>,
    edges: Vec<Edge<'a>>,
    scale: Scale,
}

/// A hop, or what a way ends at.
pub(super) enum Node<'a> {
    Hop {
        hop: &'a Hop,
        values: Vec<&'a Value>,
    },
    End(&'a End),
}

/// A request goes from one to the other.
pub(super) struct Edge<'a> {
    pub(super) from: usize,
    pub(super) to: usize,
    /// The routes that lead here: only on the last edge of a way.
    routes: Vec<&'a str>,
    /// What is inverted, in words: `504 after 30s`.
    pub(super) clashes: Vec<&'a str>,
    /// What `--budget` asks: only on the last edge of a way.
    budget: Vec<&'a str>,
}

/// What makes a node one: all that is shown of it, and that nothing of it is inverted otherwise.
#[derive(PartialEq, Eq, Hash)]
enum Likeness<'a> {
    Hop(&'a str, &'a [String], &'a [Value]),
    End(&'a [String], &'a str),
}

impl<'a> Graph<'a> {
    fn of(view: &'a View) -> Self {
        let mut graph = Self {
            nodes: Vec::new(),
            edges: Vec::new(),
            scale: Scale::of(view),
        };
        let mut known = HashMap::new();
        for way in &view.ways {
            graph.add(way, &mut known);
        }
        graph
    }

    fn add(&mut self, way: &'a Way, known: &mut HashMap<Likeness<'a>, usize>) {
        let hops = way.hops.iter().map(|hop| {
            let like = Likeness::Hop(&hop.name, &hop.listens, &hop.values);
            (like, Node::of(hop))
        });
        let end = way
            .end
            .iter()
            .map(|end| (Likeness::End(&end.names, &end.why), Node::End(end)));
        let mut path: Vec<usize> = Vec::new();
        for (like, node) in hops.chain(end) {
            let next = self.nodes.len();
            let at = *known.entry(like).or_insert(next);
            if at == next {
                self.nodes.push(node);
            }
            path.push(at);
        }
        for (at, pair) in path.windows(2).enumerate() {
            let last = at + 2 == path.len();
            let clashes = way.clashes.iter().filter(|clash| clash.outer.0 == at);
            let clashes = clashes.map(|clash| clash.short.as_str());
            let edge = self.edge(pair[0], pair[1]);
            clashes.for_each(|clash| push_new(&mut edge.clashes, clash));
            if last {
                for route in &way.routes {
                    push_new(&mut edge.routes, route);
                }
                for remark in way.budget.iter().filter(|one| one.tone != Tone::More) {
                    push_new(&mut edge.budget, &remark.text);
                }
            }
        }
    }

    fn edge(&mut self, from: usize, to: usize) -> &mut Edge<'a> {
        let known = self
            .edges
            .iter()
            .rposition(|edge| (edge.from, edge.to) == (from, to));
        let at = known.unwrap_or(self.edges.len());
        if known.is_none() {
            self.edges.push(Edge {
                from,
                to,
                routes: Vec::new(),
                clashes: Vec::new(),
                budget: Vec::new(),
            });
        }
        &mut self.edges[at]
    }
}

fn push_new<'a>(list: &mut Vec<&'a str>, text: &'a str) {
    if !list.contains(&text) {
        list.push(text);
    }
}

impl<'a> Node<'a> {
    fn of(hop: &'a Hop) -> Self {
        Self::Hop {
            hop,
            values: hop
                .values
                .iter()
                .filter(|value| is_shown(value.key))
                .collect(),
        }
    }
}

impl Edge<'_> {
    /// The lines of its label, without the inversions: the first routes, how many more there are, and the budget.
    fn lines(&self) -> Vec<String> {
        const MOST: usize = 3;
        let shown = self.routes.iter().take(MOST);
        let mut lines: Vec<String> = shown.map(|route| (*route).to_owned()).collect();
        if self.routes.len() > MOST {
            lines.push(format!("and {} more", self.routes.len() - MOST));
        }
        lines.extend(self.budget.iter().flat_map(|text| filled(text, 36)));
        lines
    }
}

/// What a node has room for: the times of a request and of idle connections, and how often is tried.
fn is_shown(key: Key) -> bool {
    matches!(
        key,
        Key::Connect
            | Key::Send
            | Key::Read
            | Key::Worker
            | Key::KeepaliveIdle
            | Key::ClientIdle
            | Key::Retries
            | Key::Tries
    )
}

/// `client idle 75s, default of nginx 1.28`; a written value needs no word for it.
pub(super) fn said(value: &Value) -> String {
    let how = match value.mark {
        Mark::Written | Mark::Inherited => "",
        Mark::Default => " (default)",
        Mark::Assumed => " (assumed)",
        Mark::Unknown => " (unknown)",
    };
    format!(
        "{} {}{how}",
        value.key.as_str().replace('_', " "),
        value.text
    )
}

/// Length of a value's bar where a step takes `unit`; none for counts and what is unknown.
pub(super) fn bar(value: &Value, scale: &Scale, unit: usize) -> Option<usize> {
    match value.amount? {
        _ if value.key.is_count() => None,
        Amount::Finite(ms) => Some(scale.length(ms, unit)),
        Amount::Infinite => Some((scale.steps() + 1) * unit),
    }
}
