//! Image references: the repository and the tag, and which images are a proxy whose files lie where the official ones do.

/// The repository of an image without registry, tag and digest: `nginx`, `bitnami/nginx`.
pub fn repository(image: &str) -> &str {
    let bare = image.rfind('@').map_or(image, |at| &image[..at]);
    let tail = bare.rfind('/').map_or(0, |at| at + 1);
    let bare = bare[tail..]
        .rfind(':')
        .map_or(bare, |at| &bare[..tail + at]);
    let is_registry = |host: &str| host.contains(['.', ':']) || host == "localhost";
    match bare.find('/') {
        Some(at) if is_registry(&bare[..at]) => bare[at + 1..].trim_start_matches("library/"),
        _ => bare.trim_start_matches("library/"),
    }
}

/// The tag of an image, if it has one.
pub fn tag(image: &str) -> Option<&str> {
    let bare = image.rfind('@').map_or(image, |at| &image[..at]);
    let tail = bare.rfind('/').map_or(0, |at| at + 1);
    bare[tail..].rfind(':').map(|at| &bare[tail + at + 1..])
}

/// Whether the image is open source nginx as its makers build it, with no module of another maker in it.
pub fn is_plain_nginx_image(image: &str) -> bool {
    const PLAIN: &[&str] = &[
        "nginx",
        "nginxinc/nginx-unprivileged",
        "nginx/nginx-unprivileged",
        "chainguard/nginx",
        "ubuntu/nginx",
    ];
    PLAIN.contains(&repository(image))
}

/// Whether the image is the official nginx under a tag that every release moves on: a fresh pull is a recent version.
/// Source: docker-library/official-images, library/nginx.
pub fn moves_on(image: &str) -> bool {
    const WORDS: &[&str] = &[
        "latest", "mainline", "stable", "alpine", "slim", "perl", "otel",
    ];
    let tag = tag(image).unwrap_or("latest");
    let fixed = image.contains('@');
    // plain: words with hyphens between
    !fixed && is_plain_nginx_image(image) && tag.split('-').all(|word| WORDS.contains(&word))
}

/// Whether the image is a HAProxy.
pub fn is_haproxy_image(image: &str) -> bool {
    const KNOWN: &[&str] = &[
        "haproxy",
        "haproxytech/haproxy-alpine",
        "haproxytech/haproxy-debian",
        "haproxytech/haproxy-ubuntu",
    ];
    KNOWN.contains(&repository(image))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_no_tag() {
        assert_eq!(tag("nginx:1.27@sha256:9ab0"), Some("1.27"));
        assert_eq!(tag("nginx@sha256:9ab0"), None);
        assert_eq!(tag("registry:5000/shop/web"), None);
        assert_eq!(
            repository("docker.io/library/nginx:1.27@sha256:9ab0"),
            "nginx"
        );
        assert_eq!(repository("registry:5000/shop/web:1"), "shop/web");
    }
}
