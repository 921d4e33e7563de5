//! Positions as the protocol counts them: lines from 0, and columns in units that client and server agree on. A lone
//! carriage return ends no line here, as it ends none for the programs that read these files.

use lsp_types::{Position, PositionEncodingKind, Range};
use no502::source::{SourceFile, Span};

/// The unit of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units, which every client knows.
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// The best one that a client offers: bytes need no counting.
    pub(super) fn agreed(offered: &[PositionEncodingKind]) -> Self {
        let has = |kind: &PositionEncodingKind| offered.contains(kind);
        if has(&PositionEncodingKind::UTF8) {
            Self::Utf8
        } else if has(&PositionEncodingKind::UTF32) && !has(&PositionEncodingKind::UTF16) {
            Self::Utf32
        } else {
            Self::Utf16
        }
    }

    /// Its name in the protocol.
    pub(super) fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
            Self::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    fn width(self, letter: char) -> usize {
        match self {
            Self::Utf8 => letter.len_utf8(),
            Self::Utf16 => letter.len_utf16(),
            Self::Utf32 => 1,
        }
    }

    /// How wide a text is.
    pub(super) fn columns(self, text: &str) -> u32 {
        narrow(text.chars().map(|letter| self.width(letter)).sum())
    }

    /// The place of a byte; the end of the file for one that lies behind it.
    pub(super) fn position(self, file: &SourceFile, byte: u32) -> Position {
        let line = file.line(byte);
        let start = file.line_range(line).map_or(0, |(start, _)| start);
        let mut end = (byte as usize).min(file.text.len());
        while !file.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = file.text.get(start..end).unwrap_or_default();
        Position::new(narrow(line - 1), self.columns(before))
    }

    /// The place of a span.
    pub(super) fn range(self, file: &SourceFile, span: Span) -> Range {
        Range::new(
            self.position(file, span.start),
            self.position(file, span.end.max(span.start)),
        )
    }

    /// The byte at a place. One behind the end of its line is the end of the line, as the protocol has it.
    pub(super) fn byte(self, text: &str, place: Position) -> usize {
        let mut start = 0;
        for _ in 0..place.line {
            match text[start..].find('\n') {
                Some(end) => start += end + 1,
                None => return text.len(),
            }
        }
        let line = text[start..].split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut column = 0;
        for (at, letter) in line.char_indices() {
            if column >= place.character as usize {
                return start + at;
            }
            column += self.width(letter);
        }
        start + line.len()
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use no502::source::FileId;

    const ALL: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

    #[test]
    fn columns_are_those_of_the_unit() {
        let text = "a\r\né😀x;\r\n";
        let file = SourceFile::new("a", text.as_bytes().to_vec());
        let x = u32::try_from(text.find('x').unwrap()).unwrap();
        for (encoding, column) in ALL.into_iter().zip([6, 3, 2]) {
            let place = encoding.position(&file, x);
            assert_eq!(place, Position::new(1, column));
            assert_eq!(encoding.byte(text, place), x as usize);
            let end = encoding.byte(text, Position::new(1, 99));
            assert_eq!(&text[end..], "\r\n");
            assert_eq!(encoding.byte(text, Position::new(9, 0)), text.len());
        }
        let span = Span::new(FileId(0), 3, 9999);
        assert_eq!(ALL[1].range(&file, span).end, Position::new(2, 0));
    }

    #[test]
    fn bytes_are_taken_where_they_are_offered() {
        let kinds = ALL.map(Encoding::kind);
        assert_eq!(Encoding::agreed(&[]), Encoding::Utf16);
        assert_eq!(Encoding::agreed(&kinds[1..]), Encoding::Utf16);
        assert_eq!(Encoding::agreed(&kinds[2..]), Encoding::Utf32);
        assert_eq!(Encoding::agreed(&kinds), Encoding::Utf8);
    }
}
