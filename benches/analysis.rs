//! What a whole run costs in memory, and its parts: generated projects of two sizes, the second four times the first, so
//! that what grows faster than the files shows.

use divan::Bencher;
use no502::analyze::analyze;
use no502::host::FakeHost;
use no502::model::Model;
use no502::project::Project;
use no502::report::{self, Format, Look};
use no502::rules;
use no502::settings::Settings;

fn main() {
    divan::main();
}

/// Services, each with its way through the proxy.
const SIZES: [usize; 2] = [500, 2000];

#[divan::bench(args = SIZES)]
fn load_nginx(bencher: Bencher, size: usize) {
    let host = nginx(size);
    bencher.bench(|| Project::load(&host, &Settings::default()));
}

#[divan::bench(args = SIZES)]
fn load_haproxy(bencher: Bencher, size: usize) {
    let host = haproxy(size);
    bencher.bench(|| Project::load(&host, &Settings::default()));
}

#[divan::bench(args = SIZES)]
fn build_model(bencher: Bencher, size: usize) {
    let (host, settings) = (nginx(size), Settings::default());
    let project = Project::load(&host, &settings);
    bencher
        .with_inputs(|| project.clone())
        .bench_refs(|project| Model::build(&host, project, &settings));
}

#[divan::bench(args = SIZES)]
fn all_rules(bencher: Bencher, size: usize) {
    let (host, settings) = (nginx(size), Settings::default());
    let mut project = Project::load(&host, &settings);
    let model = Model::build(&host, &mut project, &settings);
    bencher.bench(|| rules::check(&project, &model, &settings));
}

#[divan::bench(args = SIZES)]
fn report_json(bencher: Bencher, size: usize) {
    let (host, settings) = (nginx(size), Settings::default());
    let analysis = analyze(&host, Project::load(&host, &settings), &settings);
    bencher.bench(|| {
        let mut out = Vec::new();
        report::write(Format::Json, &analysis, &Look::default(), &mut out).map(|()| out)
    });
}

#[divan::bench(args = SIZES)]
fn whole_nginx(bencher: Bencher, size: usize) {
    let (host, settings) = (nginx(size), Settings::default());
    bencher.bench(|| analyze(&host, Project::load(&host, &settings), &settings));
}

#[divan::bench(args = SIZES)]
fn whole_haproxy(bencher: Bencher, size: usize) {
    let (host, settings) = (haproxy(size), Settings::default());
    bencher.bench(|| analyze(&host, Project::load(&host, &settings), &settings));
}

/// As many stacks, each with a proxy of its own.
#[divan::bench(args = SIZES)]
fn whole_monorepo(bencher: Bencher, size: usize) {
    let (host, settings) = (monorepo(size / 10), Settings::default());
    bencher.bench(|| analyze(&host, Project::load(&host, &settings), &settings));
}

const SERVICE: &str = "    image: example/app\n    command: gunicorn --bind 0.0.0.0:8000 shop:app\n    restart: always\n";

fn services(size: usize, image: &str, config: &str) -> String {
    let proxy = format!("services:\n  edge:\n    image: {image}\n    volumes: ['./{config}:ro']\n");
    (0..size).fold(proxy, |text, at| format!("{text}  s{at}:\n{SERVICE}"))
}

/// An nginx in front of services that dials half of them at the wrong port.
fn nginx(size: usize) -> FakeHost {
    let servers = (0..size).map(|at| {
        let port = 8000 + at % 2;
        format!("  server {{ listen 80; server_name s{at}.example.com; location / {{ proxy_pass http://s{at}:{port}; }} }}\n")
    });
    let conf = format!("events {{}}\nhttp {{\n{}}}\n", servers.collect::<String>());
    let mount = "nginx.conf:/etc/nginx/nginx.conf";
    FakeHost::new([
        ("nginx.conf", conf),
        ("compose.yaml", services(size, "nginx:1.27", mount)),
    ])
}

/// The same with HAProxy.
fn haproxy(size: usize) -> FakeHost {
    let ways =
        (0..size).map(|at| format!("  use_backend b{at} if {{ hdr(host) s{at}.example.com }}\n"));
    let backends =
        (0..size).map(|at| format!("backend b{at}\n  server s s{at}:{} check\n", 8000 + at % 2));
    let conf = format!(
        "defaults\n  mode http\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\nfrontend f\n  bind :80\n{}{}",
        ways.collect::<String>(),
        backends.collect::<String>(),
    );
    let mount = "haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg";
    FakeHost::new([
        ("haproxy.cfg", conf),
        ("compose.yaml", services(size, "haproxy:3.0", mount)),
    ])
}

fn monorepo(stacks: usize) -> FakeHost {
    let files = (0..stacks).flat_map(|at| {
        let of_one = nginx(10).files.into_iter();
        of_one.map(move |(path, bytes)| (format!("{at}/{path}"), bytes))
    });
    FakeHost {
        files: files.collect(),
        ..FakeHost::default()
    }
}
