//! What app servers are told outside of their flags: bind addresses, `name = value` files, and the few expressions in
//! sources that say where a program listens. What is not plain is `None`, never a guess.

use std::ops::Range;

use pest::Parser;
use pest::iterators::Pair;

use grammar::{Grammar, Rule};

mod source;

pub use source::{Language, imports, is_parameter, keep_alives, picks, without_comments};

mod grammar {
    #![allow(missing_docs)]

    #[derive(pest_derive::Parser)]
    #[grammar = "../grammars/app.pest"]
    pub(super) struct Grammar;
}

/// An address that a server is told to bind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BindAddress {
    /// A path in the file system.
    Socket(String),
    /// Host (without brackets, empty if none is written) and port.
    Tcp(Option<String>, Option<u16>),
}

/// What can be known of an expression without running it.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Expression>),
    /// A variable of the environment, and what is taken if it is not set.
    Variable(String, Option<Box<Expression>>),
    /// A name that is given a value elsewhere, and what is taken if that is nothing.
    Name(String, Option<Box<Expression>>),
    /// Texts and values one behind the other: `f"0.0.0.0:{port}"`, `"0.0.0.0:" + port`.
    Joined(Vec<Expression>),
}

/// One `name = value` of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The `[section]` that it stands in; empty in front of the first.
    pub section: &'a str,
    /// The name.
    pub name: &'a str,
    /// The rest of the line.
    pub value: &'a str,
    /// Whether the line is indented: in Python and Ruby it may not run, or not at the top level.
    pub indented: bool,
    /// Bytes of name and value.
    pub range: Range<usize>,
}

/// A call that opens a port.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// `.listen(`, `.run(`, `Bun.serve(`, `Deno.serve(`.
    pub opener: String,
    /// Arguments with their names, as far as they are plain.
    pub arguments: Vec<(Option<String>, Expression)>,
    /// Whether those are all.
    pub complete: bool,
    /// Bytes of the call.
    pub range: Range<usize>,
}

/// Reads an address.
pub fn bind(text: &str) -> Option<BindAddress> {
    let mut host = None;
    let mut number = None;
    for pair in parse(Rule::bind, text)?.into_inner() {
        match pair.as_rule() {
            Rule::socket => {
                let path = pair.into_inner().next()?;
                return Some(BindAddress::Socket(path.as_str().to_owned()));
            }
            // A file descriptor says nothing about an address.
            Rule::scheme if pair.as_str().eq_ignore_ascii_case("fd://") => return None,
            Rule::host => {
                let name = pair.as_str().trim_matches(['[', ']']);
                host = Some(name.to_ascii_lowercase());
            }
            Rule::port => number = Some(pair.as_str().parse().ok()?),
            Rule::bare_port => {
                let port = pair.into_inner().next()?;
                number = Some(port.as_str().parse().ok()?);
            }
            _ => {}
        }
    }
    Some(BindAddress::Tcp(host, number))
}

/// Reads a file of settings; lines that are none are left out.
pub fn settings(text: &str) -> Vec<Entry<'_>> {
    let mut section = "";
    let mut entries = Vec::new();
    let lines = parse(Rule::settings, text).map(Pair::into_inner);
    for line in lines
        .into_iter()
        .flatten()
        .filter(|p| p.as_rule() == Rule::entry)
    {
        let mut indented = false;
        for part in line.into_inner() {
            match part.as_rule() {
                Rule::indent => indented = !part.as_str().is_empty(),
                Rule::section => {
                    section = part.into_inner().next().map_or("", |name| name.as_str());
                }
                Rule::assignment => entries.push(entry(part, section, indented)),
                _ => {}
            }
        }
    }
    entries
}

/// One tag of an XML file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag<'a> {
    /// Its name.
    pub name: &'a str,
    /// Names and values, as they are written.
    pub attributes: Vec<(&'a str, &'a str)>,
    /// Bytes from `<` to the end of the last attribute.
    pub range: Range<usize>,
}

