//! nginx's text as statements and back. Mistakes of the page survive the way: a missing semicolon still is missing.

use std::fmt::Write;

/// A statement; `block` if it ends in braces.
pub(crate) struct Statement {
    /// Its words as written, quotes included.
    pub(crate) words: Vec<String>,
    /// What stands between its braces.
    pub(crate) block: Option<Vec<Statement>>,
    /// How it ends: `;`, `}`, or nothing where the text is broken off.
    end: &'static str,
}

impl Statement {
    /// Its first word; empty if it has none.
    pub(crate) fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }
}

/// The statements of a text.
pub(crate) fn read(text: &str) -> Vec<Statement> {
    let mut tokens = tokens(text).into_iter().peekable();
    statements(&mut tokens, true)
}

type Tokens = std::iter::Peekable<std::vec::IntoIter<String>>;

fn statements(tokens: &mut Tokens, outermost: bool) -> Vec<Statement> {
    let mut all = Vec::new();
    let mut words = Vec::new();
    while let Some(token) = tokens.peek().cloned() {
        if token == "}" && !outermost {
            break;
        }
        tokens.next();
        match token.as_str() {
            ";" => all.push(Statement {
                words: std::mem::take(&mut words),
                block: None,
                end: ";",
            }),
            "{" => {
                let block = statements(tokens, false);
                let end = if tokens.next().is_some() { "}" } else { "" };
                all.push(Statement {
                    words: std::mem::take(&mut words),
                    block: Some(block),
                    end,
                });
            }
            _ => words.push(token),
        }
    }
    if !words.is_empty() {
        all.push(Statement {
            words,
            block: None,
            end: "",
        });
    }
    all
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    let mut word = String::new();
    let flush = |word: &mut String, tokens: &mut Vec<String>| {
        if !word.is_empty() {
            tokens.push(std::mem::take(word));
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '#' if word.is_empty() => while chars.next().is_some_and(|c| c != '\n') {},
            '"' | '\'' if word.is_empty() => {
                word.push(c);
                while let Some(inner) = chars.next() {
                    word.push(inner);
                    match inner {
                        '\\' => word.extend(chars.next()),
                        inner if inner == c => break,
                        _ => {}
                    }
                }
                flush(&mut word, &mut tokens);
            }
            '\\' => {
                word.push(c);
                word.extend(chars.next());
            }
            '{' if word.ends_with('$') => {
                word.push(c);
                for inner in chars.by_ref() {
                    word.push(inner);
                    if inner == '}' {
                        break;
                    }
                }
            }
            ';' | '{' | '}' => {
                flush(&mut word, &mut tokens);
                tokens.push(c.to_string());
            }
            c if c.is_whitespace() => flush(&mut word, &mut tokens),
            c => word.push(c),
        }
    }
    flush(&mut word, &mut tokens);
    tokens
}

/// A statement without quotes and block.
pub(crate) fn simple(line: &str) -> Statement {
    Statement {
        words: line.split(' ').map(str::to_owned).collect(),
        block: None,
        end: ";",
    }
}

/// Writes statements as text again.
pub(crate) fn print(statements: &[Statement], depth: usize, out: &mut String) {
    for statement in statements {
        let words: Vec<&str> = statement
            .words
            .iter()
            .map(String::as_str)
            .filter(|word| !word.is_empty())
            .collect();
        let _ = write!(out, "{}{}", "    ".repeat(depth), words.join(" "));
        match &statement.block {
            Some(block) => {
                out.push_str(" {\n");
                print(block, depth + 1, out);
                let _ = writeln!(out, "{}{}", "    ".repeat(depth), statement.end);
            }
            None => {
                let _ = writeln!(out, "{}", statement.end);
            }
        }
    }
}
