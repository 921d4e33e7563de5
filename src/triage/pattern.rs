//! Parts of a line of a log, as the table of classes and the cards of the rules write them.

use serde::Deserialize;

/// Literals that follow each other, with anything between them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(super) struct Pattern {
    /// As written, without the words of errors.
    plain: String,
    pieces: Vec<String>,
}

impl From<String> for Pattern {
    fn from(written: String) -> Self {
        let plain = wordless(&written);
        let pieces = plain.split('…').map(str::trim);
        let pieces = pieces.filter(|piece| !piece.is_empty());
        Self {
            pieces: pieces.map(str::to_owned).collect(),
            plain,
        }
    }
}

/// Puts `…` in the place of the words of an error in brackets, `(111: Connection refused)`: its number says it, and each libc
/// has words of its own (musl: `Operation timed out`).
fn wordless(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(words) = after_number(rest) {
        plain.push_str(&rest[..words]);
        let end = rest[words..].find(')');
        if end.is_some() {
            plain.push('…');
        }
        let end = end.map_or(words, |end| words + end);
        rest = &rest[end..];
    }
    plain + rest
}

/// Where the words behind `(111: ` begin.
fn after_number(text: &str) -> Option<usize> {
    text.match_indices('(').find_map(|(at, _)| {
        let digits = text[at + 1..].bytes().take_while(u8::is_ascii_digit);
        let after = at + 1 + digits.count();
        (after > at + 1 && text[after..].starts_with(": ")).then_some(after + 2)
    })
}

impl Pattern {
    /// Whether a text holds all literals in their order.
    pub(super) fn fits(&self, text: &str) -> bool {
        let mut rest = text;
        self.pieces.iter().all(|piece| match rest.find(piece) {
            Some(at) => {
                rest = &rest[at + piece.len()..];
                true
            }
            None => false,
        })
    }

    /// Whether a part of a line stands in it.
    pub(super) fn names(&self, part: &str) -> bool {
        self.plain.contains(&wordless(part))
    }

    /// The literal that tells most.
    pub(super) fn longest(&self) -> &str {
        let longest = self.pieces.iter().max_by_key(|piece| piece.len());
        longest.map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        Pattern::from(pattern.to_owned()).fits(text)
    }

    #[test]
    fn the_number_of_an_error_says_it() {
        let timeout = "timed out (110: Connection timed out) while connecting";
        assert!(fits(
            timeout,
            "timed out (110: Operation timed out) while connecting"
        ));
        assert!(!fits(
            timeout,
            "timed out (111: Connection timed out) while connecting"
        ));
        assert!(fits("(1: a) b (2: c) d", "(1: x) b (2: y) d"));
        assert!(fits("(2: a", "(2: a"));
        let refused = Pattern::from("connect() failed (111: Connection refused) while".to_owned());
        assert!(
            refused.names("failed (111: No) while") && !refused.names("failed (112: No) while")
        );
    }

    #[test]
    fn literals_stand_in_their_order() {
        assert!(fits("a … b", "x a y b"));
        assert!(!fits("a … b", "b a"));
        assert!(fits("", "x"));
    }
}
