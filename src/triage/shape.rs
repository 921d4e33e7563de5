//! Errors that no class takes, by their shape: what stays of a line without its numbers and names.

use std::collections::HashMap;

/// So many different shapes are counted; further ones are not told apart.
const MOST: usize = 2000;

/// Characters of a shape.
const LONGEST: usize = 160;

/// Shapes with how often each was met.
#[derive(Debug, Default)]
pub struct Shapes {
    counts: HashMap<String, u64>,
}

impl Shapes {
    /// Counts a line.
    pub(super) fn add(&mut self, said: &str) {
        let shape = shape(said);
        if self.counts.len() < MOST || self.counts.contains_key(&shape) {
            *self.counts.entry(shape).or_default() += 1;
        }
    }

    /// The commonest ones, at most so many.
    pub fn commonest(&self, most: usize) -> Vec<(&str, u64)> {
        let counts = self.counts.iter();
        let mut shapes: Vec<(&str, u64)> = counts.map(|(shape, n)| (shape.as_str(), *n)).collect();
        shapes.sort_by_key(|(shape, count)| (std::cmp::Reverse(*count), *shape));
        shapes.truncate(most);
        shapes
    }
}

/// Whether a line calls itself an error, near its beginning: nginx's levels, HAProxy's, those of the loggers of apps. The
/// words behind that are somebody's data.
pub(super) fn is_error(said: &str) -> bool {
    const NEAR: usize = 80;
    const WORDS: [&str; 12] = [
        "ERROR", "FATAL", "CRITICAL", "ALERT", "EMERG", "error", "crit", "alert", "emerg", "fatal",
        "panic", "SEVERE",
    ];
    let mut ends = (0..=NEAR.min(said.len())).rev();
    let start = ends.find_map(|end| said.get(..end)).unwrap_or("");
    WORDS.iter().any(|word| {
        start.match_indices(word).any(|(at, _)| {
            let before = start[..at].chars().next_back();
            let after = start[at + word.len()..].chars().next();
            let bare = word.starts_with(|c: char| c.is_ascii_lowercase());
            match (before, after) {
                // `[error]`, `level=error`, `"level":"error"`, `panic: `
                _ if bare => {
                    before.is_some_and(|c| matches!(c, '[' | '=' | '"'))
                        && after.is_none_or(|c| matches!(c, ']' | ' ' | '"' | ','))
                        || before.is_none() && after == Some(':')
                }
                _ => {
                    before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '/')
                        && after.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '/')
                }
            }
        })
    })
}

/// Numbers become `N`, and what stands in double quotes three dots; in an object of JSON that is all there is.
fn shape(said: &str) -> String {
    let mut shape = String::new();
    let object = said.starts_with('{');
    let mut quoted = false;
    let mut letters = said.chars().peekable();
    while let Some(letter) = letters.next() {
        if shape.len() >= LONGEST {
            shape.push('…');
            break;
        }
        match letter {
            '"' if object => shape.push('"'),
            '"' if quoted => {
                shape.push_str("…\"");
                quoted = false;
            }
            '"' => {
                shape.push('"');
                quoted = true;
            }
            _ if quoted => {}
            _ if letter.is_ascii_digit() => {
                while letters.next_if(char::is_ascii_digit).is_some() {}
                shape.push('N');
            }
            _ => shape.push(letter),
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_so_near_its_beginning() {
        for line in [
            "[error] 30#30: *1 what",
            "[ALERT]    (1) : what",
            "ERROR: relation \"x\" does not exist",
            "[12] [ERROR] Exception in worker process",
            "{\"level\":\"error\",\"msg\":\"x\"}",
            "level=error msg=x",
            "panic: runtime error",
        ] {
            assert!(is_error(line), "{line}");
        }
        for line in [
            "[warn] 30#30: *1 an upstream response is buffered",
            "[notice] 1#1: no error",
            "GET /errors/error 200",
            "NO_ERROR",
            "loaded ERRORS",
        ] {
            assert!(!is_error(line), "{line}");
        }
    }

    #[test]
    fn a_shape_has_no_numbers_and_no_names() {
        assert_eq!(
            shape("[error] 30#31: *1 \"/a/b\" is 42, x"),
            "[error] N#N: *N \"…\" is N, x"
        );
        assert!(shape(&"ä".repeat(1000)).len() < LONGEST + 8);
    }
}
