//! What the stages of a Dockerfile come to: the chain of stages that ends in one image, with what each of them sets.

use std::collections::HashMap;

use pest::Parser;

use super::grammar::{Grammar, Rule};
use super::{Dockerfile, Instruction};
use crate::source::{Span, Spanned};
use crate::syntax::command::{self, Variable, Word};
use crate::syntax::value::Text;

/// One image as its Dockerfile describes it. A field that no stage sets is the base image's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuiltImage {
    /// What the first stage of the chain starts from; `None` for `scratch` or a file without any stage.
    pub base: Option<Text>,
    /// `ENV`, in the order of writing.
    pub env: Vec<(Spanned<String>, Text)>,
    /// `WORKDIR`, absolute if the base's own is not needed to know it.
    pub workdir: Option<Text>,
    /// `USER`.
    pub user: Option<Text>,
    /// `CMD` in exec form; the shell form becomes `/bin/sh -c …`, as Docker stores it. `Some([])`: there is none.
    pub cmd: Option<Vec<Text>>,
    /// `ENTRYPOINT`, in the same form.
    pub entrypoint: Option<Vec<Text>>,
    /// `COPY` and `ADD`, in the order of writing.
    pub copies: Vec<Copied>,
    /// `STOPSIGNAL`.
    pub stop_signal: Option<Text>,
    /// The command of `HEALTHCHECK`; `Some([])` for `NONE`.
    pub healthcheck: Option<Spanned<Vec<Text>>>,
    /// `EXPOSE`: documentation, binds nothing.
    pub expose: Vec<Text>,
    /// The last `FROM` of the chain.
    pub span: Option<Span>,
}

/// One `COPY` or `ADD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Paths in the source, as written.
    pub sources: Vec<Text>,
    /// Where they are taken from.
    pub from: CopySource,
    /// Path in the image, absolute where that can be known; ends in `/` if it names a folder.
    pub destination: Text,
    /// The text of a here-document that takes the place of the sources.
    pub inline: Option<Spanned<String>>,
    /// The whole instruction.
    pub span: Span,
}

/// Where a `COPY` takes its files from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopySource {
    /// The build context.
    Context,
    /// An earlier stage, by its name or number.
    Stage(String),
    /// Another image, an additional context, or a URL.
    Elsewhere(String),
}

/// What the chain of stages that ends in `target` (or in the last stage) comes to; `args` gives build arguments.
pub fn image(
    tree: &Dockerfile,
    target: Option<&str>,
    args: &dyn Fn(&str) -> Variable,
) -> BuiltImage {
    let stages = Stages::new(tree, args);
    let mut builder = Builder::new(args, stages.globals.clone());
    let Some(last) = stages.find(target) else {
        return builder.image;
    };
    let chain = stages.chain(last);
    builder.image.base = stages.base(chain[0]);
    for at in chain {
        builder.stage(&stages, at);
    }
    builder.image
}

/// Every stage of a file, and the arguments in front of the first.
struct Stages<'a> {
    list: Vec<Stage<'a>>,
    globals: HashMap<String, Variable>,
}

/// One stage.
struct Stage<'a> {
    name: Option<String>,
    from: Text,
    parent: Option<usize>,
    span: Span,
    instructions: &'a [Instruction],
}

impl<'a> Stages<'a> {
    fn new(tree: &'a Dockerfile, args: &dyn Fn(&str) -> Variable) -> Self {
        let all = &tree.instructions;
        let starts: Vec<_> = (0..all.len())
            .filter(|at| all[*at].keyword.value == "FROM")
            .collect();
        let head = starts.first().map_or(all.len(), |first| *first);
        let mut globals = Builder::new(args, HashMap::new());
        for instruction in &all[..head] {
            if instruction.keyword.value == "ARG" {
                globals.arg(instruction);
            }
        }
        let mut names = HashMap::new();
        let mut list: Vec<Stage<'_>> = Vec::new();
        for (number, start) in starts.iter().enumerate() {
            let end = starts.get(number + 1).map_or(all.len(), |next| *next);
            let words = &all[*start].words;
            let from = globals.word(words.first(), all[*start].span);
            let name = stage_name(words);
            let parent = from.get().and_then(|from| {
                let known: Option<&usize> = names.get(&from.to_ascii_lowercase());
                known.copied()
            });
            if let Some(name) = &name {
                names.insert(name.clone(), number);
            }
            list.push(Stage {
                name,
                from,
                parent,
                span: all[*start].span,
                instructions: &all[start + 1..end],
            });
        }
        let globals = globals.args;
        Self { list, globals }
    }

