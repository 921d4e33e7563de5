//! One example on loopback: stand-ins, apps and proxies start, the client asks, everything ends.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use no502::page::File;

use super::address::View;
use super::client::{self, Outcome};
use super::program::Program;
use super::proxy::Proxy;
use super::spec::{Only, Request, Spec};
use super::stack::{Stack, lift};
use super::{app, certificate, dns, proxy, stub};

/// How long a proxy may take to listen; one that may not start ends long before.
const START: Duration = Duration::from_secs(5);
/// What a request that is only begun needs to reach the app.
const BEGUN: Duration = Duration::from_millis(300);
/// What an app needs after its answer to begin its wait for the next request: it sets the clock once all is sent.
const SETTLED: Duration = Duration::from_millis(150);
/// What a proxy needs after its answer to write its line.
const LOGGED: Duration = Duration::from_millis(50);
/// How long the client waits unless the page says otherwise.
const PATIENCE: Duration = Duration::from_secs(8);

/// What came of an example, and what its programs said meanwhile.
pub(crate) struct Report {
    /// What the client saw.
    pub(crate) outcome: Outcome,
    /// The ends of all logs.
    pub(crate) logs: String,
    /// The whole of them.
    pub(crate) log: String,
}

/// Runs an example. An error is a failure of the lab or of the page, never an outcome.
pub(crate) fn run(files: &[File], spec: &Spec, only: Only) -> Result<Report, String> {
    let (dir, net) = place();
    let made = certificate::make(&spec.certificate, only, &dir.0)?;
    let replaced = |file: &&File| made.iter().all(|(path, _)| path != file.0);
    let own = files.iter().filter(replaced).copied();
    let made = made
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()));
    let files: Vec<File> = own.chain(made).collect();
    let files = files.as_slice();
    let mut stack = Stack::read(files, &dir.0, net)?;
    for (index, stub) in spec.stub.iter().enumerate() {
        if stack.service(&stub.service).is_none() {
            let last = 200 + u8::try_from(index).map_err(|error| error.to_string())?;
            stack.outside.insert(
                stub.service.clone(),
                Ipv4Addr::new(127, net[0], net[1], last),
            );
        }
    }
    let lab = Lab {
        files,
        spec,
        only,
        stack: &stack,
    };
    let stubs = lab.stubs()?;
    let _dns = lab.name_servers()?;
    let apps = lab.apps()?;
    let proxies = match lab.proxies()? {
        Ok(proxies) => proxies,
        Err(report) => return Ok(report),
    };
    let mut outcome = lab.ask(&proxies, &apps)?;
    if spec.count {
        outcome = Outcome::Asked(stubs.iter().map(stub::Running::asked).sum());
    }
    thread::sleep(LOGGED);
    let programs = || {
        let apps = apps.iter().map(|(_, program)| program);
        proxies.iter().map(|(_, proxy)| &proxy.program).chain(apps)
    };
    Ok(Report {
        outcome,
        logs: programs().map(Program::said).collect(),
        log: programs().map(Program::log).collect(),
    })
}

/// The proxies that listen, each with the name of its service.
type Proxies<'a> = Vec<(&'a str, Proxy)>;

struct Lab<'a> {
    files: &'a [File<'a>],
    spec: &'a Spec,
    only: Only,
    stack: &'a Stack,
}

