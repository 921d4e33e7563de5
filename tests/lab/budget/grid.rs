//! The cases of the grid, and the configs that they are together.

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};

mod failures;

/// Ports of the first hop; a case's is this and its index.
pub(super) const FRONT: u16 = 21_000;
/// Ports of the second hop.
pub(super) const BEHIND: u16 = 22_000;
/// Ports of the app.
pub(super) const APPS: [u16; 3] = [23_000, 23_001, 23_002];
/// Port of an app whose queue of connections is full.
pub(super) const DEAF: u16 = 23_200;
/// Port of gunicorn, which kills a worker after a second.
const GUNICORN: u16 = 23_100;

/// What a hop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Nginx,
    HaProxy,
    /// HAProxy that passes bytes on.
    Tcp,
}

impl Kind {
    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::HaProxy | Self::Tcp => "haproxy",
        }
    }

    pub(super) fn reads_requests(self) -> bool {
        self != Self::Tcp
    }
}

/// One hop of a case.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hop {
    pub(super) kind: Kind,
    /// `proxy_read_timeout` or `timeout server`.
    read: u64,
    /// Further lines of its server or section.
    lines: &'static str,
    /// Parameters of its servers. A peer that is left out must be back when a case is asked again.
    bans: &'static str,
    /// How many peers it has.
    peers: usize,
}

/// One request through two proxies and an app. Times are in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    front: Hop,
    behind: Hop,
    pub(super) work: u64,
    pub(super) post: bool,
    /// Whether the app is gunicorn, which has a limit of its own.
    pub(super) app_kills: bool,
    /// Whether the app takes no connection.
    pub(super) deaf: bool,
}

impl Case {
    pub(super) fn hops(&self) -> [Hop; 2] {
        [self.front, self.behind]
    }

    pub(super) fn hop(&self, base: u16) -> Hop {
        if base == FRONT {
            self.front
        } else {
            self.behind
        }
    }

    /// Whether an answer from behind may be replaced on its way.
    pub(super) fn intercepts(&self) -> bool {
        self.front.lines.contains("intercept")
    }

    pub(super) fn is_tie(&self) -> bool {
        self.front.read == self.behind.read
    }

    fn post(self) -> Self {
        Self { post: true, ..self }
    }

    fn deaf(self) -> Self {
        Self { deaf: true, ..self }
    }

    fn gunicorn(self) -> Self {
        Self {
            app_kills: true,
            ..self
        }
    }
}

const fn nginx(read: u64) -> Hop {
    hop(Kind::Nginx, read)
}

const fn haproxy(read: u64) -> Hop {
    hop(Kind::HaProxy, read)
}

const fn tcp(read: u64) -> Hop {
    hop(Kind::Tcp, read)
}

const fn hop(kind: Kind, read: u64) -> Hop {
    Hop {
        kind,
        read,
        lines: "",
        bans: "max_fails=0",
        peers: 1,
    }
}

impl Hop {
    const fn peers(self, peers: usize) -> Self {
        Self { peers, ..self }
    }

    const fn with(self, lines: &'static str) -> Self {
        Self { lines, ..self }
    }

    const fn banning(self, bans: &'static str) -> Self {
        Self { bans, ..self }
    }

    fn before(self, behind: Self, work: u64) -> Case {
        Case {
            front: self,
            behind,
            work,
            post: false,
            app_kills: false,
            deaf: false,
        }
    }
}

/// Every case.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = plain();
    cases.extend(nginx_repeats());
    cases.extend(haproxy_repeats());
    cases.extend(bytes());
    cases.extend(failures::pages());
    cases.extend(failures::deaf());
    cases.extend([
        nginx(6000).before(nginx(5000), 200).gunicorn(),
        nginx(600).before(nginx(5000), 4000).gunicorn(),
        nginx(6000).before(nginx(600), 4000).gunicorn(),
        nginx(6000).before(nginx(5000), 4000).gunicorn(),
    ]);
    cases
}

/// Two clocks and a request, each shorter, equal or longer than the others.
fn plain() -> Vec<Case> {
    let mut cases = Vec::new();
    for (front, behind) in [
        (Kind::Nginx, Kind::HaProxy),
        (Kind::HaProxy, Kind::Nginx),
        (Kind::Nginx, Kind::Nginx),
    ] {
        for outer in [600, 1200, 1800] {
            for inner in [600, 1200, 1800] {
                for work in [300, 900, 1500, 2100] {
                    cases.push(hop(front, outer).before(hop(behind, inner), work));
                }
            }
        }
    }
    cases
}