    fn find(&self, target: Option<&str>) -> Option<usize> {
        let Some(target) = target else {
            return self.list.len().checked_sub(1);
        };
        let lower = target.to_ascii_lowercase();
        self.list
            .iter()
            .rposition(|stage| stage.name.as_deref() == Some(&lower))
            .or_else(|| target.parse().ok().filter(|at| *at < self.list.len()))
    }

    /// From the stage that starts from an image to this one. A parent stands before its child, so this ends.
    fn chain(&self, last: usize) -> Vec<usize> {
        let parents = std::iter::successors(Some(last), |at| self.list[*at].parent);
        let mut chain: Vec<_> = parents.collect();
        chain.reverse();
        chain
    }

    fn base(&self, first: usize) -> Option<Text> {
        let from = &self.list[first].from;
        (from.get() != Some("scratch")).then(|| from.clone())
    }
}

fn stage_name(words: &[Spanned<Word>]) -> Option<String> {
    let [_, by, name, ..] = words else {
        return None;
    };
    let by = by.value.literal()?;
    by.eq_ignore_ascii_case("as")
        .then(|| name.value.literal())?
        .map(|name| name.to_ascii_lowercase())
}

/// Applies instructions one by one.
struct Builder<'a> {
    image: BuiltImage,
    build_args: &'a dyn Fn(&str) -> Variable,
    globals: HashMap<String, Variable>,
    args: HashMap<String, Variable>,
    env: HashMap<String, Variable>,
    shell: Vec<Text>,
    /// Whether this stage has set CMD.
    cmd_set: bool,
}

impl<'a> Builder<'a> {
    fn new(build_args: &'a dyn Fn(&str) -> Variable, globals: HashMap<String, Variable>) -> Self {
        Self {
            image: BuiltImage::default(),
            build_args,
            globals,
            args: HashMap::new(),
            env: HashMap::new(),
            shell: Vec::new(),
            cmd_set: false,
        }
    }

    fn stage(&mut self, stages: &Stages<'_>, at: usize) {
        let stage = &stages.list[at];
        self.image.span = Some(stage.span);
        self.cmd_set = false;
        for instruction in stage.instructions {
            self.apply(instruction, stages, at);
        }
    }

    fn apply(&mut self, instruction: &Instruction, stages: &Stages<'_>, at: usize) {
        let first = instruction.words.first();
        match instruction.keyword.value.as_str() {
            "ARG" => self.arg(instruction),
            "ENV" => self.set_env(instruction),
            "WORKDIR" => self.image.workdir = Some(self.below_workdir(&self.rest(instruction))),
            "USER" => self.image.user = Some(self.word(first, instruction.span)),
            "STOPSIGNAL" => self.image.stop_signal = Some(self.word(first, instruction.span)),
            "SHELL" => self.shell = exec_words(instruction).unwrap_or_default(),
            "EXPOSE" => {
                let ports = instruction.words.iter();
                let ports: Vec<_> = ports.map(|word| self.expand(word)).collect();
                self.image.expose.extend(ports);
            }
            "CMD" => {
                self.image.cmd = Some(self.command(instruction));
                self.cmd_set = true;
            }
            "ENTRYPOINT" => {
                self.image.entrypoint = Some(self.command(instruction));
                // An entrypoint drops the CMD of the image below, but not one of its own stage.
                if !self.cmd_set {
                    self.image.cmd = Some(Vec::new());
                }
            }
            "HEALTHCHECK" => self.image.healthcheck = Some(self.healthcheck(instruction)),
            "COPY" | "ADD" => self.copy(instruction, stages, at),
            _ => {}
        }
    }

