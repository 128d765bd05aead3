use std::path::Path;

use crate::template::stage::{Stage, load, overrides, read};

const FILE: &str = "version: 0.1
default:
  deploy: {parameters: {stack_name: fanline}}
dev:
  global:
    parameters: {region: eu-central-1, stack_name: other}
  deploy:
    parameters:
      stack_name: fanline-dev
      confirm_changeset: false
      parameter_overrides: VisibilityTimeout=3 Greeting=\"hello \\\"you\\\"\" Empty=
list:
  deploy:
    parameters:
      parameter_overrides: [\"A=1\", \"B='2 3'\", 'ParameterKey=C,ParameterValue=x=y']
map:
  deploy: {parameters: {parameter_overrides: {A: 1, B: b}}}
bare:
";

fn pairs(stage: &Stage) -> Vec<(&str, &str)> {
    stage
        .parameters
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect()
}

#[test]
fn parameters_in_every_form() {
    let dev = read(FILE, "samconfig.yaml", "dev").unwrap();
    assert_eq!(dev.stack_name.as_deref(), Some("fanline-dev"));
    assert_eq!(dev.region.as_deref(), Some("eu-central-1"));
    assert_eq!(
        pairs(&dev),
        [
            ("Empty", ""),
            ("Greeting", "hello \"you\""),
            ("VisibilityTimeout", "3")
        ]
    );
    let list = read(FILE, "samconfig.yaml", "list").unwrap();
    assert_eq!(pairs(&list), [("A", "1"), ("B", "2 3"), ("C", "x=y")]);
    assert_eq!(
        pairs(&read(FILE, "samconfig.yaml", "map").unwrap()),
        [("A", "1"), ("B", "b")]
    );
}

#[test]
fn what_is_not_there_is_empty() {
    for name in ["bare", "nobody"] {
        assert_eq!(read(FILE, "samconfig.yaml", name), Ok(Stage::default()));
    }
    assert_eq!(read("", "samconfig.yaml", "dev"), Ok(Stage::default()));
    assert_eq!(load(Path::new("nowhere.yaml"), "dev"), Ok(Stage::default()));
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let cases = [
        (
            "dev:\n  deploy: 3\n",
            "samconfig.yaml:2: dev/deploy is '3'; expected a map",
        ),
        (
            "dev: [1]\n",
            "samconfig.yaml:1: dev is a list of 1; expected a map",
        ),
        (
            "[1]\n",
            "samconfig.yaml:1: a stage file is a map of environments; found a list of 1",
        ),
        (
            "dev:\n  deploy:\n    parameters: {stack_name: [a]}\n",
            "samconfig.yaml:3: dev/deploy/parameters/stack_name is a list of 1; expected text",
        ),
        (
            "dev:\n  deploy:\n    parameters:\n      parameter_overrides: A=1 B\n",
            "samconfig.yaml:4: dev/deploy/parameters/parameter_overrides: 'B' is no parameter; expected Name=Value",
        ),
        (
            "dev:\n  deploy:\n    parameters:\n      parameter_overrides: A=\"1\n",
            "samconfig.yaml:4: dev/deploy/parameters/parameter_overrides: 'A=\"1' has a \" that is not closed",
        ),
        (
            "dev:\n  deploy:\n    parameters: text\n",
            "samconfig.yaml:3: dev/deploy/parameters is 'text'; expected a map",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(
            read(text, "samconfig.yaml", "dev").unwrap_err().to_string(),
            expected,
            "for {text}"
        );
    }
}

#[test]
fn pairs_on_a_command_line() {
    assert_eq!(
        overrides("  A=1  B=\\x ").unwrap(),
        [("A".into(), "1".into()), ("B".into(), "\\x".into())]
    );
    assert_eq!(
        overrides("=1").unwrap_err(),
        "'=1' is no parameter; expected Name=Value"
    );
}
