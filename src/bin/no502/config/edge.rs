//! `[[edge]]`: a load balancer, CDN or router in front of the stack, by a preset or by its own times.

use std::ops::Range;
use std::path::Path;

use no502::model::Key;
use no502::model::knowledge;
use no502::settings::{Edge, EdgeTime};
use no502::source::{FileId, Span};
use no502::syntax::value::quantity::duration_ms;
use serde::Deserialize;
use toml::Spanned;

use crate::failure::{Failure, did_you_mean};

/// What is written for a time without a limit.
const NO_LIMIT: &str = "none";

/// One `[[edge]]`, with the names that `no502 chain` has for its times.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WrittenEdge {
    preset: Option<Spanned<String>>,
    name: Option<Spanned<String>>,
    #[serde(default)]
    to: Vec<Spanned<String>>,
    connect: Option<Spanned<String>>,
    send: Option<Spanned<String>>,
    read: Option<Spanned<String>>,
    keepalive_idle: Option<Spanned<String>>,
    client_idle: Option<Spanned<String>>,
}

impl WrittenEdge {
    /// As the library knows it; `None` if it has no name, which `check` refuses.
    pub(super) fn settings(&self, file: FileId) -> Option<Edge> {
        let place = |range: Range<usize>| Span::new(file, range.start, range.end);
        let name = self.called()?;
        let times = self.times().into_iter().filter_map(|(key, written)| {
            let written = written.as_ref()?;
            Some(EdgeTime {
                key: key.as_str(),
                ms: milliseconds(written.get_ref())?,
                span: place(written.span()),
            })
        });
        Some(Edge {
            name: name.get_ref().clone(),
            preset: self.preset.as_ref().map(|preset| preset.get_ref().clone()),
            to: self
                .to
                .iter()
                .map(|to| no502::source::Spanned::new(to.get_ref().clone(), place(to.span())))
                .collect(),
            times: times.collect(),
            span: place(name.span()),
        })
    }

    fn called(&self) -> Option<&Spanned<String>> {
        self.name.as_ref().or(self.preset.as_ref())
    }

    fn times(&self) -> [(Key, &Option<Spanned<String>>); 5] {
        [
            (Key::Connect, &self.connect),
            (Key::Send, &self.send),
            (Key::Read, &self.read),
            (Key::KeepaliveIdle, &self.keepalive_idle),
            (Key::ClientIdle, &self.client_idle),
        ]
    }
}

/// `Some(None)` is no limit.
fn milliseconds(written: &str) -> Option<Option<u64>> {
    if written == NO_LIMIT {
        return Some(None);
    }
    duration_ms(written).map(Some)
}

/// Refuses presets that do not exist, times that are none, and edges that cannot be told apart.
pub(super) fn check(
    edges: &[Spanned<WrittenEdge>],
    path: &Path,
    text: &str,
) -> Result<(), Failure> {
    let mut names: Vec<&str> = Vec::new();
    for written in edges {
        let edge = written.get_ref();
        if let Some(preset) = edge
            .preset
            .as_ref()
            .filter(|preset| knowledge::edge(preset.get_ref()).is_none())
        {
            return Err(unknown_preset(preset.get_ref()).at(path, text, preset.span()));
        }
        let Some(name) = edge.called() else {
            return Err(Failure::new("an `edge` needs a preset or a name")
                .at(path, text, super::header(text, &written.span()))
                .help("write `preset = \"aws-alb\"`, or `name` and the times that you know"));
        };
        if names.contains(&name.get_ref().as_str()) {
            let message = format!("two edges are called `{}`", name.get_ref());
            return Err(Failure::new(message)
                .at(path, text, name.span())
                .help("give one of them another `name`"));
        }
        names.push(name.get_ref());
        for time in edge
            .times()
            .into_iter()
            .filter_map(|(_, time)| time.as_ref())
        {
            if milliseconds(time.get_ref()).is_none() {
                let message = format!("`{}` is no duration", time.get_ref());
                return Err(Failure::new(message)
                    .at(path, text, time.span())
                    .help("write it with its unit, as in `60s`, `500ms` or `1m30s`, or `none` for no limit"));
            }
        }
    }
    Ok(())
}

fn unknown_preset(written: &str) -> Failure {
    let names: Vec<&str> = knowledge::edges()
        .iter()
        .flat_map(knowledge::Edge::names)
        .collect();
    let meant = did_you_mean(written, names.iter().copied());
    let all = || {
        let names: Vec<&str> = knowledge::edges()
            .iter()
            .map(|edge| edge.name.as_str())
            .collect();
        format!("known are {}", names.join(", "))
    };
    Failure::new(format!("there is no preset `{written}`")).help(meant.unwrap_or_else(all))
}
