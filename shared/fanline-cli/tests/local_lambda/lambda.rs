//! One function: reuse, limits, and every way in which a process can end.

use crate::support::{Gate, command, gone, invoke, kill_9, pid, runs, spec, start, texts};
use fanline_cli::lambda::{Ending, FunctionSpec, InvokeError, Stream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

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
async fn a_timeout_kills_and_replaces_the_process() {
    let (function, _lines) = start(FunctionSpec {
        timeout: Duration::from_millis(300),
        ..spec()
    });
    let first = pid(&function).await;
    let error = invoke(&function, command("hang", 0)).await.unwrap_err();
    assert_eq!(
        error,
        InvokeError::TimedOut {
            after: Duration::from_millis(300)
        }
    );
    assert!(!runs(first));
    assert_ne!(pid(&function).await, first);
}

#[tokio::test]
async fn a_crash_is_told_and_the_process_replaced() {
    let (function, _lines) = start(spec());
    let first = pid(&function).await;
    let error = invoke(&function, command("exit", 0)).await.unwrap_err();
    assert_eq!(
        error,
        InvokeError::Crashed {
            ending: Ending::Status(1)
        }
    );
    assert_ne!(pid(&function).await, first);
}

#[tokio::test]
async fn kill_9_while_running_is_a_crash() {
    let (function, _lines) = start(spec());
    let gate = Gate::open().await;
    let invocation = tokio::spawn({
        let (function, payload) = (Arc::clone(&function), gate.command());
        async move { invoke(&function, payload).await }
    });
    let waiting = gate.arrival().await;
    kill_9(waiting.pid);
    let error = invocation.await.unwrap().unwrap_err();
    assert_eq!(
        error,
        InvokeError::Crashed {
            ending: Ending::Signal(9)
        }
    );
    assert_ne!(pid(&function).await, waiting.pid);
}

/// Many times, because the invocation races the kernel's clean-up: sometimes the event is sent to
/// a process that is about to die, and must then go to another.
#[tokio::test]
async fn kill_9_while_idle_fails_no_invocation() {
    let (function, _lines) = start(FunctionSpec {
        concurrency: 1,
        ..spec()
    });
    for _ in 0..50 {
        let idle = pid(&function).await;
        kill_9(idle);
        assert_ne!(pid(&function).await, idle);
    }
}

/// The process is stopped, so the event is certainly sent to it and certainly not read.
#[tokio::test]
async fn an_event_that_was_sent_but_not_read_goes_to_another_process() {
    let (function, _lines) = start(FunctionSpec {
        concurrency: 1,
        ..spec()
    });
    let frozen = pid(&function).await;
    // The answer arrives before the process asks again; wait until it has.
    assert_eq!(pid(&function).await, frozen);
    let stopped = std::process::Command::new("kill")
        .args(["-STOP", &frozen.to_string()])
        .status();
    assert!(stopped.unwrap().success());
    let invocation = tokio::spawn({
        let function = Arc::clone(&function);
        async move { pid(&function).await }
    });
    // Sending needs no answer from outside, only its turn among this thread's tasks.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    kill_9(frozen);
    assert_ne!(invocation.await.unwrap(), frozen);
}

#[tokio::test]
async fn an_idle_process_that_dies_is_noticed() {
    let (function, _lines) = start(spec());
    let idle = pid(&function).await;
    kill_9(idle);
    let noticing = async {
        while function.process_ids().contains(&idle) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noticing)
        .await
        .unwrap();
    assert!(function.process_ids().is_empty());
}

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
    let environment = [("INIT".to_owned(), "panic".to_owned())].into();
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

#[tokio::test]
async fn a_shutdown_leaves_no_process_and_loses_no_line() {
    let (function, mut lines) = start(spec());
    let response = invoke(&function, command("fork", 0)).await.unwrap();
    let process = |name: &str| u32::try_from(response[name].as_u64().unwrap()).unwrap();
    invoke(&function, command("print", "last words"))
        .await
        .unwrap();
    function.shutdown().await;
    assert!(!runs(process("pid")));
    gone(process("child")).await;
    assert!(function.process_ids().is_empty());
    assert_eq!(
        texts(&mut lines)
            .iter()
            .filter(|line| *line == "last words")
            .count(),
        2
    );
    let error = invoke(&function, command("echo", 0)).await.unwrap_err();
    assert_eq!(error, InvokeError::ShutDown);
}

#[tokio::test]
async fn a_shutdown_ends_what_runs_and_what_waits() {
    let (function, _lines) = start(FunctionSpec {
        concurrency: 1,
        ..spec()
    });
    let gate = Gate::open().await;
    let invocations: Vec<_> = (0..2)
        .map(|_| {
            let (function, payload) = (Arc::clone(&function), gate.command());
            tokio::spawn(async move { invoke(&function, payload).await })
        })
        .collect();
    let running = gate.arrival().await;
    function.shutdown().await;
    assert!(!runs(running.pid));
    for invocation in invocations {
        assert_eq!(
            invocation.await.unwrap().unwrap_err(),
            InvokeError::ShutDown
        );
    }
}

#[tokio::test]
async fn dropping_a_function_kills_its_processes() {
    let (function, _lines) = start(spec());
    let process = pid(&function).await;
    drop(function);
    gone(process).await;
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_the_busy_process_along() {
    let (function, _lines) = start(spec());
    let gate = Gate::open().await;
    let waiting = tokio::select! {
        waiting = gate.arrival() => waiting,
        answer = invoke(&function, gate.command()) => panic!("{answer:?}"),
    };
    gone(waiting.pid).await;
    assert_ne!(pid(&function).await, waiting.pid);
}
