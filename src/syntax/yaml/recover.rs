//! Recovery inside a document: the failing line is blanked with spaces, so that offsets hold, and the text is read
//! again. Of the line of the error and the line of the last good event the one is blanked that lets the reader get
//! further: an unclosed bracket is reported lines after it was opened.

use super::Parsed;
use super::build::{Pass, pass};
use crate::source::{FileId, Span};

/// Lines that are given up before the rest of a file is.
const ROUNDS: usize = 8;
/// Bytes that may be read again, beside four times the file.
const BYTES: usize = 1 << 20;

/// Reads a text, and what is left of it without its broken lines.
pub(super) fn parse(file: FileId, text: &str) -> Parsed {
    // Control characters are refused even inside comments; a space keeps the rest of the file and its offsets.
    let mut readable = text.to_owned();
    if text.contains(is_unprintable) {
        readable = text.replace(is_unprintable, " ");
    }
    let mut best = attempt(file, &readable);
    let first = best.error.clone();
    let mut budget = BYTES + 4 * text.len();
    for _ in 0..ROUNDS {
        let Some((repaired, next)) = next_try(file, &readable, &best, &mut budget) else {
            break;
        };
        readable = repaired;
        best = next;
    }
    Parsed {
        documents: best.documents,
        duplicates: best.duplicates,
        errors: first.into_iter().collect(),
    }
}

fn is_unprintable(c: char) -> bool {
    c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// The better of the two repairs, if one of them gets further than before.
fn next_try(file: FileId, text: &str, before: &Pass, budget: &mut usize) -> Option<(String, Pass)> {
    let reached = before.error.as_ref()?.span.start as usize;
    let mut lines = vec![line_at(text, reached), line_at(text, before.last_good)];
    lines.dedup();
    let mut best: Option<(String, Pass)> = None;
    for (start, end) in lines {
        if text[start..end].trim().is_empty() || text.len() > *budget {
            continue;
        }
        *budget -= text.len();
        let repaired = blanked(text, start, end);
        let next = attempt(file, &repaired);
        let held = best.as_ref().map_or(reached, |(_, held)| progress(held));
        // Of equals the first stays: the line of the error itself.
        if progress(&next) > held || (best.is_none() && progress(&next) == held) {
            best = Some((repaired, next));
        }
    }
    best
}

/// One pass. A tab that indents a line is reported at the scalar above it; the error belongs to the tab.
fn attempt(file: FileId, text: &str) -> Pass {
    let mut pass = pass(file, text);
    // Another fault may stand above a line that begins with a tab; only a tab is moved to the tab.
    if let Some(error) = &mut pass.error
        && error.message.contains("tab")
    {
        let (_, end) = line_at(text, error.span.start as usize);
        let next = text.get(end + 1..).unwrap_or("");
        let indent = next.len() - next.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = next[..indent].find('\t') {
            error.span = Span::new(file, end + 1 + tab, end + 2 + tab);
            "a tab indents this line, and YAML takes spaces alone".clone_into(&mut error.message);
        }
    }
    pass
}

fn progress(pass: &Pass) -> usize {
    pass.error
        .as_ref()
        .map_or(usize::MAX, |error| error.span.start as usize)
}

fn line_at(text: &str, at: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let at = at.min(bytes.len());
    let start = bytes[..at]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |found| found + 1);
    let end = bytes[at..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |found| at + found);
    (start, end)
}

fn blanked(text: &str, start: usize, end: usize) -> String {
    let mut repaired = String::with_capacity(text.len());
    repaired.push_str(&text[..start]);
    repaired.extend(std::iter::repeat_n(' ', end - start));
    repaired.push_str(&text[end..]);
    repaired
}
