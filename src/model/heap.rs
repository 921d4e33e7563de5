//! How large a runtime lets its heap grow, where that is written: `-Xmx512m`, `--max-old-space-size=512`.

use crate::project::compose::Command;
use crate::project::image::Container;
use crate::source::Span;
use crate::syntax::command;
use crate::syntax::value::{Text, quantity};

/// A written bound of a heap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heap {
    /// The bound.
    pub bytes: u64,
    /// As it is written: `-Xmx512m`.
    pub written: String,
    /// Where.
    pub span: Span,
}

/// The variables that hand flags to a runtime.
const VARIABLES: [&str; 5] = [
    "JAVA_OPTS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "CATALINA_OPTS",
    "NODE_OPTIONS",
];

/// The bound of the heap of what a container starts: on its command line, else in a variable.
pub fn heap(container: &Container) -> Option<Heap> {
    let commands = [&container.command, &container.entrypoint];
    let texts = commands
        .into_iter()
        .flatten()
        .flat_map(|command| match command {
            Command::Shell(text) => std::slice::from_ref(text),
            Command::Exec(words) => words.as_slice(),
        });
    let variables = container
        .environment
        .iter()
        .filter(|(name, _)| VARIABLES.contains(&name.value.as_str()))
        .filter_map(|(_, text)| text.as_ref());
    texts.chain(variables).find_map(bound)
}

/// The last bound in a text: a runtime takes the last one.
fn bound(text: &Text) -> Option<Heap> {
    let words = command::words(text.get()?);
    words
        .iter()
        .rev()
        .filter_map(command::Word::literal)
        .find_map(|word| {
            let bytes = java(&word).or_else(|| node(&word))?;
            Some(Heap {
                bytes,
                written: word,
                span: text.span,
            })
        })
}

fn java(word: &str) -> Option<u64> {
    let size = word.strip_prefix("-Xmx")?;
    quantity::byte_size(size)
}

/// Mebibytes.
fn node(word: &str) -> Option<u64> {
    let size = word
        .strip_prefix("--max-old-space-size=")
        .or_else(|| word.strip_prefix("--max_old_space_size="))?;
    size.parse::<u64>().ok()?.checked_mul(1024 * 1024)
}
