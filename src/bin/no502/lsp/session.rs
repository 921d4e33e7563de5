//! One editor: its life from `initialize` to `exit`, and everything that is known meanwhile. All of it is here on one
//! thread, so that a text and what was judged of it cannot come apart.

mod shown;

use std::collections::BTreeMap;
use std::io::{self, Stdout};
use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use lsp_types::notification::{
    Cancel, DidChangeTextDocument, DidChangeWatchedFiles, DidChangeWorkspaceFolders,
    DidCloseTextDocument, DidOpenTextDocument, DidSaveTextDocument, Exit, Initialized,
    Notification,
};
use lsp_types::request::{Initialize, RegisterCapability, Request, Shutdown};
use lsp_types::{
    DiagnosticTag, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidChangeWorkspaceFoldersParams, DidOpenTextDocumentParams, InitializeParams, MarkupKind,
    TextDocumentIdentifier,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::capabilities;
use super::diagnostics::Reading;
use super::documents::{Documents, real};
use super::judge::{Job, Judged};
use super::log;
use super::places::Encoding;
use super::projects::{Folder, Home, Project};
use super::requests::Ask;
use super::uri::path_of;
use super::wire::{
    CANCELLED, INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, Message,
    NOT_INITIALIZED, Output, Unreadable,
};
use crate::run::Verdict;

/// How long nothing must have been typed before a text is judged.
const PAUSE: Duration = Duration::from_millis(100);

/// What the client can do.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) encoding: Encoding,
    /// Shows further places of a diagnostic.
    pub(super) related: bool,
    /// Follows the code of a diagnostic to its page.
    pub(super) links: bool,
    pub(super) tags: Vec<DiagnosticTag>,
    /// How it shows prose.
    pub(super) prose: MarkupKind,
    /// Takes edits of a text by its version.
    pub(super) versioned_edits: bool,
    /// Watches files if it is asked to.
    pub(super) watches: bool,
}

#[derive(PartialEq, Eq)]
enum Phase {
    Fresh,
    Running,
    Down,
}

/// All that is known of one editor.
pub(super) struct Session {
    out: Output<Stdout>,
    jobs: Sender<Job>,
    verbose: bool,
    phase: Phase,
    client: Client,
    folders: Vec<Folder>,
    documents: Documents,
    projects: BTreeMap<Home, Project>,
    /// Whether a project is being judged.
    busy: bool,
}

/// A notification about one file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    text_document: TextDocumentIdentifier,
}

impl Session {
    /// Before `initialize`.
    pub(super) fn new(jobs: Sender<Job>, verbose: bool) -> Self {
        Self {
            out: Output::new(io::stdout()),
            jobs,
            verbose,
            phase: Phase::Fresh,
            client: capabilities::client(&InitializeParams::default()),
            folders: Vec::new(),
            documents: Documents::default(),
            projects: BTreeMap::new(),
            busy: false,
        }
    }

    /// Takes what the editor says; an exit code if that was the last of it.
    pub(super) fn take(
        &mut self,
        said: Result<Message, Unreadable>,
    ) -> io::Result<Option<Verdict>> {
        let message = match said {
            Ok(message) => message,
            Err(Unreadable(code, why)) => {
                log(self.verbose, &why);
                self.out.refuse(&Value::Null, code, &why)?;
                return Ok(None);
            }
        };
        match (message.method, message.id) {
            (Some(method), Some(id)) => self.request(&method, id, message.params)?,
            (Some(method), None) if method == Exit::METHOD => {
                let asked = self.phase == Phase::Down;
                return Ok(Some(if asked {
                    Verdict::Clean
                } else {
                    Verdict::Deserted
                }));
            }
            (Some(method), None) if self.phase == Phase::Running => {
                if let Err(error) = self.notification(&method, message.params)? {
                    log(self.verbose, format_args!("{method}: {error}"));
                }
            }
            _ => {
                if let Some(error) = message.error {
                    log(self.verbose, format_args!("the client refused: {error}"));
                }
            }
        }
        Ok(None)
    }

    fn request(&mut self, method: &str, id: Value, params: Value) -> io::Result<()> {
        match (method, &self.phase) {
            (Initialize::METHOD, Phase::Fresh) => match serde_json::from_value(params) {
                Ok(params) => self.initialize(&id, &params),
                Err(error) => self.out.refuse(&id, INVALID_PARAMS, &error.to_string()),
            },
            (_, Phase::Fresh) => self
                .out
                .refuse(&id, NOT_INITIALIZED, "initialize comes first"),
            (Initialize::METHOD, _) => self.out.refuse(&id, INVALID_REQUEST, "initialized already"),
            (_, Phase::Down) => self.out.refuse(&id, INVALID_REQUEST, "shut down already"),
            (Shutdown::METHOD, _) => {
                self.phase = Phase::Down;
                for project in self.projects.values_mut() {
                    project.due = None;
                    for (id, _) in project.waiting.drain(..) {
                        self.out.refuse(&id, CANCELLED, "shutting down")?;
                    }
                }
                self.out.answer(&id, &Value::Null)
            }
            _ => match Ask::of(method, params) {
                None => self
                    .out
                    .refuse(&id, METHOD_NOT_FOUND, &format!("no method `{method}`")),
                Some(Err(error)) => self.out.refuse(&id, INVALID_PARAMS, &error.to_string()),
                Some(Ok(ask)) => self.ask(id, ask),
            },
        }
    }

