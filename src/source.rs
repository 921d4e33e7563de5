//! Files as the rest of the program knows them: an id, a path below the root, a text whose byte offsets hold, and a
//! line index.

/// Stands for one byte that is no UTF-8. One byte for one byte, so that offsets in the text are offsets in the file.
pub const BAD_BYTE: char = '\u{1a}';

/// Index of a file in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A range of bytes in one file; `end` is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file that the range lies in.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

impl Span {
    /// A span from byte offsets.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            file,
            start: narrow(start),
            end: narrow(end),
        }
    }

    /// The smallest span that covers both; `other` must lie in the same file.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        Span {
            file: self.file,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The part of this span from byte `from` to byte `to`, both counted from its start.
    #[must_use]
    pub fn slice(self, from: usize, to: usize) -> Span {
        let start = self.start as usize;
        Span::new(self.file, start + from, (start + to).min(self.end as usize))
    }
}

/// A value together with the place where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What is written.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// A value at a place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// The same place with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned {
            value: f(self.value),
            span: self.span,
        }
    }
}

/// A position for people: both count from 1, columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One file that was read.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Path below the root, `/`-separated; for a file that an image ships, a name in `<…>`.
    pub path: String,
    /// The text. Bytes that are no UTF-8 are replaced by [`BAD_BYTE`], one for one.
    pub text: String,
    /// Whether any byte was replaced.
    pub lossy: bool,
    /// Byte offset of the start of each line.
    line_starts: Vec<u32>,
    /// Whether every byte is a character, so that no column has to be counted: a line may be the whole file.
    ascii: bool,
}

impl SourceFile {
    /// Takes the bytes of a file; never fails.
    pub fn new(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        let (text, lossy) = match String::from_utf8(bytes) {
            Ok(text) => (text, false),
            Err(error) => (replace_bad_bytes(error.as_bytes()), true),
        };
        let mut line_starts = vec![0];
        line_starts.extend(
            text.bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX)),
        );
        Self {
            path: path.into(),
            ascii: text.is_ascii(),
            text,
            lossy,
            line_starts,
        }
    }

    /// Whether it is no file of the tree but something that an image ships.
    pub fn is_synthetic(&self) -> bool {
        self.path.starts_with('<')
    }

    /// Whether the text may be written back: a byte that is no UTF-8 would come out as another one, and what is no file
    /// cannot be written at all.
    pub fn is_writable(&self) -> bool {
        !self.lossy && !self.is_synthetic()
    }

    /// Line (from 1) of a byte offset; an offset past the end is on the last line.
    pub fn line(&self, offset: u32) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// Line and column of a byte offset; an offset past the end is the end.
    pub fn position(&self, offset: u32) -> Position {
        let line = self.line(offset) - 1;
        let start = self.line_starts[line] as usize;
        let mut end = (offset as usize).min(self.text.len());
        if self.ascii {
            return Position {
                line: line + 1,
                column: end.max(start) - start + 1,
            };
        }
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        Position {
            line: line + 1,
            column: self.text[start..end.max(start)].chars().count() + 1,
        }
    }

    /// Byte range of a line (from 1) without its line end; `None` past the end.
    pub fn line_range(&self, line: usize) -> Option<(usize, usize)> {
        let start = *self.line_starts.get(line.checked_sub(1)?)? as usize;
        let end = self
            .line_starts
            .get(line)
            .map_or(self.text.len(), |next| *next as usize);
        let kept = self.text[start..end].trim_end_matches(['\n', '\r']).len();
        Some((start, start + kept))
    }

    /// Text of a line (from 1) without its line end; empty past the end.
    pub fn line_text(&self, line: usize) -> &str {
        self.line_range(line)
            .map_or("", |(start, end)| &self.text[start..end])
    }

    /// How many lines there are; a final line feed opens no further line.
    pub fn line_count(&self) -> usize {
        self.line_starts.len() - usize::from(self.text.ends_with('\n') || self.text.is_empty())
    }
}

fn replace_bad_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| BAD_BYTE));
    }
    text
}

/// All files of a run, by id.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Adds a file and names it.
    pub fn add(&mut self, file: SourceFile) -> FileId {
        self.files.push(file);
        FileId(u32::try_from(self.files.len() - 1).expect("fewer files than u32::MAX"))
    }

    /// The file of an id.
    pub fn get(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The id of the file at a path below the root, if it was read.
    pub fn by_path(&self, path: &str) -> Option<FileId> {
        let at = self.files.iter().position(|file| file.path == path)?;
        u32::try_from(at).ok().map(FileId)
    }

    /// Every file with its id, in the order of reading.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(at, file)| (FileId(u32::try_from(at).unwrap_or(u32::MAX)), file))
    }

    /// What stands at a span.
    pub fn text(&self, span: Span) -> &str {
        let text = &self.get(span.file).text;
        text.get(span.start as usize..(span.end as usize).min(text.len()))
            .unwrap_or("")
    }

    /// `path:line` of a span's start.
    pub fn place(&self, span: Span) -> String {
        let file = self.get(span.file);
        format!("{}:{}", file.path, file.line(span.start))
    }

    /// Line and column of a span's start.
    pub fn position(&self, span: Span) -> Position {
        self.get(span.file).position(span.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_bytes_keep_offsets() {
        let file = SourceFile::new("a", b"caf\xe9 x\nzwei\xc3".to_vec());
        assert!(file.lossy);
        assert_eq!(file.text.len(), 12);
        assert_eq!(file.position(7), Position { line: 2, column: 1 });
    }

    #[test]
    fn columns_count_characters() {
        let file = SourceFile::new("a", "é x".as_bytes().to_vec());
        assert_eq!(file.position(3), Position { line: 1, column: 3 });
        assert_eq!(file.line_text(1), "é x");
        assert_eq!(file.line_count(), 1);
    }
}
