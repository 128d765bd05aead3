//! Asking a function's binary what it is, with the environment that the template gives it.
//!
//! What could be got wrong is to take a function that knows nothing of Fanline for a broken worker, or
//! the other way round: one that fails was meant to answer, one that says other things or waits was not.

use std::{path::PathBuf, time::Duration};

use fanline::WorkerDescription;

use crate::{
    aws::{LOCAL_ACCOUNT, LOCAL_REGION},
    lambda::{Ending, FunctionSpec, run_once},
    template::Function,
};

/// A worker answers before it connects to anything.
const LIMIT: Duration = Duration::from_secs(10);

/// A port on which nothing listens: a function that calls AWS before it answers fails at once, and
/// reaches nothing real.
const NOWHERE: &str = "http://127.0.0.1:1";

/// What a binary said when it was asked.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// What it is.
    Worker(WorkerDescription),
    /// It is no worker of Fanline; how one sees that.
    NoWorker(String),
    /// It failed; how, and its last words.
    Failed(String),
}

/// Asks the binary of a function.
pub(super) async fn ask(function: &Function, binary: PathBuf) -> Said {
    let mut environment = function.environment.clone();
    environment.insert("FANLINE_DESCRIBE".to_owned(), "1".to_owned());
    environment
        .entry("AWS_ENDPOINT_URL".to_owned())
        .or_insert_with(|| NOWHERE.to_owned());
    let spec = FunctionSpec {
        name: function.name.clone(),
        binary,
        environment,
        timeout: LIMIT,
        memory_mb: function.memory_mb,
        concurrency: 1,
        region: LOCAL_REGION.to_owned(),
        account: LOCAL_ACCOUNT.to_owned(),
    };
    match run_once(&spec, LIMIT).await {
        Ok(answer) => understood(answer.ending, &answer.stdout, &answer.stderr),
        Err(error) => Said::Failed(format!("cannot be started: {error}")),
    }
}

fn understood(ending: Option<Ending>, stdout: &str, stderr: &str) -> Said {
    match ending {
        Some(Ending::Status(0)) => {
            // An application may have printed before.
            let mut lines = stdout.lines().rev();
            match lines.find_map(|line| serde_json::from_str(line).ok()) {
                Some(description) => Said::Worker(description),
                None => Said::NoWorker("says nothing of a worker".to_owned()),
            }
        }
        Some(ending) => Said::Failed(format!("{ending}{}", last_words(stderr))),
        None => Said::NoWorker(format!("gives no answer within {} s", LIMIT.as_secs())),
    }
}

fn last_words(stderr: &str) -> String {
    let last = stderr.lines().rev().find(|line| !line.trim().is_empty());
    match last {
        // As Rust shows what `main` returns.
        Some(line) => format!(": {}", line.trim().trim_start_matches("Error: ")),
        None => " and wrote nothing to stderr".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKER: &str = r#"{"fanlineWorker":1,"handlers":[],"unknown":"skip","filterPolicyScope":"MessageBody","filterPolicy":{}}"#;

    #[test]
    fn workers_others_and_failures_are_told_apart() {
        let ended = |code| Some(Ending::Status(code));
        for stdout in [
            WORKER.to_owned(),
            format!("hello\n{WORKER}\n"),
            // Of a later version.
            WORKER.replace('1', r#"2,"more":[1]"#),
        ] {
            let said = understood(ended(0), &stdout, "");
            assert!(matches!(said, Said::Worker(_)), "{stdout}: {said:?}");
        }
        let strangers = [
            (ended(0), "hello", "says nothing of a worker"),
            (ended(0), r#"{"some":"json"}"#, "says nothing of a worker"),
            (None, WORKER, "gives no answer within 10 s"),
        ];
        for (ending, stdout, expected) in strangers {
            let said = understood(ending, stdout, "");
            assert_eq!(said, Said::NoWorker(expected.to_owned()));
        }
        let failures = [
            (
                ended(1),
                "starting\nError: environment: A is not set\n\n",
                "exited with status 1: environment: A is not set",
            ),
            (
                Some(Ending::Signal(11)),
                "",
                "was ended by signal 11 and wrote nothing to stderr",
            ),
        ];
        for (ending, stderr, expected) in failures {
            let said = understood(ending, "", stderr);
            assert_eq!(said, Said::Failed(expected.to_owned()));
        }
    }
}
