//! Which value holds at a block: nginx takes a directive from the nearest enclosing block that has it.

use crate::source::Spanned;
use crate::syntax::nginx::Directive;
use crate::syntax::proxy_value::{Piece, pieces};

/// A block and the blocks around it, outermost first.
pub struct Scope<'a> {
    blocks: Vec<&'a [Directive]>,
}

impl<'a> Scope<'a> {
    /// The outermost block.
    pub fn new(directives: &'a [Directive]) -> Self {
        Self {
            blocks: vec![directives],
        }
    }

    /// A block inside this one.
    #[must_use]
    pub fn inner(&self, directives: &'a [Directive]) -> Self {
        let mut blocks = self.blocks.clone();
        blocks.push(directives);
        Self { blocks }
    }

    /// Every directive of this very block.
    pub fn directives(&self) -> &'a [Directive] {
        self.blocks.last().expect("a scope has a block")
    }

    /// Every directive of a name in this very block.
    pub fn own(
        &self,
        name: &'static str,
    ) -> impl DoubleEndedIterator<Item = &'a Directive> + use<'a> {
        named(self.directives(), name)
    }

    /// The directive that holds here, and whether it is inherited.
    pub fn find(&self, name: &'static str) -> Option<(&'a Directive, bool)> {
        let mut found = self
            .outwards()
            .enumerate()
            .filter_map(|(steps, block)| Some((named(block, name).next_back()?, steps > 0)));
        found.next()
    }

    /// Directives that are inherited all or none (`proxy_set_header`): those of the nearest block that has any.
    pub fn all(&self, name: &'static str) -> Vec<&'a Directive> {
        let mut levels = self
            .outwards()
            .map(|block| named(block, name).collect::<Vec<_>>());
        levels.find(|level| !level.is_empty()).unwrap_or_default()
    }

    /// The first argument of the directive that holds here.
    pub fn word(&self, name: &'static str) -> Option<&'a Spanned<String>> {
        self.find(name)?.0.args.first()
    }

    /// Whether a flag holds here; `default` if nothing is written.
    pub fn flag(&self, name: &'static str, default: bool) -> bool {
        self.word(name).map_or(default, |word| word.value == "on")
    }

    /// The directives of this block and of those around it, innermost first.
    fn outwards(&self) -> impl Iterator<Item = &'a [Directive]> {
        self.blocks.iter().rev().copied()
    }

    /// Every constant that a variable may hold here: `set` of the nearest block that has one, with those of the `if`
    /// blocks on the way, else the entries of its `map`. Empty if nothing sets it.
    fn constants(&self, variable: &str) -> Vec<&'a str> {
        let mut values = Vec::new();
        for block in self.outwards() {
            for condition in named(block, "if") {
                values.extend(sets(condition.block.as_deref().unwrap_or(&[]), variable));
            }
            if let Some(value) = sets(block, variable).last() {
                values.push(value);
                return values;
            }
        }
        values.extend(self.outwards().flat_map(|block| entries(block, variable)));
        values
    }

    /// A text with every variable that is one constant replaced; several texts if a `map` gives several.
    pub fn expand(&self, text: &str) -> Vec<String> {
        self.expand_deep(text, 0)
    }

    fn expand_deep(&self, text: &str, depth: usize) -> Vec<String> {
        let mut texts = vec![String::new()];
        for piece in pieces(text) {
            let choices = match piece {
                Piece::Literal(literal) => vec![literal],
                Piece::Variable(name) => self.choices(&name, depth),
            };
            texts = texts
                .iter()
                .flat_map(|text| choices.iter().map(move |choice| format!("{text}{choice}")))
                .collect();
            texts.truncate(MOST);
        }
        texts
    }

    fn choices(&self, variable: &str, depth: usize) -> Vec<String> {
        let values = if depth < 4 {
            self.constants(variable)
        } else {
            Vec::new()
        };
        if values.is_empty() || values.len() > MOST {
            return vec![format!("${{{variable}}}")];
        }
        let mut choices: Vec<String> = values
            .iter()
            .flat_map(|value| self.expand_deep(value, depth + 1))
            .collect();
        choices.dedup();
        choices
    }
}

/// A variable that may hold more constants than this counts as unknown.
const MOST: usize = 16;

fn named<'a>(
    directives: &'a [Directive],
    name: &'static str,
) -> impl DoubleEndedIterator<Item = &'a Directive> + use<'a> {
    directives
        .iter()
        .filter(move |directive| directive.name.value == name)
}

/// What `set` gives a variable directly in a block.
fn sets<'a>(directives: &'a [Directive], variable: &str) -> impl Iterator<Item = &'a str> {
    let sets = directives
        .iter()
        .filter(move |d| d.name.value == "set" && names(d.args.first(), variable));
    sets.filter_map(|directive| Some(directive.args.get(1)?.value.as_str()))
}

/// What `map`, `geo` or `split_clients` gives a variable.
fn entries<'a>(directives: &'a [Directive], variable: &str) -> impl Iterator<Item = &'a str> {
    directives
        .iter()
        .filter(move |d| {
            matches!(d.name.value.as_str(), "map" | "geo" | "split_clients")
                && names(d.args.last(), variable)
        })
        .flat_map(|map| map.block.as_deref().unwrap_or(&[]))
        .filter(|entry| !SPECIAL.contains(&entry.name.value.as_str()))
        .filter_map(|entry| Some(entry.args.first()?.value.as_str()))
}

fn names(word: Option<&Spanned<String>>, variable: &str) -> bool {
    word.is_some_and(|word| word.value.strip_prefix('$') == Some(variable))
}

/// Parameters of `map` and `geo` that are no entries.
const SPECIAL: &[&str] = &[
    "hostnames",
    "volatile",
    "include",
    "delete",
    "proxy",
    "ranges",
    "proxy_recursive",
];
