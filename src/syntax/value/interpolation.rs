//! `$VAR`, `${VAR:-default}` and their kin, as compose fills them before it reads anything else.

use pest::Parser;
use pest::iterators::Pair;

use super::HOLE;
use super::grammar::{Grammar, Rule};

/// What is known of a variable; `None` is a variable that is set nowhere.
pub type Lookup<'a> = dyn Fn(&str) -> Option<Result<String, String>> + 'a;

/// A text with its variables filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// The text, or why it is unknown.
    pub value: Result<String, String>,
    /// The text with [`HOLE`] for every value that is unknown.
    pub partial: String,
    /// Whether a default stands in it that the deploy may override.
    pub assumed: bool,
    /// Names that `?` demands and nothing sets, each with its message.
    pub required: Vec<(String, String)>,
    /// Whether compose would refuse the text (`${` without `}` or without a name).
    pub invalid: bool,
}

/// How deep defaults may stand in defaults: nobody writes five, and each takes a part of the stack.
const DEEPEST: usize = 100;

const TOO_DEEP: &str = "variables nest too deep";

/// What a text may grow to (bytes). A file in which each line names the one above twice would fill any memory.
const LONGEST: usize = 1 << 20;

/// Fills a text.
pub fn interpolate(text: &str, lookup: &Lookup) -> Filled {
    let mut filled = Filled {
        value: Ok(String::new()),
        partial: String::with_capacity(text.len()),
        assumed: false,
        required: Vec::new(),
        invalid: false,
    };
    match Grammar::parse(Rule::interpolation, text) {
        Ok(mut pairs) => {
            if let Some(whole) = pairs.next() {
                fill(whole, lookup, &mut filled, DEEPEST);
            }
        }
        // Only the guard of the stack ends here: the rule matches every text.
        Err(_) => filled.refuse(TOO_DEEP),
    }
    if filled.value.is_ok() {
        filled.value = Ok(filled.partial.clone());
    }
    filled
}

fn fill(parts: Pair<Rule>, lookup: &Lookup, filled: &mut Filled, depth: usize) {
    for part in parts.into_inner() {
        match part.as_rule() {
            Rule::literal | Rule::word_text => filled.push(part.as_str()),
            Rule::named => {
                let name = part.as_str().trim_start_matches('$');
                filled.variable(name, lookup(name));
            }
            Rule::braced if depth == 0 => filled.refuse(TOO_DEEP),
            Rule::braced => braced(part, lookup, filled, depth - 1),
            // A lone dollar sign is refused by older releases of compose and kept by newer ones.
            Rule::escaped | Rule::stray => filled.push("$"),
            _ => {}
        }
    }
}

fn braced(pair: Pair<Rule>, lookup: &Lookup, filled: &mut Filled, depth: usize) {
    let (mut name, mut operator, mut word, mut shut, mut junk) = (None, "", None, false, false);
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::variable => name = Some(part.as_str()),
            Rule::operator => operator = part.as_str(),
            Rule::word => word = Some(part),
            Rule::shut => shut = true,
            _ => junk = true,
        }
    }
    let Some(name) = name.filter(|_| shut && !junk) else {
        return filled.refuse("a broken ${…}");
    };
    let found = lookup(name);
    let empty_counts = operator.starts_with(':');
    let usable = match &found {
        Some(Ok(value)) => !(empty_counts && value.is_empty()),
        Some(Err(_)) => true,
        None => false,
    };
    match (operator.trim_start_matches(':'), usable) {
        ("-", false) => {
            filled.assumed |= found.is_none();
            if let Some(word) = word {
                fill(word, lookup, filled, depth);
            }
        }
        ("+", false) => filled.assumed |= found.is_none(),
        ("+", true) => {
            if let Some(word) = word {
                fill(word, lookup, filled, depth);
            }
        }
        ("?", false) => {
            let message = word.map_or("", |word| word.as_str()).to_owned();
            filled.required.push((name.to_owned(), message));
            filled.lose(format!("variable {name} is required and set nowhere"));
        }
        _ => filled.variable(name, found),
    }
}

impl Filled {
    fn push(&mut self, text: &str) {
        if self.partial.len() + text.len() <= LONGEST {
            self.partial.push_str(text);
        } else if self.value.is_ok() {
            self.value = Err("its variables make it too long".to_owned());
        }
    }

    fn variable(&mut self, name: &str, found: Option<Result<String, String>>) {
        match found {
            Some(Ok(value)) => self.push(&value),
            Some(Err(why)) => self.lose(why),
            None => self.lose(format!("variable {name} is set nowhere")),
        }
    }

    /// The first reason is kept: it is the one that stands first in the text.
    fn lose(&mut self, why: String) {
        self.partial.push(HOLE);
        if self.value.is_ok() {
            self.value = Err(why);
        }
    }

    fn refuse(&mut self, why: &str) {
        self.invalid = true;
        self.lose(why.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> Option<Result<String, String>> {
        match name {
            "A" => Some(Ok("a".into())),
            "EMPTY" => Some(Ok(String::new())),
            "DARK" => Some(Err("dark".into())),
            _ => None,
        }
    }

    fn fill(text: &str) -> (Result<String, String>, bool) {
        let filled = interpolate(text, &known);
        (filled.value, filled.assumed)
    }

    #[test]
    fn every_form_is_filled() {
        for (text, want, assumed) in [
            ("plain", "plain", false),
            ("$A-${A}", "a-a", false),
            ("$$A", "$A", false),
            ("${A:-b}", "a", false),
            ("${N:-b}", "b", true),
            ("${N-}", "", true),
            ("${EMPTY:-b}", "b", false),
            ("${EMPTY-b}", "", false),
            ("${N:-${M:-c}d}", "cd", true),
            ("${N:-$A}", "a", true),
            ("${A:+x}", "x", false),
            ("${EMPTY:+x}", "", false),
            ("${EMPTY+x}", "x", false),
            ("${N+x}", "", true),
            ("${A:?gone}", "a", false),
            ("a$ $(b) $1$", "a$ $(b) $1$", false),
            ("${N:-a:b?c}", "a:b?c", true),
        ] {
            assert_eq!(fill(text), (Ok(want.into()), assumed), "{text}");
        }
    }

    #[test]
    fn what_is_unknown_stays_unknown() {
        assert_eq!(fill("x${N}").0, Err("variable N is set nowhere".into()));
        assert_eq!(fill("${DARK:-x}").0, Err("dark".into()));
        let filled = interpolate("${N:?set it}", &known);
        assert_eq!(filled.required, [("N".to_owned(), "set it".to_owned())]);
        assert!(!filled.invalid);
    }

    #[test]
    fn broken_forms_are_refused_not_guessed() {
        for text in ["${", "${}", "${A", "${A b}", "${A:-x", "${1A}"] {
            assert!(interpolate(text, &known).invalid, "{text}");
        }
    }

    #[test]
    fn depth_and_length_are_harmless() {
        assert!(
            interpolate(&"${A:-".repeat(100_000), &|_| None)
                .value
                .is_err()
        );
        assert!(interpolate(&"${".repeat(100_000), &known).invalid);
        let nested = |deep| ["${N:-".repeat(deep), "}".repeat(deep)].concat();
        assert_eq!(fill(&nested(90)).0, Ok(String::new()));
        assert!(interpolate(&nested(20_000), &known).invalid);
    }
}
