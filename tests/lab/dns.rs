//! A name server for one case: what a service may know, it answers; all else does not exist.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// A server that answers until it is dropped.
pub(crate) struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Answers A queries for these names.
pub(crate) fn start(
    address: SocketAddr,
    names: BTreeMap<String, Ipv4Addr>,
) -> Result<Running, String> {
    let fail = |error: std::io::Error| format!("name server on {address}: {error}");
    let socket = UdpSocket::bind(address).map_err(fail)?;
    socket
        .set_read_timeout(Some(Duration::from_millis(50)))
        .map_err(fail)?;
    let over = Arc::new(AtomicBool::new(false));
    let running = Running(Arc::clone(&over));
    thread::spawn(move || {
        let mut packet = [0; 512];
        while !over.load(Ordering::Relaxed) {
            if let Ok((size, from)) = socket.recv_from(&mut packet)
                && let Some(reply) = reply(&packet[..size], &names)
            {
                // A client that has gone asks again.
                let _ = socket.send_to(&reply, from);
            }
        }
    });
    Ok(running)
}

fn reply(query: &[u8], names: &BTreeMap<String, Ipv4Addr>) -> Option<Vec<u8>> {
    let (mut name, mut at) = (String::new(), 12);
    while let size @ 1.. = usize::from(*query.get(at)?) {
        let label = query.get(at + 1..at + 1 + size)?;
        name += &String::from_utf8_lossy(label).to_lowercase();
        name.push('.');
        at += 1 + size;
    }
    let question = query.get(12..at + 5)?;
    let known = names.get(name.trim_end_matches('.'));
    let address = known.filter(|_| question.ends_with(&[0, 1, 0, 1]));
    // Flags: an authoritative answer; NXDOMAIN for a name that nobody has, no data for another type of one that is known.
    let code = if known.is_some() { 0 } else { 3 };
    let mut reply = query[..2].to_vec();
    reply.extend_from_slice(&[
        0x85,
        0x80 | code,
        0,
        1,
        0,
        u8::from(address.is_some()),
        0,
        0,
        0,
        0,
    ]);
    reply.extend_from_slice(question);
    if let Some(address) = address {
        reply.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        reply.extend_from_slice(&address.octets());
    }
    Some(reply)
}
