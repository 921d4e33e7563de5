//! From a word as written to its value.

use std::borrow::Cow;

/// The value that nginx works with: in every word, quoted or not, `\"`, `\'` and `\\` lose the backslash, `\t`, `\r`
/// and `\n` become the control character, and any other backslash stays (`\.` in a regular expression).
pub fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some(escaped @ ('"' | '\'' | '\\')) => out.push(escaped),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('n') => out.push('\n'),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    Cow::Owned(out)
}

/// A quoted word without its quotes; only the escaped quote of its own kind is unescaped.
pub(super) fn unquote(written: &str) -> String {
    let quote = &written[..1];
    let inner = &written[1..written.len() - 1];
    if !inner.contains('\\') {
        return inner.to_owned();
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        let escaped = rest[at + 1..].chars().next().map_or(0, char::len_utf8);
        let pair = &rest[at..at + 1 + escaped];
        out.push_str(&rest[..at]);
        out.push_str(if &pair[1..] == quote { quote } else { pair });
        rest = &rest[at + pair.len()..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_nginx() {
        assert_eq!(unescape(r#"a\"b\\c\.d\te\"#), "a\"b\\c\\.d\te\\");
    }

    #[test]
    fn quotes_go_and_other_escapes_stay() {
        assert_eq!(unquote(r#""a\"b\'c\\""#), r#"a"b\'c\\"#);
        assert_eq!(unquote("''"), "");
    }
}
