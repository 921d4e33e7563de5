//! Text for a terminal: broken at blanks to a width, and never with a control character that a config smuggled in.

use std::borrow::Cow;

/// Columns that a text takes; wide East Asian characters and emoji take two.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// Columns that a character takes.
pub(super) fn columns_of(char: char) -> usize {
    match u32::from(char) {
        0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1_f300..=0x1_f64f
        | 0x1_f900..=0x1_f9ff
        | 0x2_0000..=0x3_fffd => 2,
        _ => 1,
    }
}

/// A character as it may be shown: one that would steer the terminal or reorder the line becomes U+FFFD.
pub(super) fn visible(char: char) -> char {
    match char {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        other if other.is_control() => char::REPLACEMENT_CHARACTER,
        other => other,
    }
}

/// A text as it may be shown on one line: line ends and tabs become blanks.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().all(|char| visible(char) == char) {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().map(|char| match char {
        '\n' | '\r' | '\t' => ' ',
        other => visible(other),
    });
    Cow::Owned(kept.collect())
}

/// Breaks a text at blanks into lines of at most `width` columns; a longer word keeps a line of its own.
pub(super) fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let size = columns(word);
        let line = lines.last_mut().expect("starts with one line");
        if line.is_empty() {
            line.push_str(word);
            used = size;
        } else if used + 1 + size <= width {
            line.push(' ');
            line.push_str(word);
            used += 1 + size;
        } else {
            lines.push(word.to_owned());
            used = size;
        }
    }
    lines
}

/// Like [`lines`], but a word that is too long is broken as well: after a `/` where there is one to break at.
pub(super) fn filled(text: &str, width: usize) -> Vec<String> {
    lines(&broken(text, width), width)
}

/// A text in which blanks break the words that are too long.
fn broken(text: &str, width: usize) -> String {
    let mut parts = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while is_wider(rest, width) {
            let (head, tail) = rest.split_at(break_at(rest, width));
            parts.push(head);
            rest = tail;
        }
        parts.extend(Some(rest).filter(|rest| !rest.is_empty()));
    }
    parts.join(" ")
}

/// Whether a text takes more columns than there are; what follows after that is not looked at.
fn is_wider(text: &str, width: usize) -> bool {
    let mut used = 0;
    text.chars().any(|char| {
        used += columns_of(char);
        used > width
    })
}

/// Bytes of a text that fit, at least one character; up to the last `/` unless that leaves half of the line empty.
fn break_at(text: &str, width: usize) -> usize {
    let (mut used, mut fits, mut slash) = (0, 0, 0);
    for (at, char) in text.char_indices() {
        used += columns_of(char);
        if used > width && at > 0 {
            break;
        }
        fits = at + char.len_utf8();
        if char == '/' && used > width / 2 {
            slash = fits;
        }
    }
    if slash > 0 { slash } else { fits }
}

/// As many names as fit into two lines, and how many more of `all` there are; `names` may end early.
pub(super) fn fitting(names: &[String], all: usize, width: usize) -> Vec<String> {
    const LINES: usize = 2;
    let told = |shown: &[String]| {
        let text = shown.join(", ");
        let text = match all - shown.len() {
            0 => text,
            left if shown.is_empty() => format!("{left} more"),
            left => format!("{text} and {left} more"),
        };
        filled(&text, width)
    };
    // So many would fit if each had a single letter.
    let bound = names.len().min(width * LINES / 3);
    let fits = |shown: &usize| told(&names[..*shown]).len() <= LINES;
    let shown = (0..=bound).rev().find(fits);
    told(&names[..shown.unwrap_or_default()])
}

/// A place in the same file as the one before is its line alone: `a.cfg:2`, `3`.
pub(super) fn folded(places: &[String]) -> Vec<String> {
    let split = |place: &str| {
        place
            .rsplit_once(':')
            .map(|(file, line)| (file.to_owned(), line.to_owned()))
    };
    let mut before = None;
    let mut folded = Vec::new();
    for place in places {
        let parts = split(place);
        let file = parts.as_ref().map(|(file, _)| file.clone());
        match parts {
            Some((_, line)) if before == file => folded.push(line),
            _ => folded.push(place.clone()),
        }
        before = file;
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_at_blanks_and_keeps_long_words() {
        assert_eq!(lines("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(lines("aaaaaaaa b", 5), ["aaaaaaaa", "b"]);
        assert_eq!(lines("", 5), [""]);
        assert_eq!(lines("日本 語", 4), ["日本", "語"]);
    }

    #[test]
    fn fills_lines_and_breaks_words() {
        assert_eq!(filled("aa bbbbbbbb c", 5), ["aa", "bbbbb", "bbb c"]);
        assert_eq!(filled("aaa/bbb/ccc", 6), ["aaa/", "bbb/", "ccc"]);
        assert_eq!(filled("日本語", 1), ["日", "本", "語"]);
        assert_eq!(filled("", 5), [""]);
    }

    #[test]
    fn fits_names_into_two_lines() {
        let names: Vec<String> = (1..=9).map(|n| format!("name-{n}")).collect();
        assert_eq!(fitting(&names[..2], 2, 30), ["name-1, name-2"]);
        assert_eq!(
            fitting(&names, 400, 20),
            ["name-1, name-2,", "name-3 and 397 more"]
        );
        assert_eq!(fitting(&names, 9, 4), ["9", "more"]);
    }

    #[test]
    fn a_file_is_named_once() {
        let places = ["a:1", "a:2", "b:2", "a:3", "c"].map(str::to_owned);
        assert_eq!(folded(&places), ["a:1", "2", "b:2", "a:3", "c"]);
    }

    #[test]
    fn no_escape_sequence_gets_through() {
        assert_eq!(plain("a\u{1b}[31m\nb"), "a\u{fffd}[31m b");
        assert!(matches!(plain("plain é"), Cow::Borrowed(_)));
    }
}
