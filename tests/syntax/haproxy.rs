//! The HAProxy reader: fixtures with their trees, mutants of them, and expansion.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test reads its fixtures from the disk and may fail at any step"
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use no502::report::parse_haproxy;
use no502::source::{FileId, SourceFile, Sources, Span};
use no502::syntax::haproxy::{
    Line, Reader, Tree, Variable, Word, expand, expand_address, parse, parse_by,
};

#[test]
fn fixtures_give_their_trees() {
    for path in fixtures() {
        let found = dump(&path);
        let expected = path.with_extension("tree");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&expected, &found).unwrap();
        }
        let wanted = std::fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(found, wanted, "{}: UPDATE=1 rewrites it", path.display());
    }
}

#[test]
fn mutants_are_read_to_their_end() {
    let seeds: Vec<Vec<u8>> = fixtures()
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    let mut random = Random(0x5eed);
    for round in 0..6000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=random.below(4) {
            mutate(&mut bytes, &mut random);
        }
        let file = SourceFile::new("mutant", bytes);
        let tree = parse(FileId(0), &file.text);
        assert_spans_hold(&tree, &file.text);
        assert_nothing_is_lost(&tree, &file.text);
    }
}

#[test]
fn length_of_the_tree_follows_the_length_of_the_text() {
    // Each shape has made some reader quadratic; a quadratic one would not end at this size.
    let shapes = [
        "\"",
        "'",
        "\"'",
        "\\",
        "\"${A-",
        "\"${A",
        "${A-",
        "\"$A\" ",
        "a\"\n",
        "a b ",
        ".if 1\n",
        ".else\n",
        "#",
        "\r",
        "\\x4",
        "\"\\\"",
        "[",
        "\"${A[*]-",
    ];
    for shape in shapes {
        let text = format!("global\n{}\n", shape.repeat(200_000 / shape.len()));
        let tree = parse(FileId(0), &text);
        assert_spans_hold(&tree, &text);
        assert!(tree.errors.len() <= text.lines().count() + 1, "{shape:?}");
    }
}

#[test]
fn a_file_is_read_alike_wherever_it_is_cut() {
    let line = "    acl web \"10.0.0.1:80\" check # note\n";
    let text = format!("backend web\n{}", line.repeat(10_000));
    let tree = parse(FileId(0), &text);
    assert_eq!(tree.errors, []);
    assert_eq!(tree.sections.len(), 1);
    assert_eq!(tree.sections[0].lines.len(), 10_000);
    let source = SourceFile::new("big", text.into_bytes());
    for (at, line) in tree.sections[0].lines.iter().enumerate() {
        assert_eq!(source.position(line.span.start).line, at + 2);
        assert_eq!(line.words[2].text, "10.0.0.1:80");
    }
}

#[test]
fn references_expand_to_values_defaults_or_the_name_that_is_unset() {
    let env = |name: &str| (name == "HOST").then(|| "web".to_owned());
    for (written, expected) in [
        ("\"${HOST}:80\"", Ok("web:80")),
        ("\"$HOST.local\"", Ok("web.local")),
        ("\"${PORT-8080}\"", Ok("8080")),
        ("\"${HOST-other}\"", Ok("web")),
        ("\"${PORT-}\"", Ok("")),
        ("\"${PORT-a \"b\"}\"", Ok("a \"b\"")),
        ("\"${HOST[*]}\"", Ok("web")),
        ("\"\\$HOST $HOST\"", Ok("$HOST web")),
        ("\"$PORT\"", Err("PORT")),
        ("${HOST}", Ok("${HOST}")),
        ("'$HOST'", Ok("$HOST")),
    ] {
        let found = expand(&word(written), &env);
        assert_eq!(
            found.as_deref().map_err(String::as_str),
            expected,
            "{written}"
        );
    }
}

