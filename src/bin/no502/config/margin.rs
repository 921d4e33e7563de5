//! `margin` of a rule: by how much the two times that it compares must differ.

use no502::rules::{RULES, card, find};
use no502::syntax::value::quantity::duration_ms;
use toml::Spanned;

use crate::failure::Failure;

/// `5s`; `None` if it is no duration.
pub(super) fn milliseconds(written: &Spanned<String>) -> Option<u64> {
    duration_ms(written.get_ref()).filter(|ms| *ms > 0)
}

/// Refuses what is no time, and rules that compare none.
pub(super) fn check(id: &str, written: &Spanned<String>) -> Result<(), Failure> {
    let advised = |rule| card(rule).margin.as_deref();
    if find(id).and_then(advised).is_none() {
        let others = RULES.iter().filter(|rule| advised(rule).is_some());
        let others: Vec<&str> = others.map(|rule| rule.id).collect();
        return Err(Failure::new(format!("`{id}` has no margin"))
            .help(format!("those that have one: {}", others.join(", "))));
    }
    match milliseconds(written) {
        Some(_) => Ok(()),
        None => Err(
            Failure::new(format!("`{}` is no margin", written.get_ref()))
                .help("write a time with its unit, as in `5s` or `500ms`"),
        ),
    }
}
