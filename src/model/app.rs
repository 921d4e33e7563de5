//! The process behind a proxy: which program really runs, where it listens, when it gives up.

mod cloudflared;
mod constants;
mod cx;
mod ecosystem;
mod flags;
mod gunicorn;
mod image;
mod jetty;
mod jvm;
mod launch;
mod node;
mod others;
mod package;
pub mod passing;
mod php;
mod procfile;
mod properties;
mod python;
mod ruby;
mod s6;
mod script;
mod serve;
mod settle;
mod socket;
mod source;
mod supervisor;
pub mod traefik;
pub mod unit;
mod uwsgi;
mod web;

use cx::{Cx, basename};
use launch::Started;

use crate::model::knowledge::{Known, Program};
use crate::model::{Access, Amount, Listener, Setting, Stopping, Timeouts};
use crate::project::compose::Command;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::value::Text;

/// What a container starts, as far as it is known.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Effective entrypoint; `None` if the image's own is unknown.
    pub entrypoint: Option<Command>,
    /// Effective command; `None` if the image's own is unknown.
    pub command: Option<Command>,
    /// Effective environment, Dockerfile `ENV` first, compose over it.
    pub environment: Vec<(Spanned<String>, Option<Text>)>,
    /// Why any further variable may be set, if so.
    pub environment_open: Option<String>,
    /// Working directory inside the container.
    pub working_dir: String,
    /// The image that runs or that the Dockerfile's last stage starts from: `python:3.12-slim`.
    pub image: Option<Text>,
    /// Whether `image` is what runs, or only the base of a build.
    pub built: bool,
    /// Where the service is best pointed at.
    pub span: Span,
}

/// What a path inside a container is.
#[derive(Debug, Clone)]
pub enum Inside {
    /// A file of the project.
    File(crate::source::FileId),
    /// Certainly not there.
    Absent,
    /// Unknown: in the image, on a volume.
    Unknown(String),
}

/// The files that a container sees, read on demand.
pub trait ContainerFiles {
    /// What an absolute path inside is.
    fn file(&mut self, path: &str) -> Inside;
    /// What a path below the folder is that the image is built from: a jar or a bundle comes from what lies there.
    fn source(&mut self, path: &str) -> Inside;
    /// The path in another stage of the build that an absolute path inside is copied from, if it is.
    fn taken_from(&self, _path: &str) -> Option<String> {
        None
    }
    /// The names in a folder that come from the project, sorted; `Err`: a part of it is unknown.
    fn list(&mut self, path: &str) -> Result<Vec<String>, String>;
    /// The text of a file that `file` or `source` gave.
    fn text(&self, id: crate::source::FileId) -> String;
    /// The paths at which the project puts files and folders of its own.
    fn placed(&self) -> Vec<String> {
        Vec::new()
    }
}

/// One process that was recognised.
#[derive(Debug, Clone)]
pub struct Process {
    /// Name of the program in `rules/defaults`: `gunicorn-sync`, `node-http`, `nginx`, `haproxy`, …
    pub program: String,
    /// For people: `gunicorn`, `node`.
    pub name: String,
    /// Version, if the tree tells it.
    pub version: Setting<String>,
    /// The words that start it (after wrappers), with their places.
    pub argv: Vec<Text>,
    /// Where it takes connections.
    pub listeners: Vec<Listener>,
    /// Whether `listeners` is all of them.
    pub listeners_complete: bool,
    /// Keep-alive idle, worker kill limit, grace.
    pub timeouts: Timeouts,
    /// How many requests it works on at a time; `None` if nothing limits that, or if nothing is known.
    pub slots: Option<Setting<Amount>>,
    /// How it stops.
    pub stopping: Stopping,
    /// The longest head of a request (bytes), where a longer one ends in a closed connection.
    pub head: Option<Setting<Amount>>,
    /// Where it is started.
    pub span: Span,
    /// Where it is said, by a word or by its absence, that nothing starts it again after a crash; `None` in a container.
    pub stays_down: Option<Span>,
}

