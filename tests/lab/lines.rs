//! What HAProxy refuses, line by line: `lines.cfg` put to `haproxy -c`, and to the reader.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use no502::source::FileId;
use no502::syntax::haproxy::parse;

use super::{AT_ONCE, program, say};

/// A line with the head of its section, and whether it is refused.
struct Case<'a> {
    head: &'a str,
    line: &'a str,
    refused: bool,
}

impl Case<'_> {
    /// A file that has nothing but this line, and what keeps HAProxy from warning.
    fn text(&self) -> String {
        let times =
            "defaults\n mode http\n timeout connect 1s\n timeout client 1s\n timeout server 1s\n";
        format!("{times}{}\n {}\n", self.head, self.line)
    }
}

fn cases(text: &str) -> Vec<Case<'_>> {
    let mut head = "";
    let mut cases = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match (line.strip_prefix(' '), line.strip_prefix('!')) {
            (None, None) => head = line,
            (plain, refused) => cases.push(Case {
                head,
                line: plain.or(refused).unwrap_or_default(),
                refused: refused.is_some(),
            }),
        }
    }
    cases
}

/// The words that a HAProxy knows are those of its version; the lines are about 2.6.
fn haproxy() -> Option<std::path::PathBuf> {
    let haproxy = program::find("haproxy")?;
    let version = Command::new(&haproxy).arg("-v").output().ok()?;
    let told = String::from_utf8_lossy(&version.stdout).into_owned();
    told.starts_with("HAProxy version 2.6").then_some(haproxy)
}

#[test]
fn lines_are_refused_as_haproxy_refuses_them() {
    let Some(haproxy) = haproxy() else {
        say("\n*** no HAProxy 2.6 is installed: no line was put to it ***\n");
        return;
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lines.cfg");
    let text = fs::read_to_string(path).unwrap();
    let all = cases(&text);
    let rest = Mutex::new(all.iter().enumerate());
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((at, case)) = { rest.lock().unwrap().next() } {
                    wrong.lock().unwrap().extend(differs(&haproxy, at, case));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} of {} lines:\n{}",
        wrong.len(),
        all.len(),
        wrong.join("\n")
    );
}

/// What is not as it should be with a line.
fn differs(haproxy: &Path, at: usize, case: &Case) -> Option<String> {
    let text = case.text();
    let file = std::env::temp_dir().join(format!("no502-line-{}-{at}.cfg", std::process::id()));
    fs::write(&file, &text).unwrap();
    let output = Command::new(haproxy)
        .arg("-c")
        .arg("-f")
        .arg(&file)
        .output()
        .unwrap();
    let _ = fs::remove_file(&file);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    // Without a listener there is an exit code, and no word about a line.
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let alert = told
        .lines()
        .find(|line| line.contains("[ALERT]") && line.contains(&name));
    let errors = parse(FileId(0), &text).errors;
    let (theirs, ours) = (alert.is_some(), !errors.is_empty());
    (theirs != case.refused || ours != case.refused).then(|| {
        let ours: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        format!(
            "{} / {}: HAProxy {alert:?}, no502 {ours:?}",
            case.head, case.line
        )
    })
}
