//! `fanline check`: what template.yaml says, against what the functions' binaries say of themselves.
//!
//! Both are deployed, and nothing else compares them before a message meets them: a filter policy that
//! keeps a handler idle looks like quiet times. Binaries are asked on this machine with the template's
//! environment; nothing is called on AWS.

mod ask;
mod compare;
mod policy;
mod report;

use std::{collections::BTreeMap, collections::BTreeSet, path::PathBuf, process::ExitCode};

use clap::Args;
use futures_util::future::join_all;

use crate::{
    Error, build,
    output::say,
    project::{Project, folder},
    template::{EventSource, Function, Stack},
};
use report::Row;

/// Arguments of `fanline check`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example: fanline check --config-env dev")]
pub struct Options {
    /// The template that is deployed.
    #[arg(long, value_name = "FILE", default_value = "template.yaml")]
    pub template: PathBuf,
    /// Print one JSON array on stdout.
    #[arg(long)]
    pub json: bool,
    /// Build the functions optimised.
    #[arg(long)]
    pub release: bool,
    /// Template parameter; wins over those of samconfig.yaml.
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Section of samconfig.yaml to take parameters from.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub config_env: String,
}

/// Asks and compares. The exit code is 1 if anything differs or a worker gave no answer.
///
/// # Errors
/// If the template cannot be used, or a function does not compile.
pub async fn run(options: Options) -> Result<ExitCode, Error> {
    let project = Project {
        template: &options.template,
        config_env: &options.config_env,
        parameters: &options.parameters,
        function_urls: BTreeMap::new(),
    };
    let stack = project.load(None, None)?;
    let functions = fed(&stack);
    let folder = folder(&options.template);
    let binaries = build::build(&folder, &functions, options.release).await?;
    let asked = functions.iter().filter_map(|function| {
        let binary = binaries.get(&function.binary)?;
        Some(async {
            let said = ask::ask(function, binary.clone()).await;
            Row::new(function, compare::compare(&stack, function, said))
        })
    });
    let rows = join_all(asked).await;
    match options.json {
        true => say(report::json(&rows)?),
        false => say(report::text(&rows)),
    }
    Ok(match rows.iter().all(Row::is_good) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// The functions to which messages come, from a queue or from a topic itself.
fn fed(stack: &Stack) -> Vec<Function> {
    let mappings = stack.event_source_mappings.iter();
    let by_queues = mappings.filter(|mapping| matches!(mapping.source, EventSource::Queue { .. }));
    let by_queues: BTreeSet<&str> = by_queues.map(|mapping| mapping.function.as_str()).collect();
    let endpoints: BTreeSet<&str> = stack
        .subscriptions
        .iter()
        .map(|subscription| subscription.endpoint.as_str())
        .collect();
    let functions = stack.functions.iter().filter(|function| {
        by_queues.contains(function.logical_id.as_str())
            || endpoints.contains(function.arn.as_str())
    });
    functions.cloned().collect()
}
