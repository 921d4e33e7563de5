//! A headless Chromium that looks at a page.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A browser that was found on the PATH.
pub(crate) struct Browser {
    program: &'static str,
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
    /// What is wrong with a page at any of some widths; nothing if it is fine. A window has a least width, a frame has none.
    pub(crate) fn examine(&self, page: &str, name: &str, widths: &[usize]) -> String {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let file = |name: &str, text: &str| {
            let path = folder.join(format!("{name}.html"));
            fs::write(&path, text).expect("a folder for pages");
            path
        };
        let script = format!("<script>{}</script></body>", include_str!("examine.js"));
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
