//! Events of the YAML crate to nodes: a stack of open collections, a table of anchors, and the two bounds that keep
//! aliases from growing without end.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag, options};

use super::{Entry, Node, Scalar, Value};
use crate::finding::SyntaxError;
use crate::source::{FileId, Span, Spanned};

/// Nodes that aliases may copy, beside one per byte of the file: a dozen lines can ask for billions.
const ALIAS_BUDGET: usize = 500_000;
/// Collections within each other, aliases followed; deeper trees would endanger every recursion over them.
const DEPTH: usize = 256;
/// Bytes of text that weigh as much as one node when an alias copies it.
const TEXT_PER_NODE: usize = 64;

/// What one pass over the text gave.
pub(super) struct Pass {
    /// Finished documents, and as the last one what stood of a broken one.
    pub(super) documents: Vec<Node>,
    /// See [`super::Parsed::duplicates`].
    pub(super) duplicates: Vec<Spanned<String>>,
    /// Why the pass ended early.
    pub(super) error: Option<SyntaxError>,
    /// Offset of the last event that was good.
    pub(super) last_good: usize,
}

/// One pass, up to the first error.
pub(super) fn pass(file: FileId, text: &str) -> Pass {
    let mut builder = Builder::new(file, text);
    let limits = options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: DEPTH - 1,
        block_nesting_limit: DEPTH - 1,
        bom_inside_document_as_content: true,
    };
    let mut error = None;
    for next in Parser::new_from_str_with_options(text, limits) {
        let outcome = match next {
            Ok((event, span)) => {
                let range = span.byte_range().unwrap_or(0..0);
                let outcome = builder.event(event, range.start, range.end);
                builder.last_good = builder.last_good.max(range.start);
                outcome
            }
            Err(scan) => {
                let at = scan.marker().byte_offset().unwrap_or(text.len());
                Err(builder.error(at, at, scan.info()))
            }
        };
        if let Err(found) = outcome {
            error = Some(found);
            break;
        }
    }
    builder.finish(error)
}

/// A node with what a copy of it would cost.
#[derive(Clone)]
struct Built {
    node: Node,
    weight: usize,
    depth: usize,
}

struct Open {
    anchor: usize,
    tag: Option<String>,
    start: usize,
    end: usize,
    weight: usize,
    depth: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<(Key, Node)>,
        key: Option<Key>,
    },
}

struct Key {
    text: Spanned<String>,
    merges: bool,
}

struct Builder<'t> {
    file: FileId,
    text: &'t str,
    documents: Vec<Node>,
    duplicates: Vec<Spanned<String>>,
    open: Vec<Open>,
    anchors: HashMap<usize, Built>,
    budget: usize,
    last_good: usize,
}

impl<'t> Builder<'t> {
    fn new(file: FileId, text: &'t str) -> Self {
        Self {
            file,
            text,
            documents: Vec::new(),
            duplicates: Vec::new(),
            open: Vec::new(),
            anchors: HashMap::new(),
            budget: ALIAS_BUDGET + text.len(),
            last_good: 0,
        }
    }

