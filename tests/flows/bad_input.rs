//! Bad input: each a clear message of a line or two and a non-zero exit.

use tokio::net::TcpListener;

use crate::{
    dev::{run, workspace},
    signups::text,
};

/// Runs the command, which must fail, and returns the lines it said about it.
async fn refused(arguments: &[&str]) -> Vec<String> {
    let output = run(arguments).await;
    let stderr = text(output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    let lines = stderr.lines().filter(|line| line.starts_with("fanline: "));
    lines
        .map(|line| line["fanline: ".len()..].to_owned())
        .collect()
}

async fn last(arguments: &[&str]) -> String {
    refused(arguments).await.pop().unwrap()
}

fn template(name: &str) -> String {
    format!("tests/flows/templates/{name}.yaml")
}

#[tokio::test]
async fn templates() {
    let cases = [
        (
            "no_such_file",
            "no template at ./tests/flows/templates/no_such_file.yaml; run in the project folder or pass --template FILE",
        ),
        (
            "syntax_error",
            "tests/flows/templates/syntax_error.yaml:4:15: not valid YAML: ",
        ),
        (
            "unresolved_ref",
            "tests/flows/templates/unresolved_ref.yaml:9: Ref 'EmailQueu' in ",
        ),
        (
            "no_such_binary",
            "function email-service (template line 3): no package of this workspace has a binary named \"no-such-binary\"; name it in Metadata.BuildProperties.Binary",
        ),
    ];
    for (name, expected) in cases {
        let said = last(&["dev", "--port", "0", "--template", &template(name)]).await;
        assert!(said.starts_with(expected), "{name}: {said}");
    }
    let said = last(&["dev", "--parameter", "FunctionTimeout"]).await;
    assert_eq!(said, "--parameter \"FunctionTimeout\": expected NAME=VALUE");
}

#[tokio::test]
async fn unsupported_resource_is_named_and_skipped() {
    let output = run(&[
        "dev",
        "--port",
        "0",
        "--until-idle",
        "--template",
        &template("unsupported"),
    ])
    .await;
    let stderr = text(output.stderr);
    assert!(output.status.success(), "{stderr}");
    let expected = "fanline: tests/flows/templates/unsupported.yaml:2: ";
    assert!(
        stderr
            .lines()
            .any(|line| line.starts_with(expected) && line.contains("AWS::Kinesis::Stream")),
        "{stderr}"
    );
}

#[tokio::test]
async fn port_in_use() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let said = last(&["dev", "--port", &port]).await;
    assert!(
        said.starts_with(&format!("cannot listen on 127.0.0.1:{port}: ")),
        "{said}"
    );
    assert!(
        said.ends_with("choose another with --port, or use it with --endpoint-url"),
        "{said}"
    );
}

#[tokio::test]
async fn endpoint_not_reachable() {
    for arguments in [
        &["dev", "--endpoint-url", "http://127.0.0.1:9"][..],
        &[
            "publish",
            "--endpoint-url",
            "http://127.0.0.1:9",
            "--topic",
            "t",
            "--type",
            "a.b",
            "--data",
            "{}",
        ],
    ] {
        let said = last(arguments).await;
        assert!(
            said.contains("endpoint not reachable (Connection refused"),
            "{said}"
        );
        assert!(
            said.ends_with("is it running, and is the address right?"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn function_that_does_not_start_shows_its_own_output() {
    let arguments = [
        "dev",
        "--port",
        "0",
        "--template",
        &template("no_environment"),
        "--events",
        "tests/flows/events/three.jsonl",
    ];
    let output = run(&arguments).await;
    let stderr = text(output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("email-service | ")
            && stderr.contains("EMAILS_TABLE is not set; FANLINE_DEDUP_TABLE is not set"),
        "{stderr}"
    );
    assert!(
        stderr
            .lines()
            .last()
            .unwrap()
            .starts_with("fanline: function email-service: the function did not start: "),
        "{stderr}"
    );
}

#[tokio::test]
async fn function_that_does_not_compile_shows_the_compilers_words() {
    let folder = std::env::temp_dir().join(format!("fanline-broken-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("src")).unwrap();
    let manifest = "[package]\nname = \"email-service\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    std::fs::write(folder.join("src/main.rs"), "fn main() { 1 + }\n").unwrap();
    let broken = std::fs::read_to_string(workspace().join(template("no_environment"))).unwrap();
    let path = folder.join("template.yaml");
    std::fs::write(&path, broken).unwrap();
    let output = run(&["dev", "--port", "0", "--template", path.to_str().unwrap()]).await;
    let stderr = text(output.stderr);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("error: expected expression"), "{stderr}");
    assert!(
        stderr.ends_with("fanline: the functions do not compile; cargo's messages are above\n"),
        "{stderr}"
    );
}

#[tokio::test]
async fn malformed_events_line_is_located_and_the_rest_goes_on() {
    let output = run(&[
        "dev",
        "--port",
        "0",
        "--until-idle",
        "--json",
        "--events",
        "tests/flows/events/malformed.jsonl",
    ])
    .await;
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("fanline: tests/flows/events/malformed.jsonl:2: has neither event nor body, expected one; skipped\n"), "{stderr}");
    assert!(stdout.starts_with("{\"published\":1,"), "{stdout}");
}

#[tokio::test]
async fn publish() {
    let said = last(&["publish", "--topic", "t", "--type", "a.b", "--data", "{"]).await;
    assert!(said.starts_with("--data is not JSON: "), "{said}");
    let said = last(&["publish", "--file", "no-such-file"]).await;
    assert!(said.starts_with("cannot read no-such-file: "), "{said}");
}
