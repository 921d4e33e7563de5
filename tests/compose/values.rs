//! What the keys of one file mean: short and long forms, variables, faults.

use no502::host::FakeHost;
use no502::project::compose::{Command, FaultKind, Mount, MountSource, NetworkMode};
use no502::settings::Settings;

use crate::{known, ports, run, run_with, variables};

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
    let kinds: Vec<FaultKind> = run.stacks[0]
        .faults
        .iter()
        .map(|fault| fault.kind)
        .collect();
    assert_eq!(kinds, [FaultKind::Unset]);
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

#[test]
fn the_network_of_a_container_is_that_of_the_service_with_its_name() {
    let run = run(&[(
        "compose.yaml",
        "services:\n  a: {image: x, container_name: one}\n  b: {image: x, network_mode: 'container:one'}\n  c: {image: x, network_mode: 'container:other'}\n",
    )]);
    let mode = |name: &str| run.service(name).network_mode.value.clone();
    assert_eq!(mode("b"), NetworkMode::Service("a".into()));
    assert_eq!(mode("c"), NetworkMode::Container("other".into()));
}

#[test]
fn a_restart_policy_without_a_condition_is_unknown() {
    let run = run(&[(
        "compose.yaml",
        "services:\n  a: {image: x, deploy: {restart_policy: {delay: 5s}}}\n  b: {image: x, restart: no}\n  c: {image: x, restart: false}\n  d: {image: x}\n",
    )]);
    let policy = |name: &str| run.service(name).restart.as_ref().map(|text| text.get());
    assert_eq!(policy("a"), Some(None));
    assert_eq!(policy("b"), Some(Some("no")));
    assert_eq!(policy("c"), Some(Some("no")));
    assert_eq!(policy("d"), None);
}

#[test]
fn what_compose_refuses_in_a_service_is_said() {
    for (service, wanted) in [
        (
            "healthcheck: {test: [curl, -f, 'http://localhost']}",
            "the healthcheck of service web begins with curl",
        ),
        (
            "environment:\n      - NAME:\n      - OTHER=1",
            "an item of environment of service web is a mapping: a list holds NAME=value",
        ),
        (
            "labels:\n      - a: b",
            "an item of labels of service web is a mapping",
        ),
        ("enviroment: {A: 1}", "environment is the nearest"),
        (
            "network_mode: host\n    networks: [default]",
            "both network_mode and networks",
        ),
        (
            "build: {dockerfile_inline: FROM x, dockerfile: D}",
            "both dockerfile_inline and dockerfile",
        ),
        (
            "container_name: web\n    deploy: {replicas: 2}",
            "is to run 2 times, and has one container_name",
        ),
        (
            "scale: 2\n    deploy: {replicas: 3}",
            "scale 2 and deploy.replicas 3",
        ),
        (
            "depends_on: {db: {condition: service_healty}}",
            "to be service_healty",
        ),
        ("depends_on: {db: {required: false}}", "without a condition"),
        ("depends_on: {db: }", "without a condition"),
        ("depends_on: [web]", "service web waits for itself"),
        (
            "depends_on: [two]",
            "service web waits for two, and so for itself",
        ),
    ] {
        let text = format!(
            "services:\n  web:\n    image: a\n    {service}\n  two: {{image: a, depends_on: [web]}}\n  db: {{image: pg}}\n"
        );
        let run = run(&[("compose.yaml", &text)]);
        let faults = run.faults();
        assert_eq!(faults.len(), 1, "{service}: {faults:?}");
        assert!(faults[0].contains(wanted), "{service}: {faults:?}");
    }
}

#[test]
fn what_compose_takes_in_a_service_is_no_fault() {
    for service in [
        "healthcheck: {test: [CMD, x]}",
        "healthcheck: {test: [NONE]}",
        "healthcheck: {test: curl -f x}",
        "healthcheck: {test: ['${CHECK}', x]}",
        "environment: [NAME, 'OTHER: 1', 'C=']",
        "x-enviroment: {A: 1}",
        "brand_new_key: 1",
        "network_mode: host\n    networks:",
        "network_mode: host\n    networks: []",
        "container_name: web\n    deploy: {replicas: 1}",
        "container_name: web\n    deploy: {replicas: 2, placement: {}}",
        "scale: 2\n    deploy: {replicas: 2}",
        "depends_on: {db: {condition: '${C}'}}",
        "depends_on: [db]",
    ] {
        let text = format!("services:\n  web:\n    image: a\n    {service}\n  db: {{image: pg}}\n");
        assert_eq!(
            run(&[("compose.yaml", &text)]).faults(),
            [""; 0],
            "{service}"
        );
    }
}

#[test]
fn a_text_that_a_variable_leaves_empty_is_no_null() {
    let run = run(&[(
        "compose.yaml",
        "services:\n  web:\n    image: a\n    environment:\n      A: '${NONE-}'\n      B: ${NONE-}\n      C:\n      D: ~\n",
    )]);
    let web = run.service("web");
    let values: Vec<_> = web
        .environment
        .iter()
        .map(|(_, value)| known(value.as_ref()))
        .collect();
    assert_eq!(values, [Some(""), Some(""), None, None]);
}

#[test]
fn an_override_adds_to_a_dependency_or_takes_its_place() {
    let run = run(&[
        (
            "compose.yaml",
            "services:\n  web:\n    image: a\n    depends_on: {db: {condition: service_healthy}, mq: {condition: service_healthy}}\n  db: {image: pg}\n  mq: {image: mq}\n",
        ),
        (
            "compose.override.yaml",
            "services:\n  web:\n    depends_on: {db: {required: false}}\n",
        ),
    ]);
    let web = run.service("web");
    let conditions: Vec<&str> = web
        .depends_on
        .iter()
        .map(|one| one.condition.value.as_str())
        .collect();
    assert_eq!(conditions, ["service_healthy", "service_healthy"]);
    assert_eq!(run.faults(), [""; 0]);
}
