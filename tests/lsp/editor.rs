//! An editor, as far as the protocol knows it: it starts the program, says what an editor says, and keeps what it is told.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// Far longer than anything takes, even on a machine that builds beside it.
const PATIENCE: Duration = Duration::from_secs(60);

/// An editor with a folder of its own.
pub(crate) struct Editor {
    pub(crate) folder: PathBuf,
    /// The text of every open file, with its version.
    open: HashMap<String, (i32, String)>,
    /// What is shown of every file, as the server told it last.
    pub(crate) told: HashMap<String, Value>,
    /// Notifications other than diagnostics, and what the server asks for.
    pub(crate) heard: Vec<Value>,
    child: Child,
    stdin: Option<ChildStdin>,
    messages: Receiver<Value>,
    ids: i32,
}

impl Editor {
    /// Lays out files and starts the server among them; nothing is said yet.
    pub(crate) fn start(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("no502 lsp {} {name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let folder = folder.canonicalize().unwrap();
        for (path, text) in files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_no502"))
            .arg("lsp")
            .current_dir(std::env::temp_dir())
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        thread::spawn(move || {
            while let Some(message) = message(&mut output) {
                let _ = sender.send(message);
            }
        });
        Self {
            folder,
            open: HashMap::new(),
            told: HashMap::new(),
            heard: Vec::new(),
            stdin: child.stdin.take(),
            child,
            messages,
            ids: 0,
        }
    }

    /// The same, with its folder opened by a client of these capabilities.
    pub(crate) fn with(name: &str, files: &[(&str, &str)], capabilities: Value) -> Self {
        let mut editor = Self::start(name, files);
        let root = editor.uri("");
        let params = json!({
            "processId": null, "rootUri": root, "capabilities": capabilities,
            "workspaceFolders": [{"uri": root, "name": name}],
        });
        editor.ask("initialize", params);
        editor.notify("initialized", json!({}));
        editor
    }

    /// The same, with a client that can do what most can.
    pub(crate) fn open_folder(name: &str, files: &[(&str, &str)]) -> Self {
        Self::with(
            name,
            files,
            json!({
                "textDocument": {"publishDiagnostics": {
                    "relatedInformation": true, "codeDescriptionSupport": true, "tagSupport": {"valueSet": [1, 2]},
                }},
                "workspace": {
                    "workspaceEdit": {"documentChanges": true},
                    "didChangeWatchedFiles": {"dynamicRegistration": true},
                },
            }),
        )
    }

    /// The URI of a file, escaped as editors do.
    pub(crate) fn uri(&self, path: &str) -> String {
        let whole = self.folder.join(path);
        let whole = whole.to_str().unwrap().trim_end_matches('/').to_owned();
        format!(
            "file://{}",
            whole.replace(' ', "%20").replace('é', "%C3%A9")
        )
    }

    /// Says something, as it stands.
    pub(crate) fn say(&mut self, bytes: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        // A server that has given up reads no more.
        let _ = stdin.write_all(bytes.as_bytes());
        let _ = stdin.flush();
    }

    pub(crate) fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.say(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request, and does not wait; its id.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> i32 {
        self.ids += 1;
        let id = self.ids;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// The result of a request, or its error.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        self.answer(&json!(id))
    }

    /// Waits for the answer to a request.
    pub(crate) fn answer(&mut self, id: &Value) -> Value {
        loop {
            let message = self.messages.recv_timeout(PATIENCE).expect("an answer");
            assert_eq!(message["jsonrpc"], "2.0");
            if message.get("method").is_none() && message["id"] == *id {
                return match message.get("result") {
                    Some(result) => result.clone(),
                    None => message["error"].clone(),
                };
            }
            self.hear(message);
        }
    }

    fn hear(&mut self, message: Value) {
        if message["method"] == "textDocument/publishDiagnostics" {
            let params = message["params"].clone();
            self.told
                .insert(params["uri"].as_str().unwrap().to_owned(), params);
        } else {
            self.heard.push(message);
        }
    }

    /// Opens a file of the folder.
    pub(crate) fn open(&mut self, path: &str) {
        let text = fs::read_to_string(self.folder.join(path)).unwrap();
        self.open_as(path, &text);
    }

    /// Opens a file with a text that is not on the disk.
    pub(crate) fn open_as(&mut self, path: &str, text: &str) {
        let uri = self.uri(path);
        let document = json!({"uri": uri, "languageId": "x", "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
        self.open.insert(path.to_owned(), (1, text.to_owned()));
    }

    /// Types: the whole text is sent.
    pub(crate) fn change(&mut self, path: &str, text: &str) {
        let (version, known) = self.open.get_mut(path).unwrap();
        *version += 1;
        text.clone_into(known);
        let version = *version;
        let document = json!({"uri": self.uri(path), "version": version});
        let changes = json!([{"text": text}]);
        self.notify(
            "textDocument/didChange",
            json!({"textDocument": document, "contentChanges": changes}),
        );
    }

    /// Replaces one piece of a text by another, as an editor sends it.
    pub(crate) fn replace(&mut self, path: &str, old: &str, new: &str) {
        let range =
            json!({"start": self.place(path, old, 0), "end": self.place(path, old, old.len())});
        let (version, text) = self.open.get_mut(path).unwrap();
        *version += 1;
        *text = text.replacen(old, new, 1);
        let version = *version;
        let document = json!({"uri": self.uri(path), "version": version});
        let changes = json!([{"range": range, "text": new}]);
        self.notify(
            "textDocument/didChange",
            json!({"textDocument": document, "contentChanges": changes}),
        );
    }

    pub(crate) fn close(&mut self, path: &str) {
        self.open.remove(path);
        let document = json!({"uri": self.uri(path)});
        self.notify("textDocument/didClose", json!({"textDocument": document}));
    }

    /// The text of an open file.
    pub(crate) fn text(&self, path: &str) -> &str {
        &self.open[path].1
    }

    /// Where a word is in an open file, and some bytes further; in UTF-16.
    pub(crate) fn place(&self, path: &str, word: &str, further: usize) -> Value {
        let text = self.text(path);
        let at = text
            .find(word)
            .unwrap_or_else(|| panic!("{word} in {text}"))
            + further;
        let before = &text[..at];
        let line = before.rsplit('\n').next().unwrap();
        json!({"line": before.matches('\n').count(), "character": line.encode_utf16().count()})
    }

    /// The parameters of a question about a word of an open file.
    pub(crate) fn at(&self, path: &str, word: &str) -> Value {
        json!({"textDocument": {"uri": self.uri(path)}, "position": self.place(path, word, 0)})
    }

    /// What is shown of a file once everything that was said is judged: line and column from 1 to its end, severity and
    /// rule. A request about an open file is answered after that.
    pub(crate) fn shown(&mut self, path: &str) -> Vec<String> {
        if let Some(open) = self.open.keys().next().cloned() {
            self.actions(&open, "", &[]);
        }
        let uri = self.uri(path);
        self.told.get(&uri).map_or(Vec::new(), |told| {
            let diagnostics = told["diagnostics"].as_array().unwrap().iter();
            diagnostics.map(line).collect()
        })
    }

    /// The only diagnostic of a rule in a file.
    pub(crate) fn diagnostic(&mut self, path: &str, rule: &str) -> Value {
        self.shown(path);
        let told = self.told[&self.uri(path)]["diagnostics"]
            .as_array()
            .unwrap()
            .clone();
        let mut found = told.into_iter().filter(|one| one["code"] == rule);
        let one = found
            .next()
            .unwrap_or_else(|| panic!("no {rule} in {path}"));
        assert!(found.next().is_none(), "one {rule} in {path}");
        one
    }

    /// What can be done at a word; `only` some kinds of it.
    pub(crate) fn actions(&mut self, path: &str, word: &str, only: &[&str]) -> Vec<Value> {
        let place = self.place(path, word, 0);
        let mut context = json!({"diagnostics": []});
        if !only.is_empty() {
            context["only"] = json!(only);
        }
        let document = json!({"uri": self.uri(path)});
        let range = json!({"start": place, "end": place});
        let params = json!({"textDocument": document, "range": range, "context": context});
        let answer = self.ask("textDocument/codeAction", params);
        match answer {
            Value::Array(actions) => actions,
            Value::Null => Vec::new(),
            other => panic!("{other}"),
        }
    }

    /// Makes the changes of an action in the open files, as an editor would: all of a file at once.
    pub(crate) fn apply(&mut self, action: &Value) {
        for change in action["edit"]["documentChanges"]
            .as_array()
            .expect("edits by version")
        {
            let uri = change["textDocument"]["uri"].as_str().unwrap();
            let path = self
                .open
                .keys()
                .find(|path| self.uri(path) == uri)
                .unwrap()
                .clone();
            let (version, text) = self.open[&path].clone();
            assert_eq!(change["textDocument"]["version"], version);
            let mut edits: Vec<(usize, usize, &str)> = Vec::new();
            for edit in change["edits"].as_array().unwrap() {
                let start = byte(&text, &edit["range"]["start"]);
                let end = byte(&text, &edit["range"]["end"]);
                edits.push((start, end, edit["newText"].as_str().unwrap()));
            }
            edits.sort_unstable();
            let mut new = text;
            for (start, end, piece) in edits.into_iter().rev() {
                new.replace_range(start..end, piece);
            }
            self.change(&path, &new);
        }
    }

    /// Closes standard input, and waits for the end: exit code and standard error.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        drop(self.stdin.take());
        let status = self.child.wait().unwrap();
        let mut errors = String::new();
        let stderr = self.child.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut errors).unwrap();
        (status, errors)
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// `3:9-3:20 warning stale-dns`.
fn line(diagnostic: &Value) -> String {
    let place = |end: &str| {
        let place = &diagnostic["range"][end];
        let number = |key: &str| place[key].as_u64().unwrap() + 1;
        format!("{}:{}", number("line"), number("character"))
    };
    let severity = ["error", "warning", "info", "hint"];
    let severity = severity[usize::try_from(diagnostic["severity"].as_u64().unwrap()).unwrap() - 1];
    let code = diagnostic["code"].as_str().unwrap_or("-");
    format!("{}-{} {severity} {code}", place("start"), place("end"))
}

/// The byte of a place that counts in UTF-16.
fn byte(text: &str, place: &Value) -> usize {
    let line = usize::try_from(place["line"].as_u64().unwrap()).unwrap();
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let mut units = place["character"].as_u64().unwrap();
    let mut at = start;
    for letter in text[start..].chars() {
        if units == 0 {
            break;
        }
        units -= letter.len_utf16() as u64;
        at += letter.len_utf8();
    }
    at
}

/// The next message of the server; everything that it writes must be one.
fn message(output: &mut impl BufRead) -> Option<Value> {
    let mut header = String::new();
    if output.read_line(&mut header).ok()? == 0 {
        return None;
    }
    let length = header
        .strip_prefix("Content-Length: ")
        .expect("a header")
        .trim()
        .parse();
    let mut empty = String::new();
    output.read_line(&mut empty).ok()?;
    assert_eq!(empty, "\r\n");
    let mut body = vec![0; length.unwrap()];
    output.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).expect("JSON"))
}
