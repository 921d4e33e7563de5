//! Projects that are small and would come to much: each ends soon, and says what it could not follow.

use no502::host::FakeHost;

use crate::holds;

/// Name and files.
type Bomb = (&'static str, Vec<(&'static str, String)>);

#[test]
fn what_would_grow_without_end_ends() {
    for (name, files) in bombs() {
        let host = FakeHost::new(files);
        let held = holds::check(&host);
        assert_eq!(held, Ok(()), "{name}");
    }
}

fn bombs() -> Vec<Bomb> {
    let built = |dockerfile: String| {
        vec![
            ("compose.yaml", "services:\n  a:\n    build: .\n".to_owned()),
            ("Dockerfile", dockerfile),
        ]
    };
    let nginx = |inner: &str| format!("events {{}}\nhttp {{\n{inner}\n}}\n");
    let compose = |inner: &str| format!("services:\n  a:\n    image: nginx:1.27\n{inner}\n");
    vec![
        ("variables of .env", doubled_env(&compose("    hostname: ${V60}"))),
        ("variables of a Dockerfile", built(doubled("ENV V0=xxxxxxxx", "ENV "))),
        ("arguments of a Dockerfile", built(doubled("ARG V0=xxxxxxxx", "ARG "))),
        ("stages in a ring", built("FROM b AS a\nFROM a AS b\nCOPY --from=b / /\n".to_owned())),
        ("aliases of aliases", vec![("compose.yaml", aliases(&compose("    command: *x12")))]),
        ("an anchor within itself", vec![("compose.yaml", "services: &s\n  a: *s\n".to_owned())]),
        ("fallbacks within fallbacks", vec![("compose.yaml", nested_fallbacks(&compose))]),
        ("includes of compose in a ring", vec![
            ("compose.yaml", "include: [b/compose.yaml]\n".to_owned()),
            ("b/compose.yaml", "include: [../compose.yaml, ../compose.yaml]\n".to_owned()),
        ]),
        ("services that extend each other", vec![(
            "compose.yaml",
            "services:\n  a: {extends: b}\n  b: {extends: a}\n".to_owned(),
        )]),
        ("services in each other's network", vec![(
            "compose.yaml",
            "services:\n  a: {image: x, network_mode: 'service:b'}\n  b: {image: x, network_mode: 'service:a'}\n".to_owned(),
        )]),
        ("environment files in a ring", vec![
            ("compose.yaml", compose("    hostname: ${A}")),
            (".env", "A=${B}\nB=${A}\n".to_owned()),
        ]),
        ("includes of nginx in a ring", vec![
            ("nginx.conf", nginx("include a.conf;")),
            ("a.conf", "include nginx.conf; include a.conf;\n".to_owned()),
        ]),
        ("maps in a ring", vec![(
            "nginx.conf",
            nginx("map $a $b { default $a; }\nmap $b $a { default $b; }\nserver { location / { proxy_pass http://$a; } }"),
        )]),
        ("blocks within blocks", vec![("nginx.conf", nginx(&"a {".repeat(20_000)))]),
        ("one word", vec![("nginx.conf", nginx(&format!("server {{ location / {{ proxy_pass \"{}\"; }} }}", "http://a".repeat(20_000))))]),
        ("defaults in a ring", vec![(
            "haproxy.cfg",
            "defaults a from b\ndefaults b from a\nfrontend f from a\n  bind :80\n  default_backend b\nbackend b from b\n  server s 10.0.0.1:80\n".to_owned(),
        )]),
        ("conditions within conditions", vec![("haproxy.cfg", format!(".if {}1\nglobal\n.endif\n", "(".repeat(20_000)))]),
        ("scripts that start each other", {
            let mut files = built("FROM node:20\nWORKDIR /a\nCOPY . .\nCMD npm start\n".to_owned());
            let scripts = r#"{"scripts":{"start":"npm run a","a":"npm run b && npm run a","b":"npm start"}}"#;
            files.push(("package.json", scripts.to_owned()));
            files
        }),
    ]
}

/// Sixty lines, each of which names the one above twice.
fn doubled(first: &str, word: &str) -> String {
    let lines = (1..=60).map(|at| {
        let above = at - 1;
        format!("{word}V{at}=$V{above}$V{above}\n")
    });
    format!("FROM x\n{first}\n{}CMD $V60\n", lines.collect::<String>())
}

fn doubled_env(compose: &str) -> Vec<(&'static str, String)> {
    let lines = (1..=60).map(|at| {
        let above = at - 1;
        format!("V{at}=${{V{above}}}${{V{above}}}\n")
    });
    let env = format!("V0=xxxxxxxx\n{}", lines.collect::<String>());
    vec![("compose.yaml", compose.to_owned()), (".env", env)]
}

fn aliases(compose: &str) -> String {
    let lists = (1..=12).map(|at| {
        let below = format!("*x{}", at - 1);
        format!("x-{at}: &x{at} [{}]\n", vec![below; 10].join(", "))
    });
    format!("x-0: &x0 [x]\n{}{compose}", lists.collect::<String>())
}

fn nested_fallbacks(compose: &dyn Fn(&str) -> String) -> String {
    compose(&format!("    command: sh -c '{}'", "$${A:-".repeat(20_000)))
}
