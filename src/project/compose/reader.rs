//! Reading the files of compose projects, each one once however many stacks it takes part in.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::environment::Environment;
use crate::finding::{Gap, SyntaxError};
use crate::host::Host;
use crate::source::{FileId, SourceFile, Sources, Span};
use crate::syntax::value::env_file::{self, env_file};
use crate::syntax::yaml;

/// Files that were read, and what was found wrong with them.
pub(super) struct Reader<'a> {
    pub(super) host: &'a dyn Host,
    pub(super) sources: &'a mut Sources,
    pub(super) errors: &'a mut Vec<SyntaxError>,
    pub(super) gaps: &'a mut Vec<Gap>,
    ids: HashMap<String, FileId>,
    parsed: HashMap<FileId, Rc<yaml::Parsed>>,
    environments: HashMap<String, Rc<Vec<env_file::Line>>>,
    told: BTreeSet<Gap>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        host: &'a dyn Host,
        sources: &'a mut Sources,
        errors: &'a mut Vec<SyntaxError>,
        gaps: &'a mut Vec<Gap>,
    ) -> Self {
        let ids = sources
            .iter()
            .map(|(id, file)| (file.path.clone(), id))
            .collect();
        Self {
            host,
            sources,
            errors,
            gaps,
            ids,
            parsed: HashMap::new(),
            environments: HashMap::new(),
            told: BTreeSet::new(),
        }
    }

    /// The id of a file; reads it if that has not happened yet.
    pub(super) fn file(&mut self, path: &str) -> Result<FileId, String> {
        if let Some(id) = self.ids.get(path) {
            return Ok(*id);
        }
        let bytes = self.host.read(path)?;
        let id = self.sources.add(SourceFile::new(path, bytes));
        self.ids.insert(path.to_owned(), id);
        Ok(id)
    }

    /// A file as YAML; its errors are reported the first time.
    pub(super) fn yaml(&mut self, path: &str) -> Result<(FileId, Rc<yaml::Parsed>), String> {
        let id = self.file(path)?;
        if let Some(parsed) = self.parsed.get(&id) {
            return Ok((id, Rc::clone(parsed)));
        }
        let text = &self.sources.get(id).text;
        let parsed = yaml::parse(id, text);
        if parsed.errors.is_empty() || !is_template(text) {
            self.errors.extend(parsed.errors.iter().cloned());
        } else {
            let reason = "a template that something else fills before compose reads it";
            self.gap_in(parsed.errors[0].span, reason);
        }
        let parsed = Rc::new(parsed);
        self.parsed.insert(id, Rc::clone(&parsed));
        Ok((id, parsed))
    }

    /// The variables of an environment file.
    pub(super) fn environment(&mut self, path: &str) -> Result<Rc<Vec<env_file::Line>>, String> {
        if let Some(lines) = self.environments.get(path) {
            return Ok(Rc::clone(lines));
        }
        let id = self.file(path)?;
        let lines = Rc::new(env_file(id, &self.sources.get(id).text));
        self.environments.insert(path.to_owned(), Rc::clone(&lines));
        Ok(lines)
    }

    /// What a list of environment files sets; a missing one is a gap if it was asked for by name.
    pub(super) fn variables(&mut self, paths: &[String], asked_for: bool) -> Environment {
        let mut environment = Environment::default();
        for path in paths {
            match self.environment(path) {
                Ok(lines) => environment.read(&lines),
                Err(reason) if asked_for => self.gap(path, reason),
                Err(_) => {}
            }
        }
        environment
    }

    /// Reports a gap once.
    pub(super) fn gap(&mut self, path: &str, reason: impl Into<String>) {
        self.push_gap(Gap {
            path: path.to_owned(),
            line: None,
            reason: reason.into(),
        });
    }

    /// Reports a gap at a place once.
    pub(super) fn gap_in(&mut self, span: Span, reason: impl Into<String>) {
        self.push_gap(Gap {
            path: self.sources.get(span.file).path.clone(),
            line: Some(self.sources.position(span).line),
            reason: reason.into(),
        });
    }

    fn push_gap(&mut self, gap: Gap) {
        if self.told.insert(gap.clone()) {
            self.gaps.push(gap);
        }
    }
}

/// Whether Jinja, ERB or Go templates fill a text before it is YAML.
fn is_template(text: &str) -> bool {
    ["{{", "{%", "<%"].iter().any(|mark| text.contains(mark))
}
