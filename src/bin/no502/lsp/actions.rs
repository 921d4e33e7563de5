//! Quick fixes: the fix that a finding brings, a comment that allows it, and all safe fixes of a file at once.

use std::path::Path;
use std::slice;

use lsp_types::{
    CodeAction, CodeActionKind, CodeActionParams, Diagnostic, DocumentChanges, OneOf,
    OptionalVersionedTextDocumentIdentifier, Range, TextDocumentEdit, TextEdit, Uri, WorkspaceEdit,
};
use no502::finding::{Edit, Finding, Safety};
use no502::fix::{allow, plan};
use no502::report::fingerprinted;
use no502::source::{FileId, Span};
use serde_json::json;

use super::diagnostics::Reading;

/// What stands for the reason until a person has written it.
const REASON: &str = "say here why this is no fault";

/// The kind of all safe fixes of a file at once.
pub(super) fn fix_all() -> CodeActionKind {
    CodeActionKind::new("source.fixAll.no502")
}

impl Reading<'_> {
    /// What can be done about what is shown in a range of a file.
    pub(super) fn actions(&self, params: &CodeActionParams) -> Vec<CodeAction> {
        let Some(document) = self.documents.get(params.text_document.uri.as_str()) else {
            return Vec::new();
        };
        let mut actions = Vec::new();
        if wanted(params, &CodeActionKind::QUICKFIX) {
            for (finding, fingerprint) in fingerprinted(self.analysis) {
                let shown = self.shown(finding);
                let Some((_, label)) = shown.filter(|(file, _)| **file == document.file) else {
                    continue;
                };
                let diagnostic = self.finding(finding, label, &fingerprint);
                if is_meant(&diagnostic, params) {
                    actions.extend(self.fix(finding, &diagnostic));
                    actions.extend(self.allow(finding, &diagnostic));
                }
            }
        }
        if wanted(params, &fix_all()) {
            actions.extend(self.all(&document.file));
        }
        actions
    }

    fn fix(&self, finding: &Finding, diagnostic: &Diagnostic) -> Option<CodeAction> {
        let fix = finding.fix.as_ref()?;
        let is_safe = fix.safety == Safety::Safe;
        let title = if is_safe {
            fix.title.clone()
        } else {
            format!("{} (read it first)", fix.title)
        };
        Some(CodeAction {
            title,
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![diagnostic.clone()]),
            edit: Some(self.edit(&fix.edits)?),
            is_preferred: Some(is_safe),
            ..CodeAction::default()
        })
    }

    fn allow(&self, finding: &Finding, diagnostic: &Diagnostic) -> Option<CodeAction> {
        let sources = &self.analysis.project.sources;
        let mut allowed = allow::plan(sources, slice::from_ref(finding), REASON);
        let change = allowed.plan.changes.pop()?;
        let old = &sources.get(change.file).text;
        let edit = difference(change.file, old, &change.text);
        Some(CodeAction {
            title: format!("allow {} here", finding.rule),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![diagnostic.clone()]),
            edit: Some(self.edit(&[edit])?),
            ..CodeAction::default()
        })
    }

    /// Every safe fix that changes this file alone.
    fn all(&self, file: &Path) -> Option<CodeAction> {
        let id = self.judged.id_of(file)?;
        let findings = self.analysis.findings.iter();
        let findings: Vec<Finding> = findings
            .filter(|finding| {
                let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
                edits.into_iter().all(|edit| edit.span.file == id)
            })
            .cloned()
            .collect();
        let sources = &self.analysis.project.sources;
        let change = plan(sources, &findings, Safety::Safe).changes.pop()?;
        let edit = difference(id, &sources.get(id).text, &change.text);
        Some(CodeAction {
            title: "apply all safe fixes of no502".to_owned(),
            kind: Some(fix_all()),
            edit: Some(self.edit(&[edit])?),
            ..CodeAction::default()
        })
    }

    /// Edits as the client takes them; `None` if one of them is of a file that is not what an editor has.
    fn edit(&self, edits: &[Edit]) -> Option<WorkspaceEdit> {
        let mut changes: Vec<TextDocumentEdit> = Vec::new();
        for edit in edits {
            if self.analysis.project.sources.get(edit.span.file).lossy {
                return None;
            }
            let place = self.location(edit.span)?;
            let new = OneOf::Left(TextEdit::new(place.range, edit.text.clone()));
            let same = |change: &&mut TextDocumentEdit| change.text_document.uri == place.uri;
            match changes.iter_mut().find(same) {
                Some(change) => change.edits.push(new),
                None => changes.push(TextDocumentEdit {
                    text_document: self.versioned(place.uri),
                    edits: vec![new],
                }),
            }
        }
        if self.client.versioned_edits {
            let document_changes = Some(DocumentChanges::Edits(changes));
            return Some(WorkspaceEdit {
                document_changes,
                ..WorkspaceEdit::default()
            });
        }
        // Written as JSON, because a map with a URI for its key is one that Rust would warn of.
        let changes = changes.into_iter().map(|change| {
            let uri = change.text_document.uri.as_str().to_owned();
            (uri, json!(change.edits))
        });
        serde_json::from_value(json!({"changes": changes.collect::<serde_json::Map<_, _>>()})).ok()
    }

    fn versioned(&self, uri: Uri) -> OptionalVersionedTextDocumentIdentifier {
        let open = self.documents.get(uri.as_str());
        let version = open.map(|document| document.version);
        OptionalVersionedTextDocumentIdentifier { uri, version }
    }
}

/// Whether a kind of action is asked for: by itself, by a kind that it belongs to, or because all are.
fn wanted(params: &CodeActionParams, kind: &CodeActionKind) -> bool {
    let Some(only) = &params.context.only else {
        return true;
    };
    only.iter().any(|asked| {
        let rest = kind.as_str().strip_prefix(asked.as_str());
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('.') || asked.as_str().is_empty()
        })
    })
}

/// Whether a diagnostic is in the range, or among those that the editor shows there.
fn is_meant(diagnostic: &Diagnostic, params: &CodeActionParams) -> bool {
    let (a, b): (Range, Range) = (diagnostic.range, params.range);
    let named = params.context.diagnostics.iter();
    let mut named = named.filter(|one| one.data.is_some());
    (a.start <= b.end && b.start <= a.end) || named.any(|one| one.data == diagnostic.data)
}

/// The smallest piece of a text that has to be replaced to make another one of it.
fn difference(file: FileId, old: &str, new: &str) -> Edit {
    let letters = old.chars().zip(new.chars());
    let same = letters.take_while(|(a, b)| a == b);
    let start: usize = same.map(|(letter, _)| letter.len_utf8()).sum();
    let letters = old[start..].chars().rev().zip(new[start..].chars().rev());
    let same = letters.take_while(|(a, b)| a == b);
    let end: usize = same.map(|(letter, _)| letter.len_utf8()).sum();
    Edit {
        span: Span::new(file, start, old.len() - end),
        text: new[start..new.len() - end].to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_replaced() {
        let edit = |old: &str, new: &str| {
            let edit = difference(FileId(0), old, new);
            (edit.span.start, edit.span.end, edit.text)
        };
        assert_eq!(edit("aéb", "aéxb"), (3, 3, "x".to_owned()));
        assert_eq!(edit("aaa", "aa"), (2, 3, String::new()));
        assert_eq!(edit("a", "b"), (0, 1, "b".to_owned()));
    }
}
