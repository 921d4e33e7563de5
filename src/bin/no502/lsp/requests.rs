//! What an editor asks about a text, and the answers. A request waits until the text that it asks about was judged.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lsp_types::request::{CodeActionRequest, GotoDefinition, HoverRequest, References, Request};
use lsp_types::{CodeActionParams, TextDocumentPositionParams, Uri};
use no502::report::hover;
use no502::source::FileId;
use serde_json::{Value, json};

use super::diagnostics::Reading;

/// One request.
pub(super) enum Ask {
    /// What can be done about the findings of a range.
    Actions(Box<CodeActionParams>),
    /// What is known of a place.
    Hover(TextDocumentPositionParams),
    /// Where what stands there is defined.
    Definition(TextDocumentPositionParams),
    /// Where what is defined there is named.
    References(TextDocumentPositionParams),
}

impl Ask {
    /// `None` for a method that is none of these, an error for parameters that it does not have.
    pub(super) fn of(method: &str, params: Value) -> Option<Result<Self, serde_json::Error>> {
        Some(match method {
            CodeActionRequest::METHOD => serde_json::from_value(params).map(Self::Actions),
            HoverRequest::METHOD => serde_json::from_value(params).map(Self::Hover),
            GotoDefinition::METHOD => serde_json::from_value(params).map(Self::Definition),
            References::METHOD => serde_json::from_value(params).map(Self::References),
            _ => return None,
        })
    }

    /// The file that it is about.
    pub(super) fn uri(&self) -> &Uri {
        match self {
            Self::Actions(params) => &params.text_document.uri,
            Self::Hover(at) | Self::Definition(at) | Self::References(at) => &at.text_document.uri,
        }
    }

    /// The answer, null where nothing is known; `None` if a defect shows, which must not take the server away.
    pub(super) fn answer(&self, reading: &Reading) -> Option<Value> {
        catch_unwind(AssertUnwindSafe(|| self.found(reading))).ok()
    }

    fn found(&self, reading: &Reading) -> Value {
        match self {
            Self::Actions(params) => json!(reading.actions(params)),
            Self::Hover(at) => place(reading, at)
                .and_then(|(file, byte)| hover::at(reading.analysis, file, byte))
                .map_or(Value::Null, |found| {
                    json!({
                        "contents": {"kind": reading.client.prose, "value": found.text},
                        "range": reading.range(found.span),
                    })
                }),
            Self::Definition(at) => place(reading, at).map_or(Value::Null, |(file, byte)| {
                json!(reading.definition(file, byte))
            }),
            Self::References(at) => place(reading, at).map_or(Value::Null, |(file, byte)| {
                json!(reading.references(file, byte))
            }),
        }
    }
}

/// File and byte of a place in an open text; `None` if it was not read, for it is no config.
fn place(reading: &Reading, at: &TextDocumentPositionParams) -> Option<(FileId, usize)> {
    let document = reading.documents.get(at.text_document.uri.as_str())?;
    let file = reading.judged.id_of(&document.file)?;
    let text = &reading.analysis.project.sources.get(file).text;
    Some((file, reading.client.encoding.byte(text, at.position)))
}