    fn initialize(&mut self, id: &Value, params: &InitializeParams) -> io::Result<()> {
        self.client = capabilities::client(params);
        self.folders = capabilities::folders(params).map(Folder::new).collect();
        self.phase = Phase::Running;
        self.out
            .answer(id, &capabilities::server(self.client.encoding))
    }

    /// Answers what is known, and lets the rest wait until it is.
    fn ask(&mut self, id: Value, ask: Ask) -> io::Result<()> {
        let document = self.documents.get(ask.uri().as_str());
        let home = document.map(|document| Home::of(&document.file, &self.folders));
        let project = home.and_then(|home| self.projects.get_mut(&home));
        let Some(project) = project else {
            return self.out.answer(&id, &Value::Null);
        };
        if project.current().is_none() {
            project.due = project.due.map(|_| Instant::now());
            project.waiting.push((id, ask));
            return Ok(());
        }
        let reading = reading(project, &self.documents, &self.folders, &self.client);
        reply(&mut self.out, &id, reading.as_ref(), &ask)
    }

    fn notification(
        &mut self,
        method: &str,
        params: Value,
    ) -> io::Result<Result<(), serde_json::Error>> {
        let read = match method {
            Initialized::METHOD => {
                if self.client.watches {
                    self.out
                        .ask::<RegisterCapability>(&capabilities::watchers())?;
                }
                Ok(())
            }
            Cancel::METHOD => {
                self.cancel(&params["id"])?;
                Ok(())
            }
            DidOpenTextDocument::METHOD => with(params, |params| self.open(params)),
            DidChangeTextDocument::METHOD => with(params, |params| self.change(params)),
            DidSaveTextDocument::METHOD => with(params, |about: About| {
                self.saved(about.text_document.uri.as_str());
            }),
            DidCloseTextDocument::METHOD => with(params, |about: About| {
                self.close(about.text_document.uri.as_str());
            }),
            DidChangeWatchedFiles::METHOD => with(params, |params| self.changed_outside(params)),
            DidChangeWorkspaceFolders::METHOD => with(params, |params| self.refold(params)),
            _ => Ok(()),
        };
        self.sweep()?;
        Ok(read)
    }

    fn open(&mut self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        let uri = document.uri.as_str();
        if let Some(path) = path_of(uri) {
            let file = real(&path);
            self.documents
                .open(uri, file.clone(), document.version, document.text);
            self.touch(&file, Duration::ZERO, true);
        }
    }

    fn change(&mut self, params: DidChangeTextDocumentParams) {
        let (uri, version) = (params.text_document.uri, params.text_document.version);
        let (changes, encoding) = (params.content_changes, self.client.encoding);
        if self
            .documents
            .change(uri.as_str(), version, changes, encoding)
            && let Some(document) = self.documents.get(uri.as_str())
        {
            let file = document.file.clone();
            self.touch(&file, PAUSE, false);
        }
    }

    fn saved(&mut self, uri: &str) {
        if let Some(document) = self.documents.get(uri) {
            let file = document.file.clone();
            self.touch(&file, Duration::ZERO, true);
        }
    }

    fn close(&mut self, uri: &str) {
        if let Some(document) = self.documents.close(uri) {
            self.touch(&document.file, Duration::ZERO, false);
        }
    }

    /// Files changed on the disk: a checkout may change hundreds, and is judged once.
    fn changed_outside(&mut self, params: DidChangeWatchedFilesParams) {
        for change in params.changes {
            if let Some(path) = path_of(change.uri.as_str()) {
                self.touch(&real(&path), PAUSE, true);
            }
        }
    }

    fn refold(&mut self, params: DidChangeWorkspaceFoldersParams) {
        for gone in params.event.removed {
            if let Some(path) = path_of(gone.uri.as_str()) {
                self.folders.retain(|folder| !folder.is(&path));
            }
        }
        let added = params.event.added.into_iter();
        let added = added.filter_map(|folder| path_of(folder.uri.as_str()));
        self.folders.extend(added.map(Folder::new));
    }

