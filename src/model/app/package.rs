//! `npm start`, `yarn x`, `bun run x`: scripts of the package.json in the working directory.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::cx::{Cx, Read, unknown};
use super::launch::{Started, Step, is, is_source, skip};
use super::script;
use crate::source::{FileId, Span};
use crate::syntax::value::Text;

/// The parts of a package.json that say what runs.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Package {
    pub(super) scripts: BTreeMap<String, String>,
    pub(super) dependencies: BTreeMap<String, String>,
    #[serde(rename = "devDependencies")]
    pub(super) dev: BTreeMap<String, String>,
    pub(super) main: Option<String>,
}

impl Package {
    /// The package.json of the working directory.
    pub(super) fn here(cx: &mut Cx<'_>) -> Result<(FileId, String, Self), String> {
        match cx.read("package.json") {
            Read::Text(id, text) => {
                let package = serde_json::from_str(&text)
                    .map_err(|_| "package.json is no JSON".to_owned())?;
                Ok((id, text, package))
            }
            Read::Absent => Err("there is no package.json".to_owned()),
            Read::Unknown(why) => Err(why),
        }
    }

    /// Whether a package is needed to run.
    pub(super) fn needs(&self, name: &str) -> bool {
        self.dependencies.contains_key(name)
    }
}

/// `npm`, `yarn` or `pnpm` with what stands behind.
pub(super) fn run(cx: &mut Cx<'_>, tool: &str, rest: &[Text]) -> Step {
    let mut rest = rest.to_vec();
    if let Some(at) = rest
        .iter()
        .position(|word| matches!(word.get(), Some("--prefix" | "--cwd" | "--dir" | "-C")))
    {
        match rest.get(at + 1).and_then(Text::get) {
            Some(folder) => cx.cwd = cx.absolute(folder),
            None => return Step::Done(Started::Unknown("its folder is not plain".to_owned())),
        }
        rest.drain(at..at + 2);
    }
    let mut rest = skip(&rest, &[]);
    let Some(verb) = rest.first().and_then(Text::get).map(str::to_owned) else {
        return Step::Done(Started::Unknown(format!("{tool} is given nothing to run")));
    };
    match verb.as_str() {
        "run" | "run-script" | "rum" => {
            rest = skip(&rest[1..], &[]);
        }
        "exec" | "dlx" | "x" => return Step::Then(skip(&rest[1..], &["-p", "--package"])),
        "start" | "test" | "stop" | "restart" => {}
        _ if tool != "npm" => {}
        other => {
            return Step::Done(Started::Unknown(format!(
                "{tool} {other} starts nothing that is known"
            )));
        }
    }
    let Some(name) = rest.first().and_then(Text::get).map(str::to_owned) else {
        return Step::Done(Started::Unknown(
            "the script's name is not plain".to_owned(),
        ));
    };
    let more: Vec<_> = rest[1..]
        .iter()
        .filter(|word| word.get() != Some("--"))
        .cloned()
        .collect();
    named(cx, tool, &name, &more, &rest)
}

/// `bun` runs files, scripts and packages.
pub(super) fn bun(cx: &mut Cx<'_>, argv: &[Text]) -> Step {
    let rest = skip(&argv[1..], &["--cwd", "--env-file", "--preload", "-r"]);
    let run = is(rest.first(), "run");
    let rest = if run { skip(&rest[1..], &[]) } else { rest };
    let Some(name) = rest.first().and_then(Text::get).map(str::to_owned) else {
        return Step::Done(Started::Unknown("what bun runs is not plain".to_owned()));
    };
    if name == "x" {
        return Step::Then(rest[1..].to_vec());
    }
    if ["js", "ts", "mjs", "tsx", "jsx", "cjs"]
        .iter()
        .any(|end| is_source(&name, end))
    {
        let mut words = vec![argv[0].clone()];
        words.extend(rest);
        return Step::Done(super::one(cx, words));
    }
    if run || name == "start" || name == "dev" {
        let more = rest[1..].to_vec();
        return named(cx, "bun", &name, &more, &rest);
    }
    Step::Done(Started::Unknown("what bun runs is not plain".to_owned()))
}

fn named(cx: &mut Cx<'_>, tool: &str, name: &str, more: &[Text], bin: &[Text]) -> Step {
    let (id, text, package) = match Package::here(cx) {
        Ok(package) => package,
        Err(why) => return Step::Done(Started::Unknown(why)),
    };
    let Some(command) = package.scripts.get(name) else {
        // npm starts server.js if there is no start script; yarn and pnpm run what the packages bring.
        return match (tool, name) {
            ("npm" | "pnpm", "start") => {
                let words = ["node", "server.js"].map(|word| Text {
                    value: Ok(word.to_owned()),
                    ..bin[0].clone()
                });
                Step::Then(words.to_vec())
            }
            ("yarn" | "pnpm", _) => Step::Then(bin.to_vec()),
            _ => Step::Done(Started::Unknown(format!(
                "package.json has no script {name}"
            ))),
        };
    };
    let line = Text::known(command.clone(), place(id, &text, command, cx));
    let mut words = ["sh", "-c"]
        .map(|word| Text::known(word, line.span))
        .to_vec();
    // What stands behind the script's name is put behind its command.
    if more.is_empty() {
        words.push(line);
    } else {
        let mut joined = command.clone();
        for word in more {
            match word.get() {
                Some(word) => {
                    joined.push_str(" '");
                    joined.push_str(word);
                    joined.push('\'');
                }
                None => {
                    return Step::Done(Started::Unknown("its arguments are not plain".to_owned()));
                }
            }
        }
        words.push(Text {
            value: Ok(joined),
            assumed: false,
            span: line.span,
        });
    }
    script::shell(cx, &words[1..])
}

/// The place of a script in package.json, if it is written there without escapes.
fn place(id: FileId, text: &str, command: &str, cx: &Cx<'_>) -> Span {
    let quoted = format!("\"{command}\"");
    match text.find(&quoted) {
        Some(at) => Span::new(id, at + 1, at + 1 + command.len()),
        None => unknown("", cx.launch.span).span,
    }
}
