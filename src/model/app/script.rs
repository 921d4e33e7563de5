//! Shell command lines and entrypoint scripts: which command stays when all the preparation is done.

use std::collections::BTreeSet;

use super::cx::{Cx, Read, part, unknown};
use super::launch::{Line, Started, Step, follow};
use crate::source::{FileId, Span};
use crate::syntax::command::{self, Joint, Simple, Variable, Word};
use crate::syntax::value::Text;

/// `sh -c text name args…` or `sh file args…`.
pub(super) fn shell(cx: &mut Cx<'_>, rest: &[Text]) -> Step {
    let mut at = 0;
    let mut inline = false;
    while let Some(word) = rest.get(at).and_then(Text::get) {
        match word {
            "-o" | "+o" => at += 1,
            word if word.starts_with("--") => {}
            word if word.starts_with('-') && word.len() > 1 => inline |= word.contains('c'),
            _ => break,
        }
        at += 1;
    }
    let Some(text) = rest.get(at) else {
        return Step::Done(Started::Unknown("a shell without a script".to_owned()));
    };
    let raw = match &text.value {
        Ok(raw) => raw.clone(),
        Err(why) => return Step::Done(Started::Unknown(why.clone())),
    };
    let arguments = rest.get(at + 1..).unwrap_or(&[]);
    if inline {
        // The word behind the script is `$0`.
        let arguments = arguments.get(1..).unwrap_or(&[]);
        return Step::Done(run(cx, &raw, &Place::Inside(text.clone()), arguments));
    }
    read(cx, &raw, arguments)
}

/// A script of the project.
pub(super) fn read(cx: &mut Cx<'_>, path: &str, arguments: &[Text]) -> Step {
    Step::Done(match cx.read(path) {
        Read::Text(id, text) => {
            cx.demoted |= text.contains("umask");
            run(cx, &text, &Place::File(id), arguments)
        }
        Read::Absent => Started::Unknown(format!("{path} is missing")),
        Read::Unknown(why) => Started::Unknown(why),
    })
}

/// Where the text of a script stands.
enum Place {
    File(FileId),
    Inside(Text),
}

impl Place {
    fn span(&self, word: &Word) -> Span {
        match self {
            Self::File(id) => Span::new(*id, word.range.start, word.range.end),
            Self::Inside(text) => part(text, word.range.start, word.range.end),
        }
    }
}

fn run(cx: &mut Cx<'_>, text: &str, place: &Place, arguments: &[Text]) -> Started {
    let line = command::line(text);
    let mut walk = Walk {
        cx,
        place,
        arguments: arguments.to_vec(),
        changed: None,
        depth: 0,
        beside: Vec::new(),
        last: None,
        guarded: BTreeSet::new(),
    };
    for (at, simple) in line.commands.iter().enumerate() {
        let next = line.commands.get(at + 1).map(|next| next.joint);
        walk.command(simple, next);
        if walk.last.as_ref().is_some_and(|last| last.replaces) {
            break;
        }
    }
    if matches!(place, Place::Inside(_))
        && walk.last.is_none()
        && let Some(why) = line.unreadable
    {
        return Started::Unknown(why);
    }
    walk.finish()
}

/// The command that stays so far.
struct Last {
    argv: Result<Vec<Text>, String>,
    cwd: String,
    /// Whether it is `exec`, behind which nothing runs.
    replaces: bool,
    /// Whether it runs only if the one before failed.
    otherwise: bool,
}

struct Walk<'w, 'a> {
    cx: &'w mut Cx<'a>,
    place: &'w Place,
    arguments: Vec<Text>,
    /// Why the arguments are not what they were.
    changed: Option<String>,
    /// How many `if`, `for`, `case` and functions are open.
    depth: usize,
    /// Servers that stay in the background.
    beside: Vec<Line>,
    last: Option<Last>,
    /// What is started under a condition, as text; `$@` is left out.
    guarded: BTreeSet<String>,
}

impl Walk<'_, '_> {
    fn command(&mut self, simple: &Simple, next: Option<Joint>) {
        let mut words = &simple.words[..];
        while let Some(keyword) = words.first().and_then(Word::literal) {
            match keyword.as_str() {
                "if" | "for" | "while" | "until" | "case" | "select" | "{" => self.depth += 1,
                "fi" | "done" | "esac" | "}" => {
                    self.depth = self.depth.saturating_sub(1);
                    return;
                }
                "then" | "do" | "else" | "elif" | "!" => {}
                _ => break,
            }
            words = &words[1..];
            if matches!(
                keyword.as_str(),
                "for" | "case" | "select" | "if" | "while" | "until" | "elif"
            ) {
                // A condition starts nothing that stays.
                return;
            }
        }
        if words.is_empty() {
            self.assign(simple);
            return;
        }
        let conditional =
            self.depth > 0 || matches!(simple.joint, Joint::And | Joint::Or) && self.is_test();
        if conditional {
            self.guarded(simple, words);
        } else {
            self.plain(simple, words, next);
        }
    }