/// Reads the tags of an XML file, comments left out.
pub fn tags(text: &str) -> Vec<Tag<'_>> {
    let all = parse(Rule::tags, text).map(Pair::into_inner);
    let tags = all
        .into_iter()
        .flatten()
        .filter(|pair| pair.as_rule() == Rule::tag);
    tags.filter_map(tag).collect()
}

fn tag(pair: Pair<'_, Rule>) -> Option<Tag<'_>> {
    let range = pair.as_span().start()..pair.as_span().end();
    let mut parts = pair.into_inner();
    let name = parts.next()?.as_str();
    let attributes = parts.filter(|part| part.as_rule() == Rule::attribute);
    let attributes = attributes.filter_map(|attribute| {
        let mut sides = attribute
            .into_inner()
            .filter(|side| side.as_rule() != Rule::gap);
        Some((sides.next()?.as_str(), sides.next()?.as_str()))
    });
    Some(Tag {
        name,
        attributes: attributes.collect(),
        range,
    })
}

/// Reads one `name = value`, if the text is one.
pub fn assignment(text: &str) -> Option<Entry<'_>> {
    let pair = parse(Rule::settings, text)?.into_inner().next()?;
    let part = pair
        .into_inner()
        .find(|p| p.as_rule() == Rule::assignment)?;
    Some(entry(part, "", false))
}

/// Reads an expression that fills the whole text, a comment apart.
pub fn constant(text: &str) -> Option<Expression> {
    let mut inner = parse(Rule::constant, text)?.into_inner();
    expression(inner.find(|p| p.as_rule() == Rule::expression)?)
}

/// Every call in a source that may open a port.
pub fn calls(text: &str) -> Vec<Call> {
    let all = parse(Rule::calls, text).map(Pair::into_inner);
    let calls = all.into_iter().flatten();
    calls
        .filter(|pair| pair.as_rule() == Rule::call)
        .map(call)
        .collect()
}

fn parse(rule: Rule, text: &str) -> Option<Pair<'_, Rule>> {
    Grammar::parse(rule, text).ok()?.next()
}

fn entry<'a>(part: Pair<'a, Rule>, section: &'a str, indented: bool) -> Entry<'a> {
    let start = part.as_span().start();
    let mut entry = Entry {
        section,
        name: "",
        value: "",
        indented,
        range: start..start + part.as_str().trim_end().len(),
    };
    for piece in part.into_inner() {
        match piece.as_rule() {
            Rule::name => entry.name = piece.as_str(),
            Rule::value => entry.value = piece.as_str().trim(),
            _ => {}
        }
    }
    entry
}

fn call(pair: Pair<'_, Rule>) -> Call {
    let range = pair.as_span().start()..pair.as_span().end();
    let mut call = Call {
        opener: String::new(),
        arguments: Vec::new(),
        complete: false,
        range,
    };
    for part in pair.into_inner() {
        if part.as_rule() == Rule::opener {
            part.as_str().clone_into(&mut call.opener);
            continue;
        }
        for piece in part.into_inner() {
            match piece.as_rule() {
                Rule::argument => match argument(piece) {
                    Some(argument) => call.arguments.push(argument),
                    // What comes behind would stand at the wrong place.
                    None => break,
                },
                Rule::ended => call.complete = true,
                _ => {}
            }
        }
    }
    call
}

fn argument(pair: Pair<'_, Rule>) -> Option<(Option<String>, Expression)> {
    let mut key = None;
    for piece in pair.into_inner() {
        match piece.as_rule() {
            Rule::key => key = Some(piece.as_str().to_owned()),
            Rule::expression => return Some((key, expression(piece)?)),
            _ => {}
        }
    }
    None
}

fn expression(pair: Pair<'_, Rule>) -> Option<Expression> {
    let operands = pair.into_inner().filter(|p| p.as_rule() == Rule::operand);
    let mut parts = operands.map(operand).collect::<Option<Vec<_>>>()?;
    match parts.len() {
        0 | 1 => parts.pop(),
        // Without a text among them it would be a sum.
        _ => parts
            .iter()
            .any(|part| matches!(part, Expression::Text(_)))
            .then_some(Expression::Joined(parts)),
    }
}

