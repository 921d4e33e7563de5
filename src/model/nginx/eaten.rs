//! Variables of nginx that an `envsubst` without a list of names takes for its own: it finds them in no environment, and
//! puts nothing in their place.

use super::block;
use super::own::own_variable;
use crate::host::path;
use crate::model::Hop;
use crate::model::nginx::places::processes;
use crate::model::version::Versions;
use crate::project::Project;
use crate::project::compose::Command;
use crate::project::container::Location;
use crate::project::image::Container;
use crate::source::{FileId, Span};
use crate::syntax::command::{self, Simple};
use crate::syntax::nginx::Directive;
use crate::syntax::proxy_value::{Piece, pieces};

/// One command that empties words which nginx cannot do without.
pub struct Eaten {
    /// The word of the command that holds the script.
    pub command: Span,
    /// The words, in the order of the files.
    pub words: Vec<Word>,
}

/// A word that is a variable of nginx and nothing else.
pub struct Word {
    /// The variable, with its `$`.
    pub name: String,
    /// The word.
    pub span: Span,
    /// What is left of its directive.
    pub rest: String,
}

/// Every such command of a service that runs nginx.
pub fn eaten(project: &Project, hops: &[Hop]) -> Vec<Eaten> {
    let mut found = Vec::new();
    for (hop, conf) in processes(project) {
        let Some(service) = conf.service else {
            continue;
        };
        let container = project.container(service);
        let version = &hops[hop.0 as usize].version;
        let own = |name: &str| {
            let set = container
                .environment
                .iter()
                .any(|(key, _)| key.value == name);
            !set && own_variable(&name.to_ascii_lowercase(), version) == Versions::All
        };
        for (command, inputs) in substitutions(container) {
            let files: Vec<FileId> = inputs
                .iter()
                .filter_map(|input| file(project, container, input))
                .collect();
            let mut words = Vec::new();
            lost(&conf.directives, &files, &own, &mut words);
            if !words.is_empty() {
                found.push(Eaten { command, words });
            }
        }
    }
    found
}

/// The file of the project that a path inside a container is.
fn file(project: &Project, container: &Container, inside: &str) -> Option<FileId> {
    match container
        .view
        .locate(&path::absolute(&container.working_dir, inside))
    {
        Location::Repo(path) => project.sources.by_path(&path),
        _ => None,
    }
}

/// Each script of entrypoint and command that runs `envsubst` without a list, and what those read.
fn substitutions(container: &Container) -> Vec<(Span, Vec<String>)> {
    let commands = [&container.entrypoint, &container.command]
        .into_iter()
        .flatten();
    let mut found = Vec::new();
    for command in commands {
        let scripts: Vec<(Span, String)> = match command {
            Command::Exec(words) => words
                .iter()
                .filter_map(|word| Some((word.span, word.get()?.to_owned())))
                .collect(),
            Command::Shell(text) => command::words(text.get().unwrap_or(""))
                .iter()
                .filter_map(|word| Some((text.span, word.literal()?)))
                .collect(),
        };
        for (span, script) in scripts
            .iter()
            .filter(|(_, script)| script.contains("envsubst"))
        {
            let inputs: Vec<String> = command::line(script)
                .commands
                .iter()
                .filter_map(input)
                .collect();
            if !inputs.is_empty() {
                found.push((*span, inputs));
            }
        }
    }
    found
}

/// What an `envsubst` without a list of names reads.
fn input(simple: &Simple) -> Option<String> {
    let [program] = simple.words.as_slice() else {
        return None;
    };
    let bare = program
        .literal()
        .is_some_and(|word| path::name(&word) == "envsubst");
    simple.input.as_ref().filter(|_| bare)?.literal()
}

/// The words of some files without which nginx refuses their directive.
fn lost(
    directives: &[Directive],
    files: &[FileId],
    own: &dyn Fn(&str) -> bool,
    found: &mut Vec<Word>,
) {
    for directive in directives {
        if files.contains(&directive.span.file)
            && needs_two(&directive.name.value)
            && directive.args.len() == 2
        {
            let word = directive.args.iter().find_map(|arg| {
                let name = bare_variable(&arg.value, arg.span)?;
                own(&name).then_some((name, arg))
            });
            if let Some((name, word)) = word {
                let rest = directive.args.iter().filter(|arg| arg.span != word.span);
                let rest = rest.map(|arg| arg.value.as_str());
                let rest: Vec<&str> = std::iter::once(directive.name.value.as_str())
                    .chain(rest)
                    .collect();
                found.push(Word {
                    name: format!("${name}"),
                    span: word.span,
                    rest: rest.join(" "),
                });
            }
        }
        lost(block(directive), files, own, found);
    }
}

/// Directives that take two words or three: with one nginx says `invalid number of arguments`.
fn needs_two(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "proxy_set_header",
        "grpc_set_header",
        "fastcgi_param",
        "uwsgi_param",
        "scgi_param",
        "add_header",
        "set",
        "map",
        "auth_request_set",
    ];
    NAMES.contains(&name)
}

/// The variable that a word is, if it is `$name` and no more: quotes would leave an empty word, which nginx takes.
fn bare_variable(value: &str, span: Span) -> Option<String> {
    let pieces = pieces(value);
    let [Piece::Variable(name)] = pieces.as_slice() else {
        return None;
    };
    let written = usize::try_from(span.end - span.start).ok()?;
    (written == name.len() + 1).then(|| name.clone())
}