/// The processes that a container runs. Empty: nothing is known about it; the second value says why.
pub fn recognise(
    launch: &Launch,
    files: &mut dyn ContainerFiles,
    known: Known<'_>,
) -> (Vec<Process>, Option<String>) {
    let mut cx = Cx::new(launch, files, known);
    if cx.launch.entrypoint.is_none() && cx.launch.command.is_some() {
        // Arguments of an image that is known: `postgres -c …`, `redis-server --appendonly yes`.
        let argv = launch
            .command
            .as_ref()
            .map(launch::words)
            .unwrap_or_default();
        if image::is_own(&cx, &argv) {
            let process = image::process(&mut cx, &argv);
            return single(&cx, process);
        }
    }
    match launch::start(&mut cx) {
        Started::Unknown(why) => (Vec::new(), Some(why)),
        Started::Image => {
            let process = image::process(&mut cx, &[]);
            single(&cx, process)
        }
        Started::Lines(lines) => told(&mut cx, lines),
    }
}

fn single(cx: &Cx<'_>, process: Result<Process, String>) -> (Vec<Process>, Option<String>) {
    match process {
        Ok(mut process) => {
            // Whether it hears SIGTERM as process 1, its image has seen to.
            process.stopping = Stopping {
                deaf: false,
                ..stopping(cx, &process)
            };
            (vec![process], None)
        }
        Err(why) => (Vec::new(), Some(why)),
    }
}

fn told(cx: &mut Cx<'_>, lines: Vec<launch::Line>) -> (Vec<Process>, Option<String>) {
    let mut processes = Vec::new();
    let mut missed = None;
    for line in lines {
        cx.cwd = line.cwd;
        cx.enter(line.env);
        if let Some(mut process) = program(cx, &line.argv) {
            process.stopping = stopping(cx, &process);
            process.stays_down = line.stays_down;
            if cx.demoted {
                forget_user(&mut process);
            }
            processes.push(process);
        } else if processes.is_empty() || !listens_nowhere(&line.argv) {
            let name = line.argv.first().and_then(Text::get).unwrap_or("something");
            missed.get_or_insert(format!("{name} is not a known server"));
        }
    }
    (processes, missed)
}

/// What rests on the user that starts the process, or on the usual mask, is unknown.
fn forget_user(process: &mut Process) {
    for listener in &mut process.listeners {
        let certain = |access: &Access| access.owner.is_some();
        listener.access = listener.access.take().filter(certain);
    }
}

/// How the program stops, as its row says; something else is process 1 if a manager of processes was followed.
fn stopping(cx: &Cx<'_>, process: &Process) -> Stopping {
    let Some(row) = cx.known.program(&process.program) else {
        return Stopping::default();
    };
    let told = |word: &str| {
        process
            .argv
            .iter()
            .any(|text| text.get().is_none_or(|text| text.contains(word)))
    };
    Stopping {
        drains_on: row.stop.signal.clone(),
        // uwsgi alone has a switch for it, which a file may hold as well.
        deaf: row.stop.pid1.as_deref() == Some("ignored")
            && !cx.managed
            && !(row.label == "uwsgi" && (told("die-on-term") || told(".ini") || told(".y"))),
    }
}

