//! Cases about what nginx answers in the place of an error, and about an app that takes no connection.

use super::{Case, haproxy, nginx, tcp};

/// nginx puts a page of its own in the place of an error.
pub(super) fn pages() -> Vec<Case> {
    let slow = haproxy(3000);
    vec![
        nginx(600).with("error_page 504 @page;").before(slow, 2000),
        nginx(600)
            .with("error_page 504 =200 @page;")
            .before(slow, 2000),
        nginx(600)
            .with("error_page 502 503 =200 @page;")
            .before(slow, 2000),
        nginx(600)
            .with("error_page 504 =503 @page; error_page 504 =200 @page;")
            .before(slow, 2000),
        nginx(600)
            .with("error_page 504 https://example.com/late;")
            .before(slow, 2000),
        nginx(600)
            .with("error_page 504 =301 https://example.com/late;")
            .before(slow, 2000),
        nginx(3000)
            .with("error_page 502 =299 @page;")
            .before(tcp(600), 2000),
        // What comes from behind stays as it is, unless it is intercepted.
        nginx(3000)
            .with("error_page 504 =200 @page;")
            .before(haproxy(600), 2000),
        nginx(3000)
            .with("proxy_intercept_errors on; error_page 504 =503 @page;")
            .before(haproxy(600), 2000),
        // What the next proxy sees is no error any more.
        haproxy(4000)
            .with("retry-on 504\nretries 2")
            .before(nginx(600).with("error_page 504 =200 @page;"), 2000),
    ]
}

/// Nothing takes the connection.
pub(super) fn deaf() -> Vec<Case> {
    let (front, brief) = (haproxy(6000), "proxy_connect_timeout 400ms;");
    let (one, two, three) = (nginx(3000), nginx(3000).peers(2), nginx(3000).peers(3));
    let lb = haproxy(3000);
    let cases = [
        front.before(one.with(brief), 0),
        front.before(two.with(brief), 0),
        front.before(two.with(brief), 0).post(),
        front.before(
            two.with("proxy_connect_timeout 400ms; proxy_next_upstream off;"),
            0,
        ),
        front.before(
            two.with("proxy_connect_timeout 400ms; proxy_next_upstream http_502;"),
            0,
        ),
        front.before(
            two.with("proxy_connect_timeout 400ms; proxy_next_upstream timeout;"),
            0,
        ),
        front.before(
            three.with("proxy_connect_timeout 400ms; proxy_next_upstream_tries 2;"),
            0,
        ),
        front.before(
            three.with("proxy_connect_timeout 400ms; proxy_next_upstream_timeout 300ms;"),
            0,
        ),
        front.before(
            one.with("proxy_connect_timeout 400ms; error_page 504 =200 @page;"),
            0,
        ),
        nginx(6000).before(lb.with("timeout connect 400ms"), 0),
        nginx(6000)
            .before(lb.with("timeout connect 400ms"), 0)
            .post(),
        nginx(6000).before(lb.with("timeout connect 400ms\nretries 1"), 0),
        nginx(6000).before(lb.with("timeout connect 400ms\nretries 0"), 0),
        nginx(6000).before(lb.with("timeout connect 400ms\nretry-on none"), 0),
        nginx(6000).before(
            lb.peers(2).with("timeout connect 400ms\noption redispatch"),
            0,
        ),
        nginx(1000).before(lb.with("timeout connect 400ms"), 0),
        haproxy(600).before(two.with(brief), 0),
        nginx(6000).before(tcp(3000).with("timeout connect 400ms\nretries 2"), 0),
        haproxy(6000)
            .with("retry-on 503\nretries 1")
            .before(lb.with("timeout connect 400ms\nretries 1"), 0),
    ];
    cases.into_iter().map(Case::deaf).collect()
}
