//! What an editor asks about a text, and the answers. A request waits until the text that it asks about was judged.

use lsp_types::request::{CodeActionRequest, Request};
use lsp_types::{CodeActionParams, Uri};
use serde_json::{Value, json};

use super::diagnostics::Reading;

/// One request.
pub(super) enum Ask {
    /// What can be done about the findings of a range.
    Actions(Box<CodeActionParams>),
}

impl Ask {
    /// `None` for a method that is none of these, an error for parameters that it does not have.
    pub(super) fn of(method: &str, params: Value) -> Option<Result<Self, serde_json::Error>> {
        Some(match method {
            CodeActionRequest::METHOD => serde_json::from_value(params).map(Self::Actions),
            _ => return None,
        })
    }

    /// The file that it is about.
    pub(super) fn uri(&self) -> &Uri {
        match self {
            Self::Actions(params) => &params.text_document.uri,
        }
    }

    /// The answer; null where nothing is known.
    pub(super) fn answer(&self, reading: &Reading) -> Value {
        match self {
            Self::Actions(params) => json!(reading.actions(params)),
        }
    }
}
