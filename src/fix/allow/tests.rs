//! Where a comment goes in each language, and where none can go.

use super::*;
use crate::finding::Severity;

fn finding(rule: &'static str, span: Span) -> Finding {
    Finding::new(rule, Severity::Error, span, "")
}

/// The file after what the last occurrence of a word is found guilty of has been allowed; `None` if no comment can.
fn allowed(path: &str, text: &str, word: &str) -> Option<String> {
    let mut sources = Sources::default();
    let id = sources.add(SourceFile::new(path, text.as_bytes().to_vec()));
    let start = text.rfind(word).unwrap();
    let findings = [
        finding("stale-dns", Span::new(id, start, start + word.len())),
        finding("proxy-loop", Span::new(id, start, start + 1)),
    ];
    let allowed = plan(&sources, &findings, "why");
    assert_eq!(allowed.plan.changes.is_empty(), !allowed.rest.is_empty());
    Some(allowed.plan.changes.first()?.text.clone())
}

/// Path, text, the word that a finding is about, and what becomes of the text: `@` stands for the comment.
const CASES: &[(&str, &str, &str, &str)] = &[
    (
        "a.conf",
        "server {\n\tlisten 80;\n}\n",
        "listen",
        "server {\n\t@\n\tlisten 80;\n}\n",
    ),
    // Above the first line a comment would speak of the whole file.
    (
        "a.conf",
        "server { listen 80; }\n",
        "listen",
        "server { listen 80; } @\n",
    ),
    (
        "a.conf",
        "# A\nserver { listen 80; }\n",
        "listen",
        "# A\n\n@\nserver { listen 80; }\n",
    ),
    (
        "a.conf",
        "# A\n\nserver { listen 80; }\n",
        "listen",
        "# A\n\n@\nserver { listen 80; }\n",
    ),
    (
        "haproxy.cfg",
        "global\r\n  maxconn 1\r\n",
        "maxconn",
        "global\r\n  @\r\n  maxconn 1\r\n",
    ),
    (
        "haproxy.cfg",
        "global\r\n  maxconn 1",
        "maxconn",
        "global\r\n  @\r\n  maxconn 1",
    ),
    (
        "compose.yaml",
        "services:\n  a: {image: b}\n",
        "image",
        "services:\n  @\n  a: {image: b}\n",
    ),
    (
        "compose.yaml",
        "services:\n  a:\n    command: [b,\n      c]\n",
        "c]",
        "services:\n  a:\n    command: [b,\n      @\n      c]\n",
    ),
    (
        "compose.yaml",
        "services:\n  a:\n    command: >\n      b\n",
        ">",
        "services:\n  a:\n    @\n    command: >\n      b\n",
    ),
    (
        "Dockerfile",
        "\u{feff}FROM a\n",
        "FROM",
        "\u{feff}@\nFROM a\n",
    ),
    (
        "Dockerfile",
        "# syntax=docker/dockerfile:1\nFROM a\n",
        "FROM",
        "# syntax=docker/dockerfile:1\n\n@\nFROM a\n",
    ),
    (
        "Dockerfile",
        "FROM a\nRUN b && \\\n    c\n",
        "c",
        "FROM a\nRUN b && \\\n    @\n    c\n",
    ),
    (
        "a.service",
        "[Service]\nExecStart=/b \\\n  --c\n",
        "--c",
        "[Service]\nExecStart=/b \\\n  @\n  --c\n",
    ),
    (
        "a.service.d/b.conf",
        "[Service]\nUser=c\n",
        "User",
        "[Service]\n@\nUser=c\n",
    ),
    (".env", "A=1\nB=2\n", "B", "A=1\n@\nB=2\n"),
    (
        "gunicorn.conf.py",
        "a = 1\nb = 2\n",
        "b",
        "a = 1\n@\nb = 2\n",
    ),
];

#[test]
fn a_comment_stands_where_its_language_has_them() {
    const COMMENT: &str = "# no502: allow(proxy-loop, stale-dns) why";
    for (path, text, word, expected) in CASES {
        let expected = expected.replace('@', COMMENT);
        assert_eq!(allowed(path, text, word), Some(expected), "{path}: {text}");
    }
}

#[test]
fn elsewhere_it_is_left_to_the_settings() {
    for (path, text, word) in [
        ("package.json", "{\n  \"scripts\": {}\n}\n", "scripts"),
        (
            "ecosystem.config.js",
            "module.exports = {\n  apps: []\n}\n",
            "apps",
        ),
        ("compose.json", "{\n  \"services\": {}\n}\n", "services"),
        // It would be a word of the command.
        (
            "compose.yaml",
            "services:\n  a:\n    command: >\n      b\n      c\n",
            "c",
        ),
        (
            "compose.yaml",
            "services:\n  a:\n    command: \"b\n      c\"\n",
            "c",
        ),
        ("run.sh", "exec a \\\n  --b\n", "--b"),
        ("a.conf", "server {\n  return 200 'a\n  b';\n}\n", "b"),
        // There is no line that a comment could speak of.
        ("haproxy.cfg", "global\n\n", "\n"),
        ("<nginx:1.27>", "server {\n  listen 80;\n}\n", "listen"),
    ] {
        assert_eq!(allowed(path, text, word), None, "{path}: {text}");
    }
}

#[test]
fn another_place_of_the_finding_will_do() {
    let mut sources = Sources::default();
    let json = sources.add(SourceFile::new("package.json", b"{\n}\n".to_vec()));
    let conf = sources.add(SourceFile::new("a.conf", b"a;\nserver {\n}\n".to_vec()));
    let mut one = finding("stale-dns", Span::new(json, 0, 1));
    one.label(Span::new(conf, 3, 9), "here");
    let allowed = plan(&sources, &[one], "why");
    assert!(allowed.rest.is_empty());
    let text = "a;\n# no502: allow(stale-dns) why\nserver {\n}\n";
    assert_eq!(allowed.plan.changes[0].text, text);
}

#[test]
fn a_comment_with_the_same_reason_takes_one_more_rule() {
    let text = "events {}\n# no502: allow(resolver-missing) why\nserver {\n}\n";
    let new =
        "events {}\n# no502: allow(resolver-missing, proxy-loop, stale-dns) why\nserver {\n}\n";
    assert_eq!(allowed("a.conf", text, "server"), Some(new.to_owned()));
    let other = text.replace("why", "because");
    let both = other.replace(
        "server {",
        "# no502: allow(proxy-loop, stale-dns) why\nserver {",
    );
    assert_eq!(allowed("a.conf", &other, "server"), Some(both));
}
