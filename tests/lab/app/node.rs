//! node, with the page's own script or a small one.

use std::process::Command;

use super::App;
use crate::program::need;
use crate::proxy::write;

impl App<'_> {
    /// node listens where the code says, so the code is met at `listen`: an address of the page becomes one of the lab.
    pub(super) fn node(&self, argv: &[String]) -> Result<Command, String> {
        self.make_folders()?;
        let service = self.view.service;
        let preload = PRELOAD
            .replace("ADDRESS", &service.address.to_string())
            .replace("OWN", &service.own.to_string())
            .replace("SCALE", &self.view.scale.to_string());
        write(&self.dir.join("lab-preload.js"), &preload)?;
        let script = argv
            .iter()
            .skip(1)
            .find(|word| word.ends_with("js"))
            .map_or("server.js", String::as_str);
        let script = script.trim_start_matches('/');
        let path = self.dir.join(script);
        let named = self
            .files
            .iter()
            .find(|(file, _)| file.rsplit('/').next() == script.rsplit('/').next());
        let tiny = NODE_APP.replace("WORK", &self.work.as_millis().to_string());
        write(&path, named.map_or(tiny.as_str(), |(_, text)| text))?;
        let mut command = Command::new(need("node")?);
        command
            .arg("--require")
            .arg(self.dir.join("lab-preload.js"))
            .arg(path);
        Ok(command)
    }
}

const NODE_APP: &str = "require('http').createServer((request, response) => {
    request.resume();
    setTimeout(() => response.end('ok\\n'), WORK);
}).listen(process.env.PORT || 3000);
";

const PRELOAD: &str = "const net = require('net');
const http = require('http');
const listen = net.Server.prototype.listen;
const lift = (port) => (port < 1024 ? Number(port) + 20000 : Number(port));
net.Server.prototype.listen = function (...args) {
    const callback = args.find((arg) => typeof arg === 'function');
    const written = typeof args[0] === 'object' ? args[0] : { port: args[0], host: typeof args[1] === 'string' ? args[1] : undefined };
    const own = ['localhost', '127.0.0.1', '::1'].includes(written.host);
    if (this instanceof http.Server && SCALE < 1) {
        for (const key of ['keepAliveTimeout', 'headersTimeout', 'requestTimeout']) this[key] = Math.ceil(this[key] * SCALE);
        // node 20.19 and later adds a second of grace to what it announces.
        if ('keepAliveTimeoutBuffer' in this) this.keepAliveTimeoutBuffer = 0;
    }
    return listen.call(this, { port: lift(written.port), host: own ? 'OWN' : 'ADDRESS' }, callback);
};
";
