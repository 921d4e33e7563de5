//! The effective environment of a service: its environment files, then its own entries.

use std::collections::HashMap;

use crate::project::compose::merge;
use crate::project::compose::stack::Around;
use crate::project::compose::tree::Tree;
use crate::source::Spanned;
use crate::syntax::value::{Text, path};

/// Variables in order, and why there may be more.
pub(super) struct Environment {
    pub(super) variables: Vec<(Spanned<String>, Option<Text>)>,
    pub(super) open: Option<String>,
}

/// Reads `env_file` and `environment`.
pub(super) fn read(around: &mut Around, service: &Tree) -> Environment {
    let mut effective = Effective::default();
    let mut open = None;
    for written in service.get("env_file").map(files).unwrap_or_default() {
        if let Err(reason) = file(around, written, &mut effective) {
            open.get_or_insert(reason);
        }
    }
    let own = service.get("environment").cloned().map(merge::assignments);
    for entry in own.iter().flat_map(Tree::entries) {
        let text = match &entry.value {
            value if value.is_null() => around.merged.environment.get(&entry.key.value).cloned(),
            value => value.text().cloned(),
        };
        effective.set(entry.key.clone(), text);
    }
    Environment {
        variables: effective.variables,
        open,
    }
}

#[derive(Default)]
struct Effective {
    variables: Vec<(Spanned<String>, Option<Text>)>,
    at: HashMap<String, usize>,
}

impl Effective {
    fn set(&mut self, name: Spanned<String>, value: Option<Text>) {
        if let Some(at) = self.at.get(&name.value) {
            self.variables[*at] = (name, value);
            return;
        }
        self.at.insert(name.value.clone(), self.variables.len());
        self.variables.push((name, value));
    }
}

/// A path, a list of paths, or one `{path, required}`.
fn files(tree: &Tree) -> Vec<&Tree> {
    if tree.entries().is_empty() {
        tree.one_or_many()
    } else {
        vec![tree]
    }
}

/// Adds the variables of one file, or says why it could not be read.
fn file(around: &mut Around, item: &Tree, effective: &mut Effective) -> Result<(), String> {
    let Some(written) = item.get("path").unwrap_or(item).text() else {
        return Ok(());
    };
    let optional = item.get("required").and_then(Tree::boolean) == Some(false);
    let name = written.value.clone()?;
    let place = path::resolve(around.base(written.span), &name);
    let lines = match place.inside() {
        Some(path) => around.reader.environment(path).map_err(|reason| {
            if around.reader.host.is_ignored(path) {
                "it is kept out of version control".to_owned()
            } else {
                reason
            }
        }),
        None => Err("it is outside the root".to_owned()),
    };
    match lines {
        Ok(lines) => {
            // Variables of the project fill the file, and what the file sets fills what stands below it.
            let mut known = around.merged.environment.clone();
            for line in lines.iter() {
                let value = known.value(line);
                known.read(std::slice::from_ref(line));
                effective.set(line.name.clone(), value);
            }
            Ok(())
        }
        Err(reason) => {
            let reason = format!("environment file {name} could not be read: {reason}");
            if !optional {
                around.reader.gap_in(written.span, reason.clone());
            }
            Err(reason)
        }
    }
}
