//! Paths below the root of a run: joined, normalised, and never above it.

/// What a written path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Below the root, normalised; `""` is the root itself.
    Inside(String),
    /// Absolute, below a home, on a Windows drive, or above the root: as written.
    Outside(String),
}

impl Place {
    /// The path below the root, if it is there.
    pub fn inside(&self) -> Option<&str> {
        match self {
            Self::Inside(path) => Some(path),
            Self::Outside(_) => None,
        }
    }
}

/// Follows a written path from a folder below the root.
pub fn resolve(folder: &str, written: &str) -> Place {
    let outside = || Place::Outside(written.to_owned());
    if written.starts_with(['/', '~']) || is_windows(written) {
        return outside();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(written.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return outside();
                }
            }
            _ => parts.push(part),
        }
    }
    Place::Inside(parts.join("/"))
}

/// A path inside a container: one leading slash, no `.`, `..` or empty part.
pub fn absolute(written: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in written.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The folder of a path; `""` for the root.
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part of a path.
pub fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Whether a file name ends with one of the extensions.
pub fn has_extension(name: &str, extensions: &[&str]) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, extension)| extensions.contains(&extension))
}

/// A path below a folder; the folder `""` adds nothing.
pub fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// Whether a volume's source is a path and no name: compose asks for a leading `.`, `/`, `~` or a drive.
pub fn is_path(source: &str) -> bool {
    source.starts_with(['.', '/', '~']) || is_windows(source)
}

/// Whether compose would fetch a build context instead of reading a folder.
pub fn is_url(context: &str) -> bool {
    context.contains("://") || context.starts_with("git@") || context.starts_with("github.com/")
}

fn is_windows(path: &str) -> bool {
    let bytes = path.as_bytes();
    path.starts_with("\\\\")
        || bytes.len() > 2
            && bytes[0].is_ascii_alphabetic()
            && bytes[1] == b':'
            && matches!(bytes[2], b'/' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_root() {
        let inside = |path: &str| Place::Inside(path.to_owned());
        assert_eq!(resolve("a/b", "./c/../d/"), inside("a/b/d"));
        assert_eq!(
            resolve("a/b", "../../.."),
            Place::Outside("../../..".into())
        );
        assert_eq!(resolve("a", ".."), inside(""));
        assert_eq!(resolve("", "x"), inside("x"));
        for written in ["/etc", "~/x", r"C:\x", r"\\host\x"] {
            assert_eq!(resolve("a", written), Place::Outside(written.into()));
        }
        assert_eq!(absolute("etc//nginx/./x/.."), "/etc/nginx");
    }
}
