//! The program from outside: every file in `tests/cli` is one session, with the files it needs, the commands it runs,
//! and what they must answer. `UPDATE=1 cargo test --test cli` rewrites the answers.
//!
//! ```toml
//! about = "what this shows"
//! [files]
//! "nginx.conf" = "…"
//! [[run]]
//! args = ["check"]
//! code = 0
//! stdout = ""
//! stderr = ""
//! ```
//! `links` (name to target), `raw` (name to bytes in hexadecimal), `dirs` and `repeat` (name, text, times) make files that
//! a string cannot; `env` and `stdin` belong to a run. `[CWD]` stands for the folder of the session.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads files, and fails where it cannot"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    about: String,
    #[serde(default)]
    dirs: Vec<String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    raw: BTreeMap<String, String>,
    #[serde(default)]
    links: BTreeMap<String, String>,
    #[serde(default)]
    repeat: BTreeMap<String, (String, usize)>,
    run: Vec<Run>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    stdin: Option<String>,
    #[serde(default)]
    code: i32,
    #[serde(default)]
    stdout: String,
    #[serde(default)]
    stderr: String,
    /// Files that the run has written, with their content.
    #[serde(default)]
    writes: BTreeMap<String, String>,
}

#[test]
fn sessions() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let update = std::env::var_os("UPDATE").is_some();
    let mut failures = Vec::new();
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let mut session: Session =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let differences = play(&mut session, path.file_stem().unwrap().to_str().unwrap());
        if update && !differences.is_empty() {
            fs::write(&path, rewritten(&text, &session.run)).unwrap();
        } else {
            failures.extend(
                differences
                    .into_iter()
                    .map(|text| format!("{} ({}): {text}", path.display(), session.about)),
            );
        }
    }
    assert!(
        failures.is_empty(),
        "{}\n`UPDATE=1 cargo test --test cli` accepts this",
        failures.join("\n")
    );
}

/// The text of a session with new answers; what stands above its first run is kept as it is.
fn rewritten(text: &str, runs: &[Run]) -> String {
    let head = text.find("[[run]]").unwrap();
    let mut new = text[..head].to_owned();
    for run in runs {
        writeln!(new, "[[run]]\nargs = {}", value(&run.args)).unwrap();
        if !run.env.is_empty() {
            let pairs: Vec<String> = run
                .env
                .iter()
                .map(|(name, text)| format!("{name} = {}", value(text)))
                .collect();
            writeln!(new, "env = {{ {} }}", pairs.join(", ")).unwrap();
        }
        if let Some(stdin) = &run.stdin {
            writeln!(new, "stdin = {}", lines(stdin)).unwrap();
        }
        writeln!(new, "code = {}", run.code).unwrap();
        for (key, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
            if !text.is_empty() {
                writeln!(new, "{key} = {}", lines(text)).unwrap();
            }
        }
        for (path, text) in &run.writes {
            writeln!(new, "writes.{} = {}", value(path), lines(text)).unwrap();
        }
        new.push('\n');
    }
    new.trim_end().to_owned() + "\n"
}

fn value<T: Clone + Into<toml::Value>>(of: &T) -> String {
    of.clone().into().to_string()
}

/// A string as it is to be read: over several lines, without escapes where that is possible.
fn lines(text: &str) -> String {
    let plain = text.chars().all(|c| c == '\n' || !c.is_control()) && !text.contains("'''");
    if plain && text.ends_with('\n') {
        format!("'''\n{text}'''")
    } else {
        value(&text.to_owned())
    }
}

/// A reader who closes the pipe has seen enough.
#[test]
fn a_closed_pipe_is_success() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_no502"))
        .arg("--help")
        .arg("--color=never")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut child = program(Path::new(env!("CARGO_MANIFEST_DIR")))
        .arg("rules")
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}

