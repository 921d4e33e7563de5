//! Versions as far as a tree tells them: `1.27` is any 1.27.x, and what differs within it is unknown.

use crate::model::Setting;
use crate::project::image_name::{repository, tag};
use crate::syntax::value::Text;

/// For how many of the versions that a process may have something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// For all of them.
    All,
    /// For some, or nobody knows.
    Some,
    /// For none.
    None,
}

/// Whether a version is `bound` or later. `1.29` is later than `1.28.9` for certain, and perhaps `1.29.7`.
pub fn at_least(version: &Setting<String>, bound: &str) -> Versions {
    let Some(version) = version.value() else {
        return Versions::Some;
    };
    let (have, want) = (numbers(version), numbers(bound));
    for (at, want) in want.iter().enumerate() {
        match have.get(at) {
            None => {
                return if want_is_zero(&numbers(bound)[at..]) {
                    Versions::All
                } else {
                    Versions::Some
                };
            }
            Some(have) if have > want => return Versions::All,
            Some(have) if have < want => return Versions::None,
            Some(_) => {}
        }
    }
    Versions::All
}

fn want_is_zero(rest: &[u64]) -> bool {
    rest.iter().all(|number| *number == 0)
}

/// For how many of the versions that a process may have a range such as `*`, `>=1.29.7`, `<1.29.7` or
/// `>=1.23.4 <1.27.3` holds.
pub fn within(version: &Setting<String>, range: &str) -> Versions {
    let mut result = Versions::All;
    // plain: a range of the tables, bounds with blanks between
    for part in range.split_whitespace() {
        let one = if let Some(bound) = part.strip_prefix(">=") {
            at_least(version, bound)
        } else if let Some(bound) = part.strip_prefix('<') {
            match at_least(version, bound) {
                Versions::All => Versions::None,
                Versions::None => Versions::All,
                Versions::Some => Versions::Some,
            }
        } else {
            Versions::All
        };
        result = match (result, one) {
            (Versions::None, _) | (_, Versions::None) => Versions::None,
            (Versions::Some, _) | (_, Versions::Some) => Versions::Some,
            _ => Versions::All,
        };
    }
    result
}

fn numbers(version: &str) -> Vec<u64> {
    version
        // plain: numbers with dots between
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}

/// The version that an image's tag tells, else what the settings say, else unknown.
pub fn image_version(
    image: Option<&Text>,
    stated: Option<&String>,
    program: &str,
) -> Setting<String> {
    if let Some(image) = image
        && let Some(name) = image.get()
        && tells_version(name, program)
        && let Some(version) = tag(name).and_then(leading_version)
    {
        return Setting::written(version, image.span);
    }
    match stated {
        Some(version) => Setting::default_of(version.clone(), program, version, "no502.toml"),
        None => Setting::unknown(format!("nothing tells the version of {program}")),
    }
}

/// Whether the tags of an image are versions of the program itself.
fn tells_version(image: &str, program: &str) -> bool {
    let repository = repository(image);
    let last = repository
        .rfind('/')
        .map_or(repository, |at| &repository[at + 1..]);
    last == program
        || matches!(
            last,
            "nginx-unprivileged"
                | "openresty"
                | "haproxy-alpine"
                | "haproxy-debian"
                | "haproxy-ubuntu"
        )
}

/// `1.27.3` of `1.27.3-alpine`, `v1.2` or `8.2-fpm`.
pub fn leading_version(tag: &str) -> Option<String> {
    let tag = tag.strip_prefix('v').unwrap_or(tag);
    let end = tag
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(tag.len());
    let version = tag[..end].trim_end_matches('.');
    version
        .starts_with(|c: char| c.is_ascii_digit())
        .then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileId, Span};

    fn known(version: &str) -> Setting<String> {
        Setting::written(version.to_owned(), Span::new(FileId(0), 0, 0))
    }

    #[test]
    fn a_short_version_is_a_range() {
        assert_eq!(at_least(&known("1.29"), "1.29.7"), Versions::Some);
        assert_eq!(at_least(&known("1.30"), "1.29.7"), Versions::All);
        assert_eq!(at_least(&known("1.28.9"), "1.29.7"), Versions::None);
        assert_eq!(at_least(&known("1"), "1.29.7"), Versions::Some);
        assert_eq!(at_least(&Setting::unknown("x"), "1.29.7"), Versions::Some);
        assert_eq!(within(&known("1.25"), ">=1.23.4 <1.27.3"), Versions::All);
    }

    #[test]
    fn tags_begin_with_versions() {
        assert_eq!(leading_version("1.27.3-alpine").as_deref(), Some("1.27.3"));
        assert_eq!(leading_version("alpine"), None);
        assert_eq!(leading_version("3.0"), Some("3.0".to_owned()));
    }
}
