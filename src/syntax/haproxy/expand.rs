//! Environment references: those that HAProxy expands while it splits a line, and those that it expands later, in
//! addresses alone.

use pest::Parser;
use pest::iterators::Pair;

use super::Word;
use super::words::grammar::{Grammar, Rule};

/// The text of a word with its references expanded. `Err` names a variable that is not set and has no default.
///
/// A value that `${X[*]}` would split into several words stays one, with its blanks.
pub fn expand(word: &Word, env: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut expanded = String::with_capacity(word.text.len());
    let mut from = 0;
    for range in &word.references {
        expanded.push_str(&word.text[from..range.start]);
        expanded.push_str(&value(&word.text[range.clone()], env)?);
        from = range.end;
    }
    expanded.push_str(&word.text[from..]);
    Ok(expanded)
}

/// The same for a word that is an address (of `bind`, `server`, `log`, …), in which HAProxy expands `$X` and `${X}`
/// once more, wherever they stand and whatever quotes were around them. There is no default in this form.
pub fn expand_address(word: &Word, env: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let text = expand(word, env)?;
    if !text.contains('$') {
        return Ok(text);
    }
    let Ok(pieces) = Grammar::parse(Rule::address, &text) else {
        return Ok(text);
    };
    let mut expanded = String::with_capacity(text.len());
    for piece in pieces.flat_map(Pair::into_inner) {
        match piece.as_rule() {
            Rule::address_reference => expanded.push_str(&value(piece.as_str(), env)?),
            _ => expanded.push_str(piece.as_str()),
        }
    }
    Ok(expanded)
}

fn value(reference: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut name = reference.trim_matches(['$', '{', '}']);
    let mut fallback = None;
    for part in Grammar::parse(Rule::reference, reference)
        .into_iter()
        .flatten()
        .flat_map(Pair::into_inner)
    {
        match part.as_rule() {
            Rule::name => name = part.as_str(),
            Rule::fallback => fallback = Some(part.as_str()),
            _ => {}
        }
    }
    env(name)
        .or_else(|| fallback.map(str::to_owned))
        .ok_or_else(|| name.to_owned())
}
