//! A function's binary run once, to be asked something: started as Lambda would start it, never invoked.
//!
//! The one thing to get wrong: a binary that does not know the question. It waits for its first
//! invocation, and gets none: its Runtime API takes the connection and says nothing, so that it neither
//! fails nor does anything until its time is over.

use super::process::Process;
use super::{Ending, FunctionSpec, environment};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// Bytes read of each pipe; for what a process writes beyond, nobody is there.
const MOST_OUTPUT: u64 = 1024 * 1024;

/// What a process wrote and how it ended.
#[derive(Debug)]
pub(crate) struct Answer {
    /// None if its time was over.
    pub(crate) ending: Option<Ending>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the function's binary to its end, or kills it after `limit`.
pub(crate) async fn run_once(spec: &FunctionSpec, limit: Duration) -> io::Result<Answer> {
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let runtime_api = silent.local_addr()?.to_string();
    let (mut process, pipes) = Process::start(spec, &runtime_api, &environment::log_stream())?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let ended = async {
        // Children that hold the pipes end with the process.
        let (ending, ..) = tokio::join!(
            process.wait(),
            read(pipes.stdout, &mut stdout),
            read(pipes.stderr, &mut stderr)
        );
        ending
    };
    let ending = timeout(limit, ended).await.ok();
    if ending.is_none() {
        process.kill();
        process.wait().await;
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Answer {
        ending,
        stdout: text(stdout),
        stderr: text(stderr),
    })
}

async fn read(pipe: Option<impl AsyncRead + Unpin>, output: &mut Vec<u8>) {
    if let Some(pipe) = pipe {
        // What was read until it broke is what there is.
        let _broken = pipe.take(MOST_OUTPUT).read_to_end(output).await;
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    /// Written by another process: while this one has a file open for writing, a child that another test
    /// is just starting has it too, and nobody may run it.
    const WRITE: &str = r#"printf '#!/bin/sh\n%s\n' "$1" > "$0" && chmod +x "$0""#;

    async fn answer(name: &str, script: &str) -> Answer {
        let file = format!("fanline-once-{}-{name}", std::process::id());
        let binary = std::env::temp_dir().join(file);
        let mut sh = std::process::Command::new("sh");
        let written = sh.args(["-c", WRITE]).arg(&binary).arg(script).status();
        assert!(written.unwrap().success());
        let spec = FunctionSpec {
            name: "asked".into(),
            binary: binary.clone(),
            environment: [("QUESTION".to_owned(), "what".to_owned())].into(),
            timeout: Duration::from_secs(3),
            memory_mb: 128,
            concurrency: 1,
            region: "us-east-1".into(),
            account: "000000000000".into(),
        };
        let answer = run_once(&spec, Duration::from_secs(2)).await.unwrap();
        std::fs::remove_file(&binary).unwrap();
        answer
    }

    #[tokio::test]
    async fn what_it_says_and_how_it_ends_are_told() {
        let script = "echo $QUESTION $AWS_LAMBDA_FUNCTION_NAME; echo why >&2; sleep 60 & exit 3";
        let answer = answer("ends", script).await;
        assert_eq!(answer.ending, Some(Ending::Status(3)));
        assert_eq!(
            (&*answer.stdout, &*answer.stderr),
            ("what asked\n", "why\n")
        );
    }

    #[tokio::test]
    async fn who_does_not_end_is_killed_and_what_it_said_is_kept() {
        let answer = answer("stays", "echo first; sleep 60").await;
        assert_eq!(answer.ending, None);
        assert_eq!(answer.stdout, "first\n");
    }
}
