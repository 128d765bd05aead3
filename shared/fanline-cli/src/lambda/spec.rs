//! What a function is, as its template resource states it. Nothing here is checked: a binary that
//! is missing shows when it is started, as an [`InitFailed`](super::InvokeError::InitFailed).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// One function resource, resolved: no references left in its environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSpec {
    /// The function's name, as Lambda shows it in ARNs, logs and log groups.
    pub name: String,
    /// The executable that is started, the `bootstrap` of a deployed function.
    pub binary: PathBuf,
    /// `Environment.Variables` of the resource. Variables that Lambda reserves are ignored here,
    /// except credentials.
    pub environment: BTreeMap<String, String>,
    /// How long one invocation may take before its process is killed.
    pub timeout: Duration,
    /// Told to the function, not enforced.
    pub memory_mb: u32,
    /// How many processes may run at once; callers beyond that wait.
    pub concurrency: usize,
    /// The region of the function's ARN and of `AWS_REGION`.
    pub region: String,
    /// The account number of the function's ARN.
    pub account: String,
}

impl FunctionSpec {
    /// The function's ARN without a version, as an event source mapping invokes it.
    pub fn arn(&self) -> String {
        format!(
            "arn:aws:lambda:{}:{}:function:{}",
            self.region, self.account, self.name
        )
    }
}
