//! What a line is about: the peer that was dialled, the name that was looked up, the place in a config.

/// Words in front of the subject of a message, and what ends it.
const SUBJECTS: [(&str, char); 10] = [
    ("host not found in upstream \"", '"'),
    ("no servers are inside upstream \"", '"'),
    ("no servers in upstream \"", '"'),
    ("no resolver defined to resolve ", ' '),
    ("could not resolve address '", '\''),
    ("Health check for server ", ' '),
    ("Server ", ' '),
    ("backend '", '\''),
    ("backend ", ' '),
    ("proxy ", ' '),
];

/// The subject of a message that names no peer apart.
pub(super) fn of(said: &str) -> Option<&str> {
    if let Some((before, _)) = said.split_once(" could not be resolved (") {
        return before.rsplit(' ').next();
    }
    let (start, end) = SUBJECTS.iter().find_map(|(lead, end)| {
        let at = said.find(lead)?;
        Some((at + lead.len(), *end))
    })?;
    let subject = said[start..].split(end).next().unwrap_or("");
    let bare = subject.trim_end_matches([',', '.']);
    (!bare.is_empty()).then(|| address(bare))
}

/// Host and port, socket or group of a URL: `10.0.0.1:8080`, `unix:/run/app.sock`, `shop`.
pub(super) fn address(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (lead, rest_of) = match rest.strip_prefix("unix:") {
        Some(path) => ("unix:".len(), path.find(':').unwrap_or(path.len())),
        None if url.contains("://") => (0, rest.find('/').unwrap_or(rest.len())),
        None => (0, rest.len()),
    };
    &rest[..lead + rest_of]
}

/// The process that a message is about, apart from the one that writes it.
pub(super) fn process(said: &str) -> Option<u32> {
    const LEADS: [&str; 6] = [
        "(pid:",
        "(pid: ",
        "PID:",
        "with pid ",
        "check in within",
        " child ",
    ];
    let number = |text: &str| -> Option<u32> {
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        text[..digits].parse().ok()
    };
    LEADS.iter().find_map(|lead| {
        let rest = &said[said.find(lead)? + lead.len()..];
        // Puma tells it last: `(worker failed to check in within 60 seconds): 71`.
        number(rest).or_else(|| number(rest.split_once("): ")?.1))
    })
}

/// The place in a config that a message names: `… in /etc/nginx/nginx.conf:12`, `[/etc/haproxy/haproxy.cfg:7] …`.
pub(super) fn place(said: &str) -> Option<(&str, usize)> {
    let numbered = |text: &str, end: usize| -> Option<(usize, usize)> {
        let colon = text[..end].rfind(':')?;
        Some((colon, text[colon + 1..end].parse().ok()?))
    };
    if let Some((_, place)) = said.rsplit_once(" in /") {
        let start = said.len() - place.len() - 1;
        let (colon, line) = numbered(said, said.trim_end().len())?;
        return Some((said.get(start..colon)?, line));
    }
    said.match_indices('[').find_map(|(at, _)| {
        let end = at + said[at..].find(']')?;
        let (colon, line) = numbered(said, end)?;
        let path = said.get(at + 1..colon)?;
        path.contains(['/', '.']).then_some((path, line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_urls() {
        for (url, want) in [
            ("http://172.20.0.3:8080/a?b=http://c/", "172.20.0.3:8080"),
            (
                "fastcgi://unix:/run/php/shop.sock:",
                "unix:/run/php/shop.sock",
            ),
            ("http://unix:/run/app.sock:/api/x", "unix:/run/app.sock"),
            ("http://[::1]:8080/", "[::1]:8080"),
            ("http://shop/api", "shop"),
            ("10.0.0.1:5432", "10.0.0.1:5432"),
            ("uwsgi://127.0.0.1:3031", "127.0.0.1:3031"),
        ] {
            assert_eq!(address(url), want);
        }
    }

    #[test]
    fn messages_name_what_they_are_about() {
        for (said, want) in [
            (
                "[emerg] 1#1: host not found in upstream \"web\" in /etc/nginx/nginx.conf:4",
                Some("web"),
            ),
            (
                "[error] 7#7: *1 web could not be resolved (3: Host not found)",
                Some("web"),
            ),
            (
                "[error] 7#7: *1 no resolver defined to resolve web",
                Some("web"),
            ),
            (
                "Server be/s1 is DOWN, reason: Layer4 connection problem",
                Some("be/s1"),
            ),
            (
                "[ALERT]    (7) : backend 'be' has no server available!",
                Some("be"),
            ),
            ("backend be has no server available!", Some("be")),
            ("WORKER TIMEOUT (pid:7)", None),
        ] {
            assert_eq!(of(said), want, "{said}");
        }
    }

    #[test]
    fn processes() {
        for (said, want) in [
            ("WORKER TIMEOUT (pid:7)", Some(7)),
            (
                "Worker (pid:7) was sent SIGKILL! Perhaps out of memory?",
                Some(7),
            ),
            ("*** HARAKIRI ON WORKER 1 (pid: 7, try: 1) ***", Some(7)),
            (
                "DAMN ! worker 1 (pid: 7) died, killed by signal 9 :( trying respawn ...",
                Some(7),
            ),
            (
                "WARNING: [pool www] child 7 exited on signal 9 (SIGKILL)",
                Some(7),
            ),
            (
                "! Terminating timed out worker (worker failed to check in within 60 seconds): 7",
                Some(7),
            ),
            ("Out of memory", None),
        ] {
            assert_eq!(process(said), want, "{said}");
        }
    }

    #[test]
    fn places_in_configs() {
        for (said, want) in [
            (
                "[emerg] 1#1: unknown directive \"x\" in /etc/nginx/conf.d/a.conf:12",
                Some(("/etc/nginx/conf.d/a.conf", 12)),
            ),
            (
                "[ALERT]    (7) : config : parsing [/etc/haproxy/haproxy.cfg:9] : unknown keyword 'x'",
                Some(("/etc/haproxy/haproxy.cfg", 9)),
            ),
            (
                "[ALERT]    (7) : config : [h.cfg:9] : 'server be/s' : could not resolve address 'x'.",
                Some(("h.cfg", 9)),
            ),
            (
                "[error] 1#1: *2 connect() failed (111: x) while connecting to upstream",
                None,
            ),
            ("[10:20] x", None),
        ] {
            assert_eq!(place(said), want, "{said}");
        }
    }
}
