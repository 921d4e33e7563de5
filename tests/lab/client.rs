//! The client: one request on a connection of its own, and what became of it.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::spec::Request;

/// What a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A whole answer with this status.
    Status(u16),
    /// A proxy did not start.
    NoStart,
    /// The connection was refused or closed without an answer.
    Closed,
    /// No answer within the patience of the client.
    Hang,
    /// An answer that ended before its length.
    Cut,
    /// Bytes that are no HTTP.
    NotHttp,
    /// The stand-ins were asked so often.
    Asked(usize),
}

impl Outcome {
    /// Whether it is what a client hopes for.
    pub(crate) fn is_success(self) -> bool {
        matches!(self, Self::Status(100..400))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Status(status) => write!(out, "{status}"),
            Self::NoStart => out.write_str("no-start"),
            Self::Closed => out.write_str("closed"),
            Self::Hang => out.write_str("hang"),
            Self::Cut => out.write_str("cut"),
            Self::NotHttp => out.write_str("not-http"),
            Self::Asked(times) => write!(out, "asked {times} times"),
        }
    }
}

/// Sends a request from as many clients at the same time as it says.
pub(crate) fn send_all(to: SocketAddr, request: &Request, patience: Duration) -> Outcome {
    if request.clients < 2 {
        return send(to, request, patience);
    }
    let outcomes: Vec<Outcome> = thread::scope(|scope| {
        let clients: Vec<_> = (0..request.clients)
            .map(|_| scope.spawn(|| send(to, request, patience)))
            .collect();
        let ended = clients.into_iter().map(thread::ScopedJoinHandle::join);
        ended
            .map(|outcome| outcome.unwrap_or(Outcome::Closed))
            .collect()
    });
    let failed = outcomes.iter().find(|outcome| !outcome.is_success());
    failed
        .or(outcomes.last())
        .copied()
        .unwrap_or(Outcome::Closed)
}
/// Between two bytes of a slow client.
const DRIP: Duration = Duration::from_millis(50);

/// Sends a request and reads until the answer is whole, the connection ends, or patience does.
pub(crate) fn send(to: SocketAddr, request: &Request, patience: Duration) -> Outcome {
    let end = Instant::now() + patience;
    let Ok(mut stream) = TcpStream::connect_timeout(&to, patience) else {
        return Outcome::Closed;
    };
    if stream.write_all(text(request).as_bytes()).is_err() {
        return Outcome::Closed;
    }
    let mut answer = Vec::new();
    let mut chunk = [0; 16 * 1024];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return if head_end(&answer).is_some() {
                Outcome::Cut
            } else {
                Outcome::Hang
            };
        }
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&chunk[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
        if is_whole(&answer) {
            break;
        }
    }
    // The other side may be gone already.
    let _ = stream.shutdown(Shutdown::Both);
    judge(&answer)
}

/// Sends a request whose body comes byte by byte, in the background, until it is whole or refused.
pub(crate) fn drip(to: SocketAddr, request: &Request) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(to)?;
    let text = text(request);
    let (head, body) = text.split_at(text.len() - request.body);
    stream.write_all(head.as_bytes())?;
    let body = body.to_owned();
    std::thread::spawn(move || {
        let mut bytes = body.as_bytes().chunks(1);
        while bytes
            .next()
            .is_some_and(|byte| stream.write_all(byte).is_ok())
        {
            std::thread::sleep(DRIP);
        }
    });
    Ok(())
}

fn text(request: &Request) -> String {
    let mut text = format!("{} {} HTTP/1.1\r\n", request.method, request.path);
    if !request
        .headers
        .iter()
        .any(|line| line.to_ascii_lowercase().starts_with("host:"))
    {
        text += "Host: lab.test\r\n";
    }
    if !request
        .headers
        .iter()
        .any(|line| line.to_ascii_lowercase().starts_with("connection:"))
    {
        text += "Connection: close\r\n";
    }
    for line in &request.headers {
        text += &format!("{line}\r\n");
    }
    if request.cookie > 0 {
        text += &format!("Cookie: {}\r\n", "0".repeat(request.cookie));
    }
    if request.body > 0 || request.method != "GET" {
        text += &format!("Content-Length: {}\r\n", request.body);
    }
    text + "\r\n" + &"0".repeat(request.body)
}

fn head_end(answer: &[u8]) -> Option<usize> {
    answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map(|at| at + 4)
}

fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = head_end(answer) else {
        return false;
    };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    if head.starts_with("http/1.1 101") {
        // A websocket is good for something once a frame has come.
        return answer.len() > end;
    }
    if head.starts_with("http/1.1 204") || head.starts_with("http/1.1 304") {
        return true;
    }
    let field = |name: &str| {
        head.lines()
            .find_map(|line| line.strip_prefix(name).map(str::trim))
    };
    match (field("content-length:"), field("transfer-encoding:")) {
        (_, Some("chunked")) => answer.ends_with(b"0\r\n\r\n"),
        (Some(length), _) => length
            .parse()
            .is_ok_and(|length: usize| answer.len() - end >= length),
        // Without a length the end of the connection is the end of the answer.
        _ => false,
    }
}

fn judge(answer: &[u8]) -> Outcome {
    if answer.is_empty() {
        return Outcome::Closed;
    }
    let head = String::from_utf8_lossy(&answer[..answer.len().min(64)]).into_owned();
    let status = head
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.get(2..5)?.parse().ok());
    let Some(status) = status else {
        return Outcome::NotHttp;
    };
    let lower = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let has_length =
        lower.contains("\r\ncontent-length:") || lower.contains("\r\ntransfer-encoding: chunked");
    if (has_length || status == 101) && !is_whole(answer) {
        return Outcome::Cut;
    }
    Outcome::Status(status)
}
