//! The lines that a finding's labels stand on, as one source for miette: a row of pieces in one virtual offset space,
//! each piece some consecutive lines of one file. A span that leaves its piece cannot be read, which keeps miette from
//! joining snippets of different files; and as only these lines are copied, a label at the end of a large file costs
//! no more than one at its start.

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::finding::{Finding, Label};
use crate::report::snippet::{DRAWN, LEAST_LABEL, Placed, Shown, Snippet, range_in, snippets};
use crate::report::wrap::{columns, filled, fitting, folded, plain};
use crate::source::{Position, SourceFile, Sources};

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

impl Excerpt {
    /// The file of the primary label comes first, then the others in chain order.
    pub(super) fn new(finding: &Finding, sources: &Sources, width: usize) -> Self {
        let labels = finding.labels();
        let (labels, others) = (labels.take(DRAWN), &finding.related);
        let others = others.get(DRAWN - 1..).unwrap_or_default();
        let (mut notes, mut placed) = (Vec::new(), Vec::new());
        for (at, label) in labels.enumerate() {
            let file = sources.get(label.span.file);
            if file.is_synthetic() {
                notes.push(note(label, file, sources));
            } else {
                placed.push(Placed::new(label, at, sources));
            }
        }
        let mut pieces: Vec<Piece> = Vec::new();
        for snippet in snippets(placed, sources) {
            let base = pieces
                .last()
                .map_or(0, |last| last.base + last.text.len() + 1);
            pieces.push(Piece::new(&snippet, sources.get(snippet.file), base, width));
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

impl Piece {
    fn new(snippet: &Snippet, file: &SourceFile, base: usize, width: usize) -> Self {
        let digits = snippet.last.to_string().len();
        let room = width.saturating_sub(digits + 6);
        let mut piece = Self {
            path: plain(&file.path).into_owned(),
            base,
            first: snippet.first - 1,
            text: String::new(),
            marks: Vec::new(),
        };
        for line in snippet.first..=snippet.last {
            piece.push_line(file, line, snippet.on(line), room);
        }
        piece
    }

    fn push_line(&mut self, file: &SourceFile, line: usize, labels: &[Placed], room: usize) {
        let ranges: Vec<(usize, usize)> =
            labels.iter().map(|label| range_in(file, label)).collect();
        let shown = Shown::new(file.line_text(line), ranges.first().copied(), room);
        let base = self.text.len();
        for (label, (from, to)) in labels.iter().zip(ranges) {
            let (from, to) = (shown.offset(from), shown.offset(to));
            let left = columns(&shown.text[..from]) + columns(&shown.text[from..to]) / 2;
            self.mark(Mark {
                start: base + from,
                end: base + to,
                at: file.position(label.label.span.start),
                message: wrap_label(&label.label.message, room.saturating_sub(left + 4)),
                primary: label.order == 0,
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

fn wrap_label(message: &str, room: usize) -> String {
    filled(&plain(message), room.max(LEAST_LABEL)).join("\n")
}
