//! `.if`: what its predicates say, as far as the text, the version and the environment of a HAProxy decide it.

use pest::Parser;
use pest::iterators::Pair;

use super::words::grammar::{Grammar, Rule};
use super::{Line, expand};

/// Whether something holds, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    No,
    Maybe,
    Yes,
}

/// An environment variable as a HAProxy finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// Set to this.
    Set(String),
    /// Certainly not set.
    Unset,
    /// Nobody knows.
    Unknown,
}

/// What is known of the HAProxy that reads a file.
pub struct Reader<'a> {
    /// Its version as far as it is told: `2.6` is any 2.6.x.
    pub version: Option<&'a str>,
    /// Its environment.
    pub environment: &'a dyn Fn(&str) -> Variable,
}

/// Nothing: the text alone decides.
pub(super) const ANYONE: Reader<'static> = Reader {
    version: None,
    environment: &|_| Variable::Unknown,
};

/// More parentheses than this are not followed.
const MOST: usize = 32;

/// What the condition of a line says; `Err` if it is none.
pub(super) fn evaluate(line: &Line, reader: &Reader) -> Result<Certainty, ()> {
    let Some(text) = expanded(line, reader) else {
        return Ok(Certainty::Maybe);
    };
    if text.is_empty() {
        return Ok(Certainty::No);
    }
    if text.matches('(').count() > MOST {
        return Ok(Certainty::Maybe);
    }
    let mut pairs = Grammar::parse(Rule::condition, &text).map_err(|_| ())?;
    let whole = pairs.next().into_iter().flat_map(Pair::into_inner);
    let mut parts = whole.filter(|pair| pair.as_rule() == Rule::disjunction);
    parts
        .next()
        .map_or(Ok(Certainty::Maybe), |pair| Ok(disjunction(pair, reader)))
}

/// The words after the directive, joined; `None` if a variable in them is unknown, or if its value might be read as
/// more than a plain argument.
fn expanded(line: &Line, reader: &Reader) -> Option<String> {
    let mut words = Vec::new();
    for word in &line.words[1..] {
        let values = |unset: Option<String>| {
            let unknown = std::cell::Cell::new(false);
            let text = expand(word, &|name| match (reader.environment)(name) {
                Variable::Set(value) => Some(value),
                Variable::Unset => unset.clone(),
                Variable::Unknown => {
                    unknown.set(true);
                    None
                }
            });
            (text, unknown.get())
        };
        let (text, unknown) = values(None);
        words.push(match text {
            _ if unknown => return None,
            Ok(text) => text,
            // A variable that is not set is empty here.
            Err(_) => values(Some(String::new())).0.ok()?,
        });
    }
    let odd = |text: &String| text.contains([' ', '"', '\'', '&', '|']);
    let referring = line.words[1..].iter().zip(&words);
    let mut referring = referring.filter(|(word, text)| word.has_env && odd(text));
    match referring.next() {
        Some(_) => None,
        None => Some(words.join(" ")),
    }
}

fn disjunction(pair: Pair<Rule>, reader: &Reader) -> Certainty {
    let parts = pair.into_inner().map(|part| conjunction(part, reader));
    parts.max().unwrap_or(Certainty::Maybe)
}

fn conjunction(pair: Pair<Rule>, reader: &Reader) -> Certainty {
    let parts = pair.into_inner().map(|part| term(part, reader));
    parts.min().unwrap_or(Certainty::Maybe)
}

fn term(pair: Pair<Rule>, reader: &Reader) -> Certainty {
    let mut negated = false;
    let mut value = Certainty::Maybe;
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::negation => negated = !negated,
            Rule::integer => {
                let digits = part.as_str().trim_matches(['+', '-', '0']);
                value = holds(!digits.is_empty());
            }
            Rule::group => {
                let inner = part.into_inner().next();
                value = inner.map_or(Certainty::Maybe, |inner| disjunction(inner, reader));
            }
            _ => value = call(part, reader),
        }
    }
    match value {
        Certainty::No if negated => Certainty::Yes,
        Certainty::Yes if negated => Certainty::No,
        as_it_is => as_it_is,
    }
}

/// What a build can do, and which TLS library it has, no text tells.
fn call(pair: Pair<Rule>, reader: &Reader) -> Certainty {
    let mut parts = pair.into_inner().map(|part| part.as_str().trim_end());
    let name = parts.next().unwrap_or("");
    let arguments: Vec<&str> = parts.collect();
    match (name, arguments.as_slice()) {
        ("defined", [variable]) => match (reader.environment)(variable) {
            Variable::Set(_) => Certainty::Yes,
            Variable::Unset => Certainty::No,
            Variable::Unknown => Certainty::Maybe,
        },
        ("streq", [a, b]) => holds(a == b),
        ("strneq", [a, b]) => holds(a != b),
        ("version_atleast", [bound]) => at_least(reader.version, bound),
        ("version_before", [bound]) => match at_least(reader.version, bound) {
            Certainty::Yes => Certainty::No,
            Certainty::No => Certainty::Yes,
            Certainty::Maybe => Certainty::Maybe,
        },
        _ => Certainty::Maybe,
    }
}

fn holds(condition: bool) -> Certainty {
    if condition {
        Certainty::Yes
    } else {
        Certainty::No
    }
}

fn at_least(version: Option<&str>, bound: &str) -> Certainty {
    let (Some(have), Some(want)) = (version.map(numbers), Some(numbers(bound))) else {
        return Certainty::Maybe;
    };
    if want.is_empty() {
        return Certainty::Maybe;
    }
    for (at, want) in want.iter().enumerate() {
        match have.get(at) {
            Some(have) if have == want => {}
            Some(have) => return holds(have > want),
            None if *want == 0 => {}
            None => return Certainty::Maybe,
        }
    }
    Certainty::Yes
}

/// `2.6` of `2.6-dev4`: a release is later than what was developed towards it.
fn numbers(version: &str) -> Vec<u64> {
    let end = version
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(version.len());
    version[..end]
        // plain: numbers with dots between
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}
