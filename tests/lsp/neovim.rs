//! The server in the real Neovim, headless, by the settings that the README gives. Where it is not installed that is said;
//! `NO502_LAB=required` makes it a failure.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const STALE: &str = "    # no502: allow(timeout-missing) there was one, once\n";
const HEALED: &str = "\
global
    maxconn 100
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend web
    bind :80
    http-request return status 200
";

#[test]
fn neovim_shows_a_finding_and_mends_it() {
    let folder = std::env::temp_dir().join(format!("no502 neovim {}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("haproxy.cfg");
    fs::write(
        &file,
        HEALED.replacen("global\n", &format!("global\n{STALE}"), 1),
    )
    .unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lsp/neovim.lua");
    let started = Command::new("nvim")
        .args(["--headless", "--clean", "-n", "-S"])
        .arg(script)
        .env("NO502", env!("CARGO_BIN_EXE_no502"))
        .env("FOLDER", &folder)
        .env("XDG_STATE_HOME", folder.join("state"))
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .stdin(Stdio::null())
        .output();
    let Ok(output) = started else {
        let mode = std::env::var("NO502_LAB").unwrap_or_default();
        assert_ne!(
            mode, "required",
            "nvim is not installed, and NO502_LAB=required"
        );
        let text =
            b"\n*** nvim is not installed, and no editor looked at the language server ***\n";
        let _ = std::io::stderr().write_all(text);
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), HEALED);
    fs::remove_dir_all(&folder).unwrap();
}
