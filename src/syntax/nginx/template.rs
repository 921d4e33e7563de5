//! Templates that only look like nginx: what fills them decides what nginx reads.

use super::{Directive, parse};
use crate::source::{FileId, Span};

/// Byte offset of the first tag of Jinja or Go templates (`{{`, `{%`) or ERB (`<%`) outside comments and Lua, if there is
/// any, or of a line that is a placeholder for whole lines. Elsewhere `${VAR}` is ordinary nginx text and no tag.
pub fn looks_like_template(text: &str) -> Option<usize> {
    tag(text).into_iter().chain(placeholder(text)).min()
}

/// Byte offset of the first line that is a `${name}` and nothing else. nginx has no such directive.
fn placeholder(text: &str) -> Option<usize> {
    let mut lines = text
        .match_indices("${")
        .map(|(at, _)| at)
        .filter(|at| is_alone(text, *at))
        .peekable();
    lines.peek()?;
    let tree = parse(FileId(0), text);
    let mut words = Vec::new();
    word_spans(&tree.directives, &mut words);
    lines.find(|at| !is_hidden(&words, at.saturating_sub(1)))
}

/// Whether the `${name}` at a byte has its line for itself.
fn is_alone(text: &str, at: usize) -> bool {
    let before = text[..at]
        .bytes()
        .rev()
        .find(|byte| !matches!(byte, b' ' | b'\t'));
    let rest = text[at + 2..].lines().next().unwrap_or("");
    let name = rest.trim_end().strip_suffix('}');
    matches!(before, None | Some(b'\n'))
        && name.is_some_and(|name| {
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        })
}

/// The words of all directives, in order: one in quotes may go over lines.
fn word_spans(directives: &[Directive], spans: &mut Vec<Span>) {
    for directive in directives {
        spans.extend(directive.args.iter().map(|word| word.span));
        word_spans(directive.block.as_deref().unwrap_or_default(), spans);
    }
}

fn tag(text: &str) -> Option<usize> {
    let mut tags = TAGS
        .iter()
        .flat_map(|tag| text.match_indices(tag))
        .map(|(at, _)| at)
        .peekable();
    tags.peek()?;
    let tree = parse(FileId(0), text);
    let mut hidden = tree.comments;
    lua_spans(&tree.directives, &mut hidden);
    hidden.sort_by_key(|span| span.start);
    tags.filter(|at| !is_hidden(&hidden, *at)).min()
}

const TAGS: [&str; 3] = ["{{", "{%", "<%"];

/// `{{1, 2}, {3, 4}}` is a table in Lua.
fn lua_spans(directives: &[Directive], spans: &mut Vec<Span>) {
    for directive in directives {
        if let Some(block) = &directive.block {
            lua_spans(block, spans);
        } else if directive.name.value.ends_with("_by_lua_block") {
            spans.extend(directive.args.last().map(|code| code.span));
        }
    }
}

/// Whether one of the spans, which are sorted and do not overlap, covers a byte.
fn is_hidden(spans: &[Span], at: usize) -> bool {
    let next = spans.partition_point(|span| span.start as usize <= at);
    next > 0 && at < spans[next - 1].end as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_count_outside_comments_and_lua() {
        assert_eq!(looks_like_template("# {{ x }}\na {{ b }};"), Some(12));
        assert_eq!(looks_like_template("a b; # <% c %>\n"), None);
        assert_eq!(
            looks_like_template("x_by_lua_block { t = {{1},{2}} }"),
            None
        );
        assert_eq!(looks_like_template("a <%= b %> {% c %};"), Some(2));
        assert_eq!(looks_like_template("a ${b}; c {# d\n}"), None);
    }

    #[test]
    fn a_line_that_is_a_placeholder_counts() {
        assert_eq!(looks_like_template("a b;\n  ${TLS_LINES}\n}"), Some(7));
        assert_eq!(looks_like_template("log_format x '\n  ${status}\n';"), None);
        assert_eq!(looks_like_template("a\n  ${B};"), None);
    }
}
