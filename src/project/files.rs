//! Reads each file once and keeps what it parsed to.

use std::collections::HashMap;

use crate::finding::{Gap, SyntaxError};
use crate::host::Host;
use crate::source::{FileId, SourceFile, Sources};
use crate::syntax::nginx::looks_like_template;
use crate::syntax::{haproxy, nginx};

/// The files of a run and their trees, read on demand.
pub struct Files<'a> {
    /// The outside world.
    pub host: &'a dyn Host,
    /// Everything that was read.
    pub sources: &'a mut Sources,
    /// What could not be read.
    pub gaps: &'a mut Vec<Gap>,
    /// Syntax errors of files that are no proxy configs.
    pub errors: Vec<SyntaxError>,
    ids: HashMap<String, Option<FileId>>,
    nginx: HashMap<FileId, nginx::Tree>,
    haproxy: HashMap<FileId, haproxy::Tree>,
}

impl<'a> Files<'a> {
    /// Over the files that were read already.
    pub fn new(host: &'a dyn Host, sources: &'a mut Sources, gaps: &'a mut Vec<Gap>) -> Self {
        let ids = sources
            .iter()
            .map(|(id, file)| (file.path.clone(), Some(id)))
            .collect();
        Self {
            host,
            sources,
            gaps,
            errors: Vec::new(),
            ids,
            nginx: HashMap::new(),
            haproxy: HashMap::new(),
        }
    }

    /// The file at a path below the root; a gap if it is there and cannot be read.
    pub fn open(&mut self, path: &str) -> Option<FileId> {
        if let Some(id) = self.ids.get(path) {
            return *id;
        }
        let id = match self.host.read(path) {
            Ok(bytes) => Some(self.sources.add(SourceFile::new(path, bytes))),
            Err(why) => {
                if self.host.stat(path).is_some() {
                    self.gaps.push(Gap {
                        path: path.to_owned(),
                        line: None,
                        reason: why,
                    });
                }
                None
            }
        };
        self.ids.insert(path.to_owned(), id);
        id
    }

    /// A file that an image ships, as text of our own; its path is written in `<…>`.
    pub fn shipped(&mut self, name: &str, text: &str) -> FileId {
        let path = format!("<{name}>");
        if let Some(Some(id)) = self.ids.get(&path) {
            return *id;
        }
        let id = self
            .sources
            .add(SourceFile::new(path.clone(), text.as_bytes().to_vec()));
        self.ids.insert(path, Some(id));
        id
    }

    /// A file that is written inside another one, under the key that stands for its path.
    pub fn inline(&mut self, key: &str, file: SourceFile) {
        let id = self.sources.add(file);
        self.ids.insert(key.to_owned(), Some(id));
    }

    /// Whether a path is the key of a file that is written inside another one.
    pub fn is_inline(&self, path: &str) -> bool {
        // plain: `#` stands in no path of a file that is read by its path
        path.contains('#') && self.ids.get(path).is_some_and(Option::is_some)
    }

    /// The text of a file that was opened.
    pub fn text(&self, id: FileId) -> &str {
        &self.sources.get(id).text
    }

    /// A file read as nginx.
    pub fn nginx(&mut self, id: FileId) -> &nginx::Tree {
        let sources = &self.sources;
        self.nginx
            .entry(id)
            .or_insert_with(|| nginx::parse(id, &sources.get(id).text))
    }

    /// A file read as HAProxy.
    pub fn haproxy(&mut self, id: FileId) -> &haproxy::Tree {
        let sources = &self.sources;
        self.haproxy
            .entry(id)
            .or_insert_with(|| haproxy::parse(id, &sources.get(id).text))
    }

    /// The syntax errors of every file that was read, and the HAProxy files whose last line has no line feed. A file
    /// that another program fills in first gives a gap in their place.
    pub fn finish(self) -> (Vec<SyntaxError>, Vec<FileId>) {
        let mut errors = self.errors;
        let mut unfinished = Vec::new();
        let nginx = self
            .nginx
            .into_iter()
            .map(|(id, tree)| (id, [tree.errors, tree.refused].concat()));
        let haproxy = self.haproxy.into_iter().map(|(id, tree)| {
            unfinished.extend(tree.final_newline_missing.then_some(id));
            (id, tree.errors)
        });
        for (id, found) in nginx.chain(haproxy) {
            let file = self.sources.get(id);
            match looks_like_template(&file.text) {
                Some(at) => {
                    let line = Some(file.line(u32::try_from(at).unwrap_or(u32::MAX)));
                    let reason = "a template: what fills it in is not known here".to_owned();
                    self.gaps.push(Gap {
                        path: file.path.clone(),
                        line,
                        reason,
                    });
                }
                None => errors.extend(found),
            }
        }
        errors.sort_by_key(|error| error.span);
        unfinished.sort();
        (errors, unfinished)
    }
}
