//! Messages on the wire: JSON-RPC behind a `Content-Length` header. What is no JSON costs one message; what is no header
//! ends the session, because nothing tells any more where the next message begins.

use std::io::{self, BufRead, Read, Write};

use lsp_types::notification::Notification;
use lsp_types::request::Request;
use serde::Deserialize;
use serde_json::{Value, json};

/// A header line is short; a stream without line ends is no client.
const LONGEST_HEADER: u64 = 4096;
/// Larger than any file that is read (16 MiB), escapes included.
const LONGEST_BODY: usize = 128 << 20;

/// The error codes of JSON-RPC and of the protocol that are used here.
pub(super) const PARSE_ERROR: i32 = -32700;
pub(super) const INVALID_REQUEST: i32 = -32600;
pub(super) const METHOD_NOT_FOUND: i32 = -32601;
pub(super) const INVALID_PARAMS: i32 = -32602;
pub(super) const INTERNAL_ERROR: i32 = -32603;
pub(super) const NOT_INITIALIZED: i32 = -32002;
pub(super) const CANCELLED: i32 = -32800;

/// One message of the client: a request has a method and an id, a notification a method, a response an id.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    #[serde(default)]
    pub(super) id: Option<Value>,
    #[serde(default)]
    pub(super) method: Option<String>,
    #[serde(default)]
    pub(super) params: Value,
    #[serde(default)]
    pub(super) error: Option<Value>,
}

/// A body that is no message, with the code of the answer and why.
#[derive(Debug)]
pub(super) struct Unreadable(pub(super) i32, pub(super) String);

/// The next message; `None` at the end of the input.
pub(super) fn read(input: &mut impl BufRead) -> io::Result<Option<Result<Message, Unreadable>>> {
    let Some(length) = header(input)? else {
        return Ok(None);
    };
    let mut body = Vec::new();
    input.take(length as u64).read_to_end(&mut body)?;
    if body.len() < length {
        return Ok(None);
    }
    let message = match serde_json::from_slice::<Value>(&body) {
        Err(error) => Err(Unreadable(PARSE_ERROR, error.to_string())),
        // A list of messages is no longer in the protocol, and would pass for a message in a list.
        Ok(value) if !value.is_object() => Err(Unreadable(INVALID_REQUEST, "no object".to_owned())),
        Ok(value) => Message::deserialize(value)
            .map_err(|error| Unreadable(INVALID_REQUEST, error.to_string())),
    };
    Ok(Some(message))
}

/// Reads up to the empty line; the length of the body.
fn header(input: &mut impl BufRead) -> io::Result<Option<usize>> {
    let broken = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let mut length = None;
    loop {
        let mut line = Vec::new();
        input
            .by_ref()
            .take(LONGEST_HEADER)
            .read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line.is_empty() {
            return match length {
                Some(length) => Ok(Some(length)),
                None => Err(broken("a message has no Content-Length".to_owned())),
            };
        }
        let Some((name, value)) = line.split_once(':') else {
            let start: String = line.chars().take(40).collect();
            return Err(broken(format!("`{start}` is no header")));
        };
        if name.eq_ignore_ascii_case("content-length") {
            let written = value.trim().parse().ok();
            let usable = written.filter(|length| *length <= LONGEST_BODY);
            length =
                Some(usable.ok_or_else(|| broken(format!("`{line}` is no length of a message")))?);
        }
    }
}

/// What the server says.
pub(super) struct Output<W: Write> {
    out: W,
    next_id: i32,
}

impl<W: Write> Output<W> {
    /// Nothing was said yet.
    pub(super) fn new(out: W) -> Self {
        Self { out, next_id: 0 }
    }

    /// Answers a request.
    pub(super) fn answer(&mut self, id: &Value, result: &Value) -> io::Result<()> {
        self.write(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
    }

    /// Refuses a request.
    pub(super) fn refuse(&mut self, id: &Value, code: i32, why: &str) -> io::Result<()> {
        self.write(&json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": why}}))
    }

    /// Tells the client something.
    pub(super) fn notify<N: Notification>(&mut self, params: &N::Params) -> io::Result<()>
    where
        N::Params: serde::Serialize,
    {
        self.write(&json!({"jsonrpc": "2.0", "method": N::METHOD, "params": params}))
    }

    /// Asks the client for something; its answer is not waited for.
    pub(super) fn ask<R: Request>(&mut self, params: &R::Params) -> io::Result<()>
    where
        R::Params: serde::Serialize,
    {
        self.next_id += 1;
        let id = format!("no502-{}", self.next_id);
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": R::METHOD, "params": params}))
    }

    fn write(&mut self, message: &Value) -> io::Result<()> {
        let body = message.to_string();
        write!(self.out, "Content-Length: {}\r\n\r\n{body}", body.len())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(bytes: &str) -> io::Result<Option<Result<Message, Unreadable>>> {
        read(&mut bytes.as_bytes())
    }

    #[test]
    fn a_body_is_read_by_its_length() {
        let text = "Content-Type: x\r\ncontent-length: 14\r\n\r\n{\"method\":\"é\"}";
        let message = first(&text.replace("14", "15")).unwrap().unwrap().unwrap();
        assert_eq!(message.method.as_deref(), Some("é"));
        assert!(first("").unwrap().is_none());
        assert!(first("Content-Length: 9\r\n\r\n{}").unwrap().is_none());
    }

    #[test]
    fn a_bad_body_costs_one_message_and_a_bad_header_the_session() {
        let code = |body: &str| first(body).unwrap().unwrap().unwrap_err().0;
        assert_eq!(code("Content-Length: 3\r\n\r\n{x}"), PARSE_ERROR);
        assert_eq!(code("Content-Length: 2\r\n\r\n[]"), INVALID_REQUEST);
        for header in [
            "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "Host: x\r\n\r\n",
            "Content-Length: -1\r\n\r\n",
            "Content-Length: 99999999999\r\n\r\n",
        ] {
            assert!(first(header).is_err(), "{header}");
        }
    }
}
