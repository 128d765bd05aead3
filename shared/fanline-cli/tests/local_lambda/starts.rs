//! Functions that cannot be started.

use crate::support::{command, invoke, spec, start};
use fanline_cli::lambda::{FunctionSpec, InvokeError};
use std::time::Duration;

#[tokio::test]
async fn a_binary_that_exits_shows_its_output() {
    let environment = [("INIT".to_owned(), "exit".to_owned())].into();
    let (function, _lines) = start(FunctionSpec {
        environment,
        ..spec()
    });
    let error = invoke(&function, command("echo", 0)).await.unwrap_err();
    let InvokeError::InitFailed { reason, mut output } = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        reason,
        "the process exited with status 7 before it asked for its first event"
    );
    output.sort();
    assert_eq!(output, ["cannot find table", "giving up"]);
}

#[tokio::test]
async fn a_panic_at_start_shows_its_message() {
    let environment = [("INIT", "panic"), ("RUST_BACKTRACE", "1")];
    let environment = environment
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let (function, _lines) = start(FunctionSpec {
        environment,
        ..spec()
    });
    let error = invoke(&function, command("echo", 0)).await.unwrap_err();
    let InvokeError::InitFailed { output, .. } = error else {
        panic!("{error:?}")
    };
    assert!(
        output.iter().any(|line| line.contains("no configuration")),
        "{output:?}"
    );
}

#[tokio::test]
async fn a_binary_that_never_asks_is_given_up_after_ten_seconds() {
    let environment = [("INIT".to_owned(), "hang".to_owned())].into();
    let (function, _lines) = start(FunctionSpec {
        environment,
        ..spec()
    });
    let error = invoke(&function, command("echo", 0)).await.unwrap_err();
    let InvokeError::InitFailed { reason, .. } = error else {
        panic!("{error:?}")
    };
    assert_eq!(reason, "it did not ask for an event within 10 s");
    assert!(function.process_ids().is_empty());
}

#[tokio::test]
async fn a_missing_binary_is_named() {
    let (function, _lines) = start(FunctionSpec {
        binary: "no/such/function".into(),
        ..spec()
    });
    let error = invoke(&function, command("echo", 0)).await.unwrap_err();
    assert!(error.to_string().contains("no/such/function"), "{error}");
}

#[tokio::test]
async fn a_broken_binary_does_not_spin() {
    let environment = [("INIT".to_owned(), "exit".to_owned())].into();
    let (function, _lines) = start(FunctionSpec {
        environment,
        concurrency: 1,
        ..spec()
    });
    let started = tokio::time::Instant::now();
    for _ in 0..4 {
        invoke(&function, command("echo", 0)).await.unwrap_err();
    }
    assert!(started.elapsed() >= Duration::from_millis(100 + 200 + 400));
}
