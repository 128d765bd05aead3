//! Every way in which a process can end, and that none is left behind.

use crate::support::{Gate, command, gone, invoke, kill_9, pid, runs, spec, start, texts};
use fanline_cli::lambda::{Ending, FunctionSpec, InvokeError};
use std::sync::Arc;
use std::time::Duration;

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
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
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
async fn a_process_that_ignores_the_request_to_end_is_killed() {
    let (function, _lines) = start(spec());
    let response = invoke(&function, command("stubborn", 0)).await.unwrap();
    let started = tokio::time::Instant::now();
    function.shutdown().await;
    assert!(
        started.elapsed() >= Duration::from_secs(2),
        "it was asked first"
    );
    assert!(!runs(
        u32::try_from(response["pid"].as_u64().unwrap()).unwrap()
    ));
}

/// The pipe is still full when the process is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_lines_of_a_crash_are_there_when_it_is_told() {
    let (function, mut lines) = start(spec());
    let error = invoke(&function, command("flood", 20_000))
        .await
        .unwrap_err();
    assert_eq!(
        error,
        InvokeError::Crashed {
            ending: Ending::Status(1)
        }
    );
    let texts = texts(&mut lines);
    assert_eq!(texts.len(), 20_000);
    assert_eq!(texts.last().map(String::as_str), Some("line 19999"));
}

/// Written to the pipe after the process was waited for, so only a reader that goes on sees it.
#[tokio::test]
async fn output_is_read_to_its_end_before_a_crash_is_told() {
    let (function, mut lines) = start(spec());
    invoke(&function, command("late", 0)).await.unwrap_err();
    assert_eq!(texts(&mut lines), ["late"]);
}

#[tokio::test]
async fn a_crash_takes_the_children_of_the_process_along() {
    let (function, _lines) = start(spec());
    let response = invoke(&function, command("fork", 0)).await.unwrap();
    let process = |name: &str| u32::try_from(response[name].as_u64().unwrap()).unwrap();
    kill_9(process("pid"));
    gone(process("child")).await;
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
