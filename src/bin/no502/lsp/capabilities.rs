//! What client and server tell each other when they meet.

use std::path::PathBuf;

use lsp_types::notification::{DidChangeWatchedFiles, Notification};
use lsp_types::{
    ClientCapabilities, InitializeParams, MarkupKind, Registration, RegistrationParams,
    TextDocumentClientCapabilities, WorkspaceClientCapabilities,
};
use serde_json::{Value, json};

use super::actions::fix_all;
use super::places::Encoding;
use super::session::Client;
use super::uri::path_of;

/// Files whose change on the disk may change what is found: configs, and what they and the apps take in.
const WATCHED: &[&str] = &[
    "**/*.{conf,cfg,yml,yaml,template,tmpl,tpl,j2,erb,vhost,inc,service,socket,env,lst,map,pem,crt}",
    "**/{Dockerfile,Containerfile}*",
    "**/*.Dockerfile",
    "**/.env*",
    "**/{.gitignore,.dockerignore,Procfile,package.json}",
    "**/{no502.toml,no502-baseline.json}",
    "**/{gunicorn*.py,puma.rb,ecosystem.config.js,ecosystem.config.cjs,uwsgi.ini,php.ini}",
    "**/{nginx,haproxy}/**",
];

/// What a client can do; what it does not mention it cannot.
pub(super) fn client(params: &InitializeParams) -> Client {
    let ClientCapabilities {
        text_document,
        workspace,
        general,
        ..
    } = &params.capabilities;
    let text: TextDocumentClientCapabilities = text_document.clone().unwrap_or_default();
    let work: WorkspaceClientCapabilities = workspace.clone().unwrap_or_default();
    let shown = text.publish_diagnostics.unwrap_or_default();
    let offered = general
        .as_ref()
        .and_then(|general| general.position_encodings.as_ref());
    let watched = work.did_change_watched_files;
    let edit = work.workspace_edit;
    let formats = text.hover.and_then(|hover| hover.content_format);
    Client {
        encoding: Encoding::agreed(offered.map_or(&[], Vec::as_slice)),
        related: shown.related_information == Some(true),
        links: shown.code_description_support == Some(true),
        tags: shown.tag_support.map_or(Vec::new(), |tags| tags.value_set),
        prose: if formats.is_some_and(|formats| !formats.contains(&MarkupKind::Markdown)) {
            MarkupKind::PlainText
        } else {
            MarkupKind::Markdown
        },
        versioned_edits: edit.and_then(|edit| edit.document_changes) == Some(true),
        watches: watched.and_then(|watched| watched.dynamic_registration) == Some(true),
    }
}

/// The folders that the editor has open; older editors have one root.
pub(super) fn folders(params: &InitializeParams) -> impl Iterator<Item = PathBuf> {
    let folders = params.workspace_folders.iter().flatten();
    let mut uris: Vec<&str> = folders.map(|folder| folder.uri.as_str()).collect();
    #[allow(
        deprecated,
        reason = "an editor that knows no workspace folders sends it"
    )]
    if uris.is_empty() {
        uris.extend(params.root_uri.as_ref().map(|root| root.as_str()));
    }
    let paths: Vec<PathBuf> = uris.into_iter().filter_map(path_of).collect();
    paths.into_iter()
}

/// What the server can do.
pub(super) fn server(encoding: Encoding) -> Value {
    json!({
        "capabilities": {
            "positionEncoding": encoding.kind(),
            // 2: changes come piece by piece.
            "textDocumentSync": {"openClose": true, "change": 2, "save": {"includeText": false}},
            "hoverProvider": true,
            "definitionProvider": true,
            "referencesProvider": true,
            "codeActionProvider": {"codeActionKinds": ["quickfix", fix_all()]},
            "workspace": {"workspaceFolders": {"supported": true, "changeNotifications": true}},
        },
        "serverInfo": {"name": "no502", "version": env!("CARGO_PKG_VERSION")},
    })
}

/// What the client is asked to watch.
pub(super) fn watchers() -> RegistrationParams {
    let watchers = WATCHED.iter().map(|glob| json!({"globPattern": glob}));
    let options = json!({"watchers": watchers.collect::<Vec<_>>()});
    RegistrationParams {
        registrations: vec![Registration {
            id: "no502-files".to_owned(),
            method: DidChangeWatchedFiles::METHOD.to_owned(),
            register_options: Some(options),
        }],
    }
}
