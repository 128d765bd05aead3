//! `fanline dev` as a child process, and what is in its queues and tables.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::OnceLock,
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use cargo_metadata::Message;
use fanline_cli::aws;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
    time::{Instant, sleep},
};

/// How long anything may take before the test gives up. Runs take some 20 s.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The binaries of the command and of the functions, built once per test process.
pub(crate) fn binary(name: &str) -> PathBuf {
    static BINARIES: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let binaries = BINARIES.get_or_init(|| {
        let packages = ["fanline-cli", "email-service", "analytics-service"];
        let about_this_package =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        let mut cargo = std::process::Command::new(env!("CARGO"));
        // Or build scripts that watch these variables run again, here and in the next build.
        for (name, _) in std::env::vars().filter(|(name, _)| about_this_package(name)) {
            cargo.env_remove(name);
        }
        let output = cargo
            .current_dir(workspace())
            .args(["build", "--message-format=json-render-diagnostics"])
            .args(packages.iter().flat_map(|package| ["--package", package]))
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "the command and the functions compile"
        );
        let messages = Message::parse_stream(output.stdout.as_slice());
        let executables = messages.filter_map(|message| match message.unwrap() {
            Message::CompilerArtifact(artifact) => Some((
                artifact.target.name,
                artifact.executable?.into_std_path_buf(),
            )),
            _ => None,
        });
        executables.collect()
    });
    binaries[name].clone()
}

/// The command with arguments, in the workspace's folder, as in a fresh shell.
pub(crate) fn fanline(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary("fanline"));
    command
        .current_dir(workspace())
        .args(arguments)
        .env_remove("AWS_ENDPOINT_URL")
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs the command to its end.
pub(crate) async fn run(arguments: &[&str]) -> Output {
    let output = tokio::time::timeout(PATIENCE, fanline(arguments).output());
    output.await.expect("the command ends").unwrap()
}

/// A running `fanline dev` on a free port.
pub(crate) struct Dev {
    child: Child,
    pub(crate) endpoint: String,
    sqs: aws_sdk_sqs::Client,
    dynamodb: aws_sdk_dynamodb::Client,
}

impl Dev {
    /// Starts it and waits until it says where it listens.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let arguments = [&["dev", "--port", "0", "--json"], arguments].concat();
        let mut child = fanline(&arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut endpoint = None;
        let mut said = Vec::new();
        while endpoint.is_none() {
            let line = lines.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended: {said:?}"));
            let address = line
                .split_whitespace()
                .find(|word| word.starts_with("http://"));
            endpoint = address.map(|address| address.trim_end_matches(';').to_owned());
            said.push(line);
        }
        // Read on, or the pipe fills up.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let endpoint = endpoint.unwrap();
        let config = aws::config(Some(&endpoint)).await.unwrap();
        Self {
            child,
            sqs: aws_sdk_sqs::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            endpoint,
        }
    }

    /// Waits until nothing is visible, in flight or delayed in the queues, and the dead-letter
    /// queues hold so many.
    pub(crate) async fn wait_for(&self, queues: &[&str], dead_letters: &[(&str, u64)]) {
        let started = Instant::now();
        loop {
            let mut found = Vec::new();
            for queue in queues {
                found.push(((*queue).to_owned(), self.depth(queue).await, 0));
            }
            for (queue, expected) in dead_letters {
                found.push(((*queue).to_owned(), self.depth(queue).await, *expected));
            }
            if found.iter().all(|(_, depth, expected)| depth == expected) {
                return;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "queue, found, expected: {found:?}"
            );
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Sends up to 10 messages straight to a queue; returns how many were accepted.
    pub(crate) async fn send<const N: usize>(
        &self,
        queue: &str,
        entries: [SendMessageBatchRequestEntry; N],
    ) -> usize {
        let sent = self
            .sqs
            .send_message_batch()
            .queue_url(format!("{}/000000000000/{queue}", self.endpoint))
            .set_entries(Some(entries.into()))
            .send()
            .await;
        sent.unwrap().successful.len()
    }

    async fn depth(&self, queue: &str) -> u64 {
        let url = format!("{}/000000000000/{queue}", self.endpoint);
        let answer = self
            .sqs
            .get_queue_attributes()
            .queue_url(url)
            .attribute_names(QueueAttributeName::All)
            .send()
            .await
            .unwrap();
        let counts = answer.attributes.unwrap();
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        names
            .iter()
            .map(|name| counts[name].parse::<u64>().unwrap())
            .sum()
    }

    /// A number attribute of every item of a table, by key.
    pub(crate) async fn numbers(
        &self,
        table: &str,
        key: &str,
        number: &str,
    ) -> BTreeMap<String, u64> {
        let mut numbers = BTreeMap::new();
        let mut items = self
            .dynamodb
            .scan()
            .table_name(table)
            .into_paginator()
            .items()
            .send();
        while let Some(item) = items.next().await {
            let item = item.unwrap();
            let (AttributeValue::S(key), AttributeValue::N(number)) = (&item[key], &item[number])
            else {
                panic!("{item:?}");
            };
            numbers.insert(key.clone(), number.parse().unwrap());
        }
        numbers
    }

    /// Processes of a function that run now.
    pub(crate) fn function_processes(&self, function: &str) -> Vec<u32> {
        let own = self.child.id().unwrap();
        let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let of_function = ids.filter(|id| {
            let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
            let command =
                std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let command = command.trim_end_matches('\0');
            status.contains(&format!("PPid:\t{own}\n")) && command.ends_with(function)
        });
        of_function.collect()
    }

    /// Interrupts it as Ctrl-C does, and returns what it printed and its exit code.
    pub(crate) async fn interrupt(mut self) -> (Value, Option<i32>) {
        signal(self.child.id().unwrap(), Signal::INT);
        let mut output = String::new();
        let stdout = self.child.stdout.as_mut().unwrap();
        stdout.read_to_string(&mut output).await.unwrap();
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = status.expect("it ends after an interrupt").unwrap();
        (serde_json::from_str(&output).unwrap(), status.code())
    }
}

/// Sends a signal; a process that is gone already is no error.
pub(crate) fn signal(process_id: u32, signal: Signal) -> bool {
    let pid = i32::try_from(process_id).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
}
