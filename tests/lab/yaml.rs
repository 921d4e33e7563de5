//! Compose files as plain values. The lab reads them by itself: a proof that leans on the tool's own reading of the
//! project would prove that the tool agrees with itself.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// The first document of a text. Scalars are strings, apart from plain `true`, `false` and null; merge keys are merged.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let mut events = Vec::new();
    for event in Parser::new_from_str(text) {
        match event.map_err(|error| error.to_string())?.0 {
            Event::StreamStart
            | Event::DocumentStart(..)
            | Event::Anchor(..)
            | Event::Comment(..) => {}
            Event::DocumentEnd | Event::StreamEnd => break,
            event => events.push(event),
        }
    }
    if events.is_empty() {
        return Ok(Value::Null);
    }
    let mut reader = Reader {
        events: events.into_iter(),
        anchors: HashMap::new(),
    };
    let first = reader.next()?;
    reader.node(first)
}

struct Reader<'a> {
    events: std::vec::IntoIter<Event<'a>>,
    anchors: HashMap<usize, Value>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        let end = || "the document ends in the middle of a node".to_owned();
        self.events.next().ok_or_else(end)
    }

    fn node(&mut self, event: Event<'a>) -> Result<Value, String> {
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => (scalar(&text, style), anchor),
            Event::SequenceStart(_, anchor, _) => (self.sequence()?, anchor),
            Event::MappingStart(_, anchor, _) => (self.mapping()?, anchor),
            Event::Alias(anchor) => (self.anchors.get(&anchor).cloned().unwrap_or_default(), 0),
            other => return Err(format!("not a node: {other:?}")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn sequence(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Value::Array(items)),
                event => items.push(self.node(event)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Value, String> {
        let (mut own, mut merged) = (Map::new(), Map::new());
        loop {
            let key = match self.next()? {
                Event::MappingEnd => break,
                event => self.node(event)?,
            };
            let event = self.next()?;
            let value = self.node(event)?;
            match (key.as_str(), value) {
                (Some("<<"), Value::Object(base)) => merged.extend(base),
                (Some("<<"), Value::Array(bases)) => {
                    for base in bases.iter().rev().filter_map(Value::as_object) {
                        merged.extend(base.clone());
                    }
                }
                (key, value) => {
                    own.insert(key.unwrap_or_default().to_owned(), value);
                }
            }
        }
        merged.extend(own);
        Ok(Value::Object(merged))
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    match (style, text) {
        (ScalarStyle::Plain, "true") => Value::Bool(true),
        (ScalarStyle::Plain, "false") => Value::Bool(false),
        (ScalarStyle::Plain, "" | "~" | "null") => Value::Null,
        _ => Value::String(text.to_owned()),
    }
}
