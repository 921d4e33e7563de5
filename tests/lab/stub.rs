//! Stand-ins for apps: threads that accept and behave as they are told. Each ends with its case.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::spec::Behaviour;

/// A stub that listens until it is dropped.
pub(crate) struct Running {
    over: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    address: SocketAddr,
}

impl Running {
    /// How many requests it has got.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the accepting thread.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_millis(100));
    }
}

/// Listens on an address and behaves, for the `first` connections only if so many are told.
pub(crate) fn start(
    address: SocketAddr,
    behaviour: Behaviour,
    after: Duration,
    first: Option<usize>,
) -> Result<Running, String> {
    let listener =
        TcpListener::bind(address).map_err(|error| format!("stub on {address}: {error}"))?;
    let over = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicUsize::new(0));
    let running = Running {
        over: Arc::clone(&over),
        asked: Arc::clone(&asked),
        address,
    };
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            if over.load(Ordering::Relaxed) {
                break;
            }
            let misbehaves = first.is_none_or(|first| number < first);
            let (behaviour, after) = if misbehaves {
                (behaviour, after)
            } else {
                (Behaviour::Ok, Duration::ZERO)
            };
            let mut connection = Connection {
                stream,
                over: Arc::clone(&over),
                asked: Arc::clone(&asked),
            };
            // A peer that goes away in the middle is no failure of the stub.
            thread::spawn(move || drop(connection.serve(behaviour, after)));
        }
    });
    Ok(running)
}

struct Connection {
    stream: TcpStream,
    over: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Connection {
    fn serve(&mut self, behaviour: Behaviour, after: Duration) -> std::io::Result<()> {
        self.stream
            .set_read_timeout(Some(Duration::from_millis(20)))?;
        self.stream.set_nodelay(true)?;
        if behaviour == Behaviour::Fastcgi {
            return self.fastcgi(after);
        }
        let mut idle_since: Option<Instant> = None;
        while let Some(head) = self.request()? {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let was_idle = idle_since.is_some_and(|since| since.elapsed() >= after);
            match behaviour {
                Behaviour::IdleClose if was_idle => return Ok(()),
                Behaviour::Ok => {
                    self.rest(after);
                    self.answer(200, "")?;
                }
                Behaviour::IdleClose => self.answer(200, "")?,
                Behaviour::BigHead => {
                    self.answer(200, &format!("X-Session: {}\r\n", "s".repeat(6 * 1024)))?;
                }
                Behaviour::Unavailable => self.answer(503, "")?,
                Behaviour::Close => {
                    self.rest(after);
                    return Ok(());
                }
                Behaviour::Silent => self.rest(Duration::from_secs(3600)),
                Behaviour::Cut => {
                    self.stream
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\nhalf of it")?;
                    return Ok(());
                }
                Behaviour::Garbage => {
                    self.stream.write_all(b"\x15\x03\x01 this is no HTTP\n")?;
                    return Ok(());
                }
                Behaviour::Stream => return self.two_pieces(after),
                Behaviour::Websocket if !is_websocket(&head) => self.answer(426, "")?,
                Behaviour::Websocket => {
                    self.stream.write_all(UPGRADED.as_bytes())?;
                    self.rest(after);
                    return self.stream.write_all(b"\x81\x02ok");
                }
                Behaviour::Fastcgi => {}
            }
            if head.to_ascii_lowercase().contains("connection: close")
                || head.contains("HTTP/1.0\r\n")
            {
                return Ok(());
            }
            idle_since = Some(Instant::now());
        }
        Ok(())
    }

    fn two_pieces(&mut self, after: Duration) -> std::io::Result<()> {
        self.stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
            Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n",
        )?;
        self.rest(after);
        self.stream.write_all(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")
    }

    /// Waits, but not longer than the case lasts.
    fn rest(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end && !self.over.load(Ordering::Relaxed) {
            thread::sleep(
                Duration::from_millis(5).min(end.saturating_duration_since(Instant::now())),
            );
        }
    }

    /// One request with its body; `None` at the end of the connection.
    fn request(&mut self) -> std::io::Result<Option<String>> {
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let lower = head.to_ascii_lowercase();
                let length = lower
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length:"));
                let length: usize = length
                    .and_then(|length| length.trim().parse().ok())
                    .unwrap_or(0);
                let chunked = lower.contains("transfer-encoding: chunked");
                if (chunked && body.ends_with("0\r\n\r\n")) || (!chunked && body.len() >= length) {
                    return Ok(Some(format!("{head}\r\n")));
                }
            }
            if !self.more(&mut bytes)? {
                return Ok(None);
            }
        }
    }

    /// Reads what is there; false at the end of the connection or of the case.
    fn more(&mut self, bytes: &mut Vec<u8>) -> std::io::Result<bool> {
        let mut chunk = [0; 16 * 1024];
        while !self.over.load(Ordering::Relaxed) {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Ok(false),
                Ok(count) => {
                    bytes.extend_from_slice(&chunk[..count]);
                    return Ok(true);
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn answer(&mut self, status: u16, headers: &str) -> std::io::Result<()> {
        let text = format!(
            "HTTP/1.1 {status} Stub\r\nContent-Type: text/plain\r\n{headers}Content-Length: 3\r\n\r\nok\n"
        );
        self.stream.write_all(text.as_bytes())
    }

    /// Answers one FastCGI request per connection: STDOUT with a CGI head, then END_REQUEST.
    fn fastcgi(&mut self, after: Duration) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        loop {
            // Type 5 with no content is the end of the body, and with it of the request.
            while let Some((kind, id, size, whole)) = record(&bytes) {
                bytes.drain(..whole);
                if kind != 5 || size != 0 {
                    continue;
                }
                self.rest(after);
                let body = b"Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nok\n";
                let mut answer = vec![
                    1,
                    6,
                    id[0],
                    id[1],
                    0,
                    u8::try_from(body.len()).unwrap(),
                    0,
                    0,
                ];
                answer.extend_from_slice(body);
                answer.extend_from_slice(&[1, 3, id[0], id[1], 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
                return self.stream.write_all(&answer);
            }
            if bytes.first().is_some_and(|version| *version != 1) {
                // What is no FastCGI is dropped, as php-fpm does.
                return Ok(());
            }
            if !self.more(&mut bytes)? {
                return Ok(());
            }
        }
    }
}

/// The answer to the key of RFC 6455's example, which the pages send.
const UPGRADED: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

fn is_websocket(head: &str) -> bool {
    let head = head.to_ascii_lowercase();
    let has = |name: &str, value: &str| {
        let mut fields = head.lines().filter_map(|line| line.strip_prefix(name));
        fields.any(|field| field.contains(value))
    };
    head.contains(" http/1.1\r\n") && has("upgrade:", "websocket") && has("connection:", "upgrade")
}

/// Type, request id, content length and whole length of the first record, once all of it is there.
fn record(bytes: &[u8]) -> Option<(u8, [u8; 2], usize, usize)> {
    let head = bytes.get(..8)?;
    let size = usize::from(u16::from_be_bytes([head[4], head[5]]));
    let whole = 8 + size + usize::from(head[6]);
    (head[0] == 1 && bytes.len() >= whole).then_some((head[1], [head[2], head[3]], size, whole))
}