    fn arg(&mut self, instruction: &Instruction) {
        for word in &instruction.words {
            let (name, value) = match assignment(&word.value) {
                Some((name, value)) => (name, Some(value)),
                None => match word.value.literal() {
                    Some(name) => (name, None),
                    None => continue,
                },
            };
            let given = (self.build_args)(&name);
            let value = match (given, value) {
                (Variable::Unset, Some(value)) => match value.expand_whole(&|n| self.lookup(n)) {
                    Ok((value, assumed)) => Variable::Set(value, assumed),
                    Err(why) => Variable::Unknown(why),
                },
                (Variable::Unset, None) => self
                    .globals
                    .get(&name)
                    .cloned()
                    .unwrap_or_else(|| predefined(&name)),
                (given, _) => given,
            };
            self.args.insert(name, value);
        }
    }

    fn set_env(&mut self, instruction: &Instruction) {
        let mut pairs = Vec::new();
        if instruction
            .words
            .first()
            .is_some_and(|word| assignment(&word.value).is_some())
        {
            for word in &instruction.words {
                if let Some((name, value)) = assignment(&word.value) {
                    let value_span = word.span.slice(name.len() + 1, usize::MAX >> 1);
                    let value = Spanned::new(value, value_span);
                    pairs.push((Spanned::new(name, word.span), self.expand(&value)));
                }
            }
        } else if let Some(name) = instruction.words.first() {
            // The old form: all that stands behind the name is the value.
            let key = name.value.literal().unwrap_or_default();
            let rest = instruction
                .body
                .value
                .get(name.value.range.end..)
                .unwrap_or("");
            let value = Spanned::new(command::text(rest.trim()), instruction.body.span);
            pairs.push((Spanned::new(key, name.span), self.expand(&value)));
        }
        // A variable that is set in an ENV is not seen by the same ENV.
        for (name, value) in pairs {
            let variable = match &value.value {
                Ok(text) => Variable::Set(text.clone(), value.assumed),
                Err(why) => Variable::Unknown(why.clone()),
            };
            self.env.insert(name.value.clone(), variable);
            self.image.env.push((name, value));
        }
    }

    fn lookup(&self, name: &str) -> Variable {
        let known = self.env.get(name).or_else(|| self.args.get(name));
        known.cloned().unwrap_or(Variable::Unset)
    }

    fn expand(&self, word: &Spanned<Word>) -> Text {
        match word.value.expand_whole(&|name| self.lookup(name)) {
            Ok((value, assumed)) => Text {
                value: Ok(value),
                assumed,
                span: word.span,
            },
            Err(why) => Text {
                value: Err(why),
                assumed: false,
                span: word.span,
            },
        }
    }

    fn word(&self, word: Option<&Spanned<Word>>, span: Span) -> Text {
        word.map_or_else(
            || Text {
                value: Err("nothing is written here".to_owned()),
                assumed: false,
                span,
            },
            |word| self.expand(word),
        )
    }

    /// The whole body as one string: `WORKDIR` takes blanks.
    fn rest(&self, instruction: &Instruction) -> Text {
        let words = &instruction.words;
        if words.len() == 1 {
            return self.expand(&words[0]);
        }
        let body = &instruction.body;
        self.expand(&Spanned::new(command::text(&body.value), body.span))
    }

    /// A path in the image, taken from the working directory if it is relative.
    fn below_workdir(&self, path: &Text) -> Text {
        let Some(raw) = path.get() else {
            return path.clone();
        };
        if raw.starts_with('/') {
            return Text {
                value: Ok(normal(raw)),
                ..path.clone()
            };
        }
        let value = match &self.image.workdir {
            Some(Text {
                value: Ok(base), ..
            }) => Ok(normal(&format!("{base}/{raw}"))),
            Some(Text {
                value: Err(why), ..
            }) => Err(why.clone()),
            None => Err("the working directory is the base image's".to_owned()),
        };
        Text {
            value,
            ..path.clone()
        }
    }

