//! The lines that a finding's labels stand on, as one source for miette: a row of pieces in one virtual offset space,
//! each piece some consecutive lines of one file. A span that leaves its piece cannot be read, which keeps miette from
//! joining snippets of different files; and as only these lines are copied, a label at the end of a large file costs
//! no more than one at its start.

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::finding::{Finding, Label};
use crate::report::is_synthetic;
use crate::report::wrap::{columns, columns_of, filled, fitting, folded, plain, visible};
use crate::source::{FileId, Position, SourceFile, Sources};

/// Labels of a finding that are drawn. More of them say the same of further places, and nobody scrolls through thousands.
const DRAWN: usize = 12;
/// Lines shown before and after a labelled one.
const CONTEXT: usize = 1;
/// Labels with at most this many lines between them share a snippet.
const JOIN: usize = 2;
const TAB: &str = "    ";

/// The pieces, and the labels of a file that is none and so cannot be shown.
pub(super) struct Excerpt {
    pieces: Vec<Piece>,
    /// `place: message` of labels in what an image ships.
    pub(super) notes: Vec<String>,
    /// Where the labels stand that are not drawn, as far as they fit.
    pub(super) others: Vec<String>,
}

/// Some lines of one file.
struct Piece {
    path: String,
    /// Virtual offset of its first byte.
    base: usize,
    /// Number of its first line, from 0 as miette counts.
    first: usize,
    text: String,
    marks: Vec<Mark>,
}

/// A label on one line of a piece.
struct Mark {
    /// Offsets in the piece's text.
    start: usize,
    end: usize,
    /// Where it stands in the file.
    at: Position,
    message: String,
    primary: bool,
}

/// A label, its file and its line.
struct Placed<'a> {
    label: &'a Label,
    primary: bool,
    file: FileId,
    line: usize,
}

impl Excerpt {
    /// The file of the primary label comes first, then the others in chain order.
    pub(super) fn new(finding: &Finding, sources: &Sources, width: usize) -> Self {
        let labels = std::iter::once(&finding.primary).chain(&finding.related);
        let (labels, others) = (labels.take(DRAWN), &finding.related);
        let others = others.get(DRAWN - 1..).unwrap_or_default();
        let (mut notes, mut placed) = (Vec::new(), Vec::new());
        for (at, label) in labels.enumerate() {
            let file = sources.get(label.span.file);
            if is_synthetic(&file.path) {
                notes.push(note(label, file, sources));
            } else {
                placed.push(Placed {
                    label,
                    primary: at == 0,
                    file: label.span.file,
                    line: line_of(file, label),
                });
            }
        }
        let mut pieces: Vec<Piece> = Vec::new();
        for group in groups(placed) {
            let base = pieces
                .last()
                .map_or(0, |last| last.base + last.text.len() + 1);
            pieces.push(Piece::new(&group, sources.get(group[0].file), base, width));
        }
        Self {
            pieces,
            notes,
            others: places(others, sources, width),
        }
    }

    /// The labels at their virtual offsets.
    pub(super) fn labels(&self) -> Vec<LabeledSpan> {
        let mut labels = Vec::new();
        for piece in &self.pieces {
            for mark in &piece.marks {
                let message = (!mark.message.is_empty()).then(|| mark.message.clone());
                let span = (piece.base + mark.start, mark.end - mark.start);
                labels.push(if mark.primary {
                    LabeledSpan::new_primary_with_span(message, span)
                } else {
                    LabeledSpan::new_with_span(message, span)
                });
            }
        }
        labels
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let piece = self
            .pieces
            .iter()
            .rfind(|piece| piece.base <= span.offset())
            .filter(|piece| span.offset() + span.len() <= piece.base + piece.text.len())
            .ok_or(MietteError::OutOfBounds)?;
        // Without context miette asks where a label stands, for the head of the snippet; with it, what to draw.
        let at = (before + after == 0)
            .then(|| piece.mark_at(span.offset()))
            .flatten()
            .map_or((piece.first, 0), |mark| {
                (mark.at.line - 1, mark.at.column - 1)
            });
        Ok(Box::new(MietteSpanContents::new_named(
            piece.path.clone(),
            piece.text.as_bytes(),
            (piece.base, piece.text.len()).into(),
            at.0,
            at.1,
            piece.text.matches('\n').count(),
        )))
    }
}

fn note(label: &Label, file: &SourceFile, sources: &Sources) -> String {
    let shown = file.path.trim_matches(['<', '>']);
    let text = sources.text(label.span).lines().next().unwrap_or("");
    let message = plain(&label.message);
    match (text.is_empty(), message.is_empty()) {
        (true, true) => format!("in {shown}"),
        (true, false) => format!("in {shown}: {message}"),
        (false, true) => format!("in {shown}: `{}`", plain(text)),
        (false, false) => format!("in {shown}: `{}`: {message}", plain(text)),
    }
}

fn places(labels: &[Label], sources: &Sources, width: usize) -> Vec<String> {
    if labels.is_empty() {
        return Vec::new();
    }
    // Each takes two columns at least, and there are two lines.
    let some = labels.iter().take(width);
    let places: Vec<String> = some
        .map(|label| plain(&sources.place(label.span)).into_owned())
        .collect();
    fitting(&folded(&places), labels.len(), width - 8)
}

