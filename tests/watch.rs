//! `no502 check --watch` as a process: it tells what a change brings, sees files come and go, rests in between, and ends with
//! the code of its last run.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop at once, and writes its files itself"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::spawn;
use std::time::Duration;

struct Watched {
    folder: PathBuf,
    child: Child,
    lines: Receiver<String>,
}

impl Watched {
    fn start(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("no502-watch-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("haproxy.cfg"), HEALED).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_no502"))
            .args(["check", "--watch", "--format", "short"])
            .current_dir(&folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, lines) = channel();
        let outputs: [Box<dyn std::io::Read + Send>; 2] = [
            Box::new(child.stdout.take().unwrap()),
            Box::new(child.stderr.take().unwrap()),
        ];
        for output in outputs {
            let tell = tell.clone();
            spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let _ = tell.send(line);
                }
            });
        }
        Self {
            folder,
            child,
            lines,
        }
    }

    /// Waits for a line with these words.
    fn says(&self, words: &str) {
        let mut heard = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(30)) {
            if line.contains(words) {
                return;
            }
            heard.push(line);
        }
        panic!("`{words}` was not said, but {heard:?}");
    }

    /// Presses Ctrl-C; the exit code.
    fn end(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(sent.success());
        let code = self.child.wait().unwrap().code();
        fs::remove_dir_all(&self.folder).unwrap();
        code
    }
}

const HEALED: &str = "defaults\n  mode http\n";

#[test]
fn a_change_is_seen_and_files_come_and_go() {
    let watched = Watched::start("changes");
    let file = |name: &str| watched.folder.join(name);
    watched.says("nothing to report");
    watched.says("waits for a change");
    fs::write(file("haproxy.cfg"), "defaults\n  mode http").unwrap();
    watched.says("haproxy.cfg:2:1: error[final-newline-missing]");
    watched.says("waits for a change");
    fs::write(file("haproxy.cfg"), HEALED).unwrap();
    watched.says("no502: 1 file, 0 links, nothing to report");
    watched.says("waits for a change");
    fs::write(file("other.cfg"), "defaults\n  mode http").unwrap();
    watched.says("other.cfg:2:1: error[final-newline-missing]");
    watched.says("waits for a change");
    fs::remove_file(file("other.cfg")).unwrap();
    watched.says("no502: 1 file, 0 links, nothing to report");
    watched.says("waits for a change");
    fs::write(file("no502.toml"), "selct = []\n").unwrap();
    watched.says("did you mean `select`?");
    watched.says("waits for a change");
    assert_eq!(watched.end(), Some(2));
}

#[test]
fn it_rests_and_ends_with_the_code_of_its_last_run() {
    let watched = Watched::start("rests");
    watched.says("waits for a change");
    fs::write(watched.folder.join("haproxy.cfg"), "defaults\n  mode http").unwrap();
    watched.says("final-newline-missing");
    watched.says("waits for a change");
    // Time of the processor, in hundredths of a second, where the system tells.
    let used = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", watched.child.id())).ok()?;
        let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
        Some(fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?)
    };
    let before = used();
    std::thread::sleep(Duration::from_secs(2));
    if let (Some(before), Some(after)) = (before, used()) {
        assert!(after - before < 40, "{} hundredths of 2 s", after - before);
    }
    assert!(
        watched.lines.try_recv().is_err(),
        "it ran again without a change"
    );
    assert_eq!(watched.end(), Some(1));
}
