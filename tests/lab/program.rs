//! Child processes of a case: bounded, heard, and gone when the case is over.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A program that runs until it is dropped.
pub(crate) struct Program {
    /// For messages.
    pub(crate) name: String,
    child: Child,
    log: PathBuf,
    /// What was listened on before it started, by anybody.
    before: BTreeSet<String>,
}

impl Program {
    /// Starts a command; both its outputs go to one log in `dir`.
    pub(crate) fn start(name: &str, command: &mut Command, dir: &Path) -> Result<Self, String> {
        let log = dir.join(format!("{name}.log"));
        let fail = |error: std::io::Error| format!("{name}: {error}");
        let out = File::create(&log).map_err(fail)?;
        let before = listening();
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone().map_err(fail)?)
            .stderr(out)
            .spawn()
            .map_err(fail)?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log,
            before,
        })
    }

    /// Waits until all of these addresses are listened on; false if it ended or they were not in time.
    pub(crate) fn wait_for(&mut self, addresses: &[SocketAddr], most: Duration) -> bool {
        self.wait(most, |open| {
            addresses
                .iter()
                .all(|address| open.contains(&address.to_string()))
        })
    }

    /// Waits until it listens on any port of these hosts, or on a socket below a folder.
    pub(crate) fn wait_to_listen(
        &mut self,
        hosts: &[Ipv4Addr],
        dir: &Path,
        most: Duration,
    ) -> bool {
        let mut starts: Vec<String> = hosts.iter().map(|host| format!("{host}:")).collect();
        starts.push(format!("{}/", dir.display()));
        let before = std::mem::take(&mut self.before);
        self.wait(most, |open| {
            open.difference(&before)
                .any(|new| starts.iter().any(|start| new.starts_with(start)))
        })
    }

    /// The kernel's list is asked and no connection made: a probe would be a request to a program that counts them.
    fn wait(&mut self, most: Duration, done: impl Fn(&BTreeSet<String>) -> bool) -> bool {
        let end = Instant::now() + most;
        while Instant::now() < end && !self.has_ended() {
            if done(&listening()) {
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Whether it is over.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal to it and to its children, by name.
    pub(crate) fn signal(&self, signal: &str) {
        for pid in family(self.child.id()) {
            kill(signal, pid);
        }
    }

    /// Stops it as a container engine does: a signal to the first process, and SIGKILL to all that is left in the end.
    pub(crate) fn stop(&self, signal: &str, grace: Duration) {
        kill(signal, self.child.id());
        thread::sleep(grace);
        self.signal("KILL");
    }

    /// All that it said.
    pub(crate) fn log(&self) -> String {
        let text = fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        text.unwrap_or_default()
    }

    /// What it said, its last lines.
    pub(crate) fn said(&self) -> String {
        let text = self.log();
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(12)..];
        format!("--- {} ---\n{}\n", self.name, tail.join("\n"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let family = family(self.child.id());
        // The master first, or it starts its workers anew; and the workers too, or they stay on the address.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in &family[1..] {
            kill("KILL", *pid);
        }
    }
}

/// Sends a signal, by name; one that has just ended needs none.
fn kill(signal: &str, pid: u32) {
    let _ = Command::new("kill")
        .args([&format!("-{signal}"), &pid.to_string()])
        .stderr(Stdio::null())
        .status();
}

/// A process and its descendants.
fn family(root: u32) -> Vec<u32> {
    let mut pids = vec![root];
    let mut at = 0;
    while at < pids.len() {
        let pid = pids[at];
        let path = format!("/proc/{pid}/task/{pid}/children");
        let children = fs::read_to_string(path).unwrap_or_default();
        pids.extend(
            children
                .split_whitespace()
                .filter_map(|child| child.parse::<u32>().ok()),
        );
        at += 1;
    }
    pids
}

/// Every IPv4 address and every socket path on this machine that is listened on.
fn listening() -> BTreeSet<String> {
    let tcp = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let unix = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let addresses = tcp.lines().filter_map(tcp_listener);
    addresses
        .chain(unix.lines().filter_map(unix_listener))
        .collect()
}

/// `sl local_address rem_address st …`, hexadecimal, the address in the byte order of the machine; 0A is LISTEN.
fn tcp_listener(line: &str) -> Option<String> {
    let mut columns = line.split_whitespace().skip(1);
    let (host, port) = columns.next()?.split_once(':')?;
    let host = u32::from_str_radix(host, 16).ok()?.to_ne_bytes();
    let port = u16::from_str_radix(port, 16).ok()?;
    (columns.nth(1)? == "0A").then(|| format!("{}:{port}", Ipv4Addr::from(host)))
}

/// `Num RefCount Protocol Flags Type St Inode Path`; the flag is `__SO_ACCEPTCON`.
fn unix_listener(line: &str) -> Option<String> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let [_, _, _, "00010000", _, _, _, path] = columns[..] else {
        return None;
    };
    Some(path.to_owned())
}

/// How the reason ends for which an example could not be run here.
pub(crate) const NOT_HERE: &str = "is not on the PATH";

/// A program that an example cannot do without.
pub(crate) fn need(name: &str) -> Result<PathBuf, String> {
    find(name).ok_or_else(|| format!("{name} {NOT_HERE}"))
}

/// Whether a program is on the PATH, or under one of the folders where daemons live.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let daemons = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(daemons)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}
