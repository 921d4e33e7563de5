//! Compose projects in memory, from files to typed stacks.

use no502::finding::{Gap, SyntaxError};
use no502::host::FakeHost;
use no502::project::compose::{
    Command, FaultKind, Mount, MountSource, NetworkMode, Service, Stack, load_stacks,
};
use no502::settings::{Settings, StackFiles};
use no502::source::Sources;
use no502::syntax::value::Text;

struct Run {
    sources: Sources,
    stacks: Vec<Stack>,
    errors: Vec<SyntaxError>,
    gaps: Vec<Gap>,
}

fn run_with(settings: &Settings, host: &FakeHost) -> Run {
    let candidates: Vec<String> = host
        .files
        .keys()
        .filter(|path| path.ends_with(".yml") || path.ends_with(".yaml"))
        .cloned()
        .collect();
    let mut sources = Sources::default();
    let (mut errors, mut gaps) = (Vec::new(), Vec::new());
    let stacks = load_stacks(
        host,
        settings,
        &mut sources,
        &candidates,
        &mut errors,
        &mut gaps,
    );
    Run {
        sources,
        stacks,
        errors,
        gaps,
    }
}

fn run(files: &[(&str, &str)]) -> Run {
    run_with(&Settings::default(), &FakeHost::new(files.iter().copied()))
}

impl Run {
    fn service(&self, name: &str) -> &Service {
        self.stacks[0]
            .services
            .iter()
            .find(|service| service.name.value == name)
            .expect("the test names a service of its first stack")
    }

    /// The files of each stack, in order.
    fn files(&self) -> Vec<Vec<&str>> {
        let path = |id: &no502::source::FileId| self.sources.get(*id).path.as_str();
        self.stacks
            .iter()
            .map(|stack| stack.files.iter().map(path).collect())
            .collect()
    }

    fn faults(&self) -> Vec<&str> {
        self.stacks
            .iter()
            .flat_map(|stack| &stack.faults)
            .map(|fault| fault.message.as_str())
            .collect()
    }

    fn reasons(&self) -> Vec<&str> {
        self.gaps.iter().map(|gap| gap.reason.as_str()).collect()
    }
}

fn known(text: Option<&Text>) -> Option<&str> {
    text.and_then(Text::get)
}

fn variables(service: &Service) -> Vec<String> {
    service
        .environment
        .iter()
        .map(|(name, value)| match value {
            Some(text) => match &text.value {
                Ok(value) => format!("{}={value}", name.value),
                Err(why) => format!("{}!{why}", name.value),
            },
            None => name.value.clone(),
        })
        .collect()
}

fn ports(service: &Service) -> Vec<String> {
    service
        .ports
        .iter()
        .map(|port| {
            let show = |range: Option<(u16, u16)>| match range {
                Some((first, last)) if first == last => first.to_string(),
                Some((first, last)) => format!("{first}-{last}"),
                None => "?".to_owned(),
            };
            let ip = port.host_ip.as_deref().unwrap_or("*");
            format!("{ip}:{}:{}", show(port.published), show(port.target))
        })
        .collect()
}

