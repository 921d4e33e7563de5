//! `no502 parse`: what is read from a file, as JSON. The files that are named, and nothing else.

use std::path::Path;

use no502::report;
use no502::source::{FileId, SourceFile, Sources};
use no502::syntax::{self, Format};

use crate::args::{Language, Parse};
use crate::disk::{Disk, read_regular};
use crate::failure::Failure;
use crate::roots::Roots;
use crate::run::{Verdict, first_of, to_stdout};

/// Writes one document for all files. Errors are in the document, and the answer is that the work failed.
pub(crate) fn parse(args: &Parse) -> Result<Verdict, Failure> {
    let mut files = Vec::new();
    for path in &args.files {
        let bytes = read_regular(path).map_err(|error| Failure::unreadable(path, &error))?;
        files.push((shown(path), bytes));
    }
    let document = match language(args, &files)? {
        Language::Nginx => nginx(files),
        Language::Haproxy => haproxy(files),
        Language::Compose => compose(args)?,
    };
    to_stdout(|out| writeln!(out, "{}", document.json))?;
    Ok(if document.has_errors {
        Verdict::Failed
    } else {
        Verdict::Clean
    })
}

struct Document {
    json: String,
    has_errors: bool,
}

fn nginx(files: Vec<(String, Vec<u8>)>) -> Document {
    let trees: Vec<_> = files
        .into_iter()
        .zip(0..)
        .map(|((path, bytes), at)| {
            // Crossplane reads what is no UTF-8 as U+FFFD, and its shape is the one that is written.
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let tree = syntax::nginx::parse(FileId(at), &text);
            (path, text, tree)
        })
        .collect();
    let document = report::parse_nginx::document(&trees);
    Document {
        has_errors: document["status"] != "ok",
        json: document.to_string(),
    }
}

fn haproxy(files: Vec<(String, Vec<u8>)>) -> Document {
    let mut sources = Sources::default();
    let trees: Vec<_> = files
        .into_iter()
        .map(|(path, bytes)| {
            let id = sources.add(SourceFile::new(path, bytes));
            (id, syntax::haproxy::parse(id, &sources.get(id).text))
        })
        .collect();
    Document {
        json: report::parse_haproxy::render(&sources, &trees),
        has_errors: report::parse_haproxy::has_errors(&trees),
    }
}

/// A compose file is read as a part of its project: overrides, `include` and `.env` stand beside it.
fn compose(args: &Parse) -> Result<Document, Failure> {
    let roots = Roots::of(&args.files).map_err(first_of)?;
    let disk = Disk::new(roots.root.clone(), Vec::new(), roots.files.clone());
    let mut files = roots.named_files();
    let parsed = if args.single {
        let file = files.pop().filter(|_| files.is_empty());
        let file = file.ok_or_else(|| Failure::new("--single reads one file"))?;
        report::parse_compose::single(&disk, &file)
    } else {
        report::parse_compose::merged(&disk, &files)
    };
    Ok(Document {
        json: parsed.json.to_string(),
        has_errors: parsed.failed,
    })
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

fn language(args: &Parse, files: &[(String, Vec<u8>)]) -> Result<Language, Failure> {
    if let Some(language) = args.language {
        return Ok(language);
    }
    let (path, bytes) = &files[0];
    match syntax::guess(path, &String::from_utf8_lossy(bytes)) {
        Some(Format::Nginx) => Ok(Language::Nginx),
        Some(Format::Haproxy) => Ok(Language::Haproxy),
        Some(Format::Compose) => Ok(Language::Compose),
        Some(Format::Dockerfile) | None => Err(Failure::new(format!(
            "`{path}` does not look like nginx, HAProxy or compose"
        ))
        .help("say what it is: --as nginx, --as haproxy or --as compose")),
    }
}
