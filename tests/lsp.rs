//! The language server from outside: an editor starts the program and talks to it over standard input and output.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads files, and fails where it cannot"
)]

mod lsp {
    mod answers;
    pub(crate) mod editor;
    mod neovim;
}

use std::fs;

use lsp::editor::Editor;
use serde_json::{Value, json};

const COMPOSE: &str = "\
services:
  proxy:
    image: nginx:1.28
    restart: unless-stopped
    volumes: [\"./shop.conf:/etc/nginx/conf.d/default.conf:ro\"]
    depends_on: { web: { condition: service_healthy } }
  web:
    image: example/web
    restart: unless-stopped
    command: gunicorn --threads 4 --bind 0.0.0.0:8000 shop:app
    stop_grace_period: 40s
    healthcheck: { test: [\"CMD\", \"python\", \"healthy.py\"] }
";

const PROXY: &str = "\
server {
    listen 80;
    location / {
        proxy_pass http://web:8000;
        proxy_read_timeout 20s;
    }
}
";

/// A stack without a fault, with gaps alone.
pub(crate) fn shop(name: &str) -> Editor {
    Editor::open_folder(name, &[("compose.yaml", COMPOSE), ("shop.conf", PROXY)])
}

pub(crate) fn findings(shown: Vec<String>) -> Vec<String> {
    let is_finding = |line: &String| !line.ends_with(" gap");
    shown.into_iter().filter(is_finding).collect()
}

#[test]
fn a_session_has_a_beginning_and_an_end() {
    let mut editor = Editor::start("life", &[]);
    let early = editor.ask("textDocument/hover", json!({}));
    assert_eq!(early["code"], -32002);
    editor.notify("textDocument/didOpen", json!({}));
    let about = editor.ask(
        "initialize",
        json!({"capabilities": {}, "processId": null, "rootUri": null}),
    );
    assert_eq!(about["serverInfo"]["name"], "no502");
    assert_eq!(about["capabilities"]["positionEncoding"], "utf-16");
    editor.notify("initialized", json!({}));
    let again = editor.ask("initialize", json!({"capabilities": {}}));
    assert_eq!(again["code"], -32600);
    assert_eq!(
        editor.ask("textDocument/nonsense", json!({}))["code"],
        -32601
    );
    assert_eq!(editor.ask("$/nonsense", json!({}))["code"], -32601);
    assert_eq!(
        editor.ask("textDocument/codeAction", json!({"range": 1}))["code"],
        -32602
    );
    for (method, params) in [
        ("$/setTrace", json!({"value": "off"})),
        (
            "workspace/didChangeConfiguration",
            json!({"settings": null}),
        ),
        (
            "textDocument/didChange",
            json!({"textDocument": {"uri": "file:///nowhere", "version": 3}, "contentChanges": [{"text": ""}]}),
        ),
        (
            "textDocument/didOpen",
            json!({"textDocument": {"uri": "untitled:1", "languageId": "x", "version": 1, "text": "x"}}),
        ),
        ("textDocument/didOpen", json!(7)),
    ] {
        editor.notify(method, params);
    }
    assert_eq!(editor.ask("shutdown", Value::Null), Value::Null);
    assert_eq!(editor.ask("textDocument/hover", json!({}))["code"], -32600);
    assert_eq!(editor.heard, Vec::<Value>::new());
    editor.notify("exit", Value::Null);
    let (status, errors) = editor.end();
    assert_eq!((status.code(), errors.as_str()), (Some(0), ""));
}

#[test]
fn an_editor_that_just_goes_leaves_no_server_behind() {
    let mut editor = shop("gone");
    editor.open("shop.conf");
    editor.notify("exit", Value::Null);
    assert_eq!(editor.end().0.code(), Some(1));
    let mut editor = shop("crashed");
    editor.open("shop.conf");
    let (status, errors) = editor.end();
    assert_eq!((status.code(), errors.as_str()), (Some(1), ""));
}

#[test]
fn one_bad_message_does_not_end_a_session() {
    let mut editor = shop("bad");
    editor.say("Content-Length: 5\r\n\r\n{\"id\"");
    assert_eq!(editor.answer(&Value::Null)["code"], -32700);
    editor.send(&json!([1, 2]));
    assert_eq!(editor.answer(&Value::Null)["code"], -32600);
    editor.send(&json!({"jsonrpc": "2.0", "id": 99, "result": null}));
    editor.open("shop.conf");
    assert_eq!(findings(editor.shown("shop.conf")), [""; 0]);
    editor.say("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    let (status, errors) = editor.end();
    assert_eq!(status.code(), Some(2));
    assert_eq!(
        errors,
        "no502: this is no language client: `GET / HTTP/1.1` is no header\n"
    );
}

#[test]
fn a_fault_is_shown_while_it_is_typed_and_goes_when_it_is_mended() {
    let mut editor = shop("typing");
    editor.open("shop.conf");
    assert_eq!(findings(editor.shown("shop.conf")), [""; 0]);
    editor.replace("shop.conf", "web:8000", "web:9000");
    let shown = findings(editor.shown("shop.conf"));
    assert_eq!(shown, ["4:20-4:35 error upstream-port-mismatch"]);
    let told = editor.diagnostic("shop.conf", "upstream-port-mismatch");
    assert_eq!(told["source"], "no502");
    let message = told["message"].as_str().unwrap();
    assert!(
        message.starts_with("nginx dials port 9000 of web, gunicorn listens on :8000\nhelp: dial"),
        "{message}"
    );
    let page = told["codeDescription"]["href"].as_str().unwrap();
    assert!(page.ends_with("/rules/upstream-port-mismatch.md"), "{page}");
    let related = &told["relatedInformation"][0];
    assert_eq!(related["location"]["uri"], editor.uri("compose.yaml"));
    assert_eq!(
        related["location"]["range"]["start"],
        json!({"line": 9, "character": 34})
    );
    assert_eq!(editor.told[&editor.uri("shop.conf")]["version"], 2);
    editor.replace("shop.conf", "web:9000", "web:8000");
    assert_eq!(findings(editor.shown("shop.conf")), [""; 0]);
}

#[test]
fn a_change_in_one_file_shows_in_the_others() {
    let mut editor = shop("across");
    editor.open("compose.yaml");
    assert_eq!(findings(editor.shown("shop.conf")), [""; 0]);
    editor.replace("compose.yaml", "0.0.0.0:8000", "0.0.0.0:9000");
    let mismatch = ["4:20-4:35 error upstream-port-mismatch"];
    assert_eq!(
        findings(editor.shown("shop.conf")),
        mismatch,
        "which is not open"
    );
    editor.open("shop.conf");
    assert_eq!(findings(editor.shown("shop.conf")), mismatch);
    editor.replace("shop.conf", "web:8000", "web:9000");
    assert_eq!(
        findings(editor.shown("shop.conf")),
        [""; 0],
        "both are unsaved"
    );
    editor.close("compose.yaml");
    assert_eq!(
        findings(editor.shown("shop.conf")),
        mismatch,
        "the disk has the old port"
    );
    fs::write(
        editor.folder.join("compose.yaml"),
        COMPOSE.replace(":8000", ":9000"),
    )
    .unwrap();
    let changes = json!([{"uri": editor.uri("compose.yaml"), "type": 2}]);
    editor.notify(
        "workspace/didChangeWatchedFiles",
        json!({"changes": changes}),
    );
    assert_eq!(findings(editor.shown("shop.conf")), [""; 0]);
    editor.close("shop.conf");
    editor.open("compose.yaml");
    assert_eq!(findings(editor.shown("shop.conf")), mismatch);
}

#[test]
fn what_check_would_not_report_is_not_shown() {
    let bad = PROXY.replace("8000", "9000");
    let files = |settings: &'static str| {
        [
            ("compose.yaml", COMPOSE.to_owned()),
            ("shop.conf", bad.clone()),
            ("no502.toml", settings.to_owned()),
        ]
    };
    for (at, settings) in [
        "ignore = [\"upstream-port-mismatch\"]\n",
        "[[allow]]\nrule = \"upstream-port-mismatch\"\nreason = \"meant\"\n",
    ]
    .into_iter()
    .enumerate()
    {
        let files = files(settings);
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        let mut editor = Editor::open_folder(&format!("settings{at}"), &files);
        editor.open("shop.conf");
        assert_eq!(findings(editor.shown("shop.conf")), [""; 0], "{settings}");
        editor.open_as("no502.toml", "");
        assert_eq!(
            findings(editor.shown("shop.conf")).len(),
            1,
            "without {settings}"
        );
    }
    let mut editor = Editor::open_folder(
        "baseline",
        &[("compose.yaml", COMPOSE), ("shop.conf", &bad)],
    );
    editor.open("shop.conf");
    assert_eq!(findings(editor.shown("shop.conf")).len(), 1);
    let written = std::process::Command::new(env!("CARGO_BIN_EXE_no502"))
        .args(["init", "--baseline"])
        .arg(&editor.folder)
        .output()
        .unwrap();
    assert!(written.status.success(), "{written:?}");
    let changes = json!([{"uri": editor.uri("no502-baseline.json"), "type": 1}]);
    editor.notify(
        "workspace/didChangeWatchedFiles",
        json!({"changes": changes}),
    );
    assert_eq!(findings(editor.shown("shop.conf")), [""; 0]);
}

#[test]
fn broken_settings_are_shown_at_their_place_and_the_last_right_ones_hold() {
    let settings = "ignore = [\"upstream-port-mismatch\"]\n";
    let bad = PROXY.replace("8000", "9000");
    let files = [
        ("compose.yaml", COMPOSE),
        ("shop.conf", bad.as_str()),
        ("no502.toml", settings),
    ];
    let mut editor = Editor::open_folder("broken", &files);
    editor.open("shop.conf");
    editor.open("no502.toml");
    assert_eq!(editor.shown("no502.toml"), [""; 0]);
    editor.replace("no502.toml", "mismatch", "mismatsch");
    assert_eq!(editor.shown("no502.toml"), ["1:11-1:36 error -"]);
    assert_eq!(
        findings(editor.shown("shop.conf")),
        [""; 0],
        "it is still ignored"
    );
    let messages = |editor: &Editor| {
        let heard = editor
            .heard
            .iter()
            .filter(|one| one["method"] == "window/showMessage");
        heard
            .map(|one| one["params"]["message"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        messages(&editor),
        [""; 0],
        "nobody is shouted at while typing"
    );
    editor.notify(
        "textDocument/didSave",
        json!({"textDocument": {"uri": editor.uri("no502.toml")}}),
    );
    editor.shown("no502.toml");
    let told = messages(&editor);
    assert_eq!(told.len(), 1);
    assert!(told[0].ends_with("no502.toml:1: there is no rule `upstream-port-mismatsch`\nhelp: did you mean `upstream-port-mismatch`?"), "{told:?}");
    editor.replace("no502.toml", "mismatsch", "mismatch");
    assert_eq!(editor.shown("no502.toml"), [""; 0]);
    let broken = [
        ("compose.yaml", COMPOSE),
        ("shop.conf", bad.as_str()),
        ("no502.toml", "x"),
    ];
    let mut editor = Editor::open_folder("never right", &broken);
    editor.open("shop.conf");
    assert_eq!(editor.shown("shop.conf"), [""; 0]);
    assert_eq!(editor.shown("no502.toml").len(), 1, "which is not open");
    assert_eq!(messages(&editor).len(), 1);
}

#[test]
fn columns_are_in_the_unit_that_was_agreed_on() {
    let text = "server {\n    listen 80;\n    location /é😀 { proxy_pass http://web:9000; }\n}\n";
    for (offered, agreed, column) in [
        (json!([]), "utf-16", 32),
        (json!(["utf-16", "utf-8"]), "utf-8", 35),
        (json!(["utf-32"]), "utf-32", 31),
    ] {
        let mut editor = Editor::start(agreed, &[("compose.yaml", COMPOSE), ("shop.conf", text)]);
        let root = editor.uri("");
        let capabilities = json!({"general": {"positionEncodings": offered}});
        let about = editor.ask(
            "initialize",
            json!({"rootUri": root, "capabilities": capabilities}),
        );
        assert_eq!(about["capabilities"]["positionEncoding"], agreed);
        editor.notify("initialized", json!({}));
        editor.open("shop.conf");
        let expected = format!("3:{column}-3:{} error upstream-port-mismatch", column + 15);
        assert_eq!(findings(editor.shown("shop.conf")), [expected]);
    }
}

#[test]
fn a_new_file_is_judged_before_it_is_saved() {
    let compose = COMPOSE.replace(
        "./shop.conf:/etc/nginx/conf.d/default.conf",
        "./conf.d:/etc/nginx/conf.d",
    );
    let files = [
        ("compose.yaml", compose.as_str()),
        ("conf.d/one.conf", PROXY),
    ];
    let mut editor = Editor::open_folder("new é", &files);
    editor.open_as(
        "conf.d/two é.conf",
        &PROXY.replace("80;", "81;").replace("8000", "9000"),
    );
    let shown = findings(editor.shown("conf.d/two é.conf"));
    assert_eq!(shown, ["4:20-4:35 error upstream-port-mismatch"]);
    editor.close("conf.d/two é.conf");
    editor.open("compose.yaml");
    assert_eq!(editor.shown("conf.d/two é.conf"), [""; 0]);
}

#[test]
fn what_could_not_be_judged_is_shown_too() {
    let mut editor = shop("gaps");
    editor.open("compose.yaml");
    editor.replace("compose.yaml", "image: example/web", "build: .");
    let gaps: Vec<String> = editor
        .shown("compose.yaml")
        .into_iter()
        .filter(|one| one.ends_with(" gap"))
        .collect();
    assert_eq!(gaps, ["8:5-8:13 info gap"]);
    let gap = editor.diagnostic("compose.yaml", "gap");
    assert_eq!(
        gap["message"],
        "not judged: Dockerfile, which builds web, is not in the tree"
    );
}

#[test]
fn a_cancelled_request_is_answered_and_the_others_are_not_lost() {
    let mut editor = shop("cancel");
    editor.open("shop.conf");
    let place = json!({"line": 0, "character": 0});
    let params = json!({
        "textDocument": {"uri": editor.uri("shop.conf")}, "context": {"diagnostics": []},
        "range": {"start": place, "end": place},
    });
    editor.replace("shop.conf", "20s", "19s");
    let first = editor.request("textDocument/codeAction", params.clone());
    let second = editor.request("textDocument/codeAction", params);
    editor.notify("$/cancelRequest", json!({"id": first}));
    let cancelled = editor.answer(&json!(first));
    assert!(
        cancelled["code"] == -32800 || cancelled.is_array(),
        "{cancelled}"
    );
    assert!(editor.answer(&json!(second)).is_array());
}

#[test]
fn files_that_matter_are_watched_if_the_client_can() {
    let mut editor = shop("watch");
    editor.open("shop.conf");
    editor.shown("shop.conf");
    let asked: Vec<&Value> = editor
        .heard
        .iter()
        .filter(|one| one["method"] == "client/registerCapability")
        .collect();
    assert_eq!(asked.len(), 1);
    let watchers =
        asked[0]["params"]["registrations"][0]["registerOptions"]["watchers"].to_string();
    for name in ["conf", "cfg", "yaml", "Dockerfile", ".env", "no502.toml"] {
        assert!(watchers.contains(name), "{name}");
    }
    let mut editor = Editor::with("no watch", &[("shop.conf", PROXY)], json!({}));
    editor.open("shop.conf");
    editor.shown("shop.conf");
    assert_eq!(editor.heard, Vec::<Value>::new());
}

#[test]
fn a_file_of_no_project_is_judged_with_those_beside_it() {
    let bad = PROXY.replace("8000", "9000");
    let files = [
        ("compose.yaml", COMPOSE),
        ("shop.conf", bad.as_str()),
        ("other/compose.yaml", COMPOSE),
        ("other/shop.conf", bad.as_str()),
    ];
    let mut editor = Editor::start("alone", &files);
    editor.ask("initialize", json!({"rootUri": null, "capabilities": {}}));
    editor.notify("initialized", json!({}));
    editor.open("shop.conf");
    assert_eq!(findings(editor.shown("shop.conf")).len(), 1);
    assert_eq!(
        editor.shown("other/shop.conf"),
        [""; 0],
        "a home is not read"
    );
    let folder = json!({"uri": editor.uri(""), "name": "all"});
    let event = json!({"event": {"added": [folder], "removed": []}});
    editor.notify("workspace/didChangeWorkspaceFolders", event);
    assert_eq!(findings(editor.shown("other/shop.conf")).len(), 1);
    let event = json!({"event": {"added": [], "removed": [folder]}});
    editor.notify("workspace/didChangeWorkspaceFolders", event);
    assert_eq!(editor.shown("other/shop.conf"), [""; 0]);
}

#[test]
fn a_smaller_project_inside_shows_its_own_files() {
    let bad = PROXY.replace("8000", "9000");
    let files = [
        ("compose.yaml", COMPOSE),
        ("shop.conf", PROXY),
        (
            "inner/no502.toml",
            "ignore = [\"upstream-port-mismatch\"]\n",
        ),
        ("inner/compose.yaml", COMPOSE),
        ("inner/shop.conf", bad.as_str()),
    ];
    let mut editor = Editor::open_folder("nested", &files);
    editor.open("shop.conf");
    assert_eq!(
        findings(editor.shown("inner/shop.conf")).len(),
        1,
        "as by check in the folder"
    );
    editor.close("shop.conf");
    editor.open("inner/shop.conf");
    assert_eq!(
        findings(editor.shown("inner/shop.conf")),
        [""; 0],
        "as by check in the inner one"
    );
    editor.open("shop.conf");
    assert_eq!(findings(editor.shown("shop.conf")), [""; 0]);
    assert_eq!(findings(editor.shown("inner/shop.conf")), [""; 0]);
}
