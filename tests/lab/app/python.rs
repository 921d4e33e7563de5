//! gunicorn and uvicorn, around an app that says `ok` unless the page brings one.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{App, Kind};
use crate::program::need;
use crate::proxy::write;

impl App<'_> {
    pub(super) fn gunicorn(&self, argv: &[String]) -> Result<Command, String> {
        let view = self.view;
        let flags = [
            ("--bind", "-b", Kind::Address),
            ("--timeout", "-t", Kind::Seconds),
            ("--keep-alive", "", Kind::Seconds),
            ("--graceful-timeout", "", Kind::Seconds),
            ("--config", "-c", Kind::Config),
        ];
        let mut words = self.rewrite_flags(&argv[1..], &flags);
        let mut config = self.config("gunicorn.conf.py")?;
        for flag in words
            .windows(2)
            .filter(|pair| ["-c", "--config"].contains(&pair[0].as_str()))
        {
            config += &fs::read_to_string(self.dir.join(&flag[1])).unwrap_or_default();
        }
        let writes = |long: &str, short: &str, key: &str| {
            let flag = |word: &String| {
                word.starts_with(long) || (word.starts_with(short) && !word.starts_with("--"))
            };
            let in_env = view
                .service
                .env
                .get("GUNICORN_CMD_ARGS")
                .is_some_and(|args| args.contains(long));
            in_env || words.iter().any(flag) || config.lines().any(|line| line.starts_with(key))
        };
        let mut added = Vec::new();
        if !writes("--bind", "-b", "bind ") {
            let port = view
                .service
                .env
                .get("PORT")
                .map(|port| format!("0.0.0.0:{port}"));
            let address = self.address(port.as_deref().unwrap_or("127.0.0.1:8000"));
            added.extend(["--bind".to_owned(), address]);
        }
        if view.scale < 1.0 && !writes("--timeout", "-t", "timeout ") {
            added.extend([
                "--timeout".to_owned(),
                view.scaled_s("30").unwrap_or_default(),
            ]);
        }
        words.splice(0..0, added);
        let is_async = words.iter().any(|word| word.contains("uvicorn"));
        let text = if is_async { self.asgi() } else { self.wsgi() };
        self.python_app(&words, &text)?;
        let mut command = Command::new(need("gunicorn")?);
        command.args(words);
        if let Some(args) = view.service.env.get("GUNICORN_CMD_ARGS") {
            let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
            command.env(
                "GUNICORN_CMD_ARGS",
                self.rewrite_flags(&args, &flags).join(" "),
            );
        }
        Ok(command)
    }

    pub(super) fn uvicorn(&self, argv: &[String]) -> Result<Command, String> {
        let flags = [
            ("--host", "", Kind::Host),
            ("--port", "", Kind::Port),
            ("--timeout-keep-alive", "", Kind::Seconds),
        ];
        let mut words = self.rewrite_flags(&argv[1..], &flags);
        if !words.iter().any(|word| word.starts_with("--host")) {
            words.extend(["--host".to_owned(), self.view.service.own.to_string()]);
        }
        if self.view.scale < 1.0
            && !words
                .iter()
                .any(|word| word.starts_with("--timeout-keep-alive"))
        {
            words.extend([
                "--timeout-keep-alive".to_owned(),
                self.view.scaled_s("5").unwrap_or_default(),
            ]);
        }
        self.python_app(&words, &self.asgi())?;
        let mut command = Command::new(need("uvicorn")?);
        command.args(words);
        Ok(command)
    }

    pub(super) fn hypercorn(&self, argv: &[String]) -> Result<Command, String> {
        let flags = [
            ("--bind", "-b", Kind::Address),
            ("--keep-alive", "", Kind::Seconds),
        ];
        let mut words = self.rewrite_flags(&argv[1..], &flags);
        if !words
            .iter()
            .any(|word| word.starts_with("--bind") || word.starts_with("-b"))
        {
            words.extend(["--bind".to_owned(), self.address("127.0.0.1:8000")]);
        }
        self.python_app(&words, &self.asgi())?;
        let mut command = Command::new(need("hypercorn")?);
        command.args(words);
        Ok(command)
    }

    pub(super) fn waitress(&self, argv: &[String]) -> Result<Command, String> {
        let flags = [
            ("--listen", "", Kind::Address),
            ("--channel-timeout", "", Kind::Seconds),
        ];
        let mut words = self.rewrite_flags(&argv[1..], &flags);
        if !words.iter().any(|word| word.starts_with("--listen")) {
            words.insert(0, format!("--listen={}", self.address("0.0.0.0:8080")));
        }
        self.python_app(&words, &self.wsgi())?;
        let mut command = Command::new(need("waitress-serve")?);
        command.args(words);
        Ok(command)
    }

    /// The page's config file of the app in its working folder, rewritten.
    fn config(&self, name: &str) -> Result<String, String> {
        self.make_folders()?;
        let mut all = String::new();
        for (path, text) in self
            .files
            .iter()
            .filter(|(path, _)| path.ends_with(".py") && path.contains("conf"))
        {
            let text: Vec<String> = text.lines().map(|line| self.python_line(line)).collect();
            let file = path.rsplit('/').next().unwrap_or(name);
            write(&self.dir.join(file), &(text.join("\n") + "\n"))?;
            all += &text.join("\n");
        }
        Ok(all)
    }

    fn python_line(&self, line: &str) -> String {
        let Some((key, value)) = line.split_once('=') else {
            return line.to_owned();
        };
        let value = value.split('#').next().unwrap_or_default().trim();
        match key.trim() {
            "bind" => format!("bind = {:?}", self.address(value.trim_matches(['"', '\'']))),
            "timeout" | "keepalive" | "graceful_timeout" => {
                format!("{} = {}", key.trim(), self.value(value, Kind::Seconds))
            }
            _ => line.to_owned(),
        }
    }

    /// Puts the app where `module:callable` of the command line will look for it, unless the page brings it.
    pub(super) fn python_app(&self, args: &[String], text: &str) -> Result<(), String> {
        let is_target = |word: &&String| {
            !word.starts_with('-')
                && !word.contains('/')
                && word.starts_with(|c: char| c.is_alphabetic() || c == '_')
        };
        let target = args
            .iter()
            .rev()
            .filter(is_target)
            .find(|word| word.contains(':') || word.contains('.'));
        let target = target
            .or_else(|| args.last())
            .ok_or("the command names no app")?;
        let (module, callable) = target.split_once(':').unwrap_or((target, "application"));
        let callable = callable.trim_end_matches("()");
        let path = self.dir.join(module.replace('.', "/") + ".py");
        let own = self
            .files
            .iter()
            .find(|(file, _)| Path::new(file).file_name() == path.file_name());
        let text = own.map_or_else(
            || text.replace("CALLABLE", callable),
            |(_, text)| (*text).to_owned(),
        );
        write(&path, &text)
    }

    pub(super) fn wsgi(&self) -> String {
        format!(
            "import time\n\ndef CALLABLE(environ, start_response):\n    environ['wsgi.input'].read()\n    time.sleep({})\n    \
             start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', '3')])\n    return [b'ok\\n']\n",
            self.work.as_secs_f64()
        )
    }

    fn asgi(&self) -> String {
        format!(
            "import asyncio\n\nasync def CALLABLE(scope, receive, send):\n    assert scope['type'] == 'http'\n    await asyncio.sleep({})\n    \
             await send({{'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'3')]}})\n    \
             await send({{'type': 'http.response.body', 'body': b'ok\\n'}})\n",
            self.work.as_secs_f64()
        )
    }
}
