//! Starts the proxies of an example: what its image or its machine has in place, the page's files over it, rewritten.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use no502::page::File;

use super::address::View;
use super::program::{Program, need};
use super::{haproxy, nginx};

/// A proxy that was told to start.
pub(crate) struct Proxy {
    /// The process.
    pub(crate) program: Program,
    /// Where it shall listen; the first one is its entry.
    pub(crate) listens: Vec<SocketAddr>,
}

/// The proxies of a service; none if it is something else.
pub(crate) fn start(view: View, files: &[File]) -> Result<Vec<Proxy>, String> {
    let service = view.service;
    let on_host = service.name == "host" && service.image.is_empty();
    let mounted: Vec<(String, &str)> = if on_host {
        on_machine(files)
    } else {
        service.mounted(files)
    };
    let has = |wanted: &str| mounted.iter().any(|(path, _)| path.contains(wanted));
    let mut proxies = Vec::new();
    if service.image.contains("nginx") || (on_host && has("/etc/nginx/")) {
        proxies.push(start_nginx(view, &mounted)?);
    }
    if service.image.contains("haproxy") || (on_host && has("haproxy.cfg")) {
        proxies.push(start_haproxy(view, &mounted)?);
    }
    Ok(proxies)
}

/// Where the files of a page without compose are on their machine.
fn on_machine<'a>(files: &[File<'a>]) -> Vec<(String, &'a str)> {
    let main = files
        .iter()
        .find(|(path, text)| is_nginx(path, text) && nginx::is_main(text));
    let base = main
        .and_then(|(path, _)| path.rsplit_once('/'))
        .map_or("", |(dir, _)| dir);
    let place = |path: &str, text: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let below = path
            .strip_prefix(base)
            .map(|rest| rest.trim_start_matches('/'));
        if path.ends_with(".cfg") {
            "/usr/local/etc/haproxy/haproxy.cfg".to_owned()
        } else if main.is_some_and(|(main, _)| *main == path) {
            "/etc/nginx/nginx.conf".to_owned()
        } else if path.starts_with("etc/") {
            format!("/{path}")
        } else if main.is_some()
            && let Some(below) = below
        {
            format!("/etc/nginx/{below}")
        } else if is_nginx(path, text) {
            format!("/etc/nginx/conf.d/{name}")
        } else {
            format!("/srv/{path}")
        }
    };
    files
        .iter()
        .map(|(path, text)| (place(path, text), *text))
        .collect()
}

fn is_nginx(path: &str, text: &str) -> bool {
    path.ends_with(".conf") && text.contains('{')
}

/// `nginx.conf` of the image.
const MAIN: &str = "events { worker_connections 1024; }\nhttp {\n    include /etc/nginx/mime.types;\n    \
    default_type application/octet-stream;\n    keepalive_timeout 65;\n    include /etc/nginx/conf.d/*.conf;\n}\n";

/// `conf.d/default.conf` of the image, which stays unless its folder or itself is mounted over.
const WELCOME: &str = "server {\n    listen 80;\n    server_name localhost;\n    location / { root /usr/share/nginx/html; index index.html; }\n}\n";

const MIME_TYPES: &str = "types { text/html html; text/plain txt; application/json json; }\n";

const CGI: [&str; 10] = [
    "QUERY_STRING $query_string",
    "REQUEST_METHOD $request_method",
    "CONTENT_TYPE $content_type",
    "CONTENT_LENGTH $content_length",
    "REQUEST_URI $request_uri",
    "DOCUMENT_ROOT $document_root",
    "SERVER_PROTOCOL $server_protocol",
    "REMOTE_ADDR $remote_addr",
    "SERVER_NAME $server_name",
    "SERVER_PORT $server_port",
];

fn start_nginx(view: View, mounted: &[(String, &str)]) -> Result<Proxy, String> {
    let service = view.service;
    let texts = in_place(view, mounted)?;
    let configs = texts
        .iter()
        .filter(|(path, _)| is_config(path))
        .map(|(_, text)| text.as_str());
    let mut rewrite = nginx::Rewrite::new(view, &configs.collect::<Vec<_>>());
    for (path, text) in &texts {
        let text = if is_config(path) {
            rewrite.text(text)
        } else {
            text.clone()
        };
        write(&service.path(path), &text)?;
    }
    for root in &rewrite.roots {
        let script = root.join("index.php");
        if !script.is_file() {
            write(&script, "<?php echo \"ok\\n\";\n")?;
        }
    }
    let tmp = service.path("/tmp");
    fs::create_dir_all(&tmp).map_err(|error| error.to_string())?;
    let program = need("nginx")?;
    let globals = format!(
        "daemon off; pid {}/nginx.pid; error_log stderr info; worker_processes 1;",
        tmp.display()
    );
    let mut command = limited(view, &program);
    command
        .args(["-e", "stderr", "-g", &globals, "-p"])
        .arg(service.path("/etc/nginx/"));
    command.arg("-c").arg(service.path("/etc/nginx/nginx.conf"));
    let program = Program::start(&format!("nginx-{}", service.name), &mut command, &tmp)?;
    Ok(Proxy {
        program,
        listens: rewrite.listens,
    })
}