#[test]
fn conditions_follow_the_version_and_the_environment() {
    // Each was put to HAProxy 2.6.12 with HOST=web, EMPTY= and nothing else set.
    let environment = |name: &str| match name {
        "HOST" => Variable::Set("web".to_owned()),
        "EMPTY" => Variable::Set(String::new()),
        "ODD" => Variable::Set("a,b".to_owned()),
        "LATE" => Variable::Unknown,
        _ => Variable::Unset,
    };
    let reader = Reader {
        version: Some("2.6.12"),
        environment: &environment,
    };
    for (condition, expected) in [
        ("1", "taken"),
        ("00", "left"),
        ("-1", "taken"),
        ("\"1\"", "taken"),
        ("! 0", "taken"),
        ("!!1", "taken"),
        ("!(1)", "left"),
        ("((1))", "taken"),
        ("1&&1", "taken"),
        ("1 && 1 || 0", "taken"),
        ("0 || 0 && 1", "left"),
        ("(0 || 1) && 0", "left"),
        ("defined(HOST)", "taken"),
        ("defined(EMPTY)", "taken"),
        ("defined(NONE)", "left"),
        ("defined(LATE)", "?"),
        ("defined(LATE) || 1", "taken"),
        ("defined(LATE) && 0", "left"),
        ("streq(\"$HOST\",web)", "taken"),
        ("streq( \"$HOST\" , web )", "taken"),
        ("streq(\"$NONE\",\"\")", "taken"),
        ("streq(\"${NONE-web}\",web)", "taken"),
        ("streq(\"$LATE\",web)", "?"),
        ("streq('$HOST',web)", "left"),
        ("strneq(\"$HOST\",web)", "left"),
        ("version_atleast(2.6)", "taken"),
        ("version_atleast(2.6-dev4)", "taken"),
        ("version_atleast(2.6.12)", "taken"),
        ("version_atleast(2.6.13)", "left"),
        ("version_before(2.7)", "taken"),
        ("feature(OPENSSL)", "?"),
    ] {
        let text = format!(".if {condition}\nglobal\n.endif\n");
        let tree = parse_by(FileId(0), &text, &reader);
        assert_eq!(tree.errors, [], "{condition}");
        let found = match tree.sections.as_slice() {
            [] => "left",
            [section] if section.head.conditional => "?",
            _ => "taken",
        };
        assert_eq!(found, expected, "{condition}");
    }
}

#[test]
fn a_version_without_its_last_number_is_any_of_them() {
    let reader = Reader {
        version: Some("2.6"),
        environment: &|_| Variable::Unset,
    };
    let text = ".if version_atleast(2.6.5)\nglobal\n.endif\n";
    assert!(parse_by(FileId(0), text, &reader).is_conditional);
    let text = ".if version_atleast(2.6.0) && version_before(2.7)\nglobal\n.endif\n";
    assert!(!parse_by(FileId(0), text, &reader).is_conditional);
}

#[test]
fn a_section_may_come_from_the_environment() {
    let tree = parse(FileId(0), "\"$KIND\" web\n  bind :80\n");
    assert_eq!(tree.errors, []);
    assert_eq!(tree.sections[0].kind.value, "$KIND");
    assert_eq!(tree.sections[0].lines.len(), 1);
}

#[test]
fn addresses_expand_whatever_the_quotes() {
    let env = |name: &str| (name == "HOST").then(|| "web".to_owned());
    for (written, expected) in [
        ("${HOST}:80", Ok("web:80")),
        ("$HOST:80", Ok("web:80")),
        ("'${HOST}:$HOST'", Ok("web:web")),
        ("\"${HOST}:${PORT-1}\"", Ok("web:1")),
        ("a$:80", Ok("a$:80")),
        ("10.0.0.1:80", Ok("10.0.0.1:80")),
        ("${PORT}:80", Err("PORT")),
    ] {
        let found = expand_address(&word(written), &env);
        assert_eq!(
            found.as_deref().map_err(String::as_str),
            expected,
            "{written}"
        );
    }
}

#[test]
fn json_names_the_file_of_a_node_only_if_there_are_several() {
    let mut sources = Sources::default();
    let mut trees = Vec::new();
    for (path, text) in [
        ("a.cfg", "global\n  maxconn 1\n"),
        ("b.cfg", "frontend x\n  \""),
    ] {
        let id = sources.add(SourceFile::new(path, text.as_bytes().to_vec()));
        trees.push((id, parse(id, text)));
    }
    assert_eq!(
        parse_haproxy::render(&sources, &trees[..1]),
        r#"{"sections":[{"kind":"global","name":null,"line":1,"lines":[{"line":2,"words":["maxconn","1"]}]}],"errors":[]}"#
    );
    assert_eq!(
        parse_haproxy::render(&sources, &trees),
        concat!(
            r#"{"sections":[{"kind":"global","name":null,"line":1,"file":"a.cfg","lines":[{"line":2,"file":"a.cfg","words":["maxconn","1"]}]},"#,
            r#"{"kind":"frontend","name":"x","line":1,"file":"b.cfg","lines":[]}],"#,
            r#""errors":[{"error":"`\"` is never closed","line":2,"file":"b.cfg"},{"error":"the last line has no line feed","line":2,"file":"b.cfg"}]}"#
        )
    );
    assert!(!parse_haproxy::has_errors(&trees[..1]));
    assert!(parse_haproxy::has_errors(&trees));
}

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/syntax/haproxy");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "cfg"))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

