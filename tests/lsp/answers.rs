//! What the server answers: quick fixes, hover, and the way to where something is defined.

use serde_json::json;

use super::editor::Editor;
use crate::{findings, shop};

#[test]
fn a_quick_fix_heals_what_it_is_offered_for() {
    let text = "global\n    maxconn 100\ndefaults\n    mode http\n    timeout connect 5s\n    timeout client 30s\n    timeout server 30s\nfrontend web\n    bind :80\n    http-request return status 200";
    let mut editor = Editor::open_folder("fix", &[("haproxy.cfg", text)]);
    editor.open("haproxy.cfg");
    assert_eq!(
        findings(editor.shown("haproxy.cfg")),
        ["10:1-10:35 error final-newline-missing"]
    );
    let actions = editor.actions("haproxy.cfg", "bind", &["quickfix"]);
    let titles: Vec<&str> = actions
        .iter()
        .map(|one| one["title"].as_str().unwrap())
        .collect();
    assert_eq!(titles, [""; 0], "the cursor is elsewhere");
    let at_end = json!({"line": 9, "character": 34});
    let params = json!({
        "textDocument": {"uri": editor.uri("haproxy.cfg")}, "context": {"diagnostics": []},
        "range": {"start": at_end, "end": at_end},
    });
    let actions = editor.ask("textDocument/codeAction", params);
    assert_eq!(actions[0]["isPreferred"], true);
    assert_eq!(
        actions[0]["diagnostics"][0]["code"],
        "final-newline-missing"
    );
    let all = editor.actions("haproxy.cfg", "global", &["source.fixAll"]);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["kind"], "source.fixAll.no502");
    editor.apply(&actions[0]);
    assert_eq!(editor.text("haproxy.cfg"), format!("{text}\n"));
    assert_eq!(findings(editor.shown("haproxy.cfg")), [""; 0]);
    editor.change("haproxy.cfg", text);
    let all = editor.actions("haproxy.cfg", "global", &["source.fixAll.no502"]);
    editor.apply(&all[0]);
    assert_eq!(findings(editor.shown("haproxy.cfg")), [""; 0]);
}

#[test]
fn a_finding_can_be_allowed_where_it_is() {
    let mut editor = shop("allow");
    editor.open("shop.conf");
    editor.replace("shop.conf", "web:8000", "web:9000");
    let actions = editor.actions("shop.conf", "http://", &[]);
    let allow = actions
        .iter()
        .find(|one| one["title"] == "allow upstream-port-mismatch here")
        .unwrap();
    editor.apply(allow);
    let line = "        # no502: allow(upstream-port-mismatch) say here why this is no fault\n        proxy_pass";
    assert!(
        editor.text("shop.conf").contains(line),
        "{}",
        editor.text("shop.conf")
    );
    assert_eq!(
        findings(editor.shown("shop.conf")),
        [""; 0],
        "nor is the comment itself a finding"
    );
}

