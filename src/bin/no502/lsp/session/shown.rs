//! What the editor is told: diagnostics of every file that a project has something to say about, and faults of the settings.

use std::collections::BTreeMap;
use std::io::{self, Stdout};
use std::path::PathBuf;

use lsp_types::notification::{PublishDiagnostics, ShowMessage};
use lsp_types::{Diagnostic, MessageType, PublishDiagnosticsParams, ShowMessageParams, Uri};

use super::{Session, reading};
use crate::lsp::diagnostics::Reading;
use crate::lsp::projects::Home;
use crate::lsp::uri::uri_of;
use crate::lsp::wire::Output;

impl Session {
    /// Says aloud what is wrong with the settings.
    pub(super) fn tell(&mut self, home: &Home) -> io::Result<()> {
        let Some(project) = self.projects.get_mut(home) else {
            return Ok(());
        };
        let loud = std::mem::take(&mut project.loud);
        let faults = project.judged.iter().flat_map(|judged| &judged.faults);
        for fault in faults.filter(|_| loud) {
            self.out.notify::<ShowMessage>(&ShowMessageParams {
                typ: MessageType::ERROR,
                message: format!("no502: {}", fault.message()),
            })?;
        }
        Ok(())
    }

    /// Brings the editor's diagnostics up to date: of every file that has some or had some, and of every open one.
    pub(super) fn show(&mut self, home: &Home) -> io::Result<()> {
        let mut by_uri = self.by_uri(home);
        let Some(project) = self.projects.get_mut(home) else {
            return Ok(());
        };
        let old = std::mem::take(&mut project.published);
        for uri in old.keys().filter(|uri| !by_uri.contains_key(*uri)) {
            // A smaller project inside may show it by now.
            let mut others = self.projects.values();
            if !others.any(|other| other.published.contains_key(uri)) {
                publish(&mut self.out, uri, Vec::new(), None)?;
            }
        }
        for (uri, diagnostics) in &by_uri {
            let version = self.documents.get(uri).map(|document| document.version);
            // The editor has moved those of an open file with the text: they are told again.
            if version.is_some() || old.get(uri) != Some(diagnostics) {
                publish(&mut self.out, uri, diagnostics.clone(), version)?;
            }
        }
        by_uri.retain(|_, diagnostics| !diagnostics.is_empty());
        if let Some(project) = self.projects.get_mut(home) {
            project.published = by_uri;
        }
        Ok(())
    }

    /// What a project shows, by URI. A file of a smaller project inside is that one's to show.
    fn by_uri(&self, home: &Home) -> BTreeMap<String, Vec<Diagnostic>> {
        let Some(project) = self.projects.get(home) else {
            return BTreeMap::new();
        };
        let owns = |file: &PathBuf| {
            let mut others = self.projects.keys();
            !others.any(|other| {
                other.root != home.root
                    && other.root.starts_with(&home.root)
                    && file.starts_with(&other.root)
            })
        };
        let reading = reading(project, &self.documents, &self.folders, &self.client);
        let mut found = reading
            .as_ref()
            .map_or_else(BTreeMap::new, Reading::diagnostics);
        for fault in project.judged.iter().flat_map(|judged| &judged.faults) {
            if let Some(file) = &fault.file {
                // What was found in a former text of it has no place in this one.
                let shown = vec![fault.diagnostic(self.client.encoding)];
                found.insert(file.clone(), shown);
            }
        }
        for (_, document) in self.documents.iter() {
            if Home::of(&document.file, &self.folders) == *home {
                found.entry(document.file.clone()).or_default();
            }
        }
        let mut by_uri = BTreeMap::new();
        for (file, diagnostics) in found.into_iter().filter(|(file, _)| owns(file)) {
            let mut uris: Vec<String> = self
                .documents
                .uris_of(&file)
                .map(|(uri, _)| uri.to_owned())
                .collect();
            if uris.is_empty() {
                let uri = match &reading {
                    Some(reading) => reading.uri_of_file(&file),
                    None => uri_of(&file),
                };
                uris.push(uri);
            }
            for uri in uris {
                by_uri.insert(uri, diagnostics.clone());
            }
        }
        by_uri
    }
}

/// Tells the editor what to show of a file.
pub(super) fn publish(
    out: &mut Output<Stdout>,
    uri: &str,
    diagnostics: Vec<Diagnostic>,
    version: Option<i32>,
) -> io::Result<()> {
    let Ok(uri) = uri.parse::<Uri>() else {
        return Ok(());
    };
    out.notify::<PublishDiagnostics>(&PublishDiagnosticsParams {
        uri,
        diagnostics,
        version,
    })
}
