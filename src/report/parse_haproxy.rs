//! `parse --as haproxy`: what the reader sees, as JSON.

use serde::Serialize;

use crate::source::{FileId, Sources, Span};
use crate::syntax::haproxy::{Line, Section, Tree};

/// The files of one HAProxy, in the order of its `-f`. With several files each node carries its `file`.
///
/// `{"sections":[{"kind","name","line","lines":[{"line","words":[]}]}],"errors":[{"error","line"}]}`; a final line feed
/// that is missing is an error here, because HAProxy refuses the file.
pub fn render(sources: &Sources, trees: &[(FileId, Tree)]) -> String {
    let at = At {
        sources,
        named: trees.len() > 1,
    };
    let document = Document {
        sections: trees
            .iter()
            .flat_map(|(_, tree)| &tree.sections)
            .map(|section| at.section(section))
            .collect(),
        errors: trees
            .iter()
            .flat_map(|(file, tree)| at.errors(*file, tree))
            .collect(),
    };
    serde_json::to_string(&document).expect("strings and numbers always serialise")
}

/// Whether the document of these trees holds an error.
pub fn has_errors(trees: &[(FileId, Tree)]) -> bool {
    trees
        .iter()
        .any(|(_, tree)| !tree.errors.is_empty() || tree.final_newline_missing)
}

#[derive(Serialize)]
struct Document<'a> {
    sections: Vec<SectionNode<'a>>,
    errors: Vec<ErrorNode<'a>>,
}

#[derive(Serialize)]
struct SectionNode<'a> {
    kind: &'a str,
    name: Option<&'a str>,
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    lines: Vec<LineNode<'a>>,
}

#[derive(Serialize)]
struct LineNode<'a> {
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    words: Vec<&'a str>,
}

#[derive(Serialize)]
struct ErrorNode<'a> {
    error: &'a str,
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
}

struct At<'a> {
    sources: &'a Sources,
    named: bool,
}

impl<'a> At<'a> {
    fn file(&self, file: FileId) -> Option<&'a str> {
        self.named.then(|| self.sources.get(file).path.as_str())
    }

    fn line_of(&self, span: Span) -> usize {
        self.sources.get(span.file).line(span.start)
    }

    fn section(&self, section: &'a Section) -> SectionNode<'a> {
        SectionNode {
            kind: &section.kind.value,
            name: section.name.as_ref().map(|name| name.value.as_str()),
            line: self.line_of(section.kind.span),
            file: self.file(section.kind.span.file),
            lines: section.lines.iter().map(|line| self.line(line)).collect(),
        }
    }

    fn line(&self, line: &'a Line) -> LineNode<'a> {
        LineNode {
            line: self.line_of(line.span),
            file: self.file(line.span.file),
            words: line.words.iter().map(|word| word.text.as_str()).collect(),
        }
    }

    fn errors(&self, file: FileId, tree: &'a Tree) -> Vec<ErrorNode<'a>> {
        let name = self.file(file);
        let mut errors: Vec<ErrorNode<'a>> = tree
            .errors
            .iter()
            .map(|error| ErrorNode {
                error: &error.message,
                line: self.line_of(error.span),
                file: name,
            })
            .collect();
        if tree.final_newline_missing {
            errors.push(ErrorNode {
                error: "the last line has no line feed",
                line: self.sources.get(file).line_count(),
                file: name,
            });
        }
        errors
    }
}