impl<'a> Lab<'a> {
    fn views(&self) -> impl Iterator<Item = View<'a>> {
        let (stack, scale) = (self.stack, self.spec.scale);
        let running = stack.services.iter().filter(|service| service.runs);
        running.map(move |service| View {
            stack,
            service,
            scale,
        })
    }

    fn stubs(&self) -> Result<Vec<stub::Running>, String> {
        let mut running = Vec::new();
        let wanted = |only: Option<Only>| only.is_none_or(|only| only == self.only);
        for told in self.spec.stub.iter().filter(|stub| wanted(stub.only)) {
            let service = self.stack.service(&told.service);
            let outside = self.stack.outside.get(&told.service);
            let mut addresses: Vec<Ipv4Addr> = outside.copied().into_iter().collect();
            if let Some(service) = service.filter(|service| service.runs) {
                addresses.push(service.own);
                if !told.loopback && service.address != service.own {
                    addresses.push(service.address);
                }
            }
            for address in addresses {
                let address = SocketAddr::new(address.into(), lift(told.port));
                let after = told
                    .after
                    .map(|after| after.scaled(self.spec.scale))
                    .unwrap_or_default();
                running.push(stub::start(address, told.behaviour, after, told.first)?);
            }
        }
        Ok(running)
    }

    fn name_servers(&self) -> Result<[dns::Running; 2], String> {
        let all = self
            .stack
            .services
            .iter()
            .map(|service| service.name.clone());
        let names = all.chain(self.stack.outside.keys().cloned());
        let asks = self.views().next().ok_or("no service runs")?.service;
        let known =
            names.filter_map(|name| self.stack.known(asks, &name).map(|address| (name, address)));
        Ok([
            dns::start(self.stack.dns, known.collect())?,
            dns::start(self.stack.public_dns, self.stack.outside.clone())?,
        ])
    }

    fn apps(&self) -> Result<Vec<(&'a str, Program)>, String> {
        let mut apps = Vec::new();
        let work = self
            .spec
            .work
            .map(|work| work.scaled(self.spec.scale))
            .unwrap_or_default();
        for view in self.views() {
            let stood_in = self
                .spec
                .stub
                .iter()
                .any(|stub| stub.service == view.service.name);
            if !stood_in && let Some(program) = app::start(view, self.files, work)? {
                apps.push((view.service.name.as_str(), program));
            }
        }
        Ok(apps)
    }

    /// The proxies, the inner ones first, each once it listens: a HAProxy that probes a server before that is there counts
    /// it as down. One that never listens is the outcome.
    fn proxies(&self) -> Result<Result<Proxies<'a>, Report>, String> {
        let mut views: Vec<View> = self.views().collect();
        views.sort_by_key(|view| {
            let entry = self.spec.entry.as_ref();
            let is_entry = entry.map_or(view.service.publishes, |name| *name == view.service.name);
            (
                is_entry,
                !is_entry && view.service.image.contains("haproxy"),
            )
        });
        let mut proxies = Vec::new();
        for view in views {
            for mut proxy in proxy::start(view, self.files)? {
                if !proxy.program.wait_for(&proxy.listens, START) {
                    let outcome = if proxy.program.has_ended() {
                        Outcome::NoStart
                    } else {
                        Outcome::Hang
                    };
                    let (logs, log) = (proxy.program.said(), proxy.program.log());
                    return Ok(Err(Report { outcome, logs, log }));
                }
                proxies.push((view.service.name.as_str(), proxy));
            }
        }
        Ok(Ok(proxies))
    }

    fn ask(&self, proxies: &[(&str, Proxy)], apps: &[(&str, Program)]) -> Result<Outcome, String> {
        let entry = self.entry(proxies)?;
        let one = [Request::default()];
        let requests = if self.spec.request.is_empty() {
            &one[..]
        } else {
            &self.spec.request
        };
        let patience = self
            .spec
            .patience
            .map_or(PATIENCE, |patience| patience.scaled(self.spec.scale));
        let mut outcome = Outcome::Closed;
        for request in requests {
            if request.slow {
                client::drip(entry, request).map_err(|error| error.to_string())?;
                thread::sleep(BEGUN);
                continue;
            }
            for _ in 0..request.times {
                outcome = self.send(entry, request, patience, apps)?;
                if !outcome.is_success() && !request.prepares {
                    return Ok(outcome);
                }
            }
        }
        Ok(outcome)
    }

    fn entry(&self, proxies: &[(&str, Proxy)]) -> Result<SocketAddr, String> {
        let named = |wanted: &str| proxies.iter().find(|(name, _)| *name == wanted);
        let publishes = |name: &str| {
            self.stack
                .service(name)
                .is_some_and(|service| service.publishes)
        };
        let chosen = match &self.spec.entry {
            Some(name) => named(name),
            None => proxies
                .iter()
                .find(|(name, _)| publishes(name))
                .or_else(|| proxies.first()),
        };
        let (name, proxy) = chosen.ok_or("the example has no proxy to ask")?;
        let told = self.spec.port.map(lift);
        let listener = proxy
            .listens
            .iter()
            .find(|address| told.is_none_or(|port| address.port() == port));
        // A port that is told is asked although nothing may listen there: that is what some pages are about.
        let elsewhere = || Some(SocketAddr::new(proxy.listens.first()?.ip(), told?));
        listener
            .copied()
            .or_else(elsewhere)
            .ok_or_else(|| format!("{name} does not listen on a port to ask"))
    }

    fn send(
        &self,
        to: SocketAddr,
        request: &Request,
        patience: Duration,
        apps: &[(&str, Program)],
    ) -> Result<Outcome, String> {
        let wait = request
            .after
            .map(|after| after.scaled(self.spec.scale))
            .unwrap_or_default();
        let app = |name: &str| {
            let started = apps.iter().find(|(app, _)| *app == name);
            started.ok_or_else(|| format!("{name} is no app that the lab started"))
        };
        if let Some(name) = &request.stopped {
            let (_, program) = app(name)?;
            let service = self.views().find(|view| view.service.name == *name);
            let view = service.ok_or_else(|| format!("{name} does not run"))?;
            thread::sleep(wait);
            return thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(BEGUN);
                    program.stop(&view.service.stop_signal, view.grace());
                });
                Ok(client::send(to, request, patience))
            });
        }
        let Some(name) = &request.stalled else {
            thread::sleep(wait);
            return Ok(client::send_all(to, request, patience));
        };
        let (_, program) = app(name)?;
        thread::sleep(SETTLED);
        program.signal("STOP");
        thread::sleep(wait.saturating_sub(SETTLED));
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_millis(200));
                program.signal("CONT");
            });
            Ok(client::send(to, request, patience))
        })
    }
}

/// A folder for a case, which goes with it, and the middle of its addresses, which no other case has.
pub(crate) fn place() -> (Folder, [u8; 2]) {
    static CASES: AtomicU8 = AtomicU8::new(1);
    let case = CASES.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    // A socket path may be 107 bytes long, so the folder has a short name.
    let dir = std::env::temp_dir().join(format!("n5-{process}-{case}"));
    let second = u8::try_from(1 + process % 250).expect("below 251");
    (Folder(dir), [second, case])
}

/// A folder that is gone when it is dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(Path::new(&self.0));
    }
}