fn operand(pair: Pair<'_, Rule>) -> Option<Expression> {
    let inner = pair.into_inner().next()?;
    match inner.as_rule() {
        Rule::formatted => formatted(inner),
        Rule::number => inner
            .as_str()
            .replace('_', "")
            .parse()
            .ok()
            .map(Expression::Number),
        Rule::product => {
            let numbers = inner.into_inner().filter(|p| p.as_rule() == Rule::number);
            let factor = |number: Pair<'_, Rule>| number.as_str().replace('_', "").parse::<f64>();
            let factors: Vec<f64> = numbers.map(factor).collect::<Result<_, _>>().ok()?;
            Some(Expression::Number(factors.iter().product()))
        }
        Rule::string => Some(Expression::Text(string(inner)?)),
        Rule::list => inner
            .into_inner()
            .filter(|p| p.as_rule() == Rule::expression)
            .map(expression)
            .collect::<Option<Vec<_>>>()
            .map(Expression::List),
        Rule::identifier => {
            let raw = inner.as_str();
            let name: String = raw
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            Some(Expression::Name(name, fallback(inner)?))
        }
        Rule::conversion => {
            let (mut value, mut other) = (None, None);
            for piece in inner.into_inner() {
                match piece.as_rule() {
                    Rule::expression => value = Some(expression(piece)?),
                    Rule::otherwise => other = Some(Box::new(behind(piece)?)),
                    _ => {}
                }
            }
            let value = value?;
            Some(match (value, other) {
                (Expression::Variable(name, None), other) => Expression::Variable(name, other),
                (Expression::Name(name, None), other) => Expression::Name(name, other),
                (value, _) => value,
            })
        }
        Rule::parenthesis => expression(
            inner
                .into_inner()
                .find(|p| p.as_rule() == Rule::expression)?,
        ),
        Rule::environment => environment(inner),
        _ => None,
    }
}

fn formatted(pair: Pair<'_, Rule>) -> Option<Expression> {
    let pieces = pair.into_inner().map(|piece| match piece.as_rule() {
        Rule::python_value | Rule::script_value | Rule::ruby_value => behind(piece),
        _ => Some(Expression::Text(piece.as_str().to_owned())),
    });
    pieces.collect::<Option<Vec<_>>>().map(Expression::Joined)
}

fn environment(pair: Pair<'_, Rule>) -> Option<Expression> {
    let mut name = None;
    let mut other = None;
    for piece in pair.into_inner() {
        match piece.as_rule() {
            Rule::otherwise => other = Some(Box::new(behind(piece)?)),
            Rule::process => name = piece.into_inner().next().map(|v| v.as_str().to_owned()),
            _ => {
                for inner in piece.into_inner() {
                    match inner.as_rule() {
                        Rule::string => name = string(inner),
                        Rule::expression => other = Some(Box::new(expression(inner)?)),
                        Rule::block => other = Some(Box::new(behind(inner)?)),
                        _ => {}
                    }
                }
            }
        }
    }
    Some(Expression::Variable(name?, other))
}

#[allow(
    clippy::option_option,
    reason = "no fallback and a fallback that is not plain differ"
)]
fn fallback(pair: Pair<'_, Rule>) -> Option<Option<Box<Expression>>> {
    match pair.into_inner().find(|p| p.as_rule() == Rule::otherwise) {
        Some(other) => Some(Some(Box::new(behind(other)?))),
        None => Some(None),
    }
}

fn behind(pair: Pair<'_, Rule>) -> Option<Expression> {
    expression(
        pair.into_inner()
            .find(|p| p.as_rule() == Rule::expression)?,
    )
}

