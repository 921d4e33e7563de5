//! nginx.

use std::fmt::Write;

use no502::finding::SyntaxError;
use no502::report::parse_nginx;
use no502::source::{FileId, SourceFile, Span};
use no502::syntax::nginx::{Directive, MAX_DEPTH, MAX_ERRORS, Tree, parse};

use crate::fixture::{expect_tree, texts};
use crate::mutate::{Random, mutate};

#[test]
fn trees() {
    for (path, bytes) in texts("nginx", "conf") {
        let source = SourceFile::new("x", bytes);
        let tree = parse(FileId(0), &source.text);
        expect_tree(&path, &dump(&tree, &source));
    }
}

#[test]
fn mutants_are_read_to_the_end() {
    let alphabet = [
        "{",
        "}",
        ";",
        "\"",
        "'",
        "\\",
        "#",
        "\n",
        " ",
        "$",
        "${",
        "(",
        ")",
        "{8}",
        "--",
        "[[",
        "\u{feff}",
        "é",
        "\r\n",
        "x_by_lua_block {",
        "if (",
        "\u{1a}",
        "server_name a\n",
    ];
    let mut random = Random::new(502);
    for (path, bytes) in texts("nginx", "conf") {
        for _ in 0..400 {
            let mutant = SourceFile::new("x", mutate(&bytes, &alphabet, &mut random));
            let tree = parse(FileId(0), &mutant.text);
            check(
                &tree,
                &mutant.text,
                &format!("{}: {:?}", path.display(), mutant.text),
            );
        }
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_abort() {
    let text = "a{".repeat(100_000);
    let tree = parse(FileId(0), &text);
    assert!(
        tree.errors
            .iter()
            .any(|error| error.message.contains("nested deeper"))
    );
    assert_eq!(depth(&tree.directives), MAX_DEPTH);

    let closed = format!(
        "{}{} b c;",
        "a {\n".repeat(MAX_DEPTH + 5),
        "}\n".repeat(MAX_DEPTH + 5)
    );
    let tree = parse(FileId(0), &closed);
    assert_eq!(tree.errors.len(), 1, "{:?}", tree.errors);
    assert_eq!(tree.directives.len(), 2);
}

/// Each of these took minutes in a grammar that looks ahead to a closing brace or quote that never comes.
#[test]
fn hostile_repetition_ends() {
    for piece in [
        "x_by_lua_block {",
        "x_by_lua_block { [[",
        "x_by_lua_block { \"\\",
        "x_by_lua_block",
        "x_by_lua_block # \n",
        "a{",
        "}",
        ";",
        "{",
        "\"\n",
        "'",
        "\"\\",
        "a \"b\n 'c\n",
        "\"\\\"\n",
        "\\",
        "${",
        "a{8}",
        "#",
        "# \n",
        "a\n",
        "a    \n",
        "server_name\n",
        "if (",
        "a b\n",
        "\"a\"b",
        "\u{feff}",
        "\u{1a}",
    ] {
        for tail in ["", "{ } ; \""] {
            let text = format!("{}{tail}", piece.repeat(20_000));
            let tree = parse(FileId(0), &text);
            assert!(tree.errors.len() <= MAX_ERRORS, "{piece:?}");
        }
    }
}

#[test]
fn the_json_has_the_shape_of_crossplane() {
    let text = "http {\n  # left out\n  if ($a) { return 200 \"x\r\ny\"; }\n}\n}\n";
    let tree = parse(FileId(0), text);
    let document = parse_nginx::document(&[("a.conf".to_owned(), text.to_owned(), tree)]);
    let error = "unexpected \"}\", expected a directive, since no block is open here";
    assert_eq!(
        document,
        serde_json::json!({
            "status": "failed",
            "errors": [{"file": "a.conf", "error": error, "line": 6}],
            "config": [{
                "file": "a.conf",
                "status": "failed",
                "errors": [{"error": error, "line": 6}],
                "parsed": [{"directive": "http", "line": 1, "args": [], "block": [
                    {"directive": "if", "line": 3, "args": ["$a"], "block": [
                        {"directive": "return", "line": 3, "args": ["200", "x\ny"]},
                    ]},
                ]}],
            }],
        })
    );
}

/// Every span lies in the text, on character boundaries, children in their parents, siblings in order; and nothing that
/// stands in the text is lost: what no word, comment or error covers are blanks and punctuation.
fn check(tree: &Tree, text: &str, case: &str) {
    check_order(&tree.directives, 0, text.len(), case);
    let told = tree
        .errors
        .iter()
        .chain(&tree.refused)
        .map(|error| error.span);
    let mut spans: Vec<Span> = told.chain(tree.comments.iter().copied()).collect();
    words(&tree.directives, &mut spans);
    let mut covered = vec![false; text.len()];
    for span in spans {
        let range = span.start as usize..span.end as usize;
        assert!(text.get(range.clone()).is_some(), "{span:?} in {case}");
        covered[range].fill(true);
    }
    for (at, c) in text.char_indices() {
        assert!(
            covered[at] || " \t\r\n{};()".contains(c),
            "{c:?} at {at} is lost: {case}"
        );
    }
}

fn words(directives: &[Directive], spans: &mut Vec<Span>) {
    for directive in directives {
        spans.push(directive.name.span);
        spans.extend(directive.args.iter().map(|arg| arg.span));
        words(directive.block.as_deref().unwrap_or_default(), spans);
    }
}

fn check_order(directives: &[Directive], start: usize, end: usize, case: &str) {
    let mut at = start;
    for directive in directives {
        let span = directive.span;
        assert!(
            at <= span.start as usize && span.end as usize <= end,
            "{directive:?} in {case}"
        );
        let mut word_at = span.start;
        for word in std::iter::once(&directive.name).chain(&directive.args) {
            assert!(
                word_at <= word.span.start && word.span.end <= span.end,
                "{word:?} in {case}"
            );
            word_at = word.span.end;
        }
        check_order(
            directive.block.as_deref().unwrap_or_default(),
            word_at as usize,
            span.end as usize,
            case,
        );
        at = span.end as usize;
    }
}

fn depth(directives: &[Directive]) -> usize {
    let below = |directive: &Directive| 1 + depth(directive.block.as_deref().unwrap_or_default());
    directives.iter().map(below).max().unwrap_or(0)
}

/// One line for each directive, with its lines and arguments; faults at the end.
fn dump(tree: &Tree, source: &SourceFile) -> String {
    let mut out = String::new();
    dump_directives(&tree.directives, source, 0, &mut out);
    dump_errors("error", &tree.errors, source, &mut out);
    dump_errors("refused", &tree.refused, source, &mut out);
    out
}

fn dump_directives(directives: &[Directive], source: &SourceFile, level: usize, out: &mut String) {
    for directive in directives {
        let first = source.line(directive.span.start);
        let last = source.line(directive.span.end - 1);
        write!(
            out,
            "{:level$}{first}-{last} {}",
            "",
            directive.name.value,
            level = level * 4
        )
        .expect("a string takes everything");
        for arg in &directive.args {
            write!(out, " {:?}", arg.value).expect("a string takes everything");
        }
        match &directive.block {
            Some(block) => {
                out.push_str(" {\n");
                dump_directives(block, source, level + 1, out);
                writeln!(out, "{:level$}}}", "", level = level * 4)
                    .expect("a string takes everything");
            }
            None => out.push('\n'),
        }
    }
}

fn dump_errors(kind: &str, errors: &[SyntaxError], source: &SourceFile, out: &mut String) {
    for error in errors {
        let at = source.position(error.span.start);
        let text = &source.text[error.span.start as usize..error.span.end as usize];
        writeln!(
            out,
            "{kind} {}:{} at {text:?}: {}; expected {}",
            at.line, at.column, error.message, error.expected,
        )
        .expect("a string takes everything");
    }
}
