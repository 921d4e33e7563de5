//! uWSGI around an app in Python that says `ok`.

use std::process::Command;

use super::{App, Kind};
use crate::program::need;

impl App<'_> {
    pub(super) fn uwsgi(&self, argv: &[String]) -> Result<Command, String> {
        let flags = [
            ("--http", "", Kind::Address),
            ("--http-socket", "", Kind::Address),
            ("--http11-socket", "", Kind::Address),
            ("--socket", "-s", Kind::Address),
            ("--harakiri", "", Kind::Seconds),
            ("--http-timeout", "", Kind::Seconds),
            ("--http-keepalive", "", Kind::Seconds),
            ("--socket-timeout", "", Kind::Seconds),
        ];
        let words = self.rewrite_flags(&argv[1..], &flags);
        self.python_app(&words, &self.wsgi())?;
        let mut command = Command::new(need("uwsgi")?);
        // What an image builds in, Debian has as plugins.
        command.args(["--plugins", "http,python3"]).args(words);
        Ok(command)
    }
}
