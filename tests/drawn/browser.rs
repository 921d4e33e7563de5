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
    /// What is wrong with a page at a width, or `fine`.
    pub(crate) fn examine(&self, page: &str, name: &str, width: usize) -> String {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let file = folder.join(format!("{name}-{width}.html"));
        let script = format!("<script>{}</script></body>", include_str!("examine.js"));
        fs::write(&file, page.replace("</body>", &script)).expect("a folder for pages");
        let output = Command::new(self.program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
            .arg(format!(
                "--user-data-dir={}",
                folder.join("browser").display()
            ))
            .arg(format!("--window-size={width},900"))
            .arg(format!("file://{}", file.display()))
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