#[test]
fn short_and_long_forms_mean_the_same() {
    let run = run(&[(
        "shop/compose.yaml",
        "services:\n  \
         a:\n    image: x\n    ports: [\"8080:80\", 443]\n    volumes: ['./a:/b:ro', 'data:/d', /anon]\n    depends_on: [b]\n    networks: [front]\n    configs: [c]\n    secrets: [s]\n    tmpfs: /run:size=1m\n    extra_hosts: ['h:10.0.0.1']\n  \
         b:\n    image: x\n    ports:\n      - {target: 80, published: \"8080\"}\n      - target: 443\n    volumes:\n      - {type: bind, source: ./a, target: /b, read_only: true, bind: {create_host_path: false}}\n      - {type: volume, source: data, target: /d}\n      - {type: volume, target: /anon}\n    networks:\n      front: {aliases: [www], ipv4_address: 10.1.0.2}\n    configs: [{source: c, target: /etc/c.conf}]\n    secrets: [{source: s, target: pw}]\n    extra_hosts: {h: 10.0.0.1}\n\
         networks: {front: {internal: true}}\nvolumes: {data: }\nconfigs: {c: {file: ./c.conf}}\nsecrets: {s: {file: ../../s}}\n",
    )]);
    assert_eq!(run.faults(), [""; 0]);
    let (a, b) = (run.service("a"), run.service("b"));
    assert_eq!(ports(a), ["*:8080:80", "*:?:443"]);
    assert_eq!(ports(a), ports(b));
    let at = |mount: &Mount| {
        (
            mount.source.clone(),
            mount.target.clone().unwrap_or_default(),
        )
    };
    assert_eq!(
        at(&a.mounts[0]),
        (MountSource::Path("shop/a".into()), "/b".into())
    );
    assert!(a.mounts[0].read_only && b.mounts[0].read_only);
    assert!(!a.mounts[0].must_exist && b.mounts[0].must_exist);
    for index in 0..3 {
        assert_eq!(at(&a.mounts[index]), at(&b.mounts[index]));
    }
    assert_eq!(
        (a.mounts[3].tmpfs, a.mounts[3].target.as_deref()),
        (true, Some("/run"))
    );
    let objects: Vec<_> = a.mounts[4..]
        .iter()
        .chain(&b.mounts[3..])
        .map(|mount| mount.target.as_deref().unwrap_or(""))
        .collect();
    assert_eq!(
        objects,
        ["/c", "/run/secrets/s", "/etc/c.conf", "/run/secrets/pw"]
    );
    assert_eq!(a.depends_on[0].condition.value, "service_started");
    assert!(a.depends_on[0].short);
    assert_eq!(b.networks[0].aliases[0].get(), Some("www"));
    assert_eq!(a.extra_hosts[0].1.get(), b.extra_hosts[0].1.get());
    let stack = &run.stacks[0];
    assert!(stack.networks[0].internal);
    assert_eq!(stack.name.as_deref(), Some("shop"));
    assert_eq!(known(stack.configs[0].file.as_ref()), Some("shop/c.conf"));
    assert_eq!(known(stack.secrets[0].file.as_ref()), None);
}

#[test]
fn an_override_is_merged_by_the_rules_of_each_key() {
    let run = run(&[
        (
            "compose.yaml",
            "services:\n  web:\n    image: a\n    command: [x]\n    environment: [A=1, B=1]\n    ports: ['80:80']\n    volumes: ['./a:/d', './c:/e']\n    expose: ['1']\n    healthcheck: {test: [CMD, x], interval: 1s}\n    depends_on: [db]\n  db: {image: pg, ports: ['5432:5432']}\n",
        ),
        (
            "compose.override.yaml",
            "services:\n  web:\n    command: [y]\n    environment: {B: 2, C: 3}\n    ports: ['80:80', '81:80']\n    volumes: ['./b:/d']\n    expose: ['1', '2']\n    healthcheck: {test: [CMD, y]}\n    depends_on: {db: {condition: service_healthy}}\n  db: {ports: !override ['5433:5432'], image: !reset null, build: ./db}\n",
        ),
    ]);
    assert_eq!(run.files(), [["compose.yaml", "compose.override.yaml"]]);
    let web = run.service("web");
    assert_eq!(variables(web), ["A=1", "B=2", "C=3"]);
    assert_eq!(ports(web), ["*:80:80", "*:81:80"]);
    let sources: Vec<_> = web
        .mounts
        .iter()
        .map(|mount| mount.source.clone())
        .collect();
    assert_eq!(
        sources,
        [MountSource::Path("b".into()), MountSource::Path("c".into())]
    );
    assert_eq!(web.expose.len(), 2);
    assert!(matches!(&web.command, Some(Command::Exec(words)) if words[0].get() == Some("y")));
    assert_eq!(web.depends_on[0].condition.value, "service_healthy");
    let db = run.service("db");
    assert_eq!(ports(db), ["*:5433:5432"]);
    assert!(db.image.is_none() && db.build.is_some());
    // A merged value points into the file that wrote it.
    assert_eq!(
        run.sources.place(web.mounts[0].span),
        "compose.override.yaml:6"
    );
    assert_eq!(run.sources.place(web.mounts[1].span), "compose.yaml:7");
    assert_eq!(run.sources.place(web.name.span), "compose.yaml:2");
}