/// The process of one command line that is left when all wrappers are off.
fn program(cx: &mut Cx<'_>, argv: &[Text]) -> Option<Process> {
    let first = argv.first()?.get()?.to_owned();
    let name = basename(&first);
    if let Some(own) = cx.known.own().find(|program| fits(program, argv)) {
        return Some(serve::process(cx, own, argv));
    }
    match name {
        "nginx" | "openresty" | "nginx-debug" => return Some(image::proxy(cx, "nginx", argv)),
        "haproxy" => return Some(image::proxy(cx, "haproxy", argv)),
        "gunicorn" => {
            let mut process = gunicorn::process(cx, argv)?;
            pin(cx, &mut process, "gunicorn");
            return Some(process);
        }
        "uwsgi" | "pyuwsgi" => return uwsgi::process(cx, argv),
        "http.server" => return python::http_server(cx, argv),
        "puma" | "pumactl" => return ruby::puma(cx, argv),
        "rails" => return ruby::rails(cx, argv),
        "unicorn" | "unicorn_rails" => return ruby::unicorn(cx, argv),
        "php" if launch::is(argv.get(1), "-S") => return php::builtin(cx, argv),
        "java" if jetty::starts(cx, argv) => return image::process(cx, argv).ok(),
        "java" => return jvm::process(cx, argv),
        "dotnet" => return others::dotnet(cx, argv),
        "deno" => return node::deno(cx, argv),
        "traefik" => return traefik::process(cx, argv),
        "caddy" => return web::caddy(cx, argv),
        "lighttpd" => return others::configured(cx, name, argv),
        "frankenphp" => return others::configured(cx, "frankenphp", argv),
        "celery" if !argv.iter().any(|word| launch::is(Some(word), "flower")) => return None,
        _ => {}
    }
    if name.starts_with("php-fpm") {
        return php::fpm(cx, argv);
    }
    if python::is_runserver(argv) {
        return python::runserver(cx, argv);
    }
    if launch::is_source(name, "py") {
        return python::source(cx, argv);
    }
    if node::runs_sources(name) {
        return node::process(cx, argv);
    }
    let fitting = cx.known.programs().find(|program| fits(program, argv))?;
    if let Some(process) = web::configured(cx, fitting, argv) {
        return Some(process);
    }
    let mut process = serve::process(cx, fitting, argv);
    pin(cx, &mut process, &fitting.label);
    Some(process)
}

/// Whether a command line is work in the background that opens no port.
fn listens_nowhere(argv: &[Text]) -> bool {
    let word = |at: usize| argv.get(at).and_then(Text::get).unwrap_or("");
    match basename(word(0)) {
        "celery" | "cron" | "crond" | "supercronic" | "tail" | "sleep" | "rq" | "sidekiq"
        | "dramatiq" | "huey_consumer" | "rqworker" | "huey_consumer.py" => true,
        "manage.py" | "django-admin" => !word(1).starts_with("runserver"),
        // plain: a command of artisan or of symfony's console has a name of its own
        "php" => ["queue:", "schedule:", "horizon", "messenger:"]
            .iter()
            .any(|verb| word(2).starts_with(verb)),
        "rake" | "rails" => word(1).contains(':'),
        _ => false,
    }
}

/// Whether a command line starts a program.
fn fits(program: &Program, argv: &[Text]) -> bool {
    let mut commands = program.commands.iter();
    commands.any(|pattern| settle::command_fits(pattern, argv))
}

fn pin(cx: &mut Cx<'_>, process: &mut Process, package: &str) {
    if let Some(version) = python::pinned(cx, package) {
        process.version = version;
    }
}

/// One command line as it is.
fn one(cx: &Cx<'_>, argv: Vec<Text>) -> Started {
    node::kept(cx, argv)
}

/// The tag of the container's image, if it is this one.
fn tag(cx: &Cx<'_>, name: &str) -> Option<String> {
    let reference = cx.launch.image.as_ref()?.get()?;
    // plain: an image reference has no quotes, and one `@` at most
    let reference = reference.split('@').next()?;
    let reference = reference.strip_prefix("docker.io/").unwrap_or(reference);
    let reference = reference.strip_prefix("library/").unwrap_or(reference);
    // plain: an image reference has no quotes, and its tag ends it
    match reference.rsplit_once(':') {
        Some((before, tag)) if before == name => Some(tag.to_owned()),
        None if reference == name => Some("latest".to_owned()),
        _ => None,
    }
}
