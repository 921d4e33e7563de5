//! Findings built by hand, one case per thing that a renderer may get wrong. Their rules are invented, so that a page
//! whose title changes changes nothing here.

use no502::analyze::Analysis;
use no502::finding::{Confidence, Edit, Effect, Finding, Fix, Gap, Label, Safety, Severity};
use no502::source::{FileId, SourceFile, Span};

const NGINX: &str = "http {
    server {
        listen 80;
        location / {
            proxy_pass http://web:8080;
            proxy_read_timeout 60s;
        }
    }
}
";
const COMPOSE: &str = "services:
  edge:
    image: nginx:1.27
  web:
    image: example/shop
    command: gunicorn --bind 0.0.0.0:8000 --timeout 30 shop:app
    expose: [\"8000\"]
";

/// Every case with its name.
pub(crate) fn cases() -> Vec<(String, Analysis)> {
    [
        ("clean", clean as fn() -> Analysis),
        ("one-file", one_file),
        ("three-files", three_files),
        ("whole-chain", whole_chain),
        ("many-labels", many_labels),
        ("too-many-labels", too_many_labels),
        ("overlap", overlap),
        ("fixes", fixes),
        ("wide", wide),
        ("crlf-tabs", crlf_tabs),
        ("end-of-file", end_of_file),
        ("long-line", long_line),
        ("block", block),
        ("synthetic", synthetic),
        ("twins", twins),
        ("lossy-and-hostile", lossy_and_hostile),
    ]
    .into_iter()
    .map(|(name, case)| (name.to_owned(), case()))
    .collect()
}

/// One case.
pub(crate) fn case(name: &str) -> Analysis {
    let all = cases().into_iter();
    let mut named = all.filter(|(one, _)| one == name);
    named.next().expect("a case of this name").1
}

fn clean() -> Analysis {
    of(&[("nginx.conf", NGINX)], |_| Vec::new())
}

fn one_file() -> Analysis {
    of(&[("nginx.conf", NGINX)], |at| {
        vec![finding(
            "outer-quits-first",
            at("nginx.conf", "proxy_read_timeout 60s"),
            "nginx waits 60s, the load balancer in front gives up after 60s",
        )]
    })
}

fn three_files() -> Analysis {
    let files = [
        ("nginx/nginx.conf", NGINX),
        ("compose.yaml", COMPOSE),
        (
            "web/gunicorn.conf.py",
            "workers = 2\nbind = '0.0.0.0:8000'\n",
        ),
    ];
    let mut analysis = of(&files, |at| {
        let mut one = finding(
            "port-differs",
            at("nginx/nginx.conf", "web:8080"),
            "nginx dials web:8080, gunicorn listens on 8000",
        );
        one.here("port 8080 is dialled here")
            .label(
                at("compose.yaml", "--bind 0.0.0.0:8000"),
                "gunicorn listens on 8000",
            )
            .label(
                at("web/gunicorn.conf.py", "'0.0.0.0:8000'"),
                "and its config says the same",
            )
            .help("dial port 8000: `proxy_pass http://web:8000;`")
            .because("dialled", 8080);
        one.severity(Severity::Error);
        let mut two = finding(
            "worker-quits-first",
            at("compose.yaml", "--timeout 30"),
            "nginx waits 60s, gunicorn kills the worker after 30s",
        );
        two.here("the worker is killed after 30s")
            .label(at("nginx/nginx.conf", "60s"), "nginx waits 60s")
            .help("let the app give up last, so that nginx answers 504 and the app can finish: `--timeout 75`");
        vec![one, two]
    });
    analysis.gaps = vec![
        gap(
            "nginx/nginx.conf",
            Some(7),
            "template variable ${BACKEND} is set nowhere",
        ),
        gap("secrets", None, "permission denied"),
    ];
    analysis
}

fn many_labels() -> Analysis {
    let text = "backend app\n    option httpchk\n    timeout server 5s\n    server a web:80 check inter 1s fall 1\n    server b web:81 check\n    # 1\n    # 2\n    # 3\n    # 4\n    # 5\n    server c web:82 check backup\n";
    of(&[("haproxy.cfg", text)], |at| {
        let mut one = finding(
            "probe-too-eager",
            at("haproxy.cfg", "inter 1s"),
            "one failed check in 1s takes the server out",
        );
        one.here("probed each second")
            .label(at("haproxy.cfg", "web:80"), "this server")
            .label(at("haproxy.cfg", "fall 1"), "one failure is enough")
            .label(at("haproxy.cfg", "option httpchk"), "")
            .label(
                at("haproxy.cfg", "backup"),
                "the only server that is left then",
            )
            .help("allow three failures: `fall 3`");
        vec![one]
    })
}

/// One cause that shows in more places than anybody would look through.
fn too_many_labels() -> Analysis {
    let line = "proxy_pass http://web:8080;\n";
    of(&[("nginx.conf", &line.repeat(20))], |at| {
        let first = at("nginx.conf", "http://web:8080");
        let mut finding = finding("dials-nobody", first, "nothing listens on port 8080 of web");
        for number in 1..20 {
            let from = first.start as usize + number * line.len();
            let place = Span::new(first.file, from, from + "http://web:8080".len());
            finding.related.push(Label {
                span: place,
                message: "and here".to_owned(),
            });
        }
        vec![finding]
    })
}

fn overlap() -> Analysis {
    of(&[("nginx.conf", NGINX)], |at| {
        let whole = at("nginx.conf", "proxy_pass http://web:8080");
        let mut one = finding("name-unknown", whole, "no host is called web");
        one.here("dialled here")
            .label(at("nginx.conf", "web"), "unknown name")
            .label(at("nginx.conf", "web:8080"), "with this port")
            .label(whole, "the same place again");
        vec![one]
    })
}

fn fixes() -> Analysis {
    of(&[("nginx.conf", NGINX)], |at| {
        let port = at("nginx.conf", "8080");
        let mut safe = finding("port-differs", port, "port 8080 is not served");
        safe.severity(Severity::Error).help("dial port 8000");
        safe.fix = Some(fix("dial port 8000", Safety::Safe, port, "8000"));
        let listen = at("nginx.conf", "listen 80");
        let mut unsafe_ = finding("one-family-only", listen, "IPv6 is not served");
        unsafe_.severity(Severity::Info).at_most(Confidence::Medium);
        unsafe_.outcome(Effect::Closed, &[]);
        unsafe_.fix = Some(fix(
            "listen on both",
            Safety::Unsafe,
            listen,
            "listen [::]:80",
        ));
        vec![safe, unsafe_]
    })
}

fn wide() -> Analysis {
    let text = "services:\n  web: # 日本語の説明 é\n    image: 'größe/日本:1' # 🚀 go\n";
    of(&[("stack/ünï code.yaml", text)], |at| {
        let mut one = finding(
            "path-absent",
            at("stack/ünï code.yaml", "日本:1"),
            "größe/日本:1 hat keinen Pfad",
        );
        one.here("日本 here")
            .label(at("stack/ünï code.yaml", "go"), "behind an emoji");
        vec![one]
    })
}

fn crlf_tabs() -> Analysis {
    let text = "server {\r\n\tlisten 80;\r\n\tlocation / {\r\n\t\tproxy_pass\thttp://web:1;\r\n\t}\r\n}\r\n";
    of(&[("dos.conf", text)], |at| {
        let mut one = finding("port-differs", at("dos.conf", "http://web:1"), "port 1");
        one.here("tabs before and line ends of two bytes");
        vec![one]
    })
}

fn end_of_file() -> Analysis {
    let text = "defaults\n    mode http";
    let end = Span::new(FileId(0), text.len(), text.len());
    let ended = "a\n";
    let behind = Span::new(FileId(1), ended.len(), ended.len());
    let nothing = Span::new(FileId(2), 0, 0);
    of(
        &[
            ("haproxy.cfg", text),
            ("ended.cfg", ended),
            ("empty.cfg", ""),
        ],
        |_| {
            let mut one = finding("line-unfinished", end, "the last line has no line feed");
            one.outcome(Effect::NoStart, &[])
                .here("HAProxy ignores or refuses this line");
            let mut two = finding("text-garbled", behind, "the file ends inside a block");
            two.here("`}` expected");
            let mut three = finding("file-empty", nothing, "the file is empty");
            three.here("nothing here");
            vec![one, two, three]
        },
    )
}

fn long_line() -> Analysis {
    let text = format!(
        "map x y {{\n    {} proxy_pass http://web:8080; {}\n}}\n",
        "k v;".repeat(200),
        "w ".repeat(400)
    );
    of(&[("long.conf", &text)], |at| {
        let mut one = finding(
            "port-differs",
            at("long.conf", "http://web:8080"),
            "port 8080",
        );
        one.here("a message that is itself too long to stand beside its place on a terminal of a hundred columns, so it is broken")
            .help("a help text of which the same is true: it goes on and on, as it tells what to do in great detail, and it must be broken at a blank as well");
        vec![one]
    })
}

fn block() -> Analysis {
    of(&[("nginx.conf", NGINX)], |at| {
        let open = at("nginx.conf", "location / {");
        let block = open.to(at("nginx.conf", "60s;\n        }"));
        let mut one = finding(
            "retries-endless",
            block,
            "this location retries without an end",
        );
        one.outcome(Effect::Duplicate, &[504])
            .here("the whole block");
        vec![one]
    })
}

fn synthetic() -> Analysis {
    let files = [
        ("compose.yaml", COMPOSE),
        (
            "<nginx:1.27 /etc/nginx/conf.d/default.conf>",
            "server {\n    listen 80;\n}\n",
        ),
    ];
    of(&files, |at| {
        let mut one = finding(
            "port-unserved",
            at("compose.yaml", "nginx:1.27"),
            "port 8080 is published, nginx listens on 80",
        );
        one.label(
            at("<nginx:1.27 /etc/nginx/conf.d/default.conf>", "listen 80"),
            "the image's own config",
        );
        let shipped = finding(
            "limit-absent",
            at("<nginx:1.27 /etc/nginx/conf.d/default.conf>", "server {"),
            "no timeout in what the image ships",
        );
        vec![one, shipped]
    })
}

fn twins() -> Analysis {
    of(&[("nginx.conf", NGINX)], |at| {
        let one = finding(
            "limit-absent",
            at("nginx.conf", "listen"),
            "a timeout is missing",
        );
        vec![one.clone(), one]
    })
}

fn lossy_and_hostile() -> Analysis {
    let bytes = b"# caf\xe9 \x1b[31m\nserver {\x07\n}\n".to_vec();
    let mut analysis = Analysis::default();
    let file = analysis
        .project
        .sources
        .add(SourceFile::new("odd \u{1b}.conf", bytes));
    let mut one = finding(
        "text-garbled",
        Span::new(file, 6, 9),
        "no UTF-8 here: \u{1b}[2J & <tag> 100%, \u{202e}txt",
    );
    one.here("a byte\u{7} that is no UTF-8")
        .help("save it\tas UTF-8");
    analysis.findings = vec![one];
    analysis.gaps = vec![gap("odd \u{1b}.conf", Some(1), "not \u{1b}UTF-8")];
    analysis
}

/// A finding between the last two hops of a chain of three.
fn whole_chain() -> Analysis {
    let files = [
        ("haproxy.cfg", "timeout server 90s\nserver proxy proxy:80\n"),
        (
            "shop.conf",
            "proxy_read_timeout 60s;\nproxy_pass http://web:8000;\n",
        ),
        ("compose.yaml", "command: gunicorn --timeout 30\n"),
    ];
    of(&files, |at| {
        let reads = at("shop.conf", "proxy_read_timeout 60s");
        let kills = at("compose.yaml", "--timeout 30");
        let mut one = finding(
            "worker-timeout-inverted",
            reads,
            "nginx waits 60s, gunicorn kills the worker of a request after 30s",
        );
        one.here("waits 60s")
            .label(kills, "gives up after 30s")
            .help("let nginx wait less than 30s");
        let flow = [
            (at("haproxy.cfg", "timeout server 90s"), "HAProxy waits 90s"),
            (at("haproxy.cfg", "proxy:80"), "dials proxy:80"),
            (reads, "nginx waits 60s"),
            (at("shop.conf", "http://web:8000"), "dials http://web:8000"),
            (kills, "gunicorn kills the worker of a request after 30s"),
        ];
        let label = |(span, message): (Span, &str)| Label {
            span,
            message: message.to_owned(),
        };
        one.flow = flow.into_iter().map(label).collect();
        vec![one]
    })
}

fn of(
    files: &[(&str, &str)],
    findings: impl Fn(&dyn Fn(&str, &str) -> Span) -> Vec<Finding>,
) -> Analysis {
    let mut analysis = Analysis::default();
    for (path, text) in files {
        let bytes = text.as_bytes().to_vec();
        analysis.project.sources.add(SourceFile::new(*path, bytes));
    }
    let sources = &analysis.project.sources;
    let at = |path: &str, text: &str| {
        let file = sources.by_path(path).expect("a file of the case");
        let start = sources
            .get(file)
            .text
            .find(text)
            .expect("a text of the file");
        Span::new(file, start, start + text.len())
    };
    analysis.findings = findings(&at);
    analysis
}

fn finding(rule: &'static str, span: Span, message: &str) -> Finding {
    Finding {
        status: vec![502],
        ..Finding::new(rule, Severity::Warning, span, message)
    }
}

fn fix(title: &str, safety: Safety, span: Span, text: &str) -> Fix {
    Fix {
        title: title.to_owned(),
        safety,
        edits: vec![Edit {
            span,
            text: text.to_owned(),
        }],
    }
}

fn gap(path: &str, line: Option<usize>, reason: &str) -> Gap {
    Gap {
        path: path.to_owned(),
        line,
        reason: reason.to_owned(),
    }
}