fn dump(path: &Path) -> String {
    let file = SourceFile::new("fixture", std::fs::read(path).unwrap());
    let tree = parse(FileId(0), &file.text);
    assert_spans_hold(&tree, &file.text);
    let mut out = String::new();
    for line in &tree.prelude {
        dump_line(&mut out, &file, "", line);
    }
    for section in &tree.sections {
        let name = section.name.as_ref().map(|name| name.value.as_str());
        write!(out, "{} {name:?} ", section.kind.value).unwrap();
        dump_line(&mut out, &file, "", &section.head);
        for line in &section.lines {
            dump_line(&mut out, &file, "  ", line);
        }
    }
    for error in &tree.errors {
        let place = file.position(error.span.start);
        let (line, column) = (place.line, place.column);
        let (message, expected) = (&error.message, &error.expected);
        writeln!(out, "error {line}:{column}: {message}; expected {expected}").unwrap();
    }
    if tree.final_newline_missing {
        out.push_str("final line feed missing\n");
    }
    out
}

fn dump_line(out: &mut String, file: &SourceFile, indent: &str, line: &Line) {
    let mark = if line.conditional { "?" } else { "" };
    write!(
        out,
        "{indent}{}{mark}:",
        file.position(line.span.start).line
    )
    .unwrap();
    for word in &line.words {
        write!(out, " {:?}", word.text).unwrap();
        if word.has_env {
            write!(out, "{:?}", word.references).unwrap();
        }
    }
    out.push('\n');
}

fn all_lines(tree: &Tree) -> impl Iterator<Item = &Line> {
    let sections = tree
        .sections
        .iter()
        .flat_map(|section| std::iter::once(&section.head).chain(&section.lines));
    tree.prelude.iter().chain(sections)
}

fn assert_spans_hold(tree: &Tree, text: &str) {
    let slice = |span: Span| text.get(span.start as usize..span.end as usize);
    let mut end = 0;
    for line in all_lines(tree) {
        assert!(!line.words.is_empty());
        for word in &line.words {
            assert!(word.span.start >= end, "words overlap: {word:?}");
            assert!(
                slice(word.span).is_some_and(|raw| !raw.is_empty()),
                "{word:?}"
            );
            assert_eq!(word.has_env, !word.references.is_empty());
            for range in &word.references {
                assert!(word.text[range.clone()].starts_with('$'), "{word:?}");
            }
            end = word.span.end;
        }
        assert!(!slice(line.span).unwrap().contains('\n'), "{line:?}");
    }
    for error in &tree.errors {
        assert!(
            slice(error.span).is_some_and(|raw| !raw.is_empty()),
            "{error:?}"
        );
    }
}

/// Every line is in the tree, in an error, blank, a comment, a scope, or in a branch that is never taken.
fn assert_nothing_is_lost(tree: &Tree, text: &str) {
    if text.contains(".if") || text.contains(".el") || text.contains('\0') {
        return;
    }
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        let bare = line.trim_start_matches([' ', '\t', '\r', '\u{b}', '\u{c}', '\n']);
        if bare.is_empty() || bare.starts_with(['#', '[', '"', '\'', '\\', '.']) {
            continue;
        }
        let inside = |span: Span| range.contains(&(span.start as usize));
        assert!(
            all_lines(tree).any(|line| inside(line.span))
                || tree.errors.iter().any(|error| inside(error.span)),
            "lost: {line:?}"
        );
    }
}

fn word(written: &str) -> Word {
    let tree = parse(FileId(0), &format!("global\n  description {written}\n"));
    assert_eq!(tree.errors, [], "{written}");
    tree.sections[0].lines[0].words[1].clone()
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    const BITS: [&[u8]; 20] = [
        b"\"",
        b"'",
        b"\\",
        b"$",
        b"{",
        b"}",
        b"${A",
        b"[*]",
        b"-",
        b"#",
        b"\n",
        b"\r",
        b"\t",
        b" ",
        b"\\x4",
        b"\0",
        b"\xff",
        b"\n.if 0\n",
        b"\n.endif\n",
        b"\nfrontend x\n",
    ];
    let at = random.below(bytes.len() + 1);
    match random.below(3) {
        0 => {
            let end = (at + random.below(8)).min(bytes.len());
            bytes.drain(at..end);
        }
        1 => {
            let bit = BITS[random.below(BITS.len())];
            bytes.splice(at..at, bit.iter().copied());
        }
        _ => {
            let end = (at + random.below(40)).min(bytes.len());
            let copy = bytes[at..end].to_vec();
            let to = random.below(bytes.len() + 1);
            bytes.splice(to..to, copy);
        }
    }
}

/// xorshift: the same mutants on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap_or(0)
    }
}
