//! `fanline dev`: runs everything a template declares on this machine, feeds it events and shows
//! what became of each.
//!
//! Order matters at both ends: what can fail cheaply is tried first, and at the end invocations
//! finish before queues are counted.

mod books;
pub mod ledger;
mod logs;
pub mod metrics;
mod progress;
mod publishing;
mod queues;
pub mod report;
mod resources;
mod run;
mod start;
mod topics;
mod urls;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use aws_config::{Region, SdkConfig};
use clap::Args;
use fanline_engine::{Server, sns::Invocation};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::{
    Error, advice, aws, build, engine,
    interrupt::interrupted,
    project::{self, folder},
    publish::events_file::EventsFile,
    schedule,
    template::Stack,
};

/// Arguments of `fanline dev`.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The template that is also deployed.
    #[arg(long, value_name = "FILE", default_value = "template.yaml")]
    pub template: PathBuf,
    /// Events to publish, as JSON Lines; default is every file localstack/events/*.jsonl beside
    /// the template.
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Publish nothing.
    #[arg(long, conflicts_with = "events")]
    pub no_events: bool,
    /// Use what answers there instead of the embedded engine, for example LocalStack.
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Port of the embedded engine; 0 takes a free one.
    #[arg(long, default_value_t = 4566)]
    pub port: u16,
    /// Folder in which the embedded engine keeps everything over restarts; memory by default.
    #[arg(long, value_name = "DIR", conflicts_with = "endpoint_url")]
    pub data: Option<PathBuf>,
    /// Fire every schedule of the template at this interval instead of its own.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    pub schedules_every: Option<u64>,
    /// End when nothing is visible, in flight or delayed outside dead-letter queues.
    #[arg(long)]
    pub until_idle: bool,
    /// Print the result as one JSON object on stdout.
    #[arg(long)]
    pub json: bool,
    /// Build the functions optimised.
    #[arg(long)]
    pub release: bool,
    /// Template parameter; wins over those of samconfig.yaml.
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Section of samconfig.yaml to take parameters from.
    #[arg(long, value_name = "NAME", default_value = "dev")]
    pub config_env: String,
}

