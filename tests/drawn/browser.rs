//! A headless Chromium that looks at a page.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A browser that was found on the PATH.
pub(crate) struct Browser {
    program: &'static str,
}

/// Says on the terminal itself, since a passing test is not heard, that a program is missing.
pub(crate) fn not_looked_at(missing: &str) {
    let mode = std::env::var("NO502_LAB").unwrap_or_default();
    assert_ne!(
        mode, "required",
        "{missing} is not installed, and NO502_LAB=required"
    );
    let text = format!("\n*** {missing} is not installed, and did not look at the pages ***\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
}

/// The browser, if there is one.
pub(crate) fn find() -> Option<Browser> {
    let known = ["chromium", "chromium-browser", "google-chrome"];
    let answers = |program: &&str| {
        let asked = Command::new(program).arg("--version").output();
        asked.is_ok_and(|output| output.status.success())
    };
    let program = known.into_iter().find(answers)?;
    Some(Browser { program })
}

impl Browser {
    /// What a script finds wrong with a page at any of some widths; nothing if it is fine. A window has a least width, a frame has none.
    pub(crate) fn examine(&self, page: &str, script: &str, name: &str, widths: &[usize]) -> String {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let file = |name: &str, text: &str| {
            let path = folder.join(format!("{name}.html"));
            fs::write(&path, text).expect("a folder for pages");
            path
        };
        let script = format!("<script>{script}</script></body>");
        file(name, &page.replace("</body>", &script));
        let frames: Vec<String> = widths
            .iter()
            .map(|width| format!("<iframe src=\"{name}.html\" width=\"{width}\" height=\"900\" style=\"border:0\"></iframe>"))
            .collect();
        let script = format!("<script>{}</script>", include_str!("frames.js"));
        let text = format!("<!DOCTYPE html>\n<body>{}{script}</body>", frames.concat());
        let all = file(&format!("{name}-frames"), &text);
        let output = Command::new(self.program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
            .arg("--allow-file-access-from-files")
            .arg(format!(
                "--user-data-dir={}",
                folder.join("browser").display()
            ))
            .arg(format!("file://{}", all.display()))
            .output()
            .expect("the browser runs");
        let page = String::from_utf8_lossy(&output.stdout);
        let start = page
            .find("data-found=\"")
            .map(|at| at + "data-found=\"".len());
        let found = start.and_then(|start| page[start..].split('"').next());
        found.unwrap_or("the page was not examined").to_owned()
    }
}
