//! What fixes would make of the files. Nothing is written here: a plan holds new texts, and the program decides.

pub mod allow;

use std::collections::BTreeMap;

use crate::finding::{Edit, Finding, Safety};
use crate::source::{FileId, Sources};

/// The new text of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub file: FileId,
    /// All of its text after the fixes.
    pub text: String,
}

/// What the fixes of some findings come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// One for each file that changes, by file.
    pub changes: Vec<Change>,
    /// How many fixes are in it. A fix whose place another one has taken is not: the next run offers it again.
    pub fixes: usize,
}

/// Puts the fixes of findings together; `most` is the least safe kind that is wanted. A fix is taken whole or not at
/// all. A file that is not what is on the disk, since some byte of it is no UTF-8 or an image ships it, is left alone.
pub fn plan(sources: &Sources, findings: &[Finding], most: Safety) -> Plan {
    let mut taken: BTreeMap<FileId, Taken> = BTreeMap::new();
    let mut fixes = 0;
    for fix in findings.iter().filter_map(|finding| finding.fix.as_ref()) {
        let wanted = fix.safety == Safety::Safe || most == Safety::Unsafe;
        let possible = fix.edits.iter().all(|edit| {
            let file = sources.get(edit.span.file);
            file.is_writable()
                && taken
                    .get(&edit.span.file)
                    .is_none_or(|taken| is_free(edit, taken))
        });
        if wanted && possible && !fix.edits.is_empty() {
            fixes += 1;
            for edit in &fix.edits {
                let taken = taken.entry(edit.span.file).or_default();
                taken.insert(edit.span.start, edit);
            }
        }
    }
    let changes = taken.into_iter().map(|(file, edits)| Change {
        file,
        text: edited(&sources.get(file).text, &edits),
    });
    Plan {
        changes: changes.collect(),
        fixes,
    }
}

/// The edits of one file by their first byte.
type Taken<'a> = BTreeMap<u32, &'a Edit>;

/// Whether no edit that was taken touches the place of another. Two insertions at one place touch: nothing says which
/// comes first.
fn is_free(edit: &Edit, taken: &Taken) -> bool {
    let (start, end) = (edit.span.start, edit.span.end);
    let before = taken.range(..start).next_back();
    let after = taken.range(start..).next();
    before.is_none_or(|(_, other)| other.span.end <= start)
        && after.is_none_or(|(at, _)| *at != start && *at >= end)
}

fn edited(text: &str, edits: &Taken) -> String {
    let mut new = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits.values() {
        new.push_str(&text[done..edit.span.start as usize]);
        new.push_str(&edit.text);
        done = edit.span.end as usize;
    }
    new.push_str(&text[done..]);
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Fix, Severity};
    use crate::source::{SourceFile, Span};

    fn finding(safety: Safety, edits: &[(u32, u32, &str)]) -> Finding {
        let at = |start, end| Span {
            file: FileId(0),
            start,
            end,
        };
        let edits = edits.iter().map(|(start, end, text)| Edit {
            span: at(*start, *end),
            text: (*text).to_owned(),
        });
        Finding {
            fix: Some(Fix {
                title: String::new(),
                safety,
                edits: edits.collect(),
            }),
            ..Finding::new("syntax-error", Severity::Error, at(0, 0), "")
        }
    }

    fn after(bytes: &[u8], findings: &[Finding], most: Safety) -> (Option<String>, usize) {
        let mut sources = Sources::default();
        sources.add(SourceFile::new("a.conf", bytes.to_vec()));
        let plan = plan(&sources, findings, most);
        let text = plan.changes.first().map(|change| change.text.clone());
        (text, plan.fixes)
    }

    #[test]
    fn edits_are_made_in_the_order_of_the_text() {
        let findings = [
            finding(Safety::Safe, &[(4, 5, "Z"), (0, 1, "")]),
            finding(Safety::Safe, &[(5, 5, "\n")]),
        ];
        let text = after(b"a b c", &findings, Safety::Safe);
        assert_eq!(text, (Some(" b Z\n".to_owned()), 2));
    }

    #[test]
    fn a_fix_is_taken_whole_or_not_at_all() {
        let findings = [
            finding(Safety::Safe, &[(0, 3, "x")]),
            finding(Safety::Safe, &[(2, 4, "y"), (4, 5, "y")]),
        ];
        assert_eq!(
            after(b"a b c", &findings, Safety::Safe),
            (Some("x c".to_owned()), 1)
        );
    }

    #[test]
    fn unsafe_ones_wait_until_they_are_asked_for() {
        let findings = [finding(Safety::Unsafe, &[(0, 1, "x")])];
        assert_eq!(after(b"a", &findings, Safety::Safe), (None, 0));
        assert_eq!(
            after(b"a", &findings, Safety::Unsafe),
            (Some("x".to_owned()), 1)
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_not_rewritten() {
        let findings = [finding(Safety::Safe, &[(0, 1, "x")])];
        assert_eq!(after(b"a\xe9", &findings, Safety::Safe), (None, 0));
    }
}
