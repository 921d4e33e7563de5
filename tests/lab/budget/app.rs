//! The app of the grid: takes as long as the path says, and counts how often it was asked.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::Seen;

/// Longer than any request of the grid lasts.
const PATIENCE: Duration = Duration::from_secs(12);

/// Several listeners, which are the peers of a group.
pub(super) struct App {
    asked: Arc<Mutex<HashMap<String, usize>>>,
    next: AtomicUsize,
}

impl App {
    pub(super) fn start(host: Ipv4Addr, ports: &[u16]) -> Self {
        let asked = Arc::new(Mutex::new(HashMap::new()));
        for port in ports {
            let listener = TcpListener::bind(SocketAddr::new(host.into(), *port)).unwrap();
            let asked = Arc::clone(&asked);
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let asked = Arc::clone(&asked);
                    // A proxy that has gone away in the middle is what the grid is about.
                    thread::spawn(move || drop(serve(&stream, &asked)));
                }
            });
        }
        Self {
            asked,
            next: AtomicUsize::new(0),
        }
    }

    /// A listener that takes no connection: its queue is full of others, which must be kept for as long.
    pub(super) fn deaf(at: SocketAddr) -> (TcpListener, Vec<TcpStream>) {
        let listener = TcpListener::bind(at).unwrap();
        let mut queue = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&at, Duration::from_millis(300)) {
            queue.push(stream);
            assert!(queue.len() < 5000, "a queue of connections has no end");
        }
        (listener, queue)
    }

    /// Sends a request that takes `work` milliseconds, under a path of its own.
    pub(super) fn ask(&self, to: SocketAddr, work: u64, post: bool) -> Seen {
        let path = format!("/{work}/{}", self.next.fetch_add(1, Ordering::Relaxed));
        let (method, body) = if post { ("POST", "x") } else { ("GET", "") };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: lab.test\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let begun = Instant::now();
        let mut stream = TcpStream::connect(to).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // The end may be a reset; what came before it is the answer.
        let _ = stream.read_to_end(&mut answer);
        let after = begun.elapsed();
        let executions = self.asked.lock().unwrap().get(&path).copied().unwrap_or(0);
        let answer = String::from_utf8_lossy(&answer).to_lowercase();
        Seen {
            status: answer.get(9..12).and_then(|status| status.parse().ok()),
            through: answer.matches("x-through:").count(),
            after,
            executions,
        }
    }
}

fn serve(stream: &TcpStream, asked: &Mutex<HashMap<String, usize>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let work = path.split('/').nth(1).and_then(|work| work.parse().ok());
    *asked.lock().unwrap().entry(path).or_default() += 1;
    thread::sleep(Duration::from_millis(work.unwrap_or(0)));
    let mut out = stream;
    out.write_all(
        b"HTTP/1.1 200 OK\r\nX-Through: app\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n",
    )
}
