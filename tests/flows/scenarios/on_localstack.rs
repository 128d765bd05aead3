//! The stacks that `localstack/deploy` has deployed on LocalStack, one scenario at a time.

use std::{collections::BTreeMap, fs::File, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
    time::sleep,
};

use super::backend::{Backend, Stack};
use crate::{
    cloud::Cloud,
    dev::{package_variables, workspace},
    http::Site,
};

const FIFO_TEMPLATE: &str = "tests/flows/templates/fifo.yaml";

pub(super) struct OnLocalStack {
    cloud: Cloud,
    /// How often the stack was deployed here.
    deployments: u32,
    /// What queues had handed out before.
    received: BTreeMap<String, u64>,
    /// Held until the scenario ends.
    _turn: File,
}

impl OnLocalStack {
    /// Waits for its turn. None without LocalStack or without the stack, unless both are required.
    pub(super) async fn find(stack: Stack) -> Option<Self> {
        let endpoint = endpoint();
        if !answers(&endpoint).await {
            return missing(&format!(
                "no LocalStack at {endpoint}; localstack/up && localstack/deploy"
            ));
        }
        let turn = turn().await;
        let cloud = Cloud::at(&endpoint).await;
        if !has_queue(&cloud, "email-service-queue").await {
            return missing(&format!(
                "nothing is deployed to LocalStack at {endpoint}; localstack/deploy"
            ));
        }
        // Of this test alone, so nobody is asked to deploy it.
        if stack == Stack::Fifo && !has_queue(&cloud, "mails.fifo").await {
            deploy(
                &cloud,
                &["--template", FIFO_TEMPLATE, "--stack", "fanline-fifo"],
            )
            .await;
        }
        Some(Self {
            cloud,
            deployments: 0,
            received: received(&endpoint).await,
            _turn: turn,
        })
    }
}

/// How many messages each queue has handed out so far, by what LocalStack's SQS tells its CloudWatch. The names are
/// those of dimensions, as it writes them.
async fn received(endpoint: &str) -> BTreeMap<String, u64> {
    let cloudwatch = Site::new(endpoint, None);
    let path = "/_aws/cloudwatch/metrics/raw";
    let (status, metrics) = cloudwatch.ask("GET", path, &[], None).await.unwrap();
    assert_eq!(status, 200, "{metrics}");
    let mut received = BTreeMap::new();
    for metric in metrics["metrics"].as_array().unwrap() {
        if metric["n"] == "NumberOfMessagesReceived" {
            let queue = metric["d"].as_str().unwrap().to_owned();
            *received.entry(queue).or_default() += metric["v"].as_f64().unwrap() as u64;
        }
    }
    received
}

async fn has_queue(cloud: &Cloud, name: &str) -> bool {
    let found = cloud.sqs.get_queue_url().queue_name(name).send().await;
    found.is_ok()
}

/// `localstack/deploy`, as in a fresh shell.
async fn deploy(cloud: &Cloud, arguments: &[&str]) {
    let port = cloud.endpoint.rsplit(':').next().unwrap();
    let mut command = Command::new(workspace().join("localstack/deploy"));
    for name in package_variables() {
        command.env_remove(name);
    }
    let output = command
        .current_dir(workspace())
        .args(arguments)
        .env("LOCALSTACK_PORT", port)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "localstack/deploy: {output:?}");
}

/// LOCALSTACK_ENDPOINT, or the port of this machine that the scripts in `localstack/` take.
fn endpoint() -> String {
    let variable = |name| std::env::var(name).ok();
    let port = || variable("LOCALSTACK_PORT").unwrap_or_else(|| "4566".to_owned());
    let endpoint = variable("LOCALSTACK_ENDPOINT");
    let endpoint = endpoint.unwrap_or_else(|| format!("http://127.0.0.1:{}", port()));
    endpoint.trim_end_matches('/').to_owned()
}

fn missing(problem: &str) -> Option<OnLocalStack> {
    let required = std::env::var("REQUIRE_LOCALSTACK").is_ok_and(|required| required == "1");
    assert!(!required, "{problem}");
    eprintln!("skipped: {problem}");
    None
}

/// Whether it is LocalStack that listens there: `fanline dev` has the same port by default.
async fn answers(endpoint: &str) -> bool {
    let address = endpoint.trim_start_matches("http://");
    let health = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!(
            "GET /_localstack/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = health.await.unwrap_or_default();
    answer.starts_with("HTTP/1.1 200") && answer.contains("\"services\"")
}

/// Scenarios share one stack, and some disturb it. A file's lock and not a mutex: with nextest each
/// test is a process.
async fn turn() -> File {
    let path = std::env::temp_dir().join("fanline-localstack-scenarios.lock");
    let waiting = tokio::task::spawn_blocking(move || {
        let file = File::create(path).unwrap();
        file.lock().unwrap();
        file
    });
    waiting.await.unwrap()
}

impl Backend for OnLocalStack {
    const KEEPS_BODIES: bool = false;

    fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    async fn site(&self, function: &str) -> Site {
        let lambda = Site::new(&self.cloud.endpoint, None);
        let path = format!("/2021-10-31/functions/{function}/url");
        let (status, config) = lambda.ask("GET", &path, &[], None).await.unwrap();
        assert_eq!(status, 200, "{config}");
        // No resolver knows its name, and what ends in an address is no name for a URL parser; LocalStack
        // looks at the beginning of the header alone.
        let url = config["FunctionUrl"].as_str().unwrap();
        let (id, _) = url.trim_start_matches("http://").split_once('.').unwrap();
        let host = format!("{id}.lambda-url.us-east-1.localhost.localstack.cloud");
        Site::new(&self.cloud.endpoint, Some(host))
    }

    fn processes(&self, function: &str) -> Vec<u32> {
        let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let variable = format!("AWS_LAMBDA_FUNCTION_NAME={function}");
        let of_function = ids.filter(|id| {
            // Gone in between, or somebody else's: not one of them.
            let name = std::fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
            let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            let mut variables = environment.split(|byte| *byte == 0);
            name.trim_end() == "bootstrap" && variables.any(|found| found == variable.as_bytes())
        });
        of_function.collect()
    }

    async fn redeploy(&mut self) {
        // Another timeout makes CloudFormation replace the functions. Every second deployment has the
        // script's own parameters, so that the stack ends as it was found.
        let changes: &[&str] = match self.deployments % 2 {
            0 => &["FunctionTimeout=2", "MaximumConcurrency=5"],
            _ => &[],
        };
        self.deployments += 1;
        deploy(&self.cloud, changes).await;
    }

    async fn end_counting(self, queues: &[&str]) -> Vec<u64> {
        // A receive is counted a moment after it.
        sleep(Duration::from_secs(1)).await;
        let after = received(&self.cloud.endpoint).await;
        let of = |counts: &BTreeMap<String, u64>, queue: &str| {
            let is_its = |(name, _): &(&String, &u64)| name.contains(queue);
            counts.iter().find(is_its).map_or(0, |(_, count)| *count)
        };
        let since = |queue: &&str| of(&after, queue) - of(&self.received, queue);
        queues.iter().map(since).collect()
    }

    async fn end(self) {}
}