#[test]
fn values_come_from_environment_files_alone() {
    let run = run(&[
        (
            "compose.yaml",
            "services:\n  web:\n    image: \"app:${TAG}\"\n    ports: ['${PORT:-8000}:80', '${HOST_PORT}:81', '${ALL}']\n    volumes: ['${PWD}/conf:/c', '${DIR}/x:/x']\n    env_file: [web.env, {path: gone.env, required: false}]\n    environment:\n      - PATH\n      - TAG\n      - DB=${DB_HOST}\n      - URL=http://${HOME}\n      - A=own\n",
        ),
        (".env", "TAG=1.2 # the release\nDB_HOST='db'\n"),
        ("web.env", "A=file\nB=${TAG}-b\nPATH_TO=x\n"),
    ]);
    let web = run.service("web");
    assert_eq!(known(web.image.as_ref()), Some("app:1.2"));
    assert_eq!(ports(web), ["*:8000:80", "*:?:81", "*:?:?"]);
    assert_eq!(
        variables(web),
        [
            "A=own",
            "B=1.2-b",
            "PATH_TO=x",
            "PATH",
            "TAG=1.2",
            "DB=db",
            "URL!variable HOME is set nowhere"
        ]
    );
    assert!(
        web.environment_open
            .as_deref()
            .is_some_and(|why| why.contains("gone.env"))
    );
    assert_eq!(web.mounts[0].source, MountSource::Path("conf".into()));
    assert_eq!(
        web.mounts[1].source,
        MountSource::Unknown("variable DIR is set nowhere".into())
    );
    assert_eq!(web.mounts[1].target.as_deref(), Some("/x"));
    assert_eq!(run.gaps, []);
    assert_eq!(run.faults(), [""; 0]);
}

#[test]
fn a_required_variable_and_a_missing_environment_file_are_gaps() {
    let mut host = FakeHost::new([(
        "compose.yaml",
        "services:\n  web:\n    image: ${IMAGE:?name it}\n    env_file: secret.env\n",
    )]);
    host.ignored.push("secret.env".into());
    let run = run_with(&Settings::default(), &host);
    assert_eq!(run.service("web").image.as_ref().unwrap().get(), None);
    assert!(run.reasons()[0].contains("IMAGE") && run.reasons()[0].contains("name it"));
    assert!(run.reasons()[1].contains("kept out of version control"));
    assert_eq!(run.faults(), [""; 0]);
}

#[test]
fn extends_follows_chains_across_files() {
    let run = run(&[
        (
            "compose.yaml",
            "services:\n  web:\n    extends: {service: base, file: common/base.yml}\n    environment: {B: 2}\n  two:\n    extends: web\n    command: [y]\n",
        ),
        (
            "common/base.yml",
            "services:\n  root: {image: a, volumes: ['./x:/x']}\n  base: {extends: root, environment: {A: 1, B: 1}}\n",
        ),
    ]);
    let two = run.service("two");
    assert_eq!(known(two.image.as_ref()), Some("a"));
    assert_eq!(variables(two), ["A=1", "B=2"]);
    // Paths start from the file that writes them.
    assert_eq!(two.mounts[0].source, MountSource::Path("common/x".into()));
    assert_eq!(run.faults(), [""; 0]);
    assert_eq!(run.stacks.len(), 1);
}

#[test]
fn a_cycle_of_extends_is_said_once() {
    let run = run(&[(
        "compose.yaml",
        "services:\n  a: {extends: b}\n  b: {extends: c}\n  c: {extends: a}\n",
    )]);
    assert_eq!(run.faults().len(), 1);
    assert!(run.faults()[0].contains("extends itself"));
}

#[test]
fn includes_bring_their_own_folder_and_variables() {
    let run = run(&[
        (
            "compose.yaml",
            "include:\n  - api/compose.yaml\n  - {path: [db/a.yml, db/b.yml], env_file: db/own.env, project_directory: data}\nservices:\n  web: {image: nginx, depends_on: [api, db]}\n",
        ),
        (
            "api/compose.yaml",
            "services:\n  api: {image: 'api:${TAG:-none}', volumes: ['./conf:/c']}\n",
        ),
        ("api/.env", "TAG=7\n"),
        (
            "db/a.yml",
            "services:\n  db: {image: '${DB}', volumes: ['./d:/d']}\n",
        ),
        ("db/b.yml", "services:\n  db: {command: [x]}\n"),
        ("db/own.env", "DB=pg\n"),
    ]);
    assert_eq!(run.stacks.len(), 1);
    assert_eq!(known(run.service("api").image.as_ref()), Some("api:7"));
    assert_eq!(
        run.service("api").mounts[0].source,
        MountSource::Path("api/conf".into())
    );
    let db = run.service("db");
    assert_eq!(known(db.image.as_ref()), Some("pg"));
    assert_eq!(db.mounts[0].source, MountSource::Path("data/d".into()));
    assert!(db.command.is_some());
    assert_eq!(run.faults(), [""; 0]);
    assert_eq!(run.gaps, []);
}

