//! Starts the real app servers with the page's own command line and config file, around an app that says `ok`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use no502::page::File;

use super::address::View;
use super::program::Program;

mod node;
mod php;
mod python;
mod ruby;
mod uwsgi;

/// The app of a service; `None` if it is a program that the lab does not know.
pub(crate) fn start(view: View, files: &[File], work: Duration) -> Result<Option<Program>, String> {
    let mut argv = plain(&view.service.argv, &view.service.env);
    let is_fpm = view.service.image == "php" && view.service.tag.contains("fpm");
    if argv.is_empty() && is_fpm {
        argv.push("php-fpm".to_owned());
    }
    let name = argv
        .first()
        .map_or("", |word| word.rsplit('/').next().unwrap_or(word))
        .to_owned();
    let app = App {
        view,
        dir: view.service.path("/app"),
        files,
        work,
    };
    let mut command = match name.as_str() {
        "gunicorn" => app.gunicorn(&argv)?,
        "uvicorn" => app.uvicorn(&argv)?,
        "node" => app.node(&argv)?,
        "hypercorn" => app.hypercorn(&argv)?,
        "waitress-serve" => app.waitress(&argv)?,
        "uwsgi" => app.uwsgi(&argv)?,
        "puma" => app.puma(&argv)?,
        "php-fpm" => app.php_fpm()?,
        _ => return Ok(None),
    };
    let told = command
        .get_envs()
        .map(|(key, _)| key.to_owned())
        .collect::<Vec<_>>();
    let others = view
        .service
        .env
        .iter()
        .filter(|(key, _)| !told.iter().any(|told| *told == key.as_str()));
    command
        .current_dir(&app.dir)
        .env("HOME", &app.dir)
        .envs(others);
    let mut program = Program::start(
        &format!("{name}-{}", view.service.name),
        &mut command,
        &app.dir,
    )?;
    let service = view.service;
    let case = service
        .root
        .parent()
        .ok_or("a service has a folder of its own")?;
    if !program.wait_to_listen(
        &[service.address, service.own],
        case,
        Duration::from_secs(8),
    ) {
        return Err(format!("{name} does not listen\n{}", program.said()));
    }
    Ok(Some(program))
}

/// The command without the shell and `exec` around it, its variables filled as the shell would.
fn plain(argv: &[String], env: &BTreeMap<String, String>) -> Vec<String> {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["sh" | "bash" | "/bin/sh" | "/bin/bash", "-c", line, ..] => {
            let filled = env.iter().fold((*line).to_owned(), |line, (key, value)| {
                line.replace(&format!("${{{key}}}"), value)
                    .replace(&format!("${key}"), value)
            });
            let words: Vec<String> = filled.split_whitespace().map(str::to_owned).collect();
            plain(&words, env)
        }
        ["exec", ..] => plain(&argv[1..], env),
        ["bundle", "exec", ..] => plain(&argv[2..], env),
        ["python" | "python3", "-m", ..] => argv[2..].to_vec(),
        _ => argv.to_vec(),
    }
}

struct App<'a> {
    view: View<'a>,
    dir: PathBuf,
    files: &'a [File<'a>],
    work: Duration,
}

impl App<'_> {
    /// Values of flags, as `--flag value`, `--flag=value`, `-f value` and `-fvalue`.
    fn rewrite_flags(&self, args: &[String], flags: &[(&str, &str, Kind)]) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        let mut pending = None;
        for arg in args {
            if let Some(kind) = pending.take() {
                out.push(self.value(arg, kind));
                continue;
            }
            let mut word = arg.clone();
            for (long, short, kind) in flags {
                if arg == long || (!short.is_empty() && arg == short) {
                    pending = Some(*kind);
                } else if let Some(value) = arg
                    .strip_prefix(long)
                    .and_then(|rest| rest.strip_prefix('='))
                {
                    word = format!("{long}={}", self.value(value, *kind));
                } else if !short.is_empty()
                    && let Some(value) = arg.strip_prefix(short)
                {
                    word = format!("{short}{}", self.value(value, *kind));
                }
            }
            out.push(word);
        }
        out
    }

    fn value(&self, written: &str, kind: Kind) -> String {
        match kind {
            Kind::Address => self.address(written),
            Kind::Host => self
                .view
                .bound(written)
                .map_or(written.to_owned(), |address| address.to_string()),
            Kind::Port => written.parse().map_or(written.to_owned(), |port| {
                super::stack::lift(port).to_string()
            }),
            Kind::Seconds if self.view.scale < 1.0 => self
                .view
                .scaled_s(written)
                .unwrap_or_else(|| written.to_owned()),
            Kind::Seconds => written.to_owned(),
            Kind::Config => written.rsplit('/').next().unwrap_or(written).to_owned(),
        }
    }

    fn address(&self, written: &str) -> String {
        if let Some(path) = written.strip_prefix("unix:") {
            return format!("unix:{}", self.socket(path));
        }
        self.view
            .listens(written)
            .map_or_else(|| written.to_owned(), |address| address.to_string())
    }

    /// Where a socket is on this machine, in a folder that exists.
    fn socket(&self, inside: &str) -> String {
        let path = self.view.service.path(inside);
        // The program says what is wrong with a folder that cannot be made.
        let _ = path.parent().map(fs::create_dir_all);
        path.display().to_string()
    }

    fn make_folders(&self) -> Result<(), String> {
        fs::create_dir_all(&self.dir).map_err(|error| error.to_string())?;
        for dir in self.view.service.volumes() {
            fs::create_dir_all(dir).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// What the value of a flag is.
#[derive(Clone, Copy)]
enum Kind {
    Address,
    Host,
    Port,
    Seconds,
    Config,
}