    /// Exec form, or the shell form as Docker stores it.
    fn command(&self, instruction: &Instruction) -> Vec<Text> {
        exec_words(instruction).unwrap_or_else(|| {
            let text = Text::known(instruction.body.value.clone(), instruction.body.span);
            self.with_shell(text)
        })
    }

    fn with_shell(&self, text: Text) -> Vec<Text> {
        let mut words = self.shell.clone();
        if words.is_empty() {
            words = ["/bin/sh", "-c"]
                .map(|word| Text::known(word, text.span))
                .to_vec();
        }
        words.push(text);
        words
    }

    fn healthcheck(&self, instruction: &Instruction) -> Spanned<Vec<Text>> {
        let body = &instruction.body;
        let kind = body.value.get(..3).unwrap_or("");
        let words = if kind.eq_ignore_ascii_case("cmd") {
            let rest = body.value[3..].trim();
            exec(rest).map_or_else(
                || self.with_shell(Text::known(rest, body.span)),
                |words| {
                    words
                        .into_iter()
                        .map(|word| Text::known(word, body.span))
                        .collect()
                },
            )
        } else {
            Vec::new()
        };
        Spanned::new(words, instruction.span)
    }

    fn copy(&mut self, instruction: &Instruction, stages: &Stages<'_>, at: usize) {
        let mut paths: Vec<_> = match exec_words(instruction) {
            Some(words) => words,
            None => instruction
                .words
                .iter()
                .map(|word| self.expand(word))
                .collect(),
        };
        let Some(last) = paths.pop() else {
            return;
        };
        let from = instruction
            .flag("from")
            .map_or(CopySource::Context, |from| {
                let name = from.value.to_ascii_lowercase();
                match stages.find(Some(&name)) {
                    Some(stage) if stage < at => CopySource::Stage(name),
                    _ => CopySource::Elsewhere(from.value.to_owned()),
                }
            });
        paths.retain(|path| !path.get().is_some_and(|path| path.starts_with("<<")));
        let destination = self.below_workdir(&last);
        self.image.copies.push(Copied {
            sources: paths,
            from,
            destination,
            inline: instruction.heredocs.first().cloned(),
            span: instruction.span,
        });
    }
}

/// What BuildKit sets by itself depends on the machine.
fn predefined(name: &str) -> Variable {
    if name.starts_with("TARGET") || name.starts_with("BUILD") {
        Variable::Unknown(format!("{name} depends on the machine that builds"))
    } else {
        Variable::Unset
    }
}

fn exec_words(instruction: &Instruction) -> Option<Vec<Text>> {
    let words = instruction.exec.as_ref()?;
    let texts = words
        .iter()
        .map(|word| Text::known(word.value.clone(), word.span));
    Some(texts.collect())
}

fn exec(text: &str) -> Option<Vec<String>> {
    let pair = Grammar::parse(Rule::exec, text).ok()?.next()?;
    let strings = pair.into_inner().filter(|i| i.as_rule() == Rule::string);
    Some(strings.map(super::reader::unescaped).collect())
}

/// `NAME=value` as one word.
fn assignment(word: &Word) -> Option<(String, Word)> {
    let Some(command::Part::Literal(first)) = word.parts.first() else {
        return None;
    };
    let (name, rest) = first.split_once('=')?;
    let mut value = word.clone();
    value.parts[0] = command::Part::Literal(rest.to_owned());
    Some((name.to_owned(), value))
}

/// A path without `.`, `..` and double slashes; a slash at the end is kept.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut normal = format!("/{}", parts.join("/"));
    if (path.ends_with('/') || path.ends_with("/.")) && normal.len() > 1 {
        normal.push('/');
    }
    normal
}
