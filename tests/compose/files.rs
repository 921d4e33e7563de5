//! Which files make a stack, and how they are merged, extended and included.

use no502::host::FakeHost;
use no502::project::compose::{Command, MountSource};
use no502::settings::{Settings, StackFiles};

use crate::{known, ports, run, run_with, variables};

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
fn what_an_override_says_of_one_name_takes_the_place_of_what_stood_there() {
    let run = run(&[
        (
            "compose.yaml",
            "services:\n  web:\n    image: a\n    environment: {A: 1, B: 1}\n    extra_hosts: ['db:192.0.2.1', 'mq=192.0.2.2']\n    depends_on: {db: {condition: service_healthy}, mq: {condition: service_healthy}}\n  db: {image: pg}\n  mq: {image: mq}\n",
        ),
        (
            "compose.override.yaml",
            "services:\n  web:\n    environment: [A]\n    extra_hosts: ['mq:192.0.2.3', 'x:192.0.2.4']\n    depends_on: [db]\n",
        ),
    ]);
    let web = run.service("web");
    assert_eq!(variables(web), ["A", "B=1"]);
    let hosts: Vec<_> = web
        .extra_hosts
        .iter()
        .map(|(host, address)| (host.get().unwrap(), address.get().unwrap()))
        .collect();
    assert_eq!(
        hosts,
        [("db", "192.0.2.1"), ("mq", "192.0.2.3"), ("x", "192.0.2.4")]
    );
    let conditions: Vec<&str> = web
        .depends_on
        .iter()
        .map(|one| one.condition.value.as_str())
        .collect();
    assert_eq!(conditions, ["service_started", "service_healthy"]);
}

#[test]
fn of_two_default_files_compose_takes_one() {
    let one = "services:\n  web: {image: a}\n";
    let both = run(&[("compose.yaml", one), ("docker-compose.yml", one)]);
    assert_eq!(both.files(), [["compose.yaml"]]);
    assert!(both.reasons()[0].contains("compose takes compose.yaml"));
    let called = run(&[
        (
            "up.sh",
            "docker compose -f docker-compose.yml -f extra.yml up -d\n",
        ),
        ("compose.yaml", one),
        ("docker-compose.yml", one),
        ("extra.yml", "services:\n  web: {restart: always}\n"),
    ]);
    assert!(
        called
            .files()
            .contains(&vec!["docker-compose.yml", "extra.yml"])
    );
}

#[test]
fn the_mark_between_the_files_can_be_another_one() {
    let run = run(&[
        (
            ".env",
            "COMPOSE_FILE=a.yml,b.yml\nCOMPOSE_PATH_SEPARATOR=,\n",
        ),
        ("a.yml", "services:\n  web: {image: a}\n"),
        ("b.yml", "services:\n  web: {restart: always}\n"),
    ]);
    assert_eq!(run.files(), [["a.yml", "b.yml"]]);
}

#[test]
fn options_of_another_log_driver_take_the_place_of_all() {
    let base = "services:\n  web: {image: a, logging: {driver: json-file, options: {a: '1'}}}\n";
    for (over, kept) in [("syslog", false), ("json-file", true)] {
        let over =
            format!("services:\n  web: {{logging: {{driver: {over}, options: {{b: '2'}}}}}}\n");
        let host = FakeHost::new([
            ("compose.yaml", base),
            ("compose.override.yaml", over.as_str()),
        ]);
        let files = ["compose.yaml".to_owned()];
        let merged = no502::report::parse_compose::merged(&host, &files).json;
        let options = &merged["services"]["web"]["logging"]["options"];
        assert_eq!(options.get("a").is_some(), kept, "{options}");
        assert_eq!(options["b"], "2");
    }
}