    /// Whether the command in front only asks something: `[ -n "$X" ] && exec x`.
    fn is_test(&self) -> bool {
        self.last.as_ref().is_some_and(|last| {
            let first = last
                .argv
                .as_ref()
                .ok()
                .and_then(|argv| argv.first()?.get().map(str::to_owned));
            matches!(first.as_deref(), Some("[" | "[[" | "test"))
        })
    }

    fn guarded(&mut self, simple: &Simple, words: &[Word]) {
        for (name, _) in &simple.assignments {
            self.hide(name);
        }
        let literal = |at: usize| words.get(at).and_then(Word::literal);
        match literal(0).as_deref() {
            Some("export" | "local" | "readonly") => {
                for word in &words[1..] {
                    let name = word.literal().unwrap_or_default();
                    // plain: a name, which ends at its first `=`
                    self.hide(name.split('=').next().unwrap_or(""));
                }
            }
            Some("." | "source") => self.cx.open("a script reads further variables"),
            Some("set") if literal(1).as_deref() == Some("--") => {
                // The official entrypoints put their program in front if the first argument is a flag.
                let plain = self
                    .arguments
                    .first()
                    .and_then(Text::get)
                    .is_some_and(|first| !first.starts_with('-'));
                if !plain {
                    self.changed =
                        Some("a script changes its arguments under a condition".to_owned());
                }
            }
            Some("exec") if !words.last().is_some_and(Word::is_all_arguments) => {
                let text: Vec<_> = words[1..]
                    .iter()
                    .map(|word| word.literal().unwrap_or_else(|| "$".to_owned()))
                    .collect();
                self.guarded.insert(text.join(" "));
            }
            _ => {}
        }
    }

    fn hide(&mut self, name: &str) {
        let why = format!("{name} is set under a condition");
        self.cx.set(name, unknown(why, self.cx.launch.span));
    }

    fn assign(&mut self, simple: &Simple) {
        for (name, value) in &simple.assignments {
            if self.depth > 0 || matches!(simple.joint, Joint::And | Joint::Or) {
                self.hide(name);
                continue;
            }
            let text = self.text(value);
            self.cx.set(name, text);
        }
    }

    fn plain(&mut self, simple: &Simple, words: &[Word], next: Option<Joint>) {
        let first = words[0].literal().unwrap_or_default();
        match first.as_str() {
            "export" | "readonly" | "declare" => return self.export(&words[1..]),
            "." | "source" => return self.cx.open("a script reads further variables"),
            "cd" => return self.change_folder(words.get(1)),
            "set" if words.get(1).and_then(Word::literal).as_deref() == Some("--") => {
                return self.set_arguments(&words[2..]);
            }
            "set" | ":" | "shift" | "trap" | "ulimit" | "umask" | "return" | "unset" => {
                if first == "shift" {
                    self.arguments = self.arguments.get(1..).unwrap_or(&[]).to_vec();
                }
                return;
            }
            "echo" | "printf" | "exit" | "true" | "wait" | "tail" | "sleep" | "cat"
                if self.last.is_some() && matches!(simple.joint, Joint::Or) =>
            {
                return;
            }
            _ => {}
        }
        if simple.joint == Joint::Pipe {
            // What is piped into a logger stays the server.
            return;
        }
        // `VAR=x cmd` is for this command alone; nothing that stays comes behind it.
        for (name, value) in &simple.assignments {
            let text = self.text(value);
            self.cx.set(name, text);
        }
        let replaces = first == "exec" && words.len() > 1;
        let inner = if replaces { &words[1..] } else { words };
        let argv = self.argv(inner);
        if next == Some(Joint::Background) || daemonises(&argv) {
            self.background(argv);
            return;
        }
        self.last = Some(Last {
            argv,
            cwd: self.cx.cwd.clone(),
            replaces: replaces && simple.joint != Joint::Or,
            otherwise: simple.joint == Joint::Or,
        });
    }

    fn background(&mut self, argv: Result<Vec<Text>, String>) {
        if let Ok(argv) = argv {
            self.beside.push(Line::new(self.cx, argv));
        }
    }

    fn export(&mut self, words: &[Word]) {
        for word in words {
            let Some((name, value)) = split(word) else {
                continue;
            };
            let text = self.text(&value);
            self.cx.set(&name, text);
        }
    }

    fn change_folder(&mut self, word: Option<&Word>) {
        if let Some(text) = word.map(|word| self.text(word)) {
            match &text.value {
                Ok(path) => self.cx.cwd = self.cx.absolute(path),
                Err(_) => "/\u{0}".clone_into(&mut self.cx.cwd),
            }
        }
    }

    fn set_arguments(&mut self, words: &[Word]) {
        match self.argv(words) {
            Ok(arguments) => self.arguments = arguments,
            Err(why) => self.changed = Some(why),
        }
    }

    /// One word that stays one: the value of an assignment.
    fn text(&self, word: &Word) -> Text {
        let span = self.place.span(word);
        match word.expand_whole(&|name| self.lookup(name)) {
            Ok((value, assumed)) => Text {
                value: Ok(value),
                assumed,
                span,
            },
            Err(why) => unknown(why, span),
        }
    }

