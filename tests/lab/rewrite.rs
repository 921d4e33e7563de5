//! The rewrite itself, without a program: what it must change, and what it must leave.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use crate::address::View;
use crate::stack::Stack;
use crate::{haproxy, nginx};

const COMPOSE: &str = "services:
  edge:
    image: nginx:1.27
    networks: [front]
    extra_hosts: ['legacy:10.0.0.5']
    volumes: ['./conf:/etc/nginx/conf.d', 'run:/run/app']
  web:
    image: shop
    networks: {front: {aliases: [shop]}, back: {}}
    volumes: ['run:/sockets']
  db:
    image: postgres
    networks: [back]
  old:
    image: shop
    networks: [front]
    profiles: [legacy]
networks: {front: {}, back: {}}
";

fn stack() -> Stack {
    Stack::read(&[("compose.yaml", COMPOSE)], Path::new("/tmp/x"), [9, 1]).unwrap()
}

fn nginx_text(text: &str, scale: f64) -> String {
    let stack = stack();
    let service = stack.service("edge").unwrap();
    let view = View {
        stack: &stack,
        service,
        scale,
    };
    nginx::Rewrite::new(view, &[text]).text(text)
}

#[test]
fn names_mean_what_the_networks_say() {
    let stack = stack();
    let edge = stack.service("edge").unwrap();
    let web = stack.service("web").unwrap().address;
    assert_eq!(stack.resolve(edge, "web"), Some(web));
    assert_eq!(stack.resolve(edge, "shop"), Some(web), "an alias");
    assert_eq!(stack.resolve(edge, "db"), None, "no common network");
    assert_eq!(stack.resolve(edge, "old"), None, "an inactive profile");
    assert_eq!(
        stack.resolve(edge, "legacy"),
        Some(Ipv4Addr::new(10, 0, 0, 5))
    );
    assert_eq!(stack.resolve(edge, "localhost"), Some(edge.own));
    assert_ne!(edge.own, edge.address);
}

#[test]
fn one_volume_is_one_folder_at_two_paths() {
    let stack = stack();
    let there = stack.service("edge").unwrap().path("/run/app/web.sock");
    assert_eq!(
        there,
        stack.service("web").unwrap().path("/sockets/web.sock")
    );
    assert_ne!(
        there,
        stack.service("db").unwrap().path("/run/app/web.sock")
    );
}

#[test]
fn nginx_keeps_its_mistakes() {
    let text = "upstream be { server web:8000; }\nserver { listen 80; listen [::]:80; location / { proxy_pass http://be/x; }\n\
                location /n/ { proxy_pass http://wbe:8000; } location /v/ { proxy_pass http://$up:8000; }\n";
    let out = nginx_text(text, 1.0);
    let web = stack().service("web").unwrap().address;
    assert!(out.contains(&format!("server {web}:8000;")), "{out}");
    assert!(
        out.contains("proxy_pass http://be/x;"),
        "a group keeps its name: {out}"
    );
    assert!(out.contains("http://wbe.invalid:8000;"), "{out}");
    assert!(out.contains("http://$up:8000;"), "{out}");
    // One on its network, and one inside.
    assert_eq!(out.matches("listen ").count(), 2, "{out}");
    assert_eq!(
        out.matches('{').count(),
        out.matches('}').count() + 1,
        "{out}"
    );
}

#[test]
fn defaults_are_scaled_like_what_is_written() {
    let out = nginx_text(
        "http { proxy_read_timeout 2m; upstream u { server web:1; keepalive 8; } }",
        0.01,
    );
    for line in [
        "proxy_read_timeout 1200ms;",
        "proxy_connect_timeout 600ms;",
        "keepalive_timeout 600ms;",
        "keepalive_timeout 750ms;",
    ] {
        assert!(out.contains(line), "{line} in {out}");
    }
    assert!(!out.contains("proxy_read_timeout 600ms"), "{out}");
}

#[test]
fn haproxy_keeps_the_end_of_its_text() {
    let stack = stack();
    let view = View {
        stack: &stack,
        service: stack.service("edge").unwrap(),
        scale: 0.1,
    };
    let text = "global\n  user haproxy\ndefaults\n  timeout server 30s\n  timeout queue 0\nlisten a\n  bind :80\n  server s web:80 check inter 2s";
    let (out, listens) = haproxy::rewrite(view, text);
    let (edge, web) = (view.service.address, stack.service("web").unwrap().address);
    assert_eq!(listens, [SocketAddr::new(edge.into(), 20_080)]);
    assert!(
        out.contains("timeout server 3000ms\n  timeout queue 0\n"),
        "{out}"
    );
    assert!(
        out.ends_with(&format!("  server s {web}:20080 check inter 200ms")),
        "{out}"
    );
    assert!(!out.contains("\n  user"), "{out}");
}
