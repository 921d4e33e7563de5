//! Environment files: `.env` and what `env_file:` names.

use pest::Parser;
use pest::iterators::Pair;

use super::grammar::{Grammar, Rule};
use crate::source::{FileId, Span, Spanned};

/// One variable of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub name: Spanned<String>,
    /// Its value; `None` for a bare name, which is taken from the machine.
    pub value: Option<Value>,
}

/// The value of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Escapes undone; a `$` that must stay is written `$$`, as interpolation wants it.
    pub text: String,
    /// Whether it stands in single quotes, so that nothing is filled in.
    pub literal: bool,
    /// Where it is written, quotes included.
    pub span: Span,
}

/// Reads a file; a line that is no variable is passed over.
pub fn env_file(file: FileId, text: &str) -> Vec<Line> {
    let Some(whole) = Grammar::parse(Rule::env_file, text)
        .ok()
        .and_then(|mut pairs| pairs.next())
    else {
        return Vec::new();
    };
    whole
        .into_inner()
        .filter(|part| part.as_rule() == Rule::env_entry)
        .filter_map(|entry| line(file, entry))
        .collect()
}

fn line(file: FileId, entry: Pair<Rule>) -> Option<Line> {
    let mut name = None;
    let mut value = None;
    for part in entry.into_inner() {
        let span = Span::new(file, part.as_span().start(), part.as_span().end());
        let (text, literal) = match part.as_rule() {
            Rule::env_name => {
                name = Some(Spanned::new(part.as_str().to_owned(), span));
                continue;
            }
            Rule::double_quoted => (unescaped(inner(part)), false),
            Rule::single_quoted => (inner(part).to_owned(), true),
            Rule::unquoted => (part.as_str().trim_end().to_owned(), false),
            _ => continue,
        };
        value = Some(Value {
            text,
            literal,
            span,
        });
    }
    name.map(|name| Line { name, value })
}

fn inner(quoted: Pair<'_, Rule>) -> &str {
    quoted.into_inner().next().map_or("", |text| text.as_str())
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('$') => out.push_str("$$"),
            Some(quoted @ ('"' | '\\')) => out.push(quoted),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_line() {
        let text = "# c\nA=1\nexport B = two words # c\nC=\"q \\\"x\\\"\\n$A # y\" # c\nD='l $A'\nE\nF=\nG: y\n\
                    H=a#b\nnot a line\nI=\"two\nlines\"\nJ=\"open\nK=1\r\n";
        let got: Vec<String> = env_file(FileId(0), text)
            .into_iter()
            .map(|line| match line.value {
                Some(value) => format!(
                    "{}={}{}",
                    line.name.value,
                    value.text,
                    if value.literal { "!" } else { "" }
                ),
                None => line.name.value,
            })
            .collect();
        assert_eq!(
            got,
            [
                "A=1",
                "B=two words",
                "C=q \"x\"\n$A # y",
                "D=l $A!",
                "E",
                "F=",
                "G=y",
                "H=a#b",
                "I=two\nlines",
                "J=\"open",
                "K=1"
            ]
        );
    }
}
