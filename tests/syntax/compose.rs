//! YAML: a file in `fixtures/syntax/yaml` and the tree beside it; whatever is done to the file, no panic and no hang.
//! `UPDATE=1` writes the trees anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use no502::source::{FileId, SourceFile, Span};
use no502::syntax::value::{env_file, image, interpolation, pair, port, quantity, script, volume};
use no502::syntax::yaml::{Node, Value, parse};

fn fixtures() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/syntax/yaml");
    let mut files: Vec<(PathBuf, Vec<u8>)> = std::fs::read_dir(folder)
        .expect("the fixtures are part of the project")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .map(|path| (path.clone(), std::fs::read(path).expect("a readable file")))
        .collect();
    files.sort();
    files
}

#[test]
fn trees() {
    let mut wrong = Vec::new();
    for (path, bytes) in fixtures() {
        let got = drawn(&SourceFile::new("x", bytes));
        let tree = path.with_extension("tree");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&tree, &got).expect("a writable folder");
        }
        let want = std::fs::read_to_string(&tree).unwrap_or_default();
        if got != want {
            wrong.push(format!("{}:\n{got}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn drawn(file: &SourceFile) -> String {
    let parsed = parse(FileId(0), &file.text);
    let mut out = String::new();
    for document in &parsed.documents {
        out.push_str("---\n");
        draw(&mut out, file, document, "", 0);
    }
    for key in &parsed.duplicates {
        let place = file.position(key.span.start);
        let _ = writeln!(
            out,
            "repeated {} at {}:{}",
            key.value, place.line, place.column
        );
    }
    for error in &parsed.errors {
        let place = file.position(error.span.start);
        let _ = writeln!(
            out,
            "error at {}:{}: {}",
            place.line, place.column, error.message
        );
    }
    out
}

/// One line per node: key, tag, text, and `line:column` of both ends.
fn draw(out: &mut String, file: &SourceFile, node: &Node, key: &str, depth: usize) {
    let place = |span: Span| {
        let (from, to) = (file.position(span.start), file.position(span.end));
        format!("{}:{}-{}:{}", from.line, from.column, to.line, to.column)
    };
    let what = match &node.value {
        Value::Scalar(scalar) if scalar.is_null() => "null".to_owned(),
        Value::Scalar(scalar) if scalar.plain => format!("{:?} plain", scalar.text),
        Value::Scalar(scalar) => format!("{:?}", scalar.text),
        Value::Sequence(_) => "list".to_owned(),
        Value::Mapping(_) => "map".to_owned(),
    };
    let tag = node
        .tag
        .as_deref()
        .map(|tag| format!("{tag} "))
        .unwrap_or_default();
    let _ = writeln!(
        out,
        "{}{key}{tag}{what} @{}",
        "  ".repeat(depth),
        place(node.span)
    );
    for item in node.items().unwrap_or(&[]) {
        draw(out, file, item, "- ", depth + 1);
    }
    for entry in node.entries().unwrap_or(&[]) {
        draw(
            out,
            file,
            &entry.value,
            &format!("{}: ", entry.key.value),
            depth + 1,
        );
    }
}

#[test]
fn whatever_is_done_to_a_file_there_is_a_tree() {
    let mut random = Random(7);
    let signs = b"\n\t :-[]{}\"'&*!|>#%@`,?$\0\xff\xc3~<=";
    for (path, bytes) in fixtures() {
        for _ in 0..300 {
            let mut mutant = bytes.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(mutant.len() + 1);
                let sign = signs[random.below(signs.len())];
                match random.below(3) {
                    0 if at < mutant.len() => {
                        mutant.remove(at);
                    }
                    1 if at < mutant.len() => mutant[at] = sign,
                    _ => mutant.insert(at.min(mutant.len()), sign),
                }
            }
            let file = SourceFile::new("x", mutant);
            let parsed = parse(FileId(0), &file.text);
            let length = file.text.len();
            for document in &parsed.documents {
                assert!(spans_hold(document, length), "{}", path.display());
            }
            assert!(parsed.errors.len() <= 1);
            every_value(&file.text);
        }
    }
}

fn spans_hold(node: &Node, length: usize) -> bool {
    let inside = node.span.start <= node.span.end && node.span.end as usize <= length;
    let items = node.items().unwrap_or(&[]).iter();
    let values = node
        .entries()
        .unwrap_or(&[])
        .iter()
        .map(|entry| &entry.value);
    inside && items.chain(values).all(|below| spans_hold(below, length))
}

/// Every value language on one text.
fn every_value(text: &str) {
    interpolation::interpolate(text, &|_| None);
    port::short_port(text);
    port::port_range(text);
    quantity::duration_ms(text);
    quantity::byte_size(text);
    volume::short_volume(text);
    image::image(text);
    pair::assignment(text);
    pair::extra_host(text);
    pair::path_list(text);
    env_file::env_file(FileId(0), text);
    script::compose_calls(text);
}

/// A quadratic walk would take minutes for each of these, one that tries again for ever.
#[test]
fn time_grows_with_the_text_alone() {
    let unit = [
        "a: [\n",
        "a: \"\n",
        "${A:-",
        "- ",
        "? ",
        "&a ",
        "*a ",
        "'",
        "x=\"\n",
        "docker compose -f a ",
        "1-",
        "a.",
        "a:",
        "|\n",
        "{a: ",
        "\t",
        "- [a\n",
        "${",
        "\\",
    ];
    for piece in unit {
        let text = piece.repeat(200_000 / piece.len());
        parse(FileId(0), &text);
        every_value(&text);
    }
}

/// A small generator, so that every run does the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).expect("below a usize")
    }
}
