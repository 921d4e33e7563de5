//! Every line of every HAProxy as it is written, for rules about words themselves.

use std::collections::HashSet;

use crate::model::HopId;
use crate::project::Project;
use crate::project::haproxy::HaproxyConf;
use crate::source::{FileId, Span};
use crate::syntax::haproxy::{Line, Section};
use crate::syntax::nginx::looks_like_template;

/// A line that is certainly read.
#[derive(Clone, Copy)]
pub struct Statement<'a> {
    /// The process.
    pub hop: HopId,
    /// `global`, `defaults`, `frontend`, …
    pub kind: &'a str,
    /// Name of the section; empty if it has none.
    pub section: &'a str,
    /// Whether it is the line that opens the section.
    pub opens: bool,
    line: &'a Line,
}

impl<'a> Statement<'a> {
    /// A word; empty if there are fewer.
    pub fn word(&self, at: usize) -> &'a str {
        self.line
            .words
            .get(at)
            .map_or("", |word| word.text.as_str())
    }

    /// All words.
    pub fn words(&self) -> impl Iterator<Item = &'a str> {
        self.line.words.iter().map(|word| word.text.as_str())
    }

    /// From the first word to the last.
    pub fn span(&self) -> Span {
        self.line.span
    }
}

/// The lines of all sections in order, without those that an `.if` may leave out, or what fills in a template.
pub fn statements(project: &Project) -> impl Iterator<Item = Statement<'_>> {
    // The hops of HAProxy follow those of nginx.
    let first = project.nginx.len();
    let sections = project
        .haproxy
        .iter()
        .enumerate()
        .flat_map(move |(at, conf)| {
            let hop = HopId(u32::try_from(first + at).unwrap_or(u32::MAX));
            let templates = templates(project, conf);
            let written = move |section: &&Section| !templates.contains(&section.head.span.file);
            let sections = conf.sections.iter().filter(written);
            sections.map(move |section| (hop, section))
        });
    sections.flat_map(|(hop, section)| {
        let head = std::iter::once((&section.head, true));
        let lines = head.chain(section.lines.iter().map(|line| (line, false)));
        lines
            .filter(|(line, _)| !line.conditional)
            .map(move |(line, opens)| statement(hop, section, line, opens))
    })
}

/// The files of a process that something else fills in.
fn templates(project: &Project, conf: &HaproxyConf) -> HashSet<FileId> {
    let files = conf.sections.iter().map(|section| section.head.span.file);
    let files: HashSet<FileId> = files.collect();
    let filled = |file: &FileId| looks_like_template(&project.sources.get(*file).text).is_some();
    files.into_iter().filter(filled).collect()
}

fn statement<'a>(hop: HopId, section: &'a Section, line: &'a Line, opens: bool) -> Statement<'a> {
    Statement {
        hop,
        kind: &section.kind.value,
        section: section.name.as_ref().map_or("", |name| &name.value),
        opens,
        line,
    }
}
