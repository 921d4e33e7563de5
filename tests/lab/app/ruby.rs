//! puma around an app that says `ok`.

use std::process::Command;

use super::{App, Kind};
use crate::program::need;
use crate::proxy::write;

impl App<'_> {
    pub(super) fn puma(&self, argv: &[String]) -> Result<Command, String> {
        self.make_folders()?;
        let mut words = Vec::new();
        let mut args = argv[1..].iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-p" | "--port" => {
                    let port = args.next().map_or("9292", String::as_str);
                    let address = self.address(&format!("0.0.0.0:{port}"));
                    words.extend(["-b".to_owned(), format!("tcp://{address}")]);
                }
                // Its file is where puma looks for it by itself.
                "-C" | "--config" => drop(args.next()),
                _ => words.push(arg.clone()),
            }
        }
        for (path, text) in self
            .files
            .iter()
            .filter(|(path, _)| path.ends_with("puma.rb"))
        {
            let lines: Vec<String> = text.lines().map(|line| self.ruby_line(line)).collect();
            write(&self.dir.join(path), &(lines.join("\n") + "\n"))?;
        }
        let app = format!(
            "run lambda {{ |env|\n  sleep {}\n  [200, {{ 'content-type' => 'text/plain' }}, [\"ok\\n\"]]\n}}\n",
            self.work.as_secs_f64()
        );
        write(&self.dir.join("config.ru"), &app)?;
        let mut command = Command::new(need("puma")?);
        command.args(words).arg("config.ru");
        Ok(command)
    }

    fn ruby_line(&self, line: &str) -> String {
        match line.split_once(' ') {
            Some((key @ ("persistent_timeout" | "worker_shutdown_timeout"), value)) => {
                format!("{key} {}", self.value(value.trim(), Kind::Seconds))
            }
            _ => line.to_owned(),
        }
    }
}
