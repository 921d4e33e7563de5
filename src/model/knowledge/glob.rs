//! Names of images and patterns for them: `php:*fpm*` fits `php:8.2-fpm-alpine`.

/// A reference without what says nothing about the image: Docker Hub's own host, a digest.
///
/// A reference without a tag means `latest`, as Docker reads it.
pub(super) fn canonical(reference: &str) -> String {
    // plain: an image reference has no quotes, and one `@` at most
    let name = reference.split('@').next().unwrap_or(reference);
    let name = ["docker.io/", "index.docker.io/", "registry-1.docker.io/"]
        .iter()
        .find_map(|host| name.strip_prefix(host))
        .unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    // plain: an image reference has no quotes
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains(':') {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}

/// What stands before the tag of a reference or a pattern: `nginx`, `localhost:5000/app`.
pub(super) fn repository(reference: &str) -> &str {
    let name = reference.rfind('/').map_or(0, |at| at + 1);
    let tag = reference[name..].find(':');
    tag.map_or(reference, |at| &reference[..name + at])
}

/// Whether a text fits a pattern in which `*` stands for any text.
pub fn fits(pattern: &str, text: &str) -> bool {
    // plain: a pattern of the tables, which knows no escape
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = pieces.next_back() else {
        return rest.is_empty();
    };
    // The first place that fits is as good as any, because only the last piece is bound to the end.
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        assert!(fits("php:*fpm*", "php:8.2-fpm-alpine"));
        assert!(!fits("php:*fpm*", "php:8.2-apache"));
        assert!(fits("nginx:*", "nginx:latest"));
        assert!(!fits("nginx:*", "bitnami/nginx:latest"));
        assert!(!fits("a*a", "a"));
    }

    #[test]
    fn references_are_made_alike() {
        assert_eq!(canonical("docker.io/library/nginx"), "nginx:latest");
        assert_eq!(canonical("nginx:1.27@sha256:00"), "nginx:1.27");
        assert_eq!(canonical("localhost:5000/app"), "localhost:5000/app:latest");
    }
}
