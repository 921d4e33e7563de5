//! php-fpm with the page's own pools, or the one of the image.

use std::process::Command;

use super::App;
use crate::program::{NOT_HERE, find};
use crate::proxy::write;

impl App<'_> {
    pub(super) fn php_fpm(&self) -> Result<Command, String> {
        self.make_folders()?;
        let service = self.view.service;
        let mut pools = String::new();
        for (path, text) in service.mounted(self.files) {
            if path.ends_with(".conf") {
                pools += &self.pool(text);
            }
        }
        if !pools.contains("listen =") {
            // `zz-docker.conf` of the image.
            pools += &format!("[www]\nlisten = {}:9000\n", service.address);
        }
        if !pools.contains("pm =") {
            pools += "pm = static\npm.max_children = 2\n";
        }
        if !pools.contains("user =") {
            pools += "user = www-data\n";
        }
        let text = format!("[global]\ndaemonize = no\nerror_log = /proc/self/fd/2\n{pools}");
        let path = self.dir.join("php-fpm.conf");
        write(&path, &text)?;
        let names = [
            "php-fpm",
            "php-fpm8.4",
            "php-fpm8.3",
            "php-fpm8.2",
            "php-fpm8.1",
        ];
        let program = names
            .iter()
            .find_map(|name| find(name))
            .ok_or_else(|| format!("php-fpm {NOT_HERE}"))?;
        let mut command = Command::new(program);
        command.arg("--nodaemonize").arg("--fpm-config").arg(path);
        Ok(command)
    }

    fn pool(&self, text: &str) -> String {
        let mut out = String::new();
        for line in text.lines() {
            let (key, value) = line
                .split_once('=')
                .map_or((line.trim(), ""), |(key, value)| (key.trim(), value.trim()));
            let value = value.split(';').next().unwrap_or_default().trim();
            let line = match key {
                "listen" if value.starts_with('/') => {
                    format!("listen = {}", self.socket(value))
                }
                "listen" => format!("listen = {}", self.address(value)),
                "request_terminate_timeout" => {
                    format!("{key} = {}s", self.view.scaled_s(value).unwrap_or_default())
                }
                "listen.allowed_clients" => format!("{key} = {}", self.clients(value)),
                _ => line.to_owned(),
            };
            out += &line;
            out.push('\n');
        }
        out
    }

    fn clients(&self, value: &str) -> String {
        let known = value.split(',').map(|host| {
            self.view
                .bound(host.trim())
                .map_or(host.to_owned(), |address| address.to_string())
        });
        known.collect::<Vec<_>>().join(",")
    }
}
