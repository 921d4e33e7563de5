//! What nginx and HAProxy do when nothing is written: `rules/defaults/nginx.toml` and `haproxy.toml`.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::model::version::{Versions, within};
use crate::model::{Amount, Origin, Setting};

/// One default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Default {
    /// The directive or keyword; `upstream_` and `stream_` tell contexts apart.
    pub setting: String,
    /// Milliseconds, for a time.
    pub ms: Option<u64>,
    /// A number, for a count or a size in bytes.
    pub count: Option<u64>,
    /// A word, for anything else.
    pub text: Option<String>,
    /// No limit at all.
    #[serde(default)]
    pub infinite: bool,
    /// `*`, `>=1.29.7`, `<1.29.7`, `>=1.23.4 <1.27.3`.
    pub versions: String,
    /// Manual page, source file or measurement.
    pub source: String,
    /// Whether it was measured with a running program.
    pub measured: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    default: Vec<Default>,
}

/// Every default of a proxy: `nginx` or `haproxy`.
pub fn table(program: &str) -> &'static [Default] {
    static NGINX: OnceLock<Vec<Default>> = OnceLock::new();
    static HAPROXY: OnceLock<Vec<Default>> = OnceLock::new();
    let (cell, text) = match program {
        "nginx" => (&NGINX, include_str!("../../rules/defaults/nginx.toml")),
        _ => (&HAPROXY, include_str!("../../rules/defaults/haproxy.toml")),
    };
    cell.get_or_init(|| {
        toml::from_str::<Table>(text)
            .map(|table| table.default)
            .unwrap_or_default()
    })
}

/// A default as an amount. Unknown if it differs within the versions that the process may have.
pub fn setting(program: &str, name: &str, version: &Setting<String>) -> Setting<Amount> {
    let mut seen: Vec<Amount> = Vec::new();
    for default in table(program)
        .iter()
        .filter(|default| default.setting == name)
    {
        let Some(amount) = amount(default) else {
            continue;
        };
        match within(version, &default.versions) {
            Versions::All => {
                let known = version.value().cloned().unwrap_or_default();
                let origin = Origin::Default {
                    program: program.to_owned(),
                    version: known,
                    source: default.source.clone(),
                    certain: true,
                };
                return Setting::Known {
                    value: amount,
                    origin,
                };
            }
            Versions::Some => seen.push(amount),
            Versions::None => {}
        }
    }
    if seen.is_empty() {
        return Setting::unknown(format!("no default of {name} is known for {program}"));
    }
    let values: Vec<String> = seen.iter().map(Amount::to_string).collect();
    Setting::unknown(format!(
        "{} by version of {program}, which is unknown",
        values.join(" or ")
    ))
}

fn amount(default: &Default) -> Option<Amount> {
    if default.infinite {
        return Some(Amount::Infinite);
    }
    default.ms.or(default.count).map(Amount::Finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_has_a_source_and_one_value() {
        for program in ["nginx", "haproxy"] {
            let text = match program {
                "nginx" => include_str!("../../rules/defaults/nginx.toml"),
                _ => include_str!("../../rules/defaults/haproxy.toml"),
            };
            let table: Table = toml::from_str(text).expect(program);
            assert!(!table.default.is_empty());
            for default in table.default {
                assert!(default.source.len() > 5, "{}: no source", default.setting);
                let values = usize::from(default.ms.is_some())
                    + usize::from(default.count.is_some())
                    + usize::from(default.text.is_some())
                    + usize::from(default.infinite);
                assert_eq!(values, 1, "{}: exactly one value", default.setting);
            }
        }
    }
}