fn string(pair: Pair<'_, Rule>) -> Option<String> {
    pair.into_inner()
        .next()
        .map(|chars| chars.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: Option<&str>, port: Option<u16>) -> Option<BindAddress> {
        Some(BindAddress::Tcp(host.map(str::to_owned), port))
    }

    #[test]
    fn addresses() {
        assert_eq!(bind("8000"), tcp(None, Some(8000)));
        assert_eq!(bind(":8000"), tcp(None, Some(8000)));
        assert_eq!(bind("[::]:8000"), tcp(Some("::"), Some(8000)));
        assert_eq!(bind("tcp://0.0.0.0:3000"), tcp(Some("0.0.0.0"), Some(3000)));
        assert_eq!(
            bind("tcp://0.0.0.0:3000?backlog=1"),
            tcp(Some("0.0.0.0"), Some(3000))
        );
        assert_eq!(bind("http://+:80"), tcp(Some("+"), Some(80)));
        assert_eq!(bind("0:8000"), tcp(Some("0"), Some(8000)));
        assert_eq!(bind("localhost"), tcp(Some("localhost"), None));
        assert_eq!(bind("127.0.0.1"), tcp(Some("127.0.0.1"), None));
        assert_eq!(
            bind("unix:/run/a.sock"),
            Some(BindAddress::Socket("/run/a.sock".to_owned()))
        );
        assert_eq!(bind("fd://3"), None);
        assert_eq!(bind("a:99999"), None);
    }

    #[test]
    fn expressions() {
        use Expression::{Name, Number, Text, Variable};
        let port = |d| Some(Variable("PORT".to_owned(), Some(Box::new(d))));
        assert_eq!(constant("process.env.PORT || 3000;"), port(Number(3000.0)));
        assert_eq!(
            constant("int(os.environ.get('PORT', 8000))  # x"),
            port(Number(8000.0))
        );
        assert_eq!(
            constant("ENV.fetch(\"PORT\") { 3000 }"),
            port(Number(3000.0))
        );
        assert_eq!(
            constant("Number(process.env.PORT) || 3000"),
            port(Number(3000.0))
        );
        assert_eq!(
            constant("'0.0.0.0:8000'"),
            Some(Text("0.0.0.0:8000".to_owned()))
        );
        assert_eq!(constant("port"), Some(Name("port".to_owned(), None)));
        let joined = |text: &str| {
            let port = Box::new(Number(8000.0));
            let port = Variable("PORT".to_owned(), Some(port));
            Some(Expression::Joined(vec![Text(text.to_owned()), port]))
        };
        assert_eq!(
            constant("f'0.0.0.0:{os.getenv(\"PORT\", 8000)}'"),
            joined("0.0.0.0:")
        );
        assert_eq!(
            constant("'0.0.0.0:' + os.getenv('PORT', 8000)"),
            joined("0.0.0.0:")
        );
        assert_eq!(
            constant("\"tcp://[::]:#{ENV.fetch('PORT', 8000)}\""),
            joined("tcp://[::]:")
        );
        assert_eq!(constant("`:${process.env.PORT || 8000}`"), joined(":"));
        assert_eq!(constant("f'{a:>4}'"), None);
        assert_eq!(constant("2 * 4"), Some(Number(8.0)));
        assert_eq!(constant("2 * cpu_count() + 1"), None);
        assert_eq!(constant("2 * 4 + 1"), None);
    }

    #[test]
    fn calls_with_plain_arguments() {
        let found = calls("const a = 1; app.listen(3000, '0.0.0.0', () => {}); x.listen(f(y))");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].arguments.len(), 2);
        assert!(found[1].arguments.is_empty());
        let run = &calls("app.run(host='0.0.0.0', port=5000)")[0];
        assert_eq!(run.arguments[1].0.as_deref(), Some("port"));
        assert!(run.complete);
    }

    #[test]
    fn settings_files() {
        let text = "[uwsgi]\nhttp-socket = :8080\n# no\nharakiri=30\n  port ENV['X']\n";
        let entries = settings(text);
        assert_eq!(entries.len(), 3);
        assert_eq!(
            (entries[0].section, entries[0].name, entries[0].value),
            ("uwsgi", "http-socket", ":8080")
        );
        assert_eq!(&text[entries[1].range.clone()], "harakiri=30");
        assert!(entries[2].indented);
    }
}
