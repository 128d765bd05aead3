//! The environment variables of a function process. It starts from nothing, so that what works
//! locally does not depend on the developer's shell, and what Lambda reserves cannot be overridden.

use super::FunctionSpec;
use super::clock;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The search path Lambda gives functions on an OS-only runtime.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/opt/bin";

/// Credentials come from the execution role on AWS; there is none here, so the template may bring
/// them, and the stand-ins accept anything.
const CREDENTIALS: [&str; 3] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];

/// All variables of one process. `runtime_api` is the address of its Runtime API.
pub(super) fn variables(
    spec: &FunctionSpec,
    runtime_api: &str,
    log_stream: &str,
) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), value.to_owned());

    set("PATH", PATH);
    set("TZ", ":UTC");
    set("LANG", "en_US.UTF-8");
    for name in CREDENTIALS {
        set(name, "local");
    }
    for (name, value) in &spec.environment {
        set(name, value);
    }

    set("AWS_LAMBDA_RUNTIME_API", runtime_api);
    set("AWS_LAMBDA_FUNCTION_NAME", &spec.name);
    set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
    set(
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        &spec.memory_mb.to_string(),
    );
    set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
    set(
        "AWS_LAMBDA_LOG_GROUP_NAME",
        &format!("/aws/lambda/{}", spec.name),
    );
    set("AWS_LAMBDA_LOG_STREAM_NAME", log_stream);
    set("AWS_REGION", &spec.region);
    set("AWS_DEFAULT_REGION", &spec.region);
    set("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023");
    set(
        "LAMBDA_TASK_ROOT",
        &task_root(&spec.binary).to_string_lossy(),
    );
    set("_HANDLER", "bootstrap");
    variables
}

/// The folder of the binary, which is also the process's working directory, as on Lambda.
pub(super) fn task_root(binary: &Path) -> &Path {
    match binary.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A name in CloudWatch's form: date, version, and a number of its own for each process.
pub(super) fn log_stream() -> String {
    format!(
        "{}/[$LATEST]{:032x}",
        date(clock::since_epoch()),
        fastrand::u128(..)
    )
}

fn date(since_epoch: Duration) -> String {
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    let moment = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    moment.strftime("%Y/%m/%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(environment: &[(&str, &str)]) -> FunctionSpec {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        FunctionSpec {
            name: "email-service".into(),
            binary: "target/debug/email-service".into(),
            environment: environment.iter().map(owned).collect(),
            timeout: Duration::from_secs(3),
            memory_mb: 256,
            concurrency: 1,
            region: "eu-west-1".into(),
            account: "000000000000".into(),
        }
    }

    fn variable(spec: &FunctionSpec, name: &str) -> String {
        variables(spec, "127.0.0.1:9001", "stream")
            .remove(name)
            .unwrap_or_default()
    }

    #[test]
    fn reserved_names_win_over_the_template() {
        let spec = spec(&[
            ("AWS_LAMBDA_RUNTIME_API", "elsewhere:1"),
            ("AWS_REGION", "mars-1"),
        ]);
        assert_eq!(variable(&spec, "AWS_LAMBDA_RUNTIME_API"), "127.0.0.1:9001");
        assert_eq!(variable(&spec, "AWS_REGION"), "eu-west-1");
    }

    #[test]
    fn the_template_wins_over_defaults() {
        let spec = spec(&[("AWS_ACCESS_KEY_ID", "mine"), ("PATH", "/opt")]);
        assert_eq!(variable(&spec, "AWS_ACCESS_KEY_ID"), "mine");
        assert_eq!(variable(&spec, "AWS_SECRET_ACCESS_KEY"), "local");
        assert_eq!(variable(&spec, "PATH"), "/opt");
    }

    #[test]
    fn a_bare_file_name_has_a_task_root() {
        assert_eq!(task_root(Path::new("bootstrap")), Path::new("."));
        assert_eq!(task_root(Path::new("out/bootstrap")), Path::new("out"));
    }

    #[test]
    fn the_log_stream_begins_with_the_date() {
        assert_eq!(date(Duration::from_secs(1_771_065_000)), "2026/02/14");
    }
}