#[test]
fn includes_that_double_with_every_level_end() {
    let files: Vec<(String, String)> = (0..40)
        .map(|level| {
            let next = level + 1;
            (
                format!("compose{level}.yml"),
                format!("include: [compose{next}.yml, compose{next}.yml]\nservices: {{s{level}: {{image: x}}}}\n"),
            )
        })
        .collect();
    let run = run_with(&Settings::default(), &FakeHost::new(files));
    assert!(run.reasons().contains(&"more includes than are followed"));
}

#[test]
fn an_overlay_is_told_by_what_it_lacks_or_by_a_call() {
    let base = "services:\n  web: {image: a}\n  db: {image: b}\n";
    let lacking = run(&[
        ("compose.yaml", base),
        ("compose.prod.yaml", "services:\n  web: {restart: always}\n"),
        ("compose.alone.yaml", "services:\n  web: {image: c}\n"),
    ]);
    assert_eq!(
        lacking.files(),
        [
            vec!["compose.yaml"],
            vec!["compose.yaml", "compose.prod.yaml"],
            vec!["compose.alone.yaml"]
        ]
    );
    assert!(lacking.stacks[1].guessed && !lacking.stacks[2].guessed);
    let called = run(&[
        (
            "Makefile",
            "up:\n\tdocker compose -f compose.yaml -f compose.prod.yaml up -d\n",
        ),
        ("compose.yaml", base),
        ("compose.prod.yaml", "services:\n  web: {image: c}\n"),
    ]);
    assert_eq!(
        called.files(),
        [
            vec!["compose.yaml"],
            vec!["compose.yaml", "compose.prod.yaml"]
        ]
    );
    assert!(!called.stacks[1].guessed);
}

#[test]
fn a_default_file_that_needs_its_overlay_is_no_stack_alone() {
    let run = run(&[
        (
            "compose.yaml",
            "services:\n  web: {ports: ['80:80']}\n  db: {image: b}\n",
        ),
        (
            "compose.dev.yaml",
            "# docker compose -f compose.yaml -f compose.dev.yaml up\nservices:\n  web: {image: a}\n",
        ),
    ]);
    assert_eq!(run.files(), [["compose.yaml", "compose.dev.yaml"]]);
    assert_eq!(run.faults(), [""; 0]);
}

#[test]
fn files_and_profiles_are_taken_from_where_they_are_told() {
    let services = "services:\n  web: {image: a}\n  debug: {image: b, profiles: [dev]}\n";
    let told = run(&[
        (
            ".env",
            "COMPOSE_FILE=one.yml:two.yml\nCOMPOSE_PROFILES=dev\nCOMPOSE_PROJECT_NAME=shop\n",
        ),
        ("one.yml", services),
        ("two.yml", "services:\n  web: {command: [x]}\n"),
    ]);
    assert_eq!(told.files(), [["one.yml", "two.yml"]]);
    assert!(!told.service("debug").inactive);
    assert_eq!(told.stacks[0].name.as_deref(), Some("shop"));
    let settings = Settings {
        stacks: vec![StackFiles {
            files: vec!["one.yml".into()],
            env: vec![],
            profiles: vec![],
        }],
        ..Settings::default()
    };
    let host = FakeHost::new([("one.yml", services)]);
    let declared = run_with(&settings, &host);
    assert_eq!(declared.files(), [["one.yml"]]);
    assert!(declared.service("debug").inactive);
}