    /// Something in this file, or about it, has changed: every project that reads it is judged anew.
    fn touch(&mut self, file: &Path, pause: Duration, loud: bool) {
        let due = Instant::now() + pause;
        for (home, project) in &mut self.projects {
            if file.starts_with(&home.root) {
                project.generation += 1;
                project.loud |= loud;
                project.due = Some(due);
            }
        }
    }

    /// Begins the projects that open files belong to, and gives up those to which none does any more.
    fn sweep(&mut self) -> io::Result<()> {
        let open = self.documents.iter();
        let homes: Vec<Home> = open
            .map(|(_, one)| Home::of(&one.file, &self.folders))
            .collect();
        let gone = |home: &Home| !homes.contains(home);
        let mut cleared = Vec::new();
        let mut changed = false;
        self.projects.retain(|home, project| {
            if gone(home) {
                cleared.extend(std::mem::take(&mut project.published).into_keys());
                cleared.sort();
                changed = true;
                for (id, _) in project.waiting.drain(..) {
                    // Its file was closed: there is nothing to say about it.
                    let _ = self.out.answer(&id, &Value::Null);
                }
            }
            !gone(home)
        });
        for home in homes {
            changed |= !self.projects.contains_key(&home);
            self.projects.entry(home).or_default();
        }
        for uri in cleared {
            shown::publish(&mut self.out, &uri, Vec::new(), None)?;
        }
        // Which project shows a file may have changed for all of them.
        for project in self.projects.values_mut().filter(|_| changed) {
            project.generation += 1;
            project.loud = true;
            project.due = Some(Instant::now());
        }
        Ok(())
    }

    fn cancel(&mut self, id: &Value) -> io::Result<()> {
        for project in self.projects.values_mut() {
            if let Some(at) = project.waiting.iter().position(|(one, _)| one == id) {
                project.waiting.remove(at);
                return self.out.refuse(id, CANCELLED, "cancelled");
            }
        }
        Ok(())
    }

    /// When there is work to begin; `None` while some is under way, or if there is none.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = self.projects.values().filter_map(|project| project.due);
        due.min().filter(|_| !self.busy)
    }

    /// Hands the project that has waited longest to the judge, if it is time. There is never more than one under way, so
    /// that nothing queues up behind somebody who types.
    pub(super) fn start(&mut self) {
        if self.due().is_none_or(|due| due > Instant::now()) {
            return;
        }
        let waiting = self
            .projects
            .iter_mut()
            .filter(|(_, one)| one.due.is_some());
        let Some((home, project)) = waiting.min_by_key(|(_, one)| one.due) else {
            return;
        };
        project.due = None;
        let files = self.documents.iter().map(|(_, document)| &document.file);
        let files = files.filter(|file| file.starts_with(&home.root)).cloned();
        let job = Job {
            home: home.clone(),
            generation: project.generation,
            files: files.collect(),
            buffers: self.documents.buffers(&home.root),
        };
        self.busy = self.jobs.send(job).is_ok();
    }

    /// Shows what came out, unless the text has changed meanwhile.
    pub(super) fn judged(&mut self, judged: Judged) -> io::Result<()> {
        self.busy = false;
        let home = judged.home.clone();
        log(
            self.verbose,
            format_args!("judged {} in {:?}", home.root.display(), judged.took),
        );
        let Some(project) = self.projects.get_mut(&home) else {
            return Ok(());
        };
        if self.phase != Phase::Running || judged.generation != project.generation {
            return Ok(());
        }
        project.judged = Some(judged);
        self.tell(&home)?;
        self.show(&home)?;
        let Some(project) = self.projects.get_mut(&home) else {
            return Ok(());
        };
        let waiting = std::mem::take(&mut project.waiting);
        let reading = reading(project, &self.documents, &self.folders, &self.client);
        for (id, ask) in waiting {
            reply(&mut self.out, &id, reading.as_ref(), &ask)?;
        }
        Ok(())
    }
}

/// Reads parameters and uses them.
fn with<P: DeserializeOwned>(params: Value, take: impl FnOnce(P)) -> Result<(), serde_json::Error> {
    serde_json::from_value(params).map(take)
}

/// Answers a request; null where nothing was judged.
fn reply(
    out: &mut Output<Stdout>,
    id: &Value,
    reading: Option<&Reading>,
    ask: &Ask,
) -> io::Result<()> {
    match reading.map(|reading| ask.answer(reading)) {
        Some(None) => out.refuse(id, INTERNAL_ERROR, "a defect of no502 itself"),
        answer => out.answer(id, &answer.flatten().unwrap_or_default()),
    }
}

/// What came out of a project, as the editor sees it.
fn reading<'a>(
    project: &'a Project,
    documents: &'a Documents,
    folders: &'a [Folder],
    client: &'a Client,
) -> Option<Reading<'a>> {
    let judged = project.judged.as_ref()?;
    Some(Reading {
        judged,
        analysis: judged.analysis.as_ref()?,
        documents,
        folders,
        client,
    })
}
