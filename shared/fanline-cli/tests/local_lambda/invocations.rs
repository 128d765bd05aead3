//! What an invocation gets and gives, and which process it uses.

use crate::support::{Gate, command, invoke, pid, spec, start};
use fanline_cli::lambda::{InvokeError, Stream};
use std::path::Path;
use std::sync::Arc;

#[tokio::test]
async fn an_invocation_is_answered_with_its_context() {
    let (function, _lines) = start(spec());
    let response = invoke(&function, command("echo", "hello")).await.unwrap();
    assert_eq!(response["value"], "hello");
    assert_eq!(
        response["arn"],
        "arn:aws:lambda:eu-west-1:000000000000:function:echo"
    );
    assert_eq!(response["requestId"].as_str().unwrap().len(), 36);
    assert!(response["deadline"].as_u64().unwrap() > 1_700_000_000_000);
}

#[tokio::test]
async fn the_environment_is_lambdas_and_nothing_else() {
    let (function, _lines) = start(spec());
    let environment = invoke(&function, command("environment", 0)).await.unwrap();
    let environment = environment.as_object().unwrap();
    assert_eq!(environment["AWS_LAMBDA_FUNCTION_NAME"], "echo");
    assert_eq!(environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "128");
    assert_eq!(environment["STAGE"], "test");
    assert!(
        !environment.contains_key("HOME"),
        "the developer's shell leaks in"
    );
    assert!(
        !environment.contains_key("CARGO_MANIFEST_DIR"),
        "cargo's environment leaks in"
    );
    assert!(Path::new(environment["LAMBDA_TASK_ROOT"].as_str().unwrap()).is_absolute());
}

#[tokio::test]
async fn an_idle_process_is_reused() {
    let (function, _lines) = start(spec());
    assert!(
        function.process_ids().is_empty(),
        "nothing runs before the first invocation"
    );
    let first = pid(&function).await;
    assert_eq!(pid(&function).await, first);
    assert_eq!(function.process_ids(), [first]);
}

#[tokio::test]
async fn one_process_per_running_invocation_up_to_the_limit() {
    let (function, _lines) = start(spec());
    let gate = Gate::open().await;
    let invocations: Vec<_> = (0..3)
        .map(|_| {
            let (function, payload) = (Arc::clone(&function), gate.command());
            tokio::spawn(async move { invoke(&function, payload).await })
        })
        .collect();
    let (first, second) = (gate.arrival().await, gate.arrival().await);
    assert_ne!(first.pid, second.pid);
    assert_eq!(
        function.process_ids().len(),
        2,
        "the third invocation waits for a process"
    );
    let freed = first.pid;
    drop(first);
    let third = gate.arrival().await;
    assert_eq!(
        third.pid, freed,
        "the process that became idle is used, not a third"
    );
    drop((second, third));
    for invocation in invocations {
        invocation.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn errors_and_panics_leave_the_process_alone() {
    let (function, _lines) = start(spec());
    let first = pid(&function).await;
    let error = invoke(&function, command("error", "no such user"))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, InvokeError::FunctionError { message, .. } if message == "no such user"),
        "{error:?}"
    );
    let error = invoke(&function, command("panic", 0)).await.unwrap_err();
    assert!(
        matches!(&error, InvokeError::FunctionError { message, .. } if message.contains("told to")),
        "{error:?}"
    );
    assert_eq!(pid(&function).await, first);
}

#[tokio::test]
async fn a_response_over_the_limit_is_an_error() {
    let (function, _lines) = start(spec());
    let fits = invoke(&function, command("large", 6_000_000))
        .await
        .unwrap();
    assert_eq!(fits.as_str().unwrap().len(), 6_000_000);
    let error = invoke(&function, command("large", 6_300_000))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, InvokeError::FunctionError { error_type, .. } if error_type == "Function.ResponseSizeTooLarge"),
        "{error:?}"
    );
}

#[tokio::test]
async fn lines_carry_their_invocation() {
    let (function, mut lines) = start(spec());
    let response = invoke(&function, command("print", "said")).await.unwrap();
    function.shutdown().await;
    let mut streams = Vec::new();
    while let Ok(line) = lines.try_recv() {
        if line.line == "said" {
            assert_eq!(line.request_id.as_deref(), response["requestId"].as_str());
            assert_eq!(
                u64::from(line.process_id),
                response["pid"].as_u64().unwrap()
            );
            assert_eq!(&*line.function, "echo");
            streams.push(line.stream);
        }
    }
    streams.sort_by_key(|stream| *stream == Stream::Stderr);
    assert_eq!(streams, [Stream::Stdout, Stream::Stderr]);
}