#[test]
fn what_compose_refuses_is_a_fault_at_its_place() {
    let run = run(&[(
        "compose.yaml",
        "services:\n  a: {ports: ['80:80']}\n  b: {image: x, networks: [none], volumes: ['gone:/x'], depends_on: [zed]}\n  c: {image: x, ports: {a: b}}\n  d: null\n  e: {image: null}\n  f: {image: x, ports: ['a:b'], image: y}\n  g: {image: x, network_mode: 'service:zed'}\n",
    )]);
    let faults = run.faults();
    for part in [
        "service a has neither",
        "the network none",
        "the volume gone",
        "the service zed",
        "ports of service c must be a list, and is a mapping",
        "service d must be a mapping, and is null",
        "image of service e must be a text, and is null",
        "a:b of service f is no port mapping",
        "key image is given twice",
    ] {
        assert!(
            faults.iter().any(|fault| fault.contains(part)),
            "{part}: {faults:?}"
        );
    }
    assert_eq!(faults.len(), 10, "{faults:?}");
    let kinds = run.stacks[0]
        .faults
        .iter()
        .filter(|fault| fault.kind == FaultKind::RepeatedKey);
    assert_eq!(kinds.count(), 1);
}

#[test]
fn after_a_syntax_error_nothing_is_missing_for_sure() {
    let run = run(&[(
        "compose.yaml",
        "services:\n  web:\n    image: a: b: c\n    networks: [front]\n  db:\n    image: pg\nnetworks:\n  front: }\n",
    )]);
    assert_eq!(run.errors.len(), 1);
    assert_eq!(run.stacks[0].services.len(), 2);
    assert_eq!(run.faults(), [""; 0]);
}

#[test]
fn the_small_keys() {
    let run = run(&[(
        "compose.yaml",
        "services:\n  a:\n    image: x\n    restart: no\n    network_mode: host\n    healthcheck: {test: [NONE]}\n    stop_grace_period: 1m30s\n    mem_limit: 512m\n    read_only: yes\n    init: true\n    links: ['b:db', b]\n    command: ''\n    scale: 3\n  \
         b:\n    image: x\n    restart: 'no'\n    healthcheck: {test: [CMD-SHELL, curl x]}\n    deploy: {replicas: 2, restart_policy: {condition: any}, resources: {limits: {memory: 1g}}}\n    build: {context: ./b, dockerfile: ../Dockerfile, target: prod, args: [A=1, B]}\n  \
         c:\n    build: https://example.com/x.git\n    command: run ${X} now\n",
    )]);
    let (a, b, c) = (run.service("a"), run.service("b"), run.service("c"));
    assert_eq!(known(a.restart.as_ref()), Some("no"));
    assert_eq!(a.network_mode.value, NetworkMode::Host);
    assert!(a.networks.is_empty() && a.healthcheck.as_ref().unwrap().disabled);
    assert_eq!(a.stop_grace_ms.as_ref().unwrap().value, 90_000);
    assert_eq!(a.memory_limit.as_ref().unwrap().value, 512 << 20);
    assert!(a.read_only.is_some() && a.init);
    assert_eq!(
        a.links,
        [("b".into(), "db".into()), ("b".into(), "b".into())]
    );
    assert_eq!(a.command, Some(Command::Exec(vec![])));
    assert_eq!(a.replicas.as_ref().unwrap().value, 3);
    assert_eq!(known(b.restart.as_ref()), Some("always"));
    assert!(
        matches!(&b.healthcheck.as_ref().unwrap().test, Some(Command::Shell(text)) if text.get() == Some("curl x"))
    );
    assert_eq!(b.replicas.as_ref().unwrap().value, 2);
    let build = b.build.as_ref().unwrap();
    assert_eq!(known(build.context.as_ref()), Some("b"));
    assert_eq!(known(build.dockerfile.as_ref()), Some("Dockerfile"));
    assert_eq!(build.args.len(), 2);
    assert_eq!(known(c.build.as_ref().unwrap().context.as_ref()), None);
    assert!(matches!(&c.command, Some(Command::Shell(text)) if text.get().is_none()));
    assert_eq!(c.networks[0].network.value, "default");
    assert_eq!(run.faults(), [""; 0]);
}

#[test]
fn anchors_and_merge_keys_keep_their_places() {
    let run = run(&[(
        "compose.yaml",
        "x-base: &base\n  image: app\n  environment: &env\n    A: 1\nservices:\n  web:\n    <<: *base\n    environment:\n      <<: *env\n      B: 2\n",
    )]);
    let web = run.service("web");
    assert_eq!(variables(web), ["B=2", "A=1"]);
    let image = web.image.as_ref().unwrap();
    assert_eq!(
        (image.get(), run.sources.text(image.span)),
        (Some("app"), "app")
    );
    assert_eq!(run.sources.place(image.span), "compose.yaml:2");
    assert_eq!(run.sources.text(web.name.span), "web");
}