/// A label behind the final line feed stands at the end of the last line that has text.
fn line_of(file: &SourceFile, label: &Label) -> usize {
    let line = file.position(label.span.start).line;
    line.min(file.line_count().max(1))
}

/// Labels by file in the order in which the files first appear, and within a file by nearness.
fn groups(mut placed: Vec<Placed>) -> Vec<Vec<Placed>> {
    let mut order: Vec<FileId> = Vec::new();
    for label in &placed {
        if !order.contains(&label.file) {
            order.push(label.file);
        }
    }
    let rank = |file: FileId| order.iter().position(|seen| *seen == file);
    placed.sort_by_key(|one| {
        let span = one.label.span;
        (rank(one.file), one.line, span.start, span.end)
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
    groups
}

impl Piece {
    fn new(group: &[Placed], file: &SourceFile, base: usize, width: usize) -> Self {
        let first = group[0].line.saturating_sub(CONTEXT).max(1);
        let last_label = group[group.len() - 1].line;
        let last = (last_label + CONTEXT)
            .min(file.line_count())
            .max(last_label);
        let digits = last.to_string().len();
        let room = width.saturating_sub(digits + 6);
        let mut piece = Self {
            path: plain(&file.path).into_owned(),
            base,
            first: first - 1,
            text: String::new(),
            marks: Vec::new(),
        };
        for line in first..=last {
            let labels: Vec<&Placed> = group.iter().filter(|label| label.line == line).collect();
            piece.push_line(file, line, &labels, room);
        }
        piece
    }

    fn push_line(&mut self, file: &SourceFile, line: usize, labels: &[&Placed], room: usize) {
        let (start, end) = file.line_range(line).unwrap_or_default();
        let line_text = &file.text[start..end];
        // Offsets of a rule that counted wrong must not end a run: they are held inside the line, between characters.
        let cut = |offset: u32| {
            let mut at = (offset as usize).clamp(start, end) - start;
            while !line_text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let ranges: Vec<(usize, usize)> = labels
            .iter()
            .map(|label| (cut(label.label.span.start), cut(label.label.span.end)))
            .map(|(from, to)| (from, to.max(from)))
            .collect();
        let shown = Shown::new(line_text, ranges.first().copied(), room);
        let base = self.text.len();
        for (label, (from, to)) in labels.iter().zip(ranges) {
            let (from, to) = (shown.offset(from), shown.offset(to));
            let left = columns(&shown.text[..from]) + columns(&shown.text[from..to]) / 2;
            self.mark(Mark {
                start: base + from,
                end: base + to,
                at: file.position(label.label.span.start),
                message: wrap_label(&label.label.message, room.saturating_sub(left + 4)),
                primary: label.primary,
            });
        }
        self.text.push_str(&shown.text);
        self.text.push('\n');
    }

    /// miette draws overlapping labels beside each other, under the wrong words: the same place takes both messages,
    /// and of two that overlap the later one begins where the earlier one ends, or at its last character.
    fn mark(&mut self, mut mark: Mark) {
        if let Some(last) = self.marks.last_mut() {
            if last.start == mark.start && last.end == mark.end {
                let both = [&last.message, &mark.message];
                let both: Vec<&str> = both
                    .into_iter()
                    .filter(|message| !message.is_empty())
                    .map(String::as_str)
                    .collect();
                last.message = both.join("\n");
                last.primary |= mark.primary;
                return;
            }
            if mark.start < last.end && last.start < mark.start {
                last.end = mark.start;
            } else if mark.start < last.end {
                mark.start = last.end.min(mark.end);
            }
        }
        self.marks.push(mark);
    }

    fn mark_at(&self, offset: usize) -> Option<&Mark> {
        let at = offset - self.base;
        let here = self.marks.iter().filter(|mark| mark.start == at);
        here.max_by_key(|mark| mark.primary)
    }
}

/// Too little room beside a label far to the right is no reason for one word per line.
const LEAST_LABEL: usize = 20;

fn wrap_label(message: &str, room: usize) -> String {
    filled(&plain(message), room.max(LEAST_LABEL)).join("\n")
}

/// A line as it is drawn: tabs as blanks, nothing that steers a terminal, and a window of it if it is too long.
struct Shown {
    text: String,
    /// Offset in the line and in `text` of every character that is shown.
    map: Vec<(usize, usize)>,
}

impl Shown {
    /// `focus` is the range that must be seen.
    fn new(line: &str, focus: Option<(usize, usize)>, room: usize) -> Self {
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
        let mut rest = line.char_indices().filter(|(at, _)| *at >= from).peekable();
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
            shown.map.push((at, shown.text.len()));
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
    fn offset(&self, byte: usize) -> usize {
        let at = self.map.partition_point(|(line, _)| *line < byte);
        self.map.get(at).map_or(self.text.len(), |(_, text)| *text)
    }
}

/// The line's start if the focus and its message have room then, else a third of the room before the focus.
fn window_start(line: &str, focus: Option<(usize, usize)>, room: usize) -> usize {
    let Some((start, end)) = focus else {
        return 0;
    };
    let middle = columns(&line[..start]) + columns(&line[start..end]) / 2;
    if columns(&line[..end]) < room && middle + LEAST_LABEL + 4 <= room {
        return 0;
    }
    let before = line[..start].char_indices().rev().take(room / 3);
    before.last().map_or(start, |(at, _)| at)
}
