//! Which value holds at a block: nginx takes a directive from the nearest enclosing block that has it.

use std::collections::HashMap;
use std::rc::Rc;

use crate::source::Spanned;
use crate::syntax::nginx::Directive;
use crate::syntax::proxy_value::{Piece, pieces};

/// A block and the blocks around it, outermost first.
pub struct Scope<'a> {
    blocks: Vec<Rc<Block<'a>>>,
}

impl<'a> Scope<'a> {
    /// The outermost block.
    pub fn new(directives: &'a [Directive]) -> Self {
        Self {
            blocks: vec![Rc::new(Block::new(directives))],
        }
    }

    /// A block inside this one.
    #[must_use]
    pub fn inner(&self, directives: &'a [Directive]) -> Self {
        let mut blocks = self.blocks.clone();
        blocks.push(Rc::new(Block::new(directives)));
        Self { blocks }
    }

    /// Every directive of this very block.
    pub fn directives(&self) -> &'a [Directive] {
        self.innermost().directives
    }

    /// Every directive of a name in this very block.
    pub fn own(
        &self,
        name: &'static str,
    ) -> impl DoubleEndedIterator<Item = &'a Directive> + use<'a> {
        self.innermost().named(name).into_iter()
    }

    /// The directive that holds here, and whether it is inherited.
    pub fn find(&self, name: &'static str) -> Option<(&'a Directive, bool)> {
        let mut found = self
            .outwards()
            .enumerate()
            .filter_map(|(steps, block)| Some((block.last(name)?, steps > 0)));
        found.next()
    }

    /// Directives that are inherited all or none (`proxy_set_header`): those of the nearest block that has any.
    pub fn all(&self, name: &'static str) -> Vec<&'a Directive> {
        let mut levels = self.outwards().map(|block| block.named(name));
        levels.find(|level| !level.is_empty()).unwrap_or_default()
    }

    /// A header that is set for the next hop here: the directive and its value.
    pub fn header(&self, name: &str) -> Option<(&'a Directive, &'a Spanned<String>)> {
        let headers = self.all("proxy_set_header").into_iter();
        let mut named = headers.filter_map(|directive| {
            let [key, value, ..] = directive.args.as_slice() else {
                return None;
            };
            key.value
                .eq_ignore_ascii_case(name)
                .then_some((directive, value))
        });
        named.next_back()
    }

    /// Whether a directive of `http {}` holds in none of its servers, for each has some of that name itself. Only where
    /// one inherits them does nginx look at what they say.
    pub fn is_overridden_by_servers(&self, directive: &Directive) -> bool {
        let name = directive.name.value.as_str();
        let mut servers = self.own("server").peekable();
        let has_own = |server: &Directive| {
            let inner = server.block.as_deref().unwrap_or(&[]);
            inner.iter().any(|other| other.name.value == name)
        };
        servers.peek().is_some() && servers.all(has_own)
    }

    /// The first argument of the directive that holds here.
    pub fn word(&self, name: &'static str) -> Option<&'a Spanned<String>> {
        self.find(name)?.0.args.first()
    }

    /// Whether a flag holds here; `default` if nothing is written.
    pub fn flag(&self, name: &'static str, default: bool) -> bool {
        self.word(name).map_or(default, |word| word.value == "on")
    }

    fn innermost(&self) -> &Block<'a> {
        self.blocks.last().expect("a scope has a block")
    }

    /// This block and those around it, innermost first.
    fn outwards(&self) -> impl Iterator<Item = &Block<'a>> {
        self.blocks.iter().rev().map(Rc::as_ref)
    }

    /// Every constant that a variable may hold here: `set` of the nearest block that has one, with those of the `if`
    /// blocks on the way, else the entries of its `map`. Empty if nothing sets it.
    fn constants(&self, variable: &str) -> Vec<&'a str> {
        let mut values = Vec::new();
        for block in self.outwards() {
            for condition in block.named("if") {
                let inner = condition.block.as_deref().unwrap_or(&[]);
                let sets = inner
                    .iter()
                    .filter(|directive| directive.name.value == "set");
                values.extend(sets.filter_map(|set| value_of(set, variable)));
            }
            let own = block.named("set");
            if let Some(value) = own.iter().rev().find_map(|set| value_of(set, variable)) {
                values.push(value);
                return values;
            }
        }
        values.extend(self.outwards().flat_map(|block| block.entries(variable)));
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
            if let [only] = choices.as_slice() {
                for text in &mut texts {
                    text.push_str(only);
                }
                continue;
            }
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

/// A block with more directives than this is asked through an index: a file may have thousands of servers, and each asks
/// the blocks around it for every setting.
const FEW: usize = 24;

/// The directives of one block.
struct Block<'a> {
    directives: &'a [Directive],
    /// The same by name; empty for a block of a few.
    index: HashMap<&'a str, Vec<&'a Directive>>,
    /// Its `map`, `geo` and `split_clients` by the variable that they set; empty for a block of a few.
    tables: HashMap<&'a str, Vec<&'a Directive>>,
}

impl<'a> Block<'a> {
    fn new(directives: &'a [Directive]) -> Self {
        let mut index: HashMap<&str, Vec<&Directive>> = HashMap::new();
        if directives.len() > FEW {
            for directive in directives {
                let of_name = index.entry(directive.name.value.as_str()).or_default();
                of_name.push(directive);
            }
        }
        let mut tables: HashMap<&str, Vec<&Directive>> = HashMap::new();
        for table in TABLES.iter().filter_map(|kind| index.get(kind)).flatten() {
            let name = table.args.last().map(|word| word.value.as_str());
            if let Some(name) = name.and_then(|name| name.strip_prefix('$')) {
                tables.entry(name).or_default().push(table);
            }
        }
        Self {
            directives,
            index,
            tables,
        }
    }

    /// Every directive of a name.
    fn named(&self, name: &str) -> Vec<&'a Directive> {
        if self.directives.len() > FEW {
            return self.index.get(name).cloned().unwrap_or_default();
        }
        let directives = self.directives.iter();
        directives
            .filter(|directive| directive.name.value == name)
            .collect()
    }

    /// The last directive of a name.
    fn last(&self, name: &str) -> Option<&'a Directive> {
        if self.directives.len() > FEW {
            return self.index.get(name)?.last().copied();
        }
        let mut directives = self.directives.iter();
        directives.rfind(|directive| directive.name.value == name)
    }

    /// What `map`, `geo` or `split_clients` gives a variable.
    fn entries(&self, variable: &str) -> Vec<&'a str> {
        let tables = if self.directives.len() > FEW {
            self.tables.get(variable).cloned().unwrap_or_default()
        } else {
            let all = TABLES.iter().flat_map(|kind| self.named(kind));
            all.filter(|table| names(table.args.last(), variable))
                .collect()
        };
        tables
            .into_iter()
            .flat_map(|table| table.block.as_deref().unwrap_or(&[]))
            .filter(|entry| !SPECIAL.contains(&entry.name.value.as_str()))
            .filter_map(|entry| Some(entry.args.first()?.value.as_str()))
            .collect()
    }
}

/// What a `set` gives a variable.
fn value_of<'a>(set: &'a Directive, variable: &str) -> Option<&'a str> {
    let value = set.args.get(1)?;
    names(set.args.first(), variable).then_some(value.value.as_str())
}

fn names(word: Option<&Spanned<String>>, variable: &str) -> bool {
    word.is_some_and(|word| word.value.strip_prefix('$') == Some(variable))
}

/// Directives that give a variable the values of a table.
const TABLES: [&str; 3] = ["map", "geo", "split_clients"];

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
