//! Paths as text: `/`-separated, normalised without touching a disk, and unable to leave the root.

/// Joins a path to a folder below the root and normalises it. `None` if it leaves the root; `""` is the root.
pub fn below(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// An absolute path inside a container: `path` itself if it is absolute, else below `folder`. `..` stops at `/`.
pub fn absolute(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let start = if path.starts_with('/') { "" } else { folder };
    for part in start.split('/').chain(path.split('/')) {
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

/// The last component.
pub fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Everything before the last component; `""` for a bare name, `/` for a file at the top of a container.
pub fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) => "/",
        Some(at) => &path[..at],
        None => "",
    }
}

/// What follows `folder` in `path`, without a leading `/`; `Some("")` if they are equal.
pub fn strip<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    let folder = folder.trim_end_matches('/');
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('/')
    }
}

/// Whether a name matches a shell pattern (`*`, `?`, `[a-z]`, `[!a]`), as `glob(3)` and Go's `filepath.Match` do within
/// one component. Linear in practice: one backtracking point.
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    if name.first() == Some(&'.') && pattern.first() != Some(&'.') {
        return false;
    }
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if let Some(next) = one(&pattern, p, name[n]) {
            p = next;
            n += 1;
        } else if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            n = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Matches one character at `pattern[at]`; the index after the piece that took it.
fn one(pattern: &[char], at: usize, c: char) -> Option<usize> {
    match *pattern.get(at)? {
        '*' => None,
        '?' => Some(at + 1),
        '[' => class(pattern, at, c).unwrap_or((c == '[').then_some(at + 1)),
        '\\' => (pattern.get(at + 1) == Some(&c)).then_some(at + 2),
        literal => (literal == c).then_some(at + 1),
    }
}

/// `[a-z]` at `pattern[at]`: `None` if it is not closed, else whether it takes the character.
fn class(pattern: &[char], at: usize, c: char) -> Option<Option<usize>> {
    let negated = matches!(pattern.get(at + 1), Some('!' | '^'));
    let first = at + 1 + usize::from(negated);
    let close = first + 1 + pattern.get(first + 1..)?.iter().position(|c| *c == ']')?;
    let mut found = false;
    let mut i = first;
    while i < close {
        if pattern.get(i + 1) == Some(&'-') && i + 2 < close {
            found |= pattern[i] <= c && c <= pattern[i + 2];
            i += 3;
        } else {
            found |= pattern[i] == c;
            i += 1;
        }
    }
    Some((found != negated).then_some(close + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_root() {
        assert_eq!(below("a/b", "../c"), Some("a/c".into()));
        assert_eq!(below("a", "../../c"), None);
        assert_eq!(below("", "./x"), Some("x".into()));
        assert_eq!(
            absolute("/etc/nginx", "conf.d/a.conf"),
            "/etc/nginx/conf.d/a.conf"
        );
        assert_eq!(absolute("/etc/nginx", "/../x"), "/x");
        assert_eq!(strip("/etc/nginx/a", "/etc/nginx/"), Some("a"));
        assert_eq!(strip("/etc/nginxx", "/etc/nginx"), None);
    }

    #[test]
    fn patterns_match_one_component() {
        assert!(matches("*.conf", "a.conf"));
        assert!(!matches("*.conf", ".a.conf"));
        assert!(matches("[a-c]?.c*", "bx.conf"));
        assert!(!matches("[!a]*", "abc"));
        assert!(matches("*a*b*", "xxaxxbxx"));
        assert!(!matches("*a*b", "xxaxxbxx"));
    }
}
