//! Which conditions nginx accepts in `if (…)`.

use crate::source::{Span, Spanned};

/// What nginx says of the words of an `if`, `words[0]` being `if` itself; `None` if it accepts them. A condition is one
/// variable, a variable with an operator and a value, or a file test with a name.
pub(super) fn check_condition(words: &[Spanned<String>]) -> Option<(Span, String)> {
    let invalid =
        |word: &Spanned<String>| Some((word.span, format!("invalid condition \"{}\"", word.value)));
    let (name, rest) = words.split_first()?;
    let (Some(first), Some(last)) = (rest.first(), rest.last()) else {
        return Some((name.span, "\"if\" without a condition".to_owned()));
    };
    let Some(opened) = first.value.strip_prefix('(') else {
        return invalid(first);
    };
    if !last.value.ends_with(')') {
        return invalid(last);
    }
    let mut parts: Vec<&str> = rest.iter().map(|word| word.value.as_str()).collect();
    parts[0] = opened;
    let count = parts.len();
    parts[count - 1] = parts[count - 1].strip_suffix(')').unwrap_or_default();
    let start = usize::from(parts[0].is_empty());
    let end = count - usize::from(count > start && parts[count - 1].is_empty());
    match parts.get(start..end).unwrap_or_default() {
        [variable] if is_variable(variable) => None,
        [variable, operator, _] if is_variable(variable) => match *operator {
            "=" | "!=" | "~" | "~*" | "!~" | "!~*" => None,
            _ => Some((
                rest[start + 1].span,
                format!("unexpected \"{operator}\" in condition"),
            )),
        },
        ["-f" | "-d" | "-e" | "-x" | "!-f" | "!-d" | "!-e" | "!-x", _] => None,
        [] => invalid(first),
        [..] => invalid(&rest[start]),
    }
}

fn is_variable(word: &str) -> bool {
    word.len() > 1 && word.starts_with('$')
}
