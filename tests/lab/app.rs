//! Starts the real app servers with the page's own command line and config file, around an app that says `ok`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use no502::page::File;

use super::address::View;
use super::program::{Program, find};
use super::proxy::write;

/// The app of a service; `None` if it is a program that the lab does not know.
pub(crate) fn start(view: View, files: &[File], work: Duration) -> Result<Option<Program>, String> {
    let mut argv = plain(&view.service.argv);
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
        "php-fpm" => app.php_fpm()?,
        _ => return Ok(None),
    };
    command
        .current_dir(&app.dir)
        .env("HOME", &app.dir)
        .envs(&view.service.env);
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

/// The command without the shell and `exec` around it.
fn plain(argv: &[String]) -> Vec<String> {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["sh" | "bash" | "/bin/sh" | "/bin/bash", "-c", line, ..] => plain(
            &line
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        ),
        ["exec", ..] => plain(&argv[1..]),
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
    fn gunicorn(&self, argv: &[String]) -> Result<Command, String> {
        let flags = [
            ("--bind", "-b", Kind::Address),
            ("--timeout", "-t", Kind::Seconds),
            ("--keep-alive", "", Kind::Seconds),
            ("--graceful-timeout", "", Kind::Seconds),
            ("--config", "-c", Kind::Config),
        ];
        let mut args = self.rewrite_flags(&argv[1..], &flags);
        let mut config = self.config("gunicorn.conf.py")?;
        for flag in args
            .windows(2)
            .filter(|pair| ["-c", "--config"].contains(&pair[0].as_str()))
        {
            config += &fs::read_to_string(self.dir.join(&flag[1])).unwrap_or_default();
        }
        let said = format!("{} {config} {:?}", args.join(" "), self.view.service.env);
        if !["--bind", "-b ", "bind ="]
            .iter()
            .any(|word| said.contains(word))
        {
            let port = self
                .view
                .service
                .env
                .get("PORT")
                .map(|port| format!("0.0.0.0:{port}"));
            let address = self.address(port.as_deref().unwrap_or("127.0.0.1:8000"));
            args.splice(0..0, ["--bind".to_owned(), address]);
        }
        if self.view.scale < 1.0
            && !["--timeout", "-t ", "timeout ="]
                .iter()
                .any(|word| said.contains(word))
        {
            let seconds = self.view.scaled_s("30").unwrap_or_default();
            args.splice(0..0, ["--timeout".to_owned(), seconds]);
        }
        let is_async = args.iter().any(|word| word.contains("uvicorn"));
        self.python_app(&args, if is_async { self.asgi() } else { self.wsgi() })?;
        let mut command = Command::new(find("gunicorn").ok_or("gunicorn is not on the PATH")?);
        command.args(args);
        Ok(command)
    }

    fn uvicorn(&self, argv: &[String]) -> Result<Command, String> {
        let flags = [
            ("--host", "", Kind::Host),
            ("--port", "", Kind::Port),
            ("--timeout-keep-alive", "", Kind::Seconds),
        ];
        let mut args = self.rewrite_flags(&argv[1..], &flags);
        if !args.iter().any(|word| word.starts_with("--host")) {
            args.extend(["--host".to_owned(), self.view.service.own.to_string()]);
        }
        if self.view.scale < 1.0
            && !args
                .iter()
                .any(|word| word.starts_with("--timeout-keep-alive"))
        {
            args.extend([
                "--timeout-keep-alive".to_owned(),
                self.view.scaled_s("5").unwrap_or_default(),
            ]);
        }
        self.python_app(&args, self.asgi())?;
        let mut command = Command::new(find("uvicorn").ok_or("uvicorn is not on the PATH")?);
        command.args(args);
        Ok(command)
    }

    /// node listens where the code says, so the code is met at `listen`: an address of the page becomes one of the lab.
    fn node(&self, argv: &[String]) -> Result<Command, String> {
        self.copy_files()?;
        let service = self.view.service;
        let preload = PRELOAD
            .replace("ADDRESS", &service.address.to_string())
            .replace("OWN", &service.own.to_string())
            .replace("SCALE", &self.view.scale.to_string());
        write(&self.dir.join("lab-preload.js"), &preload)?;
        let script = argv
            .iter()
            .skip(1)
            .find(|word| word.ends_with("js"))
            .map_or("server.js", String::as_str);
        let script = script.trim_start_matches('/');
        let path = self.dir.join(script);
        let named = self
            .files
            .iter()
            .find(|(file, _)| file.rsplit('/').next() == script.rsplit('/').next());
        let tiny = NODE_APP.replace("WORK", &self.work.as_millis().to_string());
        write(&path, named.map_or(tiny.as_str(), |(_, text)| text))?;
        let mut command = Command::new(find("node").ok_or("node is not on the PATH")?);
        command
            .arg("--require")
            .arg(self.dir.join("lab-preload.js"))
            .arg(path);
        Ok(command)
    }

    fn php_fpm(&self) -> Result<Command, String> {
        let service = self.view.service;
        let mut pools = String::new();
        for (path, text) in service.mounted(self.files) {
            if path.ends_with(".conf") {
                pools += &self.pool(text);
            }
        }
        if !pools.contains("listen =") {
            // `zz-docker.conf` of the image.
            pools += &format!("[www]\nlisten = {}:9000\n", service.address);
        }
        if !pools.contains("pm =") {
            pools += "pm = static\npm.max_children = 2\n";
        }
        if !pools.contains("user =") {
            pools += "user = www-data\n";
        }
        let text = format!("[global]\ndaemonize = no\nerror_log = /proc/self/fd/2\n{pools}");
        let path = self.dir.join("php-fpm.conf");
        write(&path, &text)?;
        let names = [
            "php-fpm",
            "php-fpm8.4",
            "php-fpm8.3",
            "php-fpm8.2",
            "php-fpm8.1",
        ];
        let program = names
            .iter()
            .find_map(|name| find(name))
            .ok_or("php-fpm is not on the PATH")?;
        let mut command = Command::new(program);
        command.arg("--nodaemonize").arg("--fpm-config").arg(path);
        Ok(command)
    }

    fn pool(&self, text: &str) -> String {
        let mut out = String::new();
        for line in text.lines() {
            let (key, value) = line
                .split_once('=')
                .map_or((line.trim(), ""), |(key, value)| (key.trim(), value.trim()));
            let value = value.split(';').next().unwrap_or_default().trim();
            let line = match key {
                "listen" if value.starts_with('/') => {
                    format!("listen = {}", self.view.service.path(value).display())
                }
                "listen" => format!("listen = {}", self.address(value)),
                "request_terminate_timeout" => {
                    format!("{key} = {}s", self.view.scaled_s(value).unwrap_or_default())
                }
                "listen.allowed_clients" => format!("{key} = {}", self.clients(value)),
                _ => line.to_owned(),
            };
            out += &line;
            out.push('\n');
        }
        out
    }

    fn clients(&self, value: &str) -> String {
        let known = value.split(',').map(|host| {
            self.view
                .bound(host.trim())
                .map_or(host.to_owned(), |address| address.to_string())
        });
        known.collect::<Vec<_>>().join(",")
    }

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
            return format!("unix:{}", self.view.service.path(path).display());
        }
        self.view
            .listens(written)
            .map_or_else(|| written.to_owned(), |address| address.to_string())
    }

    /// The page's config file of the app in its working folder, rewritten.
    fn config(&self, name: &str) -> Result<String, String> {
        self.copy_files()?;
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

    fn copy_files(&self) -> Result<(), String> {
        fs::create_dir_all(&self.dir).map_err(|error| error.to_string())?;
        for dir in self.view.service.volumes() {
            fs::create_dir_all(dir).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Puts the app where `module:callable` of the command line will look for it, unless the page brings it.
    fn python_app(&self, args: &[String], text: String) -> Result<(), String> {
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

    fn wsgi(&self) -> String {
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

/// What the value of a flag is.
#[derive(Clone, Copy)]
enum Kind {
    Address,
    Host,
    Port,
    Seconds,
    Config,
}

const NODE_APP: &str = "require('http').createServer((request, response) => {
    request.resume();
    setTimeout(() => response.end('ok\\n'), WORK);
}).listen(process.env.PORT || 3000);
";

const PRELOAD: &str = "const net = require('net');
const http = require('http');
const listen = net.Server.prototype.listen;
const lift = (port) => (port < 1024 ? Number(port) + 20000 : Number(port));
net.Server.prototype.listen = function (...args) {
    const callback = args.find((arg) => typeof arg === 'function');
    const written = typeof args[0] === 'object' ? args[0] : { port: args[0], host: typeof args[1] === 'string' ? args[1] : undefined };
    const own = ['localhost', '127.0.0.1', '::1'].includes(written.host);
    if (this instanceof http.Server && SCALE < 1) {
        for (const key of ['keepAliveTimeout', 'headersTimeout', 'requestTimeout']) this[key] = Math.ceil(this[key] * SCALE);
        // node 20.19 and later adds a second of grace to what it announces.
        if ('keepAliveTimeoutBuffer' in this) this.keepAliveTimeoutBuffer = 0;
    }
    return listen.call(this, { port: lift(written.port), host: own ? 'OWN' : 'ADDRESS' }, callback);
};
";