/// The files of an nginx container: those of the page, and what the image ships where the page has none.
fn in_place(view: View, mounted: &[(String, &str)]) -> Result<Vec<(String, String)>, String> {
    let mut texts: Vec<(String, String)> = mounted
        .iter()
        .map(|(path, text)| (path.clone(), (*text).to_owned()))
        .collect();
    fill_templates(view, &mut texts);
    run_envsubst(view, &mut texts)?;
    let shipped = [
        ("/etc/nginx/nginx.conf", MAIN.to_owned()),
        ("/etc/nginx/mime.types", MIME_TYPES.to_owned()),
        (
            "/etc/nginx/fastcgi_params",
            params("fastcgi", "SCRIPT_NAME $fastcgi_script_name"),
        ),
        (
            "/etc/nginx/uwsgi_params",
            params("uwsgi", "PATH_INFO $document_uri"),
        ),
        ("/usr/share/nginx/html/index.html", "welcome\n".to_owned()),
    ];
    for (path, text) in shipped {
        if !texts.iter().any(|(have, _)| have == path) {
            texts.push((path.to_owned(), text));
        }
    }
    let in_conf_d = texts
        .iter()
        .any(|(path, _)| path.starts_with("/etc/nginx/conf.d/"));
    if !in_conf_d && view.service.name != "host" {
        texts.push((
            "/etc/nginx/conf.d/default.conf".to_owned(),
            WELCOME.to_owned(),
        ));
    }
    Ok(texts)
}

/// Whether nginx reads a file as configuration.
fn is_config(path: &str) -> bool {
    let other = [
        ".pem",
        ".crt",
        ".key",
        ".html",
        ".php",
        ".types",
        ".template",
    ];
    path.starts_with("/etc/nginx/") && !other.iter().any(|end| path.ends_with(end))
}

fn params(kind: &str, own: &str) -> String {
    CGI.iter().chain([&own]).fold(String::new(), |text, pair| {
        text + kind
            + "_param "
            + pair
            + ";
"
    })
}

/// What the entry point of the nginx image does: `templates/x.conf.template` becomes `conf.d/x.conf`, with the
/// variables that the environment has.
fn fill_templates(view: View, texts: &mut Vec<(String, String)>) {
    let mut filled = Vec::new();
    for (path, text) in texts.iter() {
        let name = path
            .strip_prefix("/etc/nginx/templates/")
            .and_then(|name| name.strip_suffix(".template"));
        let Some(name) = name else { continue };
        let mut text = text.clone();
        for (key, value) in &view.service.env {
            text = text
                .replace(&format!("${{{key}}}"), value)
                .replace(&format!("${key}"), value);
        }
        filled.push((format!("/etc/nginx/conf.d/{name}"), text));
    }
    texts.extend(filled);
}

/// What a script in front of nginx has written by `envsubst ['names'] < file > file`.
fn run_envsubst(view: View, texts: &mut Vec<(String, String)>) -> Result<(), String> {
    let calls = view.service.argv.iter().filter_map(|script| {
        let (_, call) = script.split_once("envsubst ")?;
        let (names, files) = call.split("&&").next()?.split_once('<')?;
        let (from, to) = files.split_once('>')?;
        Some((names.trim(), from.trim(), to.trim()))
    });
    for (names, from, to) in calls {
        let text = texts.iter().find(|(path, _)| path == from);
        let (_, text) = text.ok_or_else(|| format!("envsubst reads {from}, which is not there"))?;
        let input = view.service.path("/tmp/envsubst");
        write(&input, text)?;
        let input = fs::File::open(&input).map_err(|error| error.to_string())?;
        let program = need("envsubst")?;
        let mut command = Command::new(program);
        command.env_clear().envs(&view.service.env).stdin(input);
        if !names.is_empty() {
            command.arg(names.trim_matches('\''));
        }
        let done = command.output().map_err(|error| error.to_string())?;
        texts.push((
            to.to_owned(),
            String::from_utf8_lossy(&done.stdout).into_owned(),
        ));
    }
    Ok(())
}

fn start_haproxy(view: View, mounted: &[(String, &str)]) -> Result<Proxy, String> {
    let service = view.service;
    let mut listens = Vec::new();
    for (path, text) in mounted {
        let text = if path.ends_with(".cfg") {
            let (text, more) = haproxy::rewrite(view, text);
            listens.extend(more);
            text
        } else {
            (*text).to_owned()
        };
        write(&service.path(path), &text)?;
    }
    for dir in ["/tmp", "/run", "/var/run", "/var/lib/haproxy"] {
        fs::create_dir_all(service.path(dir)).map_err(|error| error.to_string())?;
    }
    let program = need("haproxy")?;
    let mut command = limited(view, &program);
    command.arg("-db").envs(&service.env);
    let mut named: Vec<&String> = Vec::new();
    for pair in service.argv.windows(2).filter(|pair| pair[0] == "-f") {
        named.push(&pair[1]);
    }
    let default = "/usr/local/etc/haproxy/haproxy.cfg".to_owned();
    if named.is_empty() {
        named.push(&default);
    }
    for path in named {
        command.arg("-f").arg(service.path(path));
    }
    let program = Program::start(
        &format!("haproxy-{}", service.name),
        &mut command,
        &service.path("/tmp"),
    )?;
    Ok(Proxy { program, listens })
}

/// A program that may open as many files as its container may.
fn limited(view: View, program: &Path) -> Command {
    let Some(files) = view.service.files else {
        return Command::new(program);
    };
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n \"$0\" && exec \"$@\"", &files.to_string()]);
    command.arg(program);
    command
}

/// Writes a file and the folders above it.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), String> {
    let dir = path.parent().unwrap_or(path);
    let done = fs::create_dir_all(dir).and_then(|()| fs::write(path, text));
    done.map_err(|error| format!("{}: {error}", path.display()))
}
