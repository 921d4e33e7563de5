//! The condition of an `if (…)`: which ones nginx accepts, and its words without the parentheses.

use crate::finding::SyntaxError;
use crate::source::{Span, Spanned};

/// What nginx says of the words of an `if`, `words[0]` being `if` itself; `None` if it accepts them. A condition is one
/// variable, a variable with an operator and a value, or a file test with a name.
pub(super) fn check_condition(words: &[Spanned<String>]) -> Option<SyntaxError> {
    let (name, rest) = words.split_first()?;
    let (Some(first), Some(last)) = (rest.first(), rest.last()) else {
        return refuse(name.span, "\"if\" without a condition");
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
            _ => refuse(
                rest[start + 1].span,
                format!("unexpected \"{operator}\" in condition"),
            ),
        },
        ["-f" | "-d" | "-e" | "-x" | "!-f" | "!-d" | "!-e" | "!-x", _] => None,
        [] => invalid(first),
        [..] => invalid(&rest[start]),
    }
}

/// Takes the parentheses off the outer arguments of an `if`; an argument that was nothing else goes.
pub(super) fn strip_parentheses(words: &mut Vec<Spanned<String>>, text: &str) {
    let last = words.len() - 1;
    if last == 0 || !words[1].value.starts_with('(') || !words[last].value.ends_with(')') {
        return;
    }
    let first = &mut words[1];
    first.value.remove(0);
    if text[first.span.start as usize..].starts_with('(') {
        first.span.start += 1;
    }
    let closing = &mut words[last];
    closing.value.pop();
    if closing.span.start < closing.span.end && text[..closing.span.end as usize].ends_with(')') {
        closing.span.end -= 1;
    }
    if closing.value.is_empty() {
        words.pop();
    }
    if words.get(1).is_some_and(|first| first.value.is_empty()) {
        words.remove(1);
    }
}

fn invalid(word: &Spanned<String>) -> Option<SyntaxError> {
    refuse(word.span, format!("invalid condition \"{}\"", word.value))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "every caller returns it as the refusal that it is"
)]
fn refuse(span: Span, message: impl Into<String>) -> Option<SyntaxError> {
    Some(SyntaxError {
        span,
        message: message.into(),
        expected: "($variable), ($variable = text), ($variable ~ regex) or (-f file)".to_owned(),
    })
}

fn is_variable(word: &str) -> bool {
    word.len() > 1 && word.starts_with('$')
}
