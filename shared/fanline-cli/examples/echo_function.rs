//! A function for the tests of the local Lambda service: does what its payload, or the body of an
//! SQS record or of a request to its URL, tells it to. A request without a command is answered with
//! its event.
//!
//! `{"do": "echo", "value": …}`, `error`, `panic`, `exit`, `hang`, `print`, `flood`, `late`, `large`, `environment`,
//! `fork`, `stubborn` (ignores SIGTERM), and `gate`, which reports to the address in `value` and waits until that closes the
//! connection. `INIT=exit|panic|hang` makes the start fail.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Error> {
    match std::env::var("INIT").as_deref() {
        Ok("exit") => {
            println!("cannot find table");
            eprintln!("giving up");
            std::process::exit(7);
        }
        Ok("panic") => panic!("no configuration"),
        Ok("hang") => std::future::pending().await,
        _ => lambda_runtime::run(service_fn(handle)).await,
    }
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let (payload, context) = event.into_parts();
    if payload.get("requestContext").is_some() {
        // Of a function URL: the body is the command.
        let command = payload["body"].as_str().unwrap_or_default();
        let command: Value = serde_json::from_str(command).unwrap_or_default();
        return match command["do"].as_str() {
            Some("respond") => Ok(command["value"].clone()),
            Some(_) => obey(&command).await,
            None => Ok(payload),
        };
    }
    let Some(records) = payload.get("Records").and_then(Value::as_array) else {
        let mut answer = obey(&payload).await?;
        if let Some(answer) = answer.as_object_mut() {
            answer.insert("requestId".into(), context.request_id.into());
            answer.insert("deadline".into(), context.deadline.into());
            answer.insert("arn".into(), context.invoked_function_arn.into());
        }
        return Ok(answer);
    };
    let mut failures = Vec::new();
    for record in records {
        // A message's body, or what the changed item has under `command`.
        let change = &record["dynamodb"];
        let of_change = change["NewImage"]["command"]["S"].as_str();
        let text = record["body"].as_str().or(of_change).unwrap_or_default();
        let command: Value = serde_json::from_str(text).unwrap_or_default();
        let id = match &record["messageId"] {
            Value::Null => &change["SequenceNumber"],
            id => id,
        };
        if let Some(key) = change["Keys"]["id"]["S"].as_str() {
            println!("{} {key}", record["eventName"].as_str().unwrap_or_default());
        }
        match command["do"].as_str() {
            Some("fail") => failures.push(json!({ "itemIdentifier": id })),
            Some("respond") => return Ok(command["value"].clone()),
            _ => drop(obey(&command).await?),
        }
    }
    println!("batch of {}", records.len());
    Ok(json!({ "batchItemFailures": failures }))
}

async fn obey(command: &Value) -> Result<Value, Error> {
    let value = &command["value"];
    match command["do"].as_str().unwrap_or("echo") {
        "error" => return Err(value.as_str().unwrap_or("told to").into()),
        "panic" => panic!("told to"),
        "exit" => std::process::exit(1),
        "hang" => std::future::pending().await,
        "print" => {
            println!("{}", value.as_str().unwrap_or_default());
            eprintln!("{}", value.as_str().unwrap_or_default());
        }
        "flood" => {
            let lines: String = (0..value.as_u64().unwrap_or(0))
                .map(|n| format!("line {n}\n"))
                .collect();
            print!("{lines}");
            std::process::exit(1);
        }
        "late" => {
            // In a group of its own, so that it outlives this process and writes after its end.
            let script = format!(
                "while kill -0 {} 2>&-; do :; done; echo late",
                std::process::id()
            );
            Command::new("sh")
                .args(["-c", &script])
                .process_group(0)
                .spawn()?;
            std::process::exit(1);
        }
        "large" => {
            return Ok(Value::String(
                "x".repeat(value.as_u64().unwrap_or(0) as usize),
            ));
        }
        "environment" => {
            return Ok(std::env::vars()
                .map(|(name, value)| (name, Value::from(value)))
                .collect());
        }
        "fork" => {
            let mut sleeper = Command::new("sleep");
            let child = sleeper.arg("600").stdin(Stdio::null()).spawn()?;
            return Ok(json!({ "pid": std::process::id(), "child": child.id() }));
        }
        "stubborn" => {
            let mut terminations = signal(SignalKind::terminate())?;
            tokio::spawn(async move { while terminations.recv().await.is_some() {} });
        }
        "gate" => {
            let mut gate = TcpStream::connect(value.as_str().unwrap_or_default()).await?;
            gate.write_u32(std::process::id()).await?;
            gate.read_to_end(&mut Vec::new()).await?;
        }
        _ => {}
    }
    Ok(json!({ "pid": std::process::id(), "value": value }))
}
