//! Names of ACLs in conditions: HAProxy refuses a file in which one stands that no line above it in the same section defines.

use std::collections::HashMap;

use super::keywords::MOST;
use super::values::is_filled_in;
use super::{Line, Section, Word};
use crate::finding::SyntaxError;
use crate::syntax::near::nearest;

/// ACLs that HAProxy has by itself, in any of 2.4 to 3.4.
const OWN: [&str; 23] = [
    "FALSE",
    "HTTP",
    "HTTP_1.0",
    "HTTP_1.1",
    "HTTP_2.0",
    "HTTP_3.0",
    "HTTP_CONTENT",
    "HTTP_URL_ABS",
    "HTTP_URL_SLASH",
    "HTTP_URL_STAR",
    "LOCALHOST",
    "METH_CONNECT",
    "METH_DELETE",
    "METH_GET",
    "METH_HEAD",
    "METH_OPTIONS",
    "METH_POST",
    "METH_PUT",
    "METH_TRACE",
    "RDP_COOKIE",
    "REQ_CONTENT",
    "TRUE",
    "WAIT_END",
];

/// First words of lines that a condition may end.
const CONDITIONAL: [&str; 15] = [
    "force-be-switch",
    "force-persist",
    "http-after-response",
    "http-request",
    "http-response",
    "ignore-persist",
    "monitor",
    "redirect",
    "set-param",
    "stats",
    "stick",
    "tcp-request",
    "tcp-response",
    "use-server",
    "use_backend",
];

/// What is wrong with the conditions of a section; each unknown name once.
pub(super) fn undefined(section: &Section) -> Vec<SyntaxError> {
    let kind = section.kind.value.as_str();
    if !["defaults", "frontend", "backend", "listen", "fcgi-app"].contains(&kind) {
        return Vec::new();
    }
    // Where each ACL is first defined, counted in lines.
    let mut defined: HashMap<&str, usize> = HashMap::new();
    for (at, line) in section.lines.iter().enumerate() {
        match line.words.get(1).filter(|_| line.words[0].text == "acl") {
            Some(name) if name.has_env || is_filled_in(&name.text) => return Vec::new(),
            Some(name) => {
                defined.entry(&name.text).or_insert(at);
            }
            None => {}
        }
    }
    let mut errors = Vec::new();
    for (at, line) in section.lines.iter().enumerate() {
        if errors.len() == MOST {
            break;
        }
        if line.conditional || !CONDITIONAL.contains(&line.words[0].text.as_str()) {
            continue;
        }
        let Some(condition) = condition(line) else {
            continue;
        };
        match names(condition) {
            Err(open) => errors.push(refused(
                open,
                "`{` is never closed".to_owned(),
                "`}` as a word of its own",
            )),
            Ok(names) => errors.extend(
                names
                    .into_iter()
                    .find_map(|name| judge(name, at, &mut defined)),
            ),
        }
    }
    errors
}

fn judge<'a>(
    name: &'a Word,
    at: usize,
    defined: &mut HashMap<&'a str, usize>,
) -> Option<SyntaxError> {
    let text = name.text.trim_start_matches('!');
    let odd = |c: char| !c.is_ascii_alphanumeric() && !"_-.:".contains(c);
    if name.has_env || text.contains(odd) || OWN.contains(&text) {
        return None;
    }
    let (message, expected) = match defined.get(text) {
        Some(line) if *line < at => return None,
        Some(_) => (
            format!("the ACL `{text}` is defined below this line, and HAProxy looks above it"),
            format!("`acl {text} …` further up"),
        ),
        None => {
            let known = OWN.into_iter().chain(defined.keys().copied());
            let mut known: Vec<&str> = known.collect();
            known.sort_unstable();
            let expected = match nearest(text, known.into_iter()) {
                Some(meant) => format!("`{meant}`"),
                None => format!("`acl {text} …` above, in the same section"),
            };
            (format!("this section has no ACL `{text}`"), expected)
        }
    };
    // Every further line would say the same.
    defined.insert(text, 0);
    Some(refused(name, message, &expected))
}

/// The words behind the last `if` or `unless` of a line, if that is no argument of what stands before.
fn condition(line: &Line) -> Option<&[Word]> {
    let plain = |word: &Word| {
        word.span.end - word.span.start == u32::try_from(word.text.len()).unwrap_or(0)
    };
    let begins = |word: &Word| ["if", "unless"].contains(&word.text.as_str()) && plain(word);
    let at = line.words.iter().rposition(begins)?;
    let before = &line.words[at - 1].text;
    let wants_more = ["set-", "add-", "del-", "replace-"];
    let argument = at == 2 && wants_more.iter().any(|action| before.starts_with(action));
    (!argument).then(|| &line.words[at + 1..])
}

/// The names in a condition; `Err` is a brace that nothing closes.
fn names(condition: &[Word]) -> Result<Vec<&Word>, &Word> {
    let mut names = Vec::new();
    let mut words = condition.iter();
    while let Some(word) = words.next() {
        match word.text.trim_start_matches('!') {
            "" | "||" => {}
            or if or.eq_ignore_ascii_case("or") => {}
            "{" if !words.any(|word| word.text == "}") => return Err(word),
            "{" => {}
            _ => names.push(word),
        }
    }
    Ok(names)
}

fn refused(word: &Word, message: String, expected: &str) -> SyntaxError {
    SyntaxError {
        span: word.span,
        message,
        expected: expected.to_owned(),
    }
}
