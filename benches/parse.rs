//! How fast the readers are: text to tree, lines to classes, in bytes per second.

use divan::Bencher;
use divan::counter::BytesCount;
use no502::source::FileId;
use no502::syntax::nginx;
use no502::triage::Triage;

fn main() {
    divan::main();
}

/// A file of one megabyte, as a generator of many sites would write it.
#[divan::bench]
fn nginx_one_megabyte(bencher: Bencher) {
    let text = nginx_sites(1_000_000);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| nginx::parse(FileId(0), &text));
}

/// A file as most are.
#[divan::bench]
fn nginx_two_kilobytes(bencher: Bencher) {
    let text = nginx_sites(2_000);
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| nginx::parse(FileId(0), &text));
}

/// A log of one megabyte in which every line is an error.
#[divan::bench]
fn log_one_megabyte(bencher: Bencher) {
    let text = LOG_LINE.repeat(1_000_000 / LOG_LINE.len());
    bencher.counter(BytesCount::of_str(&text)).bench(|| {
        let mut triage = Triage::default();
        text.lines().for_each(|line| triage.feed(line.as_bytes()));
        triage.lines
    });
}

const LOG_LINE: &str = "2026/11/26 12:00:01 [error] 30#30: *1 connect() failed (111: Connection refused) while connecting to \
    upstream, client: 192.0.2.7, server: , request: \"GET /cart HTTP/1.1\", upstream: \"http://172.20.0.3:8080/cart\", \
    host: \"shop.example.com\"\n";

fn nginx_sites(length: usize) -> String {
    let mut text = "http {\n".to_owned();
    for site in (0..).take_while(|site| site * NGINX_SITE.len() < length) {
        text.push_str(&NGINX_SITE.replace("SITE", &site.to_string()));
    }
    text.push_str("}\n");
    text
}

const NGINX_SITE: &str = r#"
    upstream appSITE {
        server 10.0.0.1:8000 max_fails=3 fail_timeout=10s;
        server 10.0.0.2:8000 backup;
        keepalive 16;
    }

    server {
        listen 443 ssl;
        server_name siteSITE.example www.siteSITE.example; # two names
        ssl_certificate /etc/ssl/siteSITE.pem;

        # The app.
        location /api/ {
            proxy_pass http://appSITE;
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For "$proxy_add_x_forwarded_for";
            proxy_read_timeout 30s;
        }
        location ~* \.(css|js|png|svg)$ {
            expires 30d;
            add_header Cache-Control "public, max-age=2592000";
        }
        if ($request_method = TRACE) {
            return 405;
        }
    }
"#;
