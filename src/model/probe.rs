//! What the healthcheck of a service runs, and which of its own ports it dials.

use crate::host::path;
use crate::project::compose::{Command, Healthcheck};
use crate::syntax::command::{self, Joint, Word};
use crate::syntax::proxy_value::upstream_url;

/// A healthcheck, as far as it is plain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Probe {
    /// The programs that it runs, in order; `sh` for a line of the shell.
    pub programs: Vec<String>,
    /// The ports of the container's own loopback that it dials.
    pub dials: Vec<u16>,
}

/// Reads a healthcheck; `None` if it is disabled, or a part of it is known to a running shell alone.
pub fn probe(check: &Healthcheck) -> Option<Probe> {
    let mut probe = Probe::default();
    match check.test.as_ref()? {
        Command::Shell(text) => {
            probe.programs.push("sh".to_owned());
            probe.line(text.get()?)?;
        }
        Command::Exec(words) => {
            let words: Option<Vec<&str>> = words.iter().map(|word| word.get()).collect();
            match words?.as_slice() {
                [shell, "-c", line] if matches!(path::name(shell), "sh" | "bash" | "ash") => {
                    probe.programs.push("sh".to_owned());
                    probe.line(line)?;
                }
                words => probe.command(words)?,
            }
        }
    }
    Some(probe)
}

/// The words by which a healthcheck passes whatever comes of the rest: `|| true`, `; exit 0`, or a lone `true`.
pub fn never_fails(check: &Healthcheck) -> Option<String> {
    let line = match check.test.as_ref()? {
        Command::Shell(text) => text.get()?,
        Command::Exec(words) => match words.as_slice() {
            [shell, flag, line]
                if flag.get() == Some("-c")
                    && matches!(path::name(shell.get()?), "sh" | "bash" | "ash") =>
            {
                line.get()?
            }
            [program, rest @ ..] => {
                let program = path::name(program.get()?);
                let fixed = program == "true" || program == "echo" && !rest.is_empty();
                return fixed.then(|| program.to_owned());
            }
            [] => return None,
        },
    };
    let line = command::line(line);
    let (last, before) = line.commands.split_last()?;
    let words: Option<Vec<String>> = last.words.iter().map(Word::literal).collect();
    let words = words?;
    let shown = words.join(" ");
    let passes = match words.first()?.as_str() {
        "true" | ":" | "echo" => true,
        "exit" => words.get(1).is_some_and(|status| status == "0"),
        _ => false,
    };
    // An `exit` or a switch of the shell may end the line before.
    let plain = before.iter().all(|simple| {
        let first = simple.words.first().and_then(Word::literal);
        first.is_some_and(|first| !matches!(first.as_str(), "exit" | "set" | "exec" | "return"))
    });
    if line.unreadable.is_some() || !passes || !plain {
        return None;
    }
    match last.joint {
        Joint::Or => Some(format!("|| {shown}")),
        Joint::Sequence if before.is_empty() => Some(shown),
        Joint::Sequence => Some(format!("; {shown}")),
        _ => None,
    }
}

impl Probe {
    fn line(&mut self, text: &str) -> Option<()> {
        let line = command::line(text);
        if line.unreadable.is_some() {
            return None;
        }
        for simple in &line.commands {
            let words: Option<Vec<String>> = simple.words.iter().map(Word::literal).collect();
            let words = words?;
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            self.command(&words)?;
        }
        Some(())
    }

    fn command(&mut self, words: &[&str]) -> Option<()> {
        let (program, rest) = words.split_first()?;
        let program = path::name(program);
        match program {
            "exit" | "true" | "false" | "test" | "[" | "echo" => return Some(()),
            "curl" | "wget" => {
                // A socket, a proxy or another address takes the place of the one that is named.
                let elsewhere = [
                    "--unix-socket",
                    "-x",
                    "--proxy",
                    "--resolve",
                    "--connect-to",
                ];
                if rest.iter().any(|word| elsewhere.contains(word)) {
                    return None;
                }
                self.dials
                    .extend(rest.iter().filter_map(|word| own_port(word)));
            }
            "nc" | "netcat" => {
                let words: Vec<&&str> = rest.iter().filter(|word| !word.starts_with('-')).collect();
                if let [host, port, ..] = words.as_slice()
                    && is_own(host)
                {
                    self.dials.extend(port.parse::<u16>().ok());
                }
            }
            _ => {}
        }
        let name = if program == "netcat" { "nc" } else { program };
        self.programs.push(name.to_owned());
        Some(())
    }
}