    /// Words expanded, `"$@"` replaced by the arguments.
    fn argv(&self, words: &[Word]) -> Result<Vec<Text>, String> {
        let mut argv = Vec::new();
        for word in words {
            if word.is_all_arguments() {
                if let Some(why) = &self.changed {
                    return Err(why.clone());
                }
                argv.extend(self.arguments.iter().cloned());
                continue;
            }
            let span = self.place.span(word);
            match word.expand(&|name| self.lookup(name)) {
                Ok((fields, assumed)) => argv.extend(fields.into_iter().map(|field| Text {
                    value: Ok(field),
                    assumed,
                    span,
                })),
                Err(why) => argv.push(unknown(why, span)),
            }
        }
        Ok(argv)
    }

    fn lookup(&self, name: &str) -> Variable {
        if let Ok(number) = name.parse::<usize>() {
            let known = number.checked_sub(1).map(|at| self.arguments.get(at));
            return match (known, &self.changed) {
                (Some(None), None) => Variable::Unset,
                (
                    Some(Some(Text {
                        value: Ok(value),
                        assumed,
                        ..
                    })),
                    None,
                ) => Variable::Set(value.clone(), *assumed),
                _ => Variable::Unknown(format!("${name} is not known")),
            };
        }
        if matches!(name, "@" | "*" | "#" | "?" | "$" | "!" | "-") {
            return Variable::Unknown(format!("${name} is not known"));
        }
        self.cx.variable(name)
    }

    fn finish(self) -> Started {
        let Some(last) = self.last else {
            return if self.beside.is_empty() {
                Started::Unknown("the script starts nothing that stays".to_owned())
            } else {
                all(self.cx, self.beside, None)
            };
        };
        if !self.guarded.is_empty() {
            let own = last.argv.as_ref().ok().map(|argv| {
                let words: Vec<_> = argv.iter().map(|word| word.get().unwrap_or("$")).collect();
                words.join(" ")
            });
            if self.guarded.iter().any(|other| Some(other) != own.as_ref()) {
                return Started::Unknown("a script chooses what it starts".to_owned());
            }
        }
        if last.otherwise {
            return Started::Unknown("a script chooses what it starts".to_owned());
        }
        match last.argv {
            Err(why) => Started::Unknown(why),
            Ok(argv) if argv.is_empty() => Started::Image,
            Ok(argv) => {
                self.cx.cwd = last.cwd;
                let waits = matches!(argv[0].get(), Some("wait" | "tail" | "sleep" | "fg"));
                all(self.cx, self.beside, (!waits).then_some(argv))
            }
        }
    }
}

/// Follows everything that stays.
fn all(cx: &mut Cx<'_>, beside: Vec<Line>, last: Option<Vec<Text>>) -> Started {
    let home = cx.cwd.clone();
    let mut lines = Vec::new();
    let env = cx.overlay();
    for line in beside {
        cx.cwd = line.cwd;
        cx.enter(line.env);
        let depth = cx.depth;
        let argv = line.argv.clone();
        match follow(cx, line.argv) {
            Started::Lines(more) => lines.extend(more),
            // It may listen as well, and nobody knows where.
            Started::Image | Started::Unknown(_) => lines.push(Line::new(cx, argv)),
        }
        cx.depth = depth;
    }
    cx.cwd = home;
    cx.enter(env);
    match last.map(|argv| follow(cx, argv)) {
        Some(Started::Lines(more)) => lines.extend(more),
        Some(other) if lines.is_empty() => return other,
        _ => {}
    }
    if lines.is_empty() {
        return Started::Unknown("the script starts nothing that stays".to_owned());
    }
    Started::Lines(lines)
}

/// Programs that go to the background by themselves.
fn daemonises(argv: &Result<Vec<Text>, String>) -> bool {
    let Ok(argv) = argv else {
        return false;
    };
    let word = |at: usize| argv.get(at).and_then(Text::get).unwrap_or("");
    let has = |flag: &str| argv.iter().any(|word| word.get() == Some(flag));
    let name = super::cx::basename(word(0));
    match name {
        "nginx" => !argv
            .iter()
            .any(|word| word.get().is_some_and(|text| text.contains("daemon off"))),
        "gunicorn" | "uwsgi" => has("-D") || has("--daemon") || has("-d") || has("--daemonize"),
        name if name.starts_with("php-fpm") => has("-D") || has("--daemonize"),
        _ => false,
    }
}

fn split(word: &Word) -> Option<(String, Word)> {
    let command::Part::Literal(first) = word.parts.first()? else {
        return None;
    };
    // plain: the word is parsed already, and its name ends at the first `=`
    let (name, value) = first.split_once('=')?;
    let mut rest = word.clone();
    rest.parts[0] = command::Part::Literal(value.to_owned());
    rest.range.start += name.len() + 1;
    Some((name.to_owned(), rest))
}
