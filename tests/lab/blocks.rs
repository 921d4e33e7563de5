//! Which block takes which directive: `blocks.conf` put to `nginx -t`, and to the reader.

use std::fs;
use std::path::Path;
use std::process::Command;

use no502::source::FileId;
use no502::syntax::nginx::parse;

use super::{program, say};

/// What nginx says of a directive in a block that does not take it, and so do we.
const WORDS: &str = "directive is not allowed here";

#[test]
fn directives_are_refused_where_nginx_refuses_them() {
    let Some(nginx) = program::find("nginx") else {
        say("\n*** no nginx is installed: no block was put to it ***\n");
        return;
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/blocks.conf");
    let text = fs::read_to_string(path).unwrap();
    let file = std::env::temp_dir().join(format!("no502-block-{}.conf", std::process::id()));
    let mut wrong = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let config = format!(
            "pid {}.pid; error_log stderr;\n{}\n",
            file.display(),
            &line[1..]
        );
        fs::write(&file, &config).unwrap();
        let output = Command::new(&nginx)
            .arg("-t")
            .arg("-c")
            .arg(&file)
            .output()
            .unwrap();
        let theirs = String::from_utf8_lossy(&output.stderr).contains(WORDS);
        let refused = parse(FileId(0), &config).refused;
        let ours = refused.iter().any(|error| error.message.contains(WORDS));
        let wanted = line.starts_with('!');
        if theirs != wanted || ours != wanted {
            wrong.push(format!("{line}: nginx {theirs}, no502 {ours}"));
        }
    }
    let _ = fs::remove_file(&file);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