/// What is shown at a word of a file.
fn hover(editor: &mut Editor, path: &str, word: &str) -> String {
    let params = editor.at(path, word);
    let answer = editor.ask("textDocument/hover", params);
    assert_eq!(answer.get("error"), None);
    answer["contents"]["value"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Where a question about a word leads: `compose.yaml:7:3`.
fn places(editor: &mut Editor, method: &str, path: &str, word: &str) -> Vec<String> {
    let params = editor.at(path, word);
    let answer = editor.ask(method, params);
    let root = editor.uri("") + "/";
    let places = answer.as_array().unwrap().iter().map(|place| {
        let start = &place["range"]["start"];
        let number = |key: &str| start[key].as_u64().unwrap() + 1;
        let file = place["uri"].as_str().unwrap().strip_prefix(&root).unwrap();
        format!("{file}:{}:{}", number("line"), number("character"))
    });
    places.collect()
}

#[test]
fn a_value_tells_where_it_comes_from() {
    let mut editor = shop("hover");
    editor.open("shop.conf");
    editor.open("compose.yaml");
    let way = hover(&mut editor, "shop.conf", "proxy_pass");
    for part in [
        "→ service `web`, port 8000: gunicorn listens on `:8000`",
        "nginx (service `proxy`):",
        "- `connect` 60s (default of nginx 1.28)",
        "- `read` 20s (shop.conf:5)",
    ] {
        assert!(way.contains(part), "{part}\n in {way}");
    }
    assert_eq!(
        hover(&mut editor, "shop.conf", "proxy_read_timeout"),
        "`read` 20s: nginx (service `proxy`) waits so long between two reads from the next hop\n\nfor `:80/`"
    );
    let app = hover(&mut editor, "compose.yaml", "web:\n");
    for part in [
        "gunicorn listens on `:8000`",
        "- `keepalive_idle` 2s (assumed default of gunicorn)",
        "dialled at shop.conf:4",
    ] {
        assert!(app.contains(part), "{part}\n in {app}");
    }
    assert_eq!(hover(&mut editor, "shop.conf", "listen"), "");
    editor.replace("shop.conf", "web:8000", "$host:8000");
    let unknown = hover(&mut editor, "shop.conf", "proxy_pass");
    assert!(unknown.contains("unknown: "), "{unknown}");
}

#[test]
fn a_finding_explains_itself() {
    let mut editor = shop("explain");
    editor.open("shop.conf");
    editor.replace("shop.conf", "web:8000", "web:9000");
    let text = hover(&mut editor, "shop.conf", "http://web");
    for part in [
        "**The port dialled is none that the target listens on** ([upstream-port-mismatch](https://",
        "The proxy dials a port of the app's container on which no process listens",
        "help: dial the port that gunicorn listens on",
        "effect: 502",
        "→ service `web`, port 9000: ",
    ] {
        assert!(text.contains(part), "{part}\n in {text}");
    }
    let capabilities = json!({"textDocument": {"hover": {"contentFormat": ["plaintext"]}}});
    let mut editor = Editor::with(
        "plain",
        &[(
            "shop.conf",
            "server { location / { proxy_pass http://a; } }",
        )],
        capabilities,
    );
    editor.open("shop.conf");
    let params = editor.at("shop.conf", "http");
    assert_eq!(
        editor.ask("textDocument/hover", params)["contents"]["kind"],
        "plaintext"
    );
}

#[test]
fn names_lead_to_what_they_name_and_back() {
    let mut editor = shop("definition");
    editor.open("shop.conf");
    editor.open("compose.yaml");
    let (definition, references) = ("textDocument/definition", "textDocument/references");
    let web = ["compose.yaml:7:3"];
    assert_eq!(
        places(&mut editor, definition, "shop.conf", "web:8000"),
        web
    );
    assert_eq!(
        places(&mut editor, definition, "compose.yaml", "web: {"),
        web
    );
    assert_eq!(
        places(&mut editor, definition, "compose.yaml", "/etc/nginx"),
        ["shop.conf:1:1"]
    );
    assert_eq!(
        places(&mut editor, references, "compose.yaml", "web:\n"),
        ["compose.yaml:6:19", "shop.conf:4:20"]
    );
    assert_eq!(
        places(&mut editor, definition, "shop.conf", "listen"),
        [""; 0]
    );
    let upstream = "upstream app {\n    server web:8000;\n}\nserver {\n    listen 80;\n    location / { proxy_pass http://app; }\n}\n";
    editor.change("shop.conf", upstream);
    assert_eq!(
        places(&mut editor, definition, "shop.conf", "app; }"),
        ["shop.conf:1:10"]
    );
    assert_eq!(
        places(&mut editor, definition, "shop.conf", "web:8000"),
        web
    );
    assert_eq!(
        places(&mut editor, references, "shop.conf", "app {"),
        ["shop.conf:6:18"]
    );
    let haproxy = "defaults\n    mode http\n    timeout connect 5s\n    timeout client 30s\n    timeout server 30s\nfrontend fe\n    bind :80\n    use_backend be if { path /a }\n    default_backend be\nbackend be\n    server a 192.0.2.1:80\n";
    let mut editor = Editor::open_folder("backends", &[("haproxy.cfg", haproxy)]);
    editor.open("haproxy.cfg");
    assert_eq!(
        places(&mut editor, definition, "haproxy.cfg", "be if"),
        ["haproxy.cfg:10:9"]
    );
    assert_eq!(
        places(&mut editor, references, "haproxy.cfg", "be\n    server"),
        ["haproxy.cfg:8:5", "haproxy.cfg:9:5"]
    );
}