/// Plays the runs of a session in a new folder; what differs is put into the session and told.
fn play(session: &mut Session, name: &str) -> Vec<String> {
    let folder = lay_out(session, name);
    let mut differences = Vec::new();
    for run in &mut session.run {
        let output = start(run, &folder);
        let here = folder.to_str().unwrap();
        let plain = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(here, "[CWD]");
        let told = run.args.join(" ");
        let mut hold = |what: &str, expected: &mut String, actual: String| {
            if *expected != actual {
                differences.push(format!(
                    "no502 {told}: {what}\n--- expected\n{expected}\n--- actual\n{actual}\n---"
                ));
                *expected = actual;
            }
        };
        let mut code = run.code.to_string();
        hold(
            "code",
            &mut code,
            output.status.code().unwrap_or(-1).to_string(),
        );
        run.code = code.parse().unwrap();
        hold("stdout", &mut run.stdout, plain(&output.stdout));
        hold("stderr", &mut run.stderr, plain(&output.stderr));
        for (file, expected) in &mut run.writes {
            hold(
                file,
                expected,
                fs::read_to_string(folder.join(file)).unwrap_or_default(),
            );
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    differences
}

/// The folder is outside of any git repository, so that no file of this one is taken for the project's.
fn lay_out(session: &Session, name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("no502-cli-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let folder = folder.canonicalize().unwrap();
    let place = |path: &str| {
        let place = folder.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        place
    };
    for dir in &session.dirs {
        fs::create_dir_all(place(dir)).unwrap();
    }
    for (path, text) in &session.files {
        fs::write(place(path), text).unwrap();
    }
    for (path, (text, times)) in &session.repeat {
        fs::write(place(path), text.repeat(*times)).unwrap();
    }
    for (path, digits) in &session.raw {
        let digits: Vec<char> = digits.chars().filter(|c| !c.is_whitespace()).collect();
        let byte =
            |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
        fs::write(place(path), digits.chunks(2).map(byte).collect::<Vec<u8>>()).unwrap();
    }
    #[cfg(unix)]
    for (path, target) in &session.links {
        std::os::unix::fs::symlink(target, place(path)).unwrap();
    }
    folder
}

fn start(run: &Run, folder: &Path) -> Output {
    let mut child = program(folder)
        .args(&run.args)
        .envs(&run.env)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that reads no input may have ended already.
    let _ = stdin.write_all(run.stdin.as_deref().unwrap_or_default().as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// The program with an empty environment.
fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_no502"));
    command
        .current_dir(folder)
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Each line of the starter that is a setting is one that no502 takes.
#[test]
fn the_starter_is_true() {
    let folder = std::env::temp_dir().join(format!("no502-starter-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("haproxy.cfg"), "defaults\n  mode http\n").unwrap();
    for file in ["compose.yaml", "compose.prod.yaml"] {
        fs::write(folder.join(file), "services:\n  proxy: {image: haproxy}\n").unwrap();
    }
    fs::write(folder.join("prod.env"), "").unwrap();
    let ran = |args: &[&str]| program(&folder).args(args).output().unwrap();
    assert!(ran(&["init"]).status.success());
    let file = folder.join("no502.toml");
    let starter = fs::read_to_string(&file).unwrap();
    assert!(ran(&["check", "--fail-on", "never"]).status.success());
    let is_setting = |line: &str| line.starts_with('[') || line.split(' ').nth(1) == Some("=");
    let settings = starter.lines().map(|line| match line.strip_prefix("# ") {
        Some(setting) if is_setting(setting) => setting,
        _ => line,
    });
    let settings: Vec<&str> = settings.collect();
    assert!(settings.iter().filter(|line| is_setting(line)).count() > 25);
    fs::write(&file, settings.join("\n")).unwrap();
    let output = ran(&["check", "--fail-on", "never"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    fs::remove_dir_all(&folder).unwrap();
}

/// What is no regular file is not opened, whatever it is called, and a ring of links is walked once.
#[cfg(unix)]
#[test]
fn odd_files_stop_nothing() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::UnixListener;
    let folder = std::env::temp_dir().join(format!("no502-odd-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let inner = folder.join("sp ace #1 100%");
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("ü,x:y.cfg"), "defaults\n  mode http").unwrap();
    let pipe = Command::new("mkfifo")
        .arg(folder.join("pipe.conf"))
        .status();
    assert!(pipe.unwrap().success());
    let _socket = UnixListener::bind(folder.join("socket.conf")).unwrap();
    std::os::unix::fs::symlink("..", inner.join("ring")).unwrap();
    for name in [&b"caf\xe9.cfg"[..], b"caf\xe9.jpg"] {
        // Some file systems take no such name.
        let _ = fs::write(folder.join(std::ffi::OsStr::from_bytes(name)), "defaults\n");
    }
    let told = |format: &str| {
        let output = program(&folder)
            .args(["check", "--format", format])
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let short = told("short");
    let names: Vec<&str> = short.lines().collect();
    assert!(
        names[0].starts_with("sp ace #1 100%/ü,x:y.cfg:2:1: error"),
        "{short}"
    );
    assert!(
        names[1..]
            .iter()
            .all(|line| *line == "caf\u{fffd}.cfg: gap: its name is not UTF-8"),
        "{short}"
    );
    let github = told("github");
    assert!(
        github.starts_with("::error file=sp ace #1 100%25/ü%2Cx%3Ay.cfg,line=2,"),
        "{github}"
    );
    assert!(told("sarif").contains("sp%20ace%20%231%20100%25/%C3%BC%2Cx%3Ay.cfg"));
    let piped = program(&folder)
        .args(["check", folder.join("pipe.conf").to_str().unwrap()])
        .output();
    assert_eq!(piped.unwrap().status.code(), Some(2));
    fs::remove_dir_all(&folder).unwrap();
}

/// As a shell does it: the completions of bash are loaded and asked.
#[test]
fn bash_completes_formats_and_rules() {
    let script = "source <(\"$0\" completions bash) && COMP_WORDS=(no502 check --format '') COMP_CWORD=3 \
        && _no502 no502 '' --format && echo ${COMPREPLY[@]} && COMP_WORDS=(no502 explain resolver-m) COMP_CWORD=2 \
        && _no502 no502 resolver-m explain && echo ${COMPREPLY[@]}";
    let Ok(output) = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_no502")])
        .output()
    else {
        // There is no bash on this machine.
        return;
    };
    let told = String::from_utf8_lossy(&output.stdout);
    let formats = "pretty short json sarif github gitlab junit checkstyle html";
    assert_eq!(told, format!("{formats}\nresolver-missing\n"), "{output:?}");
}

/// Completions and manual page are made of the command line itself, so they can lack nothing that is in it.
#[test]
fn a_package_can_ask_for_completions_and_a_manual_page() {
    let printed = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_no502"))
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell]);
        assert!(script.contains("stdin-filename"), "{shell}");
    }
    let page = printed(&["man"]);
    assert!(
        [
            ".TH no502",
            "NO502 CHECK",
            "prune",
            "only\\-inverted",
            "EXIT STATUS"
        ]
        .iter()
        .all(|part| page.contains(part)),
        "{page}"
    );
}
