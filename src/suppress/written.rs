//! Writes a suppression where its reader finds it, and where the file's own language takes it for a comment.

use super::comment::{self, Scope};
use crate::finding::Edit;
use crate::host::path;
use crate::source::{FileId, SourceFile, Span};
use crate::syntax::yaml::{self, Node, Value};
use crate::syntax::{Format, guess, nginx};

/// Languages that are read here and in which a `#` begins no comment.
const WITHOUT_HASH: &[&str] = &[
    "js", "cjs", "mjs", "ts", "mts", "tsx", "json", "java", "xml",
];

/// The edit that allows a rule on the line where a span begins: a comment on a line of its own above, else at the end of
/// the line. `None` if neither would silence just this line and leave the meaning of the file as it is.
pub fn allow(id: FileId, file: &SourceFile, span: Span, rule: &str, reason: &str) -> Option<Edit> {
    let name = path::name(&file.path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    if file.lossy || file.path.starts_with('<') || WITHOUT_HASH.contains(&ending) {
        return None;
    }
    let line = file.line(span.start);
    let (start, end) = file.line_range(line)?;
    let text = &file.text[start..end];
    let indent = &text[..text.len() - text.trim_start().len()];
    let note = format!("# no502: allow({rule}) {reason}");
    let break_ = if file.text[end..].starts_with("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let above = Edit {
        span: Span::new(id, start, start),
        text: format!("{indent}{note}{break_}"),
    };
    let behind = Edit {
        span: Span::new(id, end, end),
        text: format!("  {note}"),
    };
    let fits = |edit: &Edit, line| is_heard(file, edit, rule, line) && means_the_same(file, edit);
    if fits(&above, line + 1) {
        Some(above)
    } else if fits(&behind, line) {
        Some(behind)
    } else {
        None
    }
}

/// Whether the comment speaks of this line alone. In the block that opens a file it would speak of the whole file.
fn is_heard(file: &SourceFile, edit: &Edit, rule: &str, line: usize) -> bool {
    let comments = comment::read(edit.span.file, &edited(file, edit));
    comments.iter().any(|comment| {
        let whole = comment.span.start >= edit.span.start && comment.has_reason;
        let names = comment.rules.iter().any(|named| named.value == rule);
        whole && names && comment.scope == Scope::Line(line)
    })
}

/// Whether the language of the file sees a comment too, and not a word of a text that goes on over several lines.
fn means_the_same(file: &SourceFile, edit: &Edit) -> bool {
    let new = edited(file, edit);
    let is_yaml = file.path.ends_with(".yaml") || file.path.ends_with(".yml");
    let before = file.text[..edit.span.start as usize].trim_end_matches(['\r', '\n']);
    let goes_on = before.ends_with('\\');
    let alone = edit.text.ends_with('\n');
    match guess(&file.path, &file.text) {
        _ if is_yaml => shapes(&file.text) == shapes(&new.text),
        Some(Format::Nginx) => {
            let hash = edit.text.find('#').unwrap_or_default() + edit.span.start as usize;
            let comments = nginx::parse(edit.span.file, &new.text).comments;
            comments.iter().any(|span| span.start as usize == hash)
        }
        // A comment has a line of its own there, which may stand between the lines of an instruction.
        Some(Format::Dockerfile) => alone,
        Some(Format::Haproxy) => !goes_on,
        _ => alone && !goes_on,
    }
}

fn edited(file: &SourceFile, edit: &Edit) -> SourceFile {
    let mut text = file.text.clone();
    text.insert_str(edit.span.start as usize, &edit.text);
    SourceFile::new(file.path.clone(), text.into_bytes())
}

/// All that a text of YAML says, without its places.
fn shapes(text: &str) -> Vec<String> {
    let mut said = Vec::new();
    let mut open: Vec<&Node> = Vec::new();
    let parsed = yaml::parse(FileId(0), text);
    open.extend(parsed.documents.iter().rev());
    while let Some(node) = open.pop() {
        match &node.value {
            Value::Scalar(scalar) => said.push(scalar.text.clone()),
            Value::Sequence(items) => {
                said.push(format!("[{}", items.len()));
                open.extend(items.iter().rev());
            }
            Value::Mapping(entries) => {
                let keys: Vec<&str> = entries.iter().map(|one| one.key.value.as_str()).collect();
                said.push(format!("{{{}", keys.join("\n")));
                open.extend(entries.iter().rev().map(|entry| &entry.value));
            }
        }
    }
    said.push(parsed.errors.len().to_string());
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(path: &str, text: &str, word: &str) -> Option<String> {
        let file = SourceFile::new(path, text.as_bytes().to_vec());
        let at = text.find(word).unwrap();
        let span = Span::new(FileId(0), at, at + word.len());
        let edit = allow(FileId(0), &file, span, "stale-dns", "for a reason")?;
        Some(edited(&file, &edit).text)
    }

    const NOTE: &str = "# no502: allow(stale-dns) for a reason";

    #[test]
    fn a_line_of_its_own_above() {
        let nginx = "server {\r\n\tproxy_pass http://a;\r\n}\r\n";
        assert_eq!(
            allowed("a.conf", nginx, "http").unwrap(),
            format!("server {{\r\n\t{NOTE}\r\n\tproxy_pass http://a;\r\n}}\r\n")
        );
        let docker = "FROM a\nCMD b \\\n  c\n";
        assert_eq!(
            allowed("Dockerfile", docker, "c\n").unwrap(),
            format!("FROM a\nCMD b \\\n  {NOTE}\n  c\n")
        );
    }

    #[test]
    fn never_the_whole_file() {
        let text = "server { listen 80; }\n";
        assert_eq!(
            allowed("a.conf", text, "server").unwrap(),
            format!("server {{ listen 80; }}  {NOTE}\n")
        );
        let below_head = "# of the shop\nglobal\n  maxconn 1\n";
        assert_eq!(
            allowed("haproxy.cfg", below_head, "global").unwrap(),
            format!("# of the shop\nglobal  {NOTE}\n  maxconn 1\n")
        );
        assert_eq!(allowed("Dockerfile", "FROM a\n", "a"), None);
    }

    #[test]
    fn no_word_of_a_text() {
        let folded = "services:\n  a:\n    command: >\n      run\n      me\n    image: b\n";
        assert_eq!(allowed("compose.yaml", folded, "me"), None);
        assert!(allowed("compose.yaml", folded, "image").is_some());
        assert_eq!(allowed("server.js", "x\ny\n", "y"), None);
        let continued = "global\ndefaults\n  log x \\\n    y\n";
        assert!(
            !allowed("haproxy.cfg", continued, "y\n")
                .unwrap()
                .contains("\\\n    #")
        );
        let lua = "server {\n  content_by_lua_block {\n    x()\n  }\n}\n";
        assert_eq!(allowed("a.conf", lua, "x()"), None);
    }
}
