//! `retry-on` and what switches it off: after which failures HAProxy sends a request again.

use crate::model::haproxy::section::Proxy;
use crate::model::retry::Retry;
use crate::model::{Origin, Setting};
use crate::syntax::haproxy::{Line, Word};

/// What `all-retryable-errors` stands for, besides failures of the connection.
const RETRYABLE: [u16; 4] = [500, 502, 503, 504];

/// What holds on the way from a frontend through a backend; `http` is whether both read requests.
pub(super) fn retry(front: &Proxy, back: &Proxy, http: bool) -> Setting<Retry> {
    let only_connect = Retry {
        connect: true,
        ..Retry::default()
    };
    let (line, inherited) = match back.find(&["retry-on"]) {
        Some(found) if http => found,
        _ => {
            let source = "configuration manual 3.4, retry-on, conn-failure since 2.0";
            return Setting::default_of(only_connect, "haproxy", "", source);
        }
    };
    let has = |names: &[&str]| {
        let mut words = line.words[1..].iter();
        words.any(|word| names.contains(&word.text.as_str()))
    };
    let all = has(&["all-retryable-errors"]);
    let mut statuses: Vec<u16> = line.words[1..].iter().filter_map(status).collect();
    if all {
        statuses.extend(RETRYABLE);
    }
    let (mut value, off) = (
        Retry {
            connect: all || has(&["conn-failure"]),
            timeout: all || has(&["response-timeout"]),
            close: all || has(&["empty-response"]),
            statuses,
            posts: true,
            window: None,
            ban: None,
            span: Some(line.span),
        },
        disabled(front).into_iter().chain(disabled(back)),
    );
    for condition in off {
        match condition {
            Off::Always => {
                value = Retry {
                    connect: value.connect,
                    ..Retry::default()
                }
            }
            Off::Some => value.posts = false,
        }
    }
    let origin = if inherited {
        Origin::Inherited(line.span)
    } else {
        Origin::Written(line.span)
    };
    Setting::Known { value, origin }
}

fn status(word: &Word) -> Option<u16> {
    word.text.parse().ok()
}

enum Off {
    Always,
    /// Under a condition, which is nearly always the method.
    Some,
}

fn disabled(proxy: &Proxy) -> Option<Off> {
    let (line, _): (&Line, bool) = proxy.find(&["http-request", "disable-l7-retry"])?;
    Some(if line.words.len() > 2 {
        Off::Some
    } else {
        Off::Always
    })
}
