//! What fixes would change, as a unified diff that `git apply` and `patch -p1` take.

use std::io::{self, Write};

use similar::{ChangeTag, TextDiff};

use super::Look;
use crate::analyze::Analysis;
use crate::finding::{Edit, Fix};
use crate::fix::Plan;
use crate::source::{FileId, Sources};

/// One diff for each file of a plan; nothing if nothing changes.
pub fn write(analysis: &Analysis, plan: &Plan, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    for change in &plan.changes {
        let file = analysis.project.sources.get(change.file);
        let path = format!("{}{}", look.prefix, file.path);
        write_one(&path, &file.text, &change.text, out)?;
    }
    Ok(())
}

/// What becomes of one file; an empty `old` is a file that is not there yet.
pub fn write_one(path: &str, old: &str, new: &str, out: &mut dyn Write) -> io::Result<()> {
    let from = match old {
        "" => "/dev/null".to_owned(),
        _ => format!("a/{path}"),
    };
    let diff = TextDiff::from_lines(old, new);
    let mut diff = diff.unified_diff();
    diff.header(&from, &format!("b/{path}"));
    diff.missing_newline_hint(true).to_writer(out)
}

/// Some lines of a file, and what a fix makes of them.
pub(super) struct Hunk {
    pub(super) file: FileId,
    /// Number of its first line, from 1.
    pub(super) line: usize,
    /// Each with `-`, `+` or a blank, and without its line end.
    pub(super) lines: Vec<(char, String)>,
}

/// What one fix changes. Only the lines about its edits are looked at, however long the file is.
pub(super) fn hunks(fix: &Fix, sources: &Sources) -> Vec<Hunk> {
    /// Lines before and after a change.
    const CONTEXT: usize = 1;
    let mut edits: Vec<&Edit> = fix.edits.iter().collect();
    edits.sort_by_key(|edit| edit.span);
    let lines = |edit: &Edit| {
        let (file, span) = (sources.get(edit.span.file), edit.span);
        let last = file.line(span.end.max(span.start + 1) - 1);
        (file.line(span.start), last)
    };
    let near = |one: &&Edit, next: &&Edit| {
        one.span.file == next.span.file && lines(next).0 <= lines(one).1 + 2 * CONTEXT
    };
    let hunk = |edits: &[&Edit]| {
        let file = sources.get(edits[0].span.file);
        let first = lines(edits[0]).0.saturating_sub(CONTEXT).max(1);
        let last = (lines(edits[edits.len() - 1]).1 + CONTEXT).min(file.line_count().max(1));
        let start = file.line_range(first).map_or(0, |(start, _)| start);
        let end = file.line_range(last + 1).map(|(start, _)| start);
        let end = end.unwrap_or(file.text.len());
        let (mut new, mut done) = (String::new(), start);
        for edit in edits {
            new.push_str(&file.text[done..edit.span.start as usize]);
            new.push_str(&edit.text);
            done = edit.span.end as usize;
        }
        new.push_str(&file.text[done..end.max(done)]);
        let diff = TextDiff::from_lines(&file.text[start..end], &new);
        let lines = diff.iter_all_changes().map(|change| {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            (
                sign,
                change.value().trim_end_matches(['\n', '\r']).to_owned(),
            )
        });
        Hunk {
            file: edits[0].span.file,
            line: first,
            lines: lines.collect(),
        }
    };
    edits.chunk_by(near).map(hunk).collect()
}
