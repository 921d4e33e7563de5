//! YAML to nodes with spans. The only place that knows the YAML crate, so that another one can take its place: anchors
//! and merge keys are resolved here, repeated keys are kept as data, and a broken line costs that line alone.

mod build;
mod recover;

use crate::finding::SyntaxError;
use crate::source::{FileId, Span, Spanned};

/// What one file holds.
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// One node per document; an empty file has none.
    pub documents: Vec<Node>,
    /// Keys that repeat an earlier key of their mapping; the last one counts.
    pub duplicates: Vec<Spanned<String>>,
    /// At most one per file: what follows a first error is mostly its echo.
    pub errors: Vec<SyntaxError>,
}

/// One value with its place. What an alias stands for keeps the place of its anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Its tag as written, `!reset` for one; tags of YAML's own schema are left out.
    pub tag: Option<String>,
    /// Where it is written, quotes included.
    pub span: Span,
}

/// The three kinds of node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A string, number, boolean or null, not told apart yet.
    Scalar(Scalar),
    /// `- a` or `[a]`.
    Sequence(Vec<Node>),
    /// `a: b` or `{a: b}`, merge keys resolved, every key once.
    Mapping(Vec<Entry>),
}

/// The text of a scalar and whether its type is still open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// After escapes and folding.
    pub text: String,
    /// Without quotes, so that `true` is a boolean and an empty text null.
    pub plain: bool,
}

/// One key of a mapping with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key as text, whatever its type.
    pub key: Spanned<String>,
    /// The value.
    pub value: Node,
}

/// Reads a text. Never fails: what cannot be read is blanked, and the rest stands in the tree.
pub fn parse(file: FileId, text: &str) -> Parsed {
    recover::parse(file, text)
}

impl Node {
    /// The entries, if it is a mapping.
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items, if it is a sequence.
    pub fn items(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The scalar, if it is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The value of a key, if it is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?
            .iter()
            .find(|entry| entry.key.value == key)
            .map(|entry| &entry.value)
    }
}

impl Scalar {
    /// Whether it is YAML's null.
    pub fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }

    /// The boolean that it is. Compose reads YAML 1.2 but takes the words of 1.1 where it wants a boolean.
    pub fn boolean(&self) -> Option<bool> {
        match self.text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" | "1" => Some(true),
            "false" | "no" | "off" | "n" | "0" => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(node: &Node) -> String {
        match &node.value {
            Value::Scalar(scalar) => scalar.text.clone(),
            Value::Sequence(items) => {
                let items: Vec<String> = items.iter().map(shape).collect();
                format!("[{}]", items.join(","))
            }
            Value::Mapping(entries) => {
                let pairs: Vec<String> = entries
                    .iter()
                    .map(|entry| format!("{}:{}", entry.key.value, shape(&entry.value)))
                    .collect();
                format!("{{{}}}", pairs.join(","))
            }
        }
    }

    fn read(text: &str) -> String {
        let parsed = parse(FileId(0), text);
        assert_eq!(parsed.errors, [], "{text}");
        shape(&parsed.documents[0])
    }

    #[test]
    fn merge_keys_give_way_to_own_keys_and_earlier_maps_win() {
        assert_eq!(
            read("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\n"),
            "{a:{x:1,y:1},b:{y:2,z:2},c:{x:3,y:1,z:2}}"
        );
        assert_eq!(read("a: {'<<': {x: 1}}"), "{a:{<<:{x:1}}}");
    }

    #[test]
    fn spans_point_at_the_written_bytes() {
        let text = "é: &x \"q\\n\"\nk:\n  - *x\n  - b c  # d\nf: {a: 1}\n";
        let parsed = parse(FileId(0), text);
        let root = &parsed.documents[0];
        let at = |span: Span| &text[span.start as usize..span.end as usize];
        assert_eq!(at(root.get("é").unwrap().span), "\"q\\n\"");
        let items = root.get("k").unwrap().items().unwrap();
        assert_eq!(at(items[0].span), "\"q\\n\"");
        assert_eq!(at(items[1].span), "b c");
        assert_eq!(at(root.get("f").unwrap().span), "{a: 1}");
        assert_eq!(at(root.get("k").unwrap().span), "- *x\n  - b c");
    }

    #[test]
    fn a_repeated_key_is_data_and_the_last_one_counts() {
        let parsed = parse(FileId(0), "a: 1\nb: 2\na: 3\n");
        assert_eq!(shape(&parsed.documents[0]), "{a:3,b:2}");
        assert_eq!(parsed.duplicates.len(), 1);
        assert_eq!(parsed.duplicates[0].span.start, 10);
    }

    #[test]
    fn a_broken_line_costs_that_line() {
        let text =
            "services:\n  web:\n    image: a: b: c\n    restart: always\n  db:\n    image: pg\n";
        let parsed = parse(FileId(0), text);
        assert_eq!(parsed.errors.len(), 1);
        let services = parsed.documents[0].get("services").unwrap();
        assert_eq!(shape(services), "{web:{restart:always},db:{image:pg}}");
    }

    #[test]
    fn aliases_that_multiply_are_refused() {
        let line = |level: u32| {
            let items = vec![format!("*a{}", level - 1); 10].join(", ");
            format!("a{level}: &a{level} [{items}]")
        };
        let lines: Vec<String> = (1..30).map(line).collect();
        let parsed = parse(FileId(0), &format!("a0: &a0 x\n{}\n", lines.join("\n")));
        assert_eq!(parsed.errors.len(), 1);
        assert!(parsed.errors[0].message.contains("alias"));
    }

    #[test]
    fn depth_is_an_error_not_an_abort() {
        for text in [
            "[".repeat(200_000),
            "- ".repeat(200_000),
            "{a: ".repeat(50_000),
        ] {
            assert_eq!(parse(FileId(0), &text).errors.len(), 1);
        }
        let line = |level: u32| format!("a{level}: &a{level} [*a{}]", level - 1);
        let chain: Vec<String> = (1..3000).map(line).collect();
        let parsed = parse(FileId(0), &format!("a0: &a0 x\n{}\n", chain.join("\n")));
        assert_eq!(parsed.errors.len(), 1);
    }

    #[test]
    fn tags_and_documents_are_kept() {
        let parsed = parse(
            FileId(0),
            "a: !reset []\nb: !override {c: !!str 1}\n---\nd: 2\n",
        );
        assert_eq!(parsed.documents.len(), 2);
        let first = &parsed.documents[0];
        assert_eq!(first.get("a").unwrap().tag.as_deref(), Some("!reset"));
        assert_eq!(first.get("b").unwrap().tag.as_deref(), Some("!override"));
        let c = first.get("b").unwrap().get("c").unwrap();
        assert_eq!((c.tag.as_deref(), c.scalar().unwrap().plain), (None, false));
    }
}
