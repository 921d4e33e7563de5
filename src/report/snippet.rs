//! The lines that labels stand on: which labels share a snippet, and how a line is shown.

use std::collections::HashMap;

use super::wrap::{columns, columns_of, visible};
use crate::finding::Label;
use crate::source::{FileId, SourceFile, Sources};

/// Labels of a finding that are drawn. More of them say the same of further places, and nobody scrolls through thousands.
pub(super) const DRAWN: usize = 12;
/// Lines shown before and after a labelled one.
const CONTEXT: usize = 1;
/// Labels with at most this many lines between them share a snippet.
const JOIN: usize = 2;
const TAB: &str = "    ";
/// Columns that a message beside its place needs; too little room there is no reason for one word per line.
pub(super) const LEAST_LABEL: usize = 20;

/// A label, its file and its line.
pub(super) struct Placed<'a> {
    pub(super) label: &'a Label,
    /// Its number among the labels of its finding, from 0.
    pub(super) order: usize,
    pub(super) file: FileId,
    pub(super) line: usize,
}

impl<'a> Placed<'a> {
    /// A label behind the final line feed stands at the end of the last line that has text.
    pub(super) fn new(label: &'a Label, order: usize, sources: &Sources) -> Self {
        let file = sources.get(label.span.file);
        Self {
            label,
            order,
            file: label.span.file,
            line: file.line(label.span.start).min(file.line_count().max(1)),
        }
    }
}

/// Some lines of one file, and the labels on them.
pub(super) struct Snippet<'a> {
    pub(super) file: FileId,
    /// First and last line, from 1.
    pub(super) first: usize,
    pub(super) last: usize,
    /// By line, and on a line by place.
    pub(super) labels: Vec<Placed<'a>>,
}

impl Snippet<'_> {
    fn new<'a>(labels: Vec<Placed<'a>>, sources: &Sources) -> Snippet<'a> {
        let (file, last) = (labels[0].file, labels[labels.len() - 1].line);
        Snippet {
            file,
            first: labels[0].line.saturating_sub(CONTEXT).max(1),
            last: (last + CONTEXT)
                .min(sources.get(file).line_count())
                .max(last),
            labels,
        }
    }

    /// The labels on a line.
    pub(super) fn on(&self, line: usize) -> &[Placed<'_>] {
        let from = self.labels.partition_point(|label| label.line < line);
        let to = self.labels.partition_point(|label| label.line <= line);
        &self.labels[from..to]
    }
}

/// Labels by file in the order in which the files first appear, and within a file by nearness.
pub(super) fn snippets<'a>(mut placed: Vec<Placed<'a>>, sources: &Sources) -> Vec<Snippet<'a>> {
    let mut rank: HashMap<FileId, usize> = HashMap::new();
    for label in &placed {
        let next = rank.len();
        rank.entry(label.file).or_insert(next);
    }
    placed.sort_by_key(|one| {
        let span = one.label.span;
        (rank[&one.file], one.line, span.start, span.end)
    });
    let mut groups: Vec<Vec<Placed>> = Vec::new();
    for label in placed {
        match groups.last_mut() {
            Some(group)
                if group.last().is_some_and(|last| {
                    last.file == label.file && label.line <= last.line + JOIN + 2 * CONTEXT
                }) =>
            {
                group.push(label);
            }
            _ => groups.push(vec![label]),
        }
    }
    let groups = groups.into_iter();
    groups.map(|group| Snippet::new(group, sources)).collect()
}

/// Where a label begins and ends in its line, in bytes. Offsets of a rule that counted wrong must not end a run: they are
/// held inside the line, between characters.
pub(super) fn range_in(file: &SourceFile, placed: &Placed) -> (usize, usize) {
    let (start, end) = file.line_range(placed.line).unwrap_or_default();
    let line = &file.text[start..end];
    let cut = |offset: u32| {
        let mut at = (offset as usize).clamp(start, end) - start;
        while !line.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let span = placed.label.span;
    (cut(span.start), cut(span.end.max(span.start)))
}

/// A line as it is drawn: tabs as blanks, nothing that steers a terminal, and a window of it if it is too long.
pub(super) struct Shown {
    pub(super) text: String,
    /// Offset in the line and in `text` of every character that is shown.
    map: Vec<(usize, usize)>,
}

impl Shown {
    /// `focus` is the range that must be seen.
    pub(super) fn new(line: &str, focus: Option<(usize, usize)>, room: usize) -> Self {
        let from = window_start(line, focus, room);
        let mut shown = Self {
            text: String::new(),
            map: Vec::new(),
        };
        let mut used = 0;
        if from > 0 {
            shown.text.push('…');
            used = 1;
        }
        let mut rest = line[from..].char_indices().peekable();
        while let Some((at, char)) = rest.next() {
            let size = if char == '\t' {
                TAB.len()
            } else {
                columns_of(char)
            };
            let reserved = usize::from(rest.peek().is_some());
            if used + size + reserved > room {
                shown.text.push('…');
                break;
            }
            shown.map.push((from + at, shown.text.len()));
            used += size;
            match char {
                '\t' => shown.text.push_str(TAB),
                '\u{feff}' => {}
                other => shown.text.push(visible(other)),
            }
        }
        shown
    }

    /// Where a byte of the line stands in the text; outside the window, its nearest end.
    pub(super) fn offset(&self, byte: usize) -> usize {
        let at = self.map.partition_point(|(line, _)| *line < byte);
        self.map.get(at).map_or(self.text.len(), |(_, text)| *text)
    }
}

/// The line's start if the focus and its message have room then, else a third of the room before the focus.
fn window_start(line: &str, focus: Option<(usize, usize)>, room: usize) -> usize {
    let Some((start, end)) = focus else {
        return 0;
    };
    // No character has more than four bytes: what begins beyond that is not counted, however long the line is.
    if start <= room * 4 {
        let middle = columns(&line[..start]) + columns(&line[start..end]) / 2;
        if columns(&line[..end]) < room && middle + LEAST_LABEL + 4 <= room {
            return 0;
        }
    }
    let before = line[..start].char_indices().rev().take(room / 3);
    before.last().map_or(start, |(at, _)| at)
}
