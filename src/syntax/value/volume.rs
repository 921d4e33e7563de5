//! Short volumes: `[source:]target[:mode]`.

use pest::Parser;

use super::grammar::{Grammar, Rule};

/// One short volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortVolume {
    /// A path, a name of a volume, or nothing.
    pub source: Option<String>,
    /// Path in the container.
    pub target: String,
    /// `ro`, `z`, …
    pub options: Vec<String>,
}

/// Reads a short volume; `None` if it is none.
pub fn short_volume(text: &str) -> Option<ShortVolume> {
    let whole = Grammar::parse(Rule::short_volume, text).ok()?.next()?;
    let mut parts = Vec::new();
    let mut options = Vec::new();
    for part in whole.into_inner() {
        match part.as_rule() {
            Rule::volume_part => parts.push(part.as_str().to_owned()),
            Rule::mode => options.extend(part.into_inner().map(|one| one.as_str().to_owned())),
            _ => {}
        }
    }
    let target = parts.pop()?;
    Some(ShortVolume {
        source: parts.pop(),
        target,
        options,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_short_form() {
        for (text, source, target, options) in [
            ("/data", None, "/data", vec![]),
            ("db:/data", Some("db"), "/data", vec![]),
            ("./a:/b:ro", Some("./a"), "/b", vec!["ro"]),
            ("~/a:/b:ro,z", Some("~/a"), "/b", vec!["ro", "z"]),
            (r"C:\a:/b", Some(r"C:\a"), "/b", vec![]),
            ("d:/a b:/c:rw", Some("d:/a b"), "/c", vec!["rw"]),
        ] {
            let got = short_volume(text).unwrap();
            assert_eq!(got.source.as_deref(), source, "{text}");
            assert_eq!(
                (got.target.as_str(), got.options),
                (target, options.iter().map(ToString::to_string).collect()),
                "{text}"
            );
        }
        for text in ["", "/a:", ":/b", "a1:b:c:d"] {
            assert_eq!(short_volume(text), None, "{text}");
        }
    }
}
