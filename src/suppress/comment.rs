//! Finds `# no502: allow(rule-id[, rule-id]) reason`. Every format that no502 reads has `#` comments, so that one way of
//! reading serves them all; what differs is only what may stand before the `#`.

use crate::rules::find;
use crate::source::{FileId, SourceFile, Span, Spanned};

/// One suppression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    /// From its `#` to the end of the line.
    pub(crate) span: Span,
    /// The rules that it names; empty if it is not well formed.
    pub(crate) rules: Vec<Spanned<String>>,
    /// Whether a reason follows.
    pub(crate) has_reason: bool,
    /// What it speaks of.
    pub(crate) scope: Scope,
}

impl Comment {
    /// The reason that it gives, in the text of its file.
    pub(crate) fn reason<'a>(&self, text: &'a str) -> &'a str {
        let text = text.get(self.span.start as usize..self.span.end as usize);
        let behind = text.and_then(|text| text.split_once(MARK)?.1.split_once(')'));
        behind.map_or("", |(_, reason)| reason.trim())
    }
}

/// What a suppression speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// It stands in the comment block that opens the file.
    File,
    /// The line from 1 that it ends, or that follows it.
    Line(usize),
}

const MARK: &str = "no502:";

/// The suppressions of a file, in order.
pub(crate) fn read(id: FileId, file: &SourceFile) -> Vec<Comment> {
    // Most files have none, and one search over the text tells.
    if !file.text.contains(MARK) {
        return Vec::new();
    }
    let mut comments: Vec<Comment> = Vec::new();
    let mut place = Place::default();
    let mut start = 0;
    for (at, line) in file.text.split_inclusive('\n').enumerate() {
        let line_start = start;
        start += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        let whole = line.trim_start_matches([' ', '\t', '\u{feff}']);
        place.see(at + 1, whole, &mut comments);
        let Some(hash) = hash(line) else { continue };
        let scope = match (whole.starts_with('#'), place.in_head) {
            (true, true) => Scope::File,
            // Filled in by the next line that is no comment.
            (true, false) => Scope::Line(0),
            (false, _) => Scope::Line(at + 1),
        };
        if scope == Scope::Line(0) {
            place.waiting.push(comments.len());
        }
        let span = Span::new(id, line_start + hash, line_start + line.len());
        comments.push(comment(&line[hash..], span, scope));
    }
    comments
}

/// Where in the file the reader is.
struct Place {
    /// Whether only the opening comment block was seen so far.
    in_head: bool,
    head_begun: bool,
    /// Comments that wait for the line they speak of.
    waiting: Vec<usize>,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            in_head: true,
            head_begun: false,
            waiting: Vec::new(),
        }
    }
}

impl Place {
    fn see(&mut self, number: usize, line: &str, comments: &mut [Comment]) {
        let is_comment = line.starts_with('#');
        let is_blank = is_blank(line);
        self.head_begun |= is_comment;
        self.in_head &= is_comment || (is_blank && !self.head_begun);
        if !is_comment && !line.is_empty() {
            for at in self.waiting.drain(..) {
                comments[at].scope = Scope::Line(number);
            }
        }
    }
}

/// Whether a line, without what it is indented by, opens no file: blank, or the first line of a document of YAML.
pub(crate) fn is_blank(line: &str) -> bool {
    line.is_empty() || line.starts_with("---") || line.starts_with("%YAML")
}

/// Where in a line the `#` of a suppression is: at the start of a word, outside quotes.
fn hash(line: &str) -> Option<usize> {
    let mark = line.find(MARK)?;
    let hash = line[..mark].trim_end().len().checked_sub(1)?;
    let opens_word = |before: &str| {
        before.is_empty() || before.ends_with([' ', '\t', ';', '{', '}', '\u{feff}'])
    };
    let found =
        line.as_bytes()[hash] == b'#' && opens_word(&line[..hash]) && !is_quoted(&line[..hash]);
    found.then_some(hash)
}

/// Whether a quote is open at the end of a text. A quote opens where a value may begin, so that the one in `don't` does
/// not count; multi-line strings are not followed.
fn is_quoted(before: &str) -> bool {
    let mut open = None;
    let mut last = ' ';
    for letter in before.chars() {
        match open {
            Some(quote) if letter == quote && last != '\\' => open = None,
            None if matches!(letter, '"' | '\'')
                && matches!(last, ' ' | '\t' | '=' | ':' | ',' | '(' | '[' | '{') =>
            {
                open = Some(letter);
            }
            _ => {}
        }
        last = letter;
    }
    open.is_some()
}

/// `text` begins with the `#` and holds the mark. What does not go on with `allow(…)` names no rule: it is a slip of
/// the pen, and whoever made it believes that something is silenced.
fn comment(text: &str, span: Span, scope: Scope) -> Comment {
    let mut comment = Comment {
        span,
        rules: Vec::new(),
        has_reason: false,
        scope,
    };
    let rest = text.split_once(MARK).map_or("", |(_, rest)| rest);
    let list = rest.trim_start().strip_prefix("allow");
    let list = list.and_then(|list| list.trim_start().strip_prefix('('));
    let Some((ids, reason)) = list.and_then(|list| list.split_once(')')) else {
        return comment;
    };
    let mut at = text.len() - reason.len() - ")".len() - ids.len();
    for id in ids.split(',') {
        let start = at + id.len() - id.trim_start().len();
        at += id.len() + 1;
        let id = id.trim();
        if !id.is_empty() {
            let place = span.slice(start, start + id.len());
            // A rule that was renamed still goes by its former ids.
            let id = find(id).map_or(id, |rule| rule.id);
            comment.rules.push(Spanned::new(id.to_owned(), place));
        }
    }
    comment.has_reason = reason.chars().any(char::is_alphanumeric);
    comment
}