/// Runs until idle or interrupted.
///
/// # Errors
/// If the template cannot be used, the port is taken, a function does not compile or start, or
/// the endpoint cannot be reached.
pub async fn run(options: Options) -> Result<ExitCode, Error> {
    let endpoint = options.endpoint_url.clone();
    let endpoint = endpoint.unwrap_or_else(|| format!("http://127.0.0.1:{}", options.port));
    let config = aws::config(Some(&endpoint)).await?;
    let region = config
        .region()
        .map_or(aws::LOCAL_REGION, Region::as_ref)
        .to_owned();
    // Read before anything starts, so that its errors come at once.
    let stack = load(&options, &endpoint, &region, &[])?;
    say_findings(&stack);
    let events = read_events(&options, &stack)?;
    let every = options.schedules_every.map(Duration::from_secs);
    let plans = schedule::plans(&stack, every)?;
    let (invocation_sink, invocations) = unbounded_channel();
    let server = match options.endpoint_url {
        None => Some(Arc::new(
            start_engine(&options, &region, invocation_sink).await?,
        )),
        Some(_) => {
            check_endpoint(&config).await?;
            None
        }
    };
    let (endpoint, config) = match &server {
        // Port 0 has become a real one.
        Some(server) => {
            let endpoint = server.endpoint_url();
            let config = aws::config(Some(&endpoint)).await?;
            (endpoint, config)
        }
        None => (endpoint, config),
    };
    let urls = urls::listen(&stack).await?;
    // Once more, with the addresses that are known now.
    let mut stack = load(&options, &endpoint, &region, &urls)?;
    if server.is_none() {
        leave_out_functions_of_topics(&mut stack);
    }
    let folder = folder(&options.template);
    let binaries = build::build(&folder, &stack.functions, options.release).await?;
    resources::create(&config, &stack).await?;
    // Whoever reads the next line may interrupt at once, and wants the report.
    let interrupted = interrupted();
    eprintln!(
        "fanline: {} at {endpoint}; logs of functions in {}",
        described(&stack),
        logs::folder(&folder).display()
    );
    urls::announce(&urls);
    schedule::announce(&plans, every.is_some());
    let setting = start::Setting {
        endpoint,
        region,
        folder,
        stack,
        binaries,
        config,
        until_idle: options.until_idle,
        urls,
        plans,
        topics: server.clone().map(|server| (server, invocations)),
    };
    let problems = events.problems.len();
    let ended = run::run(setting, events, interrupted).await;
    // Whoever invokes functions for topics has ended with the run and given its share back.
    if let Some(server) = server.and_then(Arc::into_inner) {
        say_undelivered(&server);
        server.shutdown().await;
    }
    let (report, refused) = ended?;
    match options.json {
        true => {
            let json = serde_json::to_string(&report);
            println!("{}", json.map_err(|error| Error::new(error.to_string()))?);
        }
        false => println!("{}\n{}", report.table(), report.summary()),
    }
    let complete = report.lost == 0 && problems == 0 && refused == 0;
    Ok(if complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Why the topic could not deliver something, which would otherwise only show as lost.
fn say_undelivered(server: &Server) {
    let undelivered = server.undelivered();
    if undelivered.refused_by_policy > 0 {
        eprintln!(
            "fanline: {} deliveries refused: the queue's policy does not admit the topic (AWS::SQS::QueuePolicy)",
            undelivered.refused_by_policy
        );
    }
    if undelivered.failed > 0 {
        eprintln!(
            "fanline: {} deliveries failed: the queue is gone or takes no such message",
            undelivered.failed
        );
    }
}

async fn check_endpoint(config: &SdkConfig) -> Result<(), Error> {
    let sqs = aws_sdk_sqs::Client::new(config);
    let answer = sqs.list_queues().max_results(1).send().await;
    answer
        .map(drop)
        .map_err(|error| aws::call_error("sqs ListQueues", &error))
}

fn load(
    options: &Options,
    endpoint: &str,
    region: &str,
    urls: &[urls::Listening],
) -> Result<Stack, Error> {
    project::Project {
        template: &options.template,
        config_env: &options.config_env,
        parameters: &options.parameters,
        function_urls: urls::addresses(urls),
    }
    .load(Some(region), Some(endpoint))
}

fn read_events(options: &Options, stack: &Stack) -> Result<EventsFile, Error> {
    let only_topic = match stack.topics.as_slice() {
        [topic] => Some(topic.name.as_str()),
        _ => None,
    };
    let paths = match &options.events {
        Some(path) => vec![path.clone()],
        None if options.no_events => Vec::new(),
        None => sample_files(&folder(&options.template)),
    };
    let mut events = EventsFile::default();
    for path in paths {
        events.append(EventsFile::read(&path)?.with_default_topic(only_topic));
    }
    for problem in &events.problems {
        eprintln!("fanline: {problem}; skipped");
    }
    Ok(events)
}

/// The project's own sample events, in order of their names; none if it has no such folder.
fn sample_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("localstack").join("events"));
    let paths = entries
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path());
    let mut samples: Vec<PathBuf> = paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect();
    samples.sort();
    samples
}

fn say_findings(stack: &Stack) {
    for finding in &stack.findings {
        eprintln!("fanline: {finding}");
    }
    for line in advice::advice(stack) {
        eprintln!("fanline: {line}");
    }
}

async fn start_engine(
    options: &Options,
    region: &str,
    invocations: UnboundedSender<Invocation>,
) -> Result<Server, Error> {
    let config = fanline_engine::Config {
        region: region.to_owned(),
        account: aws::LOCAL_ACCOUNT.to_owned(),
        data: options.data.clone(),
        invocations: Some(invocations),
        ..fanline_engine::Config::default()
    };
    let advice = "choose another with --port, or use it with --endpoint-url";
    engine::start(options.port, config, advice).await
}

/// Whatever answers elsewhere cannot invoke the functions that run here.
fn leave_out_functions_of_topics(stack: &mut Stack) {
    stack.subscriptions.retain(|subscription| {
        let is_queue = subscription.protocol != "lambda";
        if !is_queue {
            let (id, line) = (&subscription.logical_id, subscription.line);
            eprintln!(
                "fanline: {id} (template line {line}): topics invoke functions only on the embedded engine; skipped"
            );
        }
        is_queue
    });
}

fn described(stack: &Stack) -> String {
    format!(
        "{} topics, {} queues, {} tables, {} functions",
        stack.topics.len(),
        stack.queues.len(),
        stack.tables.len(),
        stack.functions.len()
    )
}