fn nginx_repeats() -> Vec<Case> {
    let (front, two, three) = (haproxy(4000), nginx(400).peers(2), nginx(400).peers(3));
    vec![
        front.before(two, 3000),
        front.before(two, 3000).post(),
        front.before(two.with("proxy_next_upstream off;"), 3000),
        front.before(two.with("proxy_next_upstream error;"), 3000),
        front
            .before(
                two.with("proxy_next_upstream timeout non_idempotent;"),
                3000,
            )
            .post(),
        front.before(three.with("proxy_next_upstream_tries 2;"), 3000),
        front.before(three.with("proxy_next_upstream_timeout 500ms;"), 3000),
        front.before(three.with("proxy_next_upstream_timeout 300ms;"), 3000),
        haproxy(600).before(two, 3000),
        haproxy(1500).before(three, 3000),
        // A further peer is asked anew: it takes as long.
        nginx(500).peers(2).before(haproxy(3000), 2000),
        nginx(4000)
            .peers(2)
            .with("proxy_next_upstream error timeout http_504;")
            .before(nginx(400), 3000),
        nginx(4000)
            .peers(2)
            .with("proxy_next_upstream error timeout http_504;")
            .before(nginx(400), 3000)
            .post(),
        nginx(4000).peers(2).before(nginx(400), 3000),
        nginx(1300).peers(2).before(two, 3000),
    ]
}

fn haproxy_repeats() -> Vec<Case> {
    let (late, all) = (
        "retry-on response-timeout\nretries 2",
        "retry-on all-retryable-errors",
    );
    let two = nginx(300).peers(2);
    vec![
        haproxy(600).before(nginx(3000), 2500),
        haproxy(600).with(late).before(nginx(3000), 2500),
        haproxy(600).with(late).before(nginx(3000), 2500).post(),
        haproxy(600).with(late).before(nginx(3000), 300),
        haproxy(4000).with(all).before(two, 3000),
        haproxy(4000).with(all).before(two, 3000).post(),
        haproxy(4000)
            .with("retry-on all-retryable-errors\nretries 0")
            .before(two, 3000),
        haproxy(4000)
            .with("retry-on 504\nretries 1")
            .before(nginx(400), 3000),
        haproxy(4000)
            .with("retry-on 502 503\nretries 1")
            .before(nginx(400), 3000),
        haproxy(4000)
            .with("retry-on all-retryable-errors\nhttp-request disable-l7-retry if METH_POST")
            .before(two, 3000)
            .post(),
        haproxy(4000)
            .with("retry-on all-retryable-errors\nhttp-request disable-l7-retry")
            .before(two, 3000),
        // A group whose peers have all failed has none to offer for a while.
        haproxy(4000)
            .with(all)
            .before(two.banning("fail_timeout=2s"), 3000),
        haproxy(4000)
            .with(all)
            .before(two.banning("max_fails=2 fail_timeout=3s"), 3000),
        haproxy(4000)
            .with(all)
            .before(nginx(300).banning("fail_timeout=2s"), 3000),
        haproxy(500)
            .with(all)
            .before(two.banning("fail_timeout=2s"), 3000),
        nginx(4000).before(haproxy(400).with(late), 3000),
        nginx(900).before(haproxy(400).with(late), 3000),
        nginx(4000).before(haproxy(400), 3000),
    ]
}

/// One of the proxies passes bytes on.
fn bytes() -> Vec<Case> {
    vec![
        nginx(3000).before(tcp(600), 2000),
        nginx(600).before(tcp(2000), 1500),
        nginx(3000).before(tcp(2000), 300),
        nginx(3000).before(tcp(1500).with("timeout client 600ms"), 1200),
        nginx(3000).before(
            tcp(400).with("timeout client 400ms\ntimeout tunnel 1200ms"),
            800,
        ),
        nginx(3000).before(
            tcp(400).with("timeout client 400ms\ntimeout tunnel 1200ms"),
            2000,
        ),
        nginx(3000).before(tcp(1500).with("timeout tunnel 600ms"), 1200),
        nginx(3000).peers(2).before(tcp(600), 2000),
        nginx(3000).peers(2).before(tcp(600), 2000).post(),
        tcp(600).before(nginx(1800), 1500),
        tcp(1800).before(nginx(600), 1500),
        tcp(1800).before(nginx(2400), 300),
        haproxy(3000)
            .with("retry-on empty-response\nretries 1")
            .before(tcp(600), 2000),
        haproxy(3000).before(tcp(600), 2000),
    ]
}

/// Where a hop of a case listens.
pub(super) fn address(host: Ipv4Addr, base: u16, case: usize) -> SocketAddr {
    SocketAddr::new(host.into(), base + u16::try_from(case).unwrap())
}

