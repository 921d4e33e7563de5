//! `file:` URIs and paths. Editors escape more or less as they please: `file:///c%3A/x`, `file:///C:/x`, `%20`, `ä`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The path of a `file:` URI; `None` for one that names no file of this machine (`untitled:`, `git:`).
pub(super) fn path_of(uri: &str) -> Option<PathBuf> {
    text_of(uri, cfg!(windows)).map(PathBuf::from)
}

/// The URI of an absolute path.
pub(super) fn uri_of(path: &Path) -> String {
    written(&path.to_string_lossy(), cfg!(windows))
}

fn text_of(uri: &str, windows: bool) -> Option<String> {
    let scheme = uri.get(.."file:".len())?;
    let rest = uri.get(scheme.len()..)?;
    let rest = rest.split(['?', '#']).next()?;
    if !scheme.eq_ignore_ascii_case("file:") {
        return None;
    }
    let (host, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/')?),
        None => ("", rest),
    };
    let path = unescaped(path)?;
    let here = host.is_empty() || host.eq_ignore_ascii_case("localhost");
    if !windows {
        return (here && path.starts_with('/')).then_some(path);
    }
    let path = path.replace('/', "\\");
    if !here {
        return Some(format!("\\\\{host}{path}"));
    }
    let drive = path.strip_prefix('\\')?;
    let letter = drive.chars().next().filter(char::is_ascii_alphabetic)?;
    let rest = drive[1..].strip_prefix(':')?;
    Some(format!("{}:{rest}", letter.to_ascii_uppercase()))
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let digits = (*first == b'%').then(|| rest.get(..2)).flatten();
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[2..];
            }
            None => bytes.push(*first),
        }
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|path| !path.contains('\0'))
}

fn written(path: &str, windows: bool) -> String {
    let mut path = path.to_owned();
    if windows {
        // What the system calls the real path of a file begins with `\\?\`, which no editor knows.
        path = match path.strip_prefix(r"\\?\UNC\") {
            Some(share) => format!(r"\\{share}"),
            None => path.strip_prefix(r"\\?\").unwrap_or(&path).to_owned(),
        };
        path = path.replace('\\', "/");
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let mut uri = match path.strip_prefix("//") {
        Some(_) => "file:".to_owned(),
        None if path.starts_with('/') => "file://".to_owned(),
        None => "file:///".to_owned(),
    };
    for byte in path.bytes() {
        if plain(byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_and_written() {
        let path = |uri| text_of(uri, false);
        assert_eq!(
            path("file:///srv/my%20shop/caf%C3%A9.conf").as_deref(),
            Some("/srv/my shop/café.conf")
        );
        assert_eq!(path("FILE://localhost/a%zz").as_deref(), Some("/a%zz"));
        assert_eq!(path("file:/a").as_deref(), Some("/a"));
        for foreign in [
            "untitled:Untitled-1",
            "git:/a",
            "file://other/a",
            "file:",
            "a",
            "fïle:",
        ] {
            assert_eq!(path(foreign), None, "{foreign}");
        }
        assert_eq!(
            written("/srv/my shop/café#1.conf", false),
            "file:///srv/my%20shop/caf%C3%A9%231.conf"
        );
    }

    #[test]
    fn drives_and_shares_are_those_of_windows() {
        let path = |uri| text_of(uri, true);
        for uri in ["file:///c%3A/a%20b", "file:///C:/a b", "file:///c:/a%20b"] {
            assert_eq!(path(uri).as_deref(), Some(r"C:\a b"));
        }
        assert_eq!(path("file://nas/x/y").as_deref(), Some(r"\\nas\x\y"));
        assert_eq!(path("file:///a"), None);
        assert_eq!(written(r"\\?\C:\a b", true), "file:///C%3A/a%20b");
        assert_eq!(written(r"\\?\UNC\nas\x", true), "file://nas/x");
    }
}