    fn event(&mut self, event: Event, start: usize, end: usize) -> Result<(), SyntaxError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let built = self.scalar(text.into_owned(), plain, tag.as_deref(), (start, end));
                self.place(built, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.begin(anchor, tag.as_deref(), start, Content::Sequence(Vec::new()));
                Ok(())
            }
            Event::MappingStart(_, anchor, tag) => {
                let content = Content::Mapping {
                    entries: Vec::new(),
                    key: None,
                };
                self.begin(anchor, tag.as_deref(), start, content);
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(end),
            Event::Alias(id) => self.alias(id, start, end),
            Event::UnresolvedAlias(name) => Err(self.error(
                start,
                end,
                format!("the anchor &{name} is defined nowhere above"),
            )),
            _ => Ok(()),
        }
    }

    fn scalar(&self, text: String, plain: bool, tag: Option<&Tag>, at: (usize, usize)) -> Built {
        // A block scalar's span reaches to the next token.
        let written = self.text.get(at.0..at.1).unwrap_or("").trim_end().len();
        Built {
            weight: 1 + text.len() / TEXT_PER_NODE,
            depth: 0,
            node: Node {
                value: Value::Scalar(Scalar { text, plain }),
                tag: own_tag(tag),
                span: Span::new(self.file, at.0, at.0 + written),
            },
        }
    }

    fn begin(&mut self, anchor: usize, tag: Option<&Tag>, start: usize, content: Content) {
        self.open.push(Open {
            anchor,
            tag: own_tag(tag),
            start,
            end: start,
            weight: 1,
            depth: 0,
            content,
        });
    }

    fn alias(&mut self, id: usize, start: usize, end: usize) -> Result<(), SyntaxError> {
        let Some(found) = self.anchors.get(&id) else {
            return Err(self.error(start, end, "an alias inside the value that it stands for"));
        };
        if self.open.len() + found.depth > DEPTH {
            return Err(self.error(start, end, "aliases nest too deep"));
        }
        if found.weight > self.budget {
            return Err(self.error(start, end, "aliases copy too much"));
        }
        self.budget -= found.weight;
        let built = found.clone();
        // The collection ends where the alias does, not where its anchor stands.
        if let Some(parent) = self.open.last_mut() {
            parent.end = parent.end.max(end);
        }
        self.attach(built, true);
        Ok(())
    }

    fn place(&mut self, built: Built, anchor: usize) -> Result<(), SyntaxError> {
        if anchor > 0 {
            if built.weight > self.budget {
                let span = built.node.span;
                return Err(self.error(
                    span.start as usize,
                    span.start as usize,
                    "anchors for aliases hold too much",
                ));
            }
            self.budget -= built.weight;
            self.anchors.insert(anchor, built.clone());
        }
        self.attach(built, false);
        Ok(())
    }

    fn attach(&mut self, built: Built, aliased: bool) {
        let Some(parent) = self.open.last_mut() else {
            self.documents.push(built.node);
            return;
        };
        parent.weight += built.weight;
        parent.depth = parent.depth.max(built.depth + 1);
        if !aliased {
            parent.end = parent.end.max(built.node.span.end as usize);
        }
        match &mut parent.content {
            Content::Sequence(items) => items.push(built.node),
            Content::Mapping { entries, key } => match key.take() {
                Some(key) => entries.push((key, built.node)),
                None => *key = Some(key_of(self.text, built.node)),
            },
        }
    }

    fn close(&mut self, end: usize) -> Result<(), SyntaxError> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let closed = self
            .text
            .get(..end)
            .is_some_and(|before| before.ends_with([']', '}']));
        let flow = self
            .text
            .get(open.start..)
            .is_some_and(|rest| rest.starts_with(['[', '{']));
        let end = if flow && closed { end } else { open.end };
        let value = match open.content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping { entries, .. } => Value::Mapping(self.resolve(entries)),
        };
        let built = Built {
            node: Node {
                value,
                tag: open.tag,
                span: Span::new(self.file, open.start, end.max(open.start)),
            },
            weight: open.weight,
            depth: open.depth,
        };
        self.place(built, open.anchor)
    }

    /// Merge keys give way to own keys; of several maps the earlier one wins. Where a key is repeated, the last counts.
    fn resolve(&mut self, written: Vec<(Key, Node)>) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::with_capacity(written.len());
        let mut seen: HashMap<String, usize> = HashMap::with_capacity(written.len());
        let mut merged = Vec::new();
        for (key, value) in written {
            if key.merges {
                match value.value {
                    Value::Mapping(more) => merged.extend(more),
                    Value::Sequence(maps) => merged.extend(maps.into_iter().flat_map(into_entries)),
                    Value::Scalar(_) => {}
                }
                continue;
            }
            if let Some(at) = seen.get(&key.text.value) {
                self.duplicates.push(key.text.clone());
                entries[*at] = Entry {
                    key: key.text,
                    value,
                };
                continue;
            }
            seen.insert(key.text.value.clone(), entries.len());
            entries.push(Entry {
                key: key.text,
                value,
            });
        }
        for entry in merged {
            if !seen.contains_key(&entry.key.value) {
                seen.insert(entry.key.value.clone(), entries.len());
                entries.push(entry);
            }
        }
        entries
    }

    fn error(&self, start: usize, end: usize, message: impl Into<String>) -> SyntaxError {
        let length = self.text.len();
        SyntaxError::new(self.file, start.min(length), end.min(length), message, "")
    }

    fn finish(mut self, error: Option<SyntaxError>) -> Pass {
        // What is open belongs to the broken document; closing it keeps what was read.
        while let Some(open) = self.open.last() {
            let end = open.end;
            if self.close(end).is_err() {
                break;
            }
        }
        Pass {
            documents: self.documents,
            duplicates: self.duplicates,
            error,
            last_good: self.last_good,
        }
    }
}

fn into_entries(node: Node) -> Vec<Entry> {
    match node.value {
        Value::Mapping(entries) => entries,
        _ => Vec::new(),
    }
}

/// A key that is no scalar is kept under the text that it is written as.
fn key_of(text: &str, node: Node) -> Key {
    let span = node.span;
    match node.value {
        Value::Scalar(scalar) => Key {
            merges: scalar.plain && scalar.text == "<<",
            text: Spanned::new(scalar.text, span),
        },
        _ => Key {
            merges: false,
            text: Spanned::new(
                text.get(span.start as usize..span.end as usize)
                    .unwrap_or("")
                    .to_owned(),
                span,
            ),
        },
    }
}

fn own_tag(tag: Option<&Tag>) -> Option<String> {
    let tag = tag?;
    (tag.core_suffix().is_none()).then(|| tag.original())
}