/// The port of a URL on the container's own loopback.
fn own_port(word: &str) -> Option<u16> {
    let url = upstream_url(word)?;
    let port = match (&url.port, url.scheme.as_deref()) {
        (Some(port), Some("http" | "https") | None) => port.parse().ok()?,
        (None, Some("http")) => 80,
        (None, Some("https")) => 443,
        _ => return None,
    };
    is_own(url.host.as_deref()?).then_some(port)
}

fn is_own(host: &str) -> bool {
    matches!(host, "localhost" | "0.0.0.0" | "::1") || host.starts_with("127.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileId, Span};
    use crate::syntax::value::Text;

    fn of(test: Command) -> Option<Probe> {
        let span = Span::new(FileId(0), 0, 0);
        probe(&Healthcheck {
            disabled: false,
            test: Some(test),
            span,
        })
    }

    fn shell(text: &str) -> Option<Probe> {
        of(Command::Shell(Text::known(
            text,
            Span::new(FileId(0), 0, 0),
        )))
    }

    #[test]
    fn ports_of_the_own_loopback_are_found() {
        let dials = |text: &str| shell(text).map(|probe| probe.dials);
        assert_eq!(
            dials("curl -fsS http://localhost:8000/health || exit 1"),
            Some(vec![8000])
        );
        assert_eq!(dials("wget -qO- http://127.0.0.1/"), Some(vec![80]));
        assert_eq!(dials("nc -z localhost 5432"), Some(vec![5432]));
        assert_eq!(dials("curl http://db:8000/"), Some(vec![]));
        assert_eq!(dials("curl http://localhost:$PORT/"), None);
        assert_eq!(
            dials("curl --unix-socket /run/a.sock http://localhost/"),
            None
        );
    }

    #[test]
    fn what_makes_a_check_pass_is_its_last_command() {
        let span = Span::new(FileId(0), 0, 0);
        let told = |test: Command| {
            never_fails(&Healthcheck {
                disabled: false,
                test: Some(test),
                span,
            })
        };
        let shell = |text: &str| told(Command::Shell(Text::known(text, span)));
        assert_eq!(
            shell("curl -f http://localhost || true").as_deref(),
            Some("|| true")
        );
        assert_eq!(
            shell("curl -f x && grep y z || exit 0").as_deref(),
            Some("|| exit 0")
        );
        assert_eq!(shell("curl -f x; exit 0").as_deref(), Some("; exit 0"));
        assert_eq!(shell("exit 0").as_deref(), Some("exit 0"));
        assert_eq!(shell("curl -f x || exit 1"), None);
        assert_eq!(shell("curl -f x && echo ok"), None);
        assert_eq!(shell("curl -f x || exit 1; true"), None);
        assert_eq!(shell("set -e; curl -f x; true"), None);
        assert_eq!(shell("curl -f x | grep ok"), None);
        let exec = |words: &[&str]| {
            let words = words.iter().map(|word| Text::known(*word, span));
            told(Command::Exec(words.collect()))
        };
        assert_eq!(exec(&["/bin/true"]).as_deref(), Some("true"));
        assert_eq!(
            exec(&["sh", "-c", "nc -z db 1 || :"]).as_deref(),
            Some("|| :")
        );
        assert_eq!(exec(&["curl", "-f", "x"]), None);
    }

    #[test]
    fn programs_are_named_in_order() {
        let programs = |text: &str| shell(text).map(|probe| probe.programs);
        assert_eq!(
            programs("/usr/bin/curl -f http://localhost || wget -q http://localhost || exit 1")
                .unwrap(),
            ["sh", "curl", "wget"]
        );
        let span = Span::new(FileId(0), 0, 0);
        let exec = ["pg_isready", "-U", "x"].map(|word| Text::known(word, span));
        assert_eq!(
            of(Command::Exec(exec.into())).unwrap().programs,
            ["pg_isready"]
        );
    }
}
