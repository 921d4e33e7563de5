//! The files that are open in the editor, with the text that it has of them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use lsp_types::TextDocumentContentChangeEvent;

use super::places::Encoding;
use crate::disk::Buffers;

/// One open file.
pub(super) struct Document {
    /// Its real path; it need not be there yet.
    pub(super) file: PathBuf,
    /// The editor's own count of its texts.
    pub(super) version: i32,
    text: String,
}

/// Every open file, by the URI that the editor has for it.
#[derive(Default)]
pub(super) struct Documents {
    open: BTreeMap<String, Document>,
}

impl Document {
    /// Changes the text, one change after the other; one without a range is the whole text.
    fn change(&mut self, changes: Vec<TextDocumentContentChangeEvent>, encoding: Encoding) {
        for change in changes {
            let Some(range) = change.range else {
                self.text = change.text;
                continue;
            };
            let start = encoding.byte(&self.text, range.start);
            let end = encoding.byte(&self.text, range.end).max(start);
            self.text.replace_range(start..end, &change.text);
        }
    }
}

impl Documents {
    /// Takes a file that was opened.
    pub(super) fn open(&mut self, uri: &str, file: PathBuf, version: i32, text: String) {
        let document = Document {
            file,
            version,
            text,
        };
        self.open.insert(uri.to_owned(), document);
    }

    /// Changes the text of a file; `false` if it is not open.
    pub(super) fn change(
        &mut self,
        uri: &str,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> bool {
        let Some(document) = self.open.get_mut(uri) else {
            return false;
        };
        document.version = version;
        document.change(changes, encoding);
        true
    }

    /// Forgets a file that was closed.
    pub(super) fn close(&mut self, uri: &str) -> Option<Document> {
        self.open.remove(uri)
    }

    /// The file of a URI, if it is open.
    pub(super) fn get(&self, uri: &str) -> Option<&Document> {
        self.open.get(uri)
    }

    /// Every open file with its URI.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Document)> {
        self.open
            .iter()
            .map(|(uri, document)| (uri.as_str(), document))
    }

    /// The URIs under which a file is open: by a link and by its own name, say.
    pub(super) fn uris_of(&self, file: &Path) -> impl Iterator<Item = (&str, &Document)> {
        self.iter()
            .filter(move |(_, document)| document.file == file)
    }

    /// The texts of the open files below a folder.
    pub(super) fn buffers(&self, root: &Path) -> Buffers {
        let mut buffers = Buffers::default();
        for (_, document) in self.iter().filter(|(_, one)| one.file.starts_with(root)) {
            buffers.insert(document.file.clone(), document.text.clone().into_bytes());
        }
        buffers
    }
}

/// The path of a file without links, as far as it is there.
pub(super) fn real(path: &Path) -> PathBuf {
    let in_folder = || {
        let folder = path.parent()?.canonicalize().ok()?;
        Some(folder.join(path.file_name().unwrap_or(OsStr::new(""))))
    };
    let real = path.canonicalize().ok().or_else(in_folder);
    real.unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lsp_types::{Position, Range};

    #[test]
    fn changes_are_made_one_after_the_other() {
        let mut documents = Documents::default();
        documents.open("file:///a", PathBuf::from("/a"), 1, "é😀\nx".to_owned());
        let change = |range: Option<(u32, u32, u32, u32)>, text: &str| {
            let range =
                range.map(|(a, b, c, d)| Range::new(Position::new(a, b), Position::new(c, d)));
            TextDocumentContentChangeEvent {
                range,
                range_length: None,
                text: text.to_owned(),
            }
        };
        let changes = vec![
            change(Some((0, 1, 0, 3)), "ß"),
            change(Some((1, 0, 9, 9)), "y\nz"),
            change(Some((2, 1, 1, 0)), "!"),
        ];
        assert!(documents.change("file:///a", 2, changes, Encoding::Utf16));
        let document = documents.get("file:///a").unwrap();
        assert_eq!((document.version, document.text.as_str()), (2, "éß\ny\nz!"));
        documents.change("file:///a", 3, vec![change(None, "all")], Encoding::Utf8);
        assert_eq!(documents.get("file:///a").unwrap().text, "all");
        assert!(!documents.change("file:///b", 1, Vec::new(), Encoding::Utf8));
    }
}
