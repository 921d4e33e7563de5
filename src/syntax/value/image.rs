//! References to images: `[registry/]repository[:tag][@digest]`.

use pest::Parser;

use super::grammar::{Grammar, Rule};

/// An image by its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// Host name and port; `None` for Docker Hub.
    pub registry: Option<String>,
    /// Parts of the path below the registry, at least one; `library` is not added.
    pub path: Vec<String>,
    /// `latest` if neither this nor a digest is written.
    pub tag: Option<String>,
    /// `sha256:…`.
    pub digest: Option<String>,
}

impl Image {
    /// The last part of the path: `nginx` of `docker.io/library/nginx:1.27`.
    pub fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }
}

/// Reads a reference; `None` if it is none.
pub fn image(text: &str) -> Option<Image> {
    let whole = Grammar::parse(Rule::image, text).ok()?.next()?;
    let mut image = Image::default();
    for part in whole.into_inner() {
        match part.as_rule() {
            Rule::registry => image.registry = Some(part.as_str().to_owned()),
            Rule::repository => {
                image.path = part
                    .into_inner()
                    .map(|one| one.as_str().to_owned())
                    .collect();
            }
            Rule::tag => image.tag = Some(part.as_str().to_owned()),
            Rule::digest => image.digest = Some(part.as_str().to_owned()),
            _ => {}
        }
    }
    Some(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part() {
        let show = |text: &str| {
            image(text).map(|image| {
                format!(
                    "{:?} {} {:?} {:?}",
                    image.registry,
                    image.path.join("/"),
                    image.tag,
                    image.digest
                )
            })
        };
        for (text, want) in [
            ("nginx", "None nginx None None"),
            ("nginx:1.27-alpine", "None nginx Some(\"1.27-alpine\") None"),
            ("bitnami/nginx", "None bitnami/nginx None None"),
            (
                "ghcr.io/a/b:1@sha256:ab",
                "Some(\"ghcr.io\") a/b Some(\"1\") Some(\"sha256:ab\")",
            ),
            ("localhost:5000/a", "Some(\"localhost:5000\") a None None"),
            ("reg:5000/a:1", "Some(\"reg:5000\") a Some(\"1\") None"),
        ] {
            assert_eq!(show(text).as_deref(), Some(want), "{text}");
        }
        for text in ["", "a b", "a:", "a/", ":1", "a:b:c"] {
            assert_eq!(show(text), None, "{text}");
        }
    }
}