/// Where gunicorn listens.
pub(super) fn gunicorn(host: Ipv4Addr) -> SocketAddr {
    SocketAddr::new(host.into(), GUNICORN)
}

/// How it is started.
pub(super) fn command(host: Ipv4Addr) -> String {
    format!(
        "gunicorn --bind {} --workers 4 --timeout 1 app:app",
        gunicorn(host)
    )
}

/// The app in it: takes as long as the path says.
pub(super) const WSGI: &str = "import time

def app(environ, start):
    time.sleep(int(environ['PATH_INFO'].split('/')[1]) / 1000)
    start('200 OK', [('X-Through', 'app'), ('Content-Length', '3')])
    return [b'ok\\n']
";

/// The configs of all cases: two of nginx, two of HAProxy, and a compose file for the app with a limit of its own.
pub(super) fn files(cases: &[Case], host: Ipv4Addr) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for (name, base) in [("front", FRONT), ("behind", BEHIND)] {
        let (mut servers, mut sections) = (String::new(), String::new());
        for (at, case) in cases.iter().enumerate() {
            let hop = case.hop(base);
            let listens = address(host, base, at);
            let next = match (base, case.app_kills) {
                (FRONT, _) => vec![address(host, BEHIND, at); hop.peers],
                (_, true) => vec![gunicorn(host)],
                _ if case.deaf => vec![SocketAddr::new(host.into(), DEAF); hop.peers],
                _ => APPS[..hop.peers]
                    .iter()
                    .map(|port| SocketAddr::new(host.into(), *port))
                    .collect(),
            };
            match hop.kind {
                Kind::Nginx => server(&mut servers, at, hop, listens, &next),
                Kind::HaProxy | Kind::Tcp => section(&mut sections, at, hop, listens, &next),
            }
        }
        let nginx = format!(
            "pid nginx-{name}.pid;\nevents {{ worker_connections 1024; }}\nhttp {{\naccess_log off;\nproxy_temp_path tmp;\n\
             client_body_temp_path tmp;\nfastcgi_temp_path tmp;\nuwsgi_temp_path tmp;\nscgi_temp_path tmp;\n{servers}}}\n"
        );
        files.push((format!("{name}/nginx.conf"), nginx));
        let haproxy =
            format!("defaults\nmode http\ntimeout connect 2s\ntimeout client 8s\n{sections}");
        files.push((format!("{name}/haproxy.cfg"), haproxy));
    }
    let mut compose = format!(
        "services:\n  web:\n    image: example/shop\n    network_mode: host\n    command: {}\n",
        command(host)
    );
    for (path, _) in &files {
        let (name, inside) = match path.rsplit_once('/') {
            Some((name, "nginx.conf")) => {
                (format!("{name}-nginx"), "nginx:1.22:/etc/nginx/nginx.conf")
            }
            Some((name, _)) => (
                format!("{name}-haproxy"),
                "haproxy:2.6:/usr/local/etc/haproxy/haproxy.cfg",
            ),
            None => continue,
        };
        let (image, target) = inside.split_at(inside.rfind(':').unwrap());
        write!(
            compose,
            "  {name}:\n    image: {image}\n    network_mode: host\n    volumes: ['./{path}{target}:ro']\n"
        )
        .unwrap();
    }
    files.push(("compose.yaml".to_owned(), compose));
    files
}

fn server(out: &mut String, at: usize, hop: Hop, listens: SocketAddr, next: &[SocketAddr]) {
    write!(out, "upstream case{at} {{").unwrap();
    for peer in next {
        write!(out, " server {peer} {};", hop.bans).unwrap();
    }
    writeln!(out, " }}").unwrap();
    writeln!(
        out,
        "server {{ listen {listens}; add_header X-Through nginx always; location / {{ proxy_read_timeout {}ms; {} \
         proxy_pass http://case{at}; }} location @page {{ return 200 page; }} }}",
        hop.read, hop.lines
    )
    .unwrap();
}

fn section(out: &mut String, at: usize, hop: Hop, listens: SocketAddr, next: &[SocketAddr]) {
    writeln!(
        out,
        "listen case{at}\nbind {listens}\ntimeout server {}ms",
        hop.read
    )
    .unwrap();
    if hop.kind == Kind::Tcp {
        writeln!(out, "mode tcp").unwrap();
    } else {
        writeln!(out, "http-after-response add-header X-Through haproxy").unwrap();
    }
    if !hop.lines.is_empty() {
        writeln!(out, "{}", hop.lines).unwrap();
    }
    for (at, peer) in next.iter().enumerate() {
        writeln!(out, "server s{at} {peer}").unwrap();
    }
}
