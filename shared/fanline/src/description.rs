//! What a worker says of itself, for tools that compare it with what is deployed.
//!
//! It is read by other versions of the tools than the one that wrote it: fields are added, never renamed
//! or given another meaning. [`FORM`](WorkerDescription::FORM) is raised if that cannot be kept.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    InvalidWorker, Mode, Unknown, Worker,
    filter::FilterPolicyScope,
    worker::{Route, Settings},
};

/// A worker as its handlers and policies make it.
///
/// ```
/// # use fanline::{Envelope, Failure, Worker};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)] struct UserSignedUp { email: String }
/// # impl fanline::Event for UserSignedUp { const TYPE: &'static str = "user.signed_up"; }
/// # async fn send_welcome(event: Envelope<UserSignedUp>) -> Result<(), Failure> { Ok(()) }
/// let description = Worker::new(()).on(send_welcome).describe()?;
/// assert_eq!(
///     serde_json::to_string(&description)?,
///     r#"{"fanlineWorker":1,"handlers":[{"type":"user.signed_up","version":1,"mode":"at-least-once","attempts":5}],"unknown":"dead-letter","filterPolicyScope":"MessageAttributes","filterPolicy":{"type":["user.signed_up"]}}"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WorkerDescription {
    /// [`FORM`](Self::FORM) of whoever wrote it; also what tells the line from any other.
    pub fanline_worker: u32,
    /// The name it gives itself; without one it has that of the function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<String>,
    /// Its handlers, by type and version.
    pub handlers: Vec<HandlerDescription>,
    /// What becomes of events that no handler knows: `dead-letter` or `skip`.
    pub unknown: String,
    /// What its filter policy looks at.
    pub filter_policy_scope: FilterPolicyScope,
    /// The messages it wants, as SNS takes it; `{}` is all of them.
    pub filter_policy: Value,
}

/// A handler of a [`WorkerDescription`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HandlerDescription {
    /// The event's type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The version of its data.
    pub version: u32,
    /// `at-least-once`, or `effectively-once` for one that takes a transaction.
    pub mode: String,
    /// How often a message is tried, by its own plan or the worker's.
    pub attempts: u32,
}

impl WorkerDescription {
    /// The form of descriptions that this version writes.
    pub const FORM: u32 = 1;
}

impl<S: Clone + Send + Sync + 'static> Worker<S> {
    /// What this worker is, without running it.
    ///
    /// # Errors
    /// If it could not run.
    pub fn describe(self) -> Result<WorkerDescription, InvalidWorker> {
        let settings = self.into_settings()?;
        let handlers = settings.routes.iter().flat_map(|(event_type, versions)| {
            let versions = versions.iter();
            versions.map(|(version, route)| HandlerDescription {
                event_type: (*event_type).to_owned(),
                version: *version,
                mode: mode(route).to_owned(),
                attempts: attempts(&settings, route),
            })
        });
        let unknown = match settings.unknown {
            Unknown::DeadLetter => "dead-letter",
            Unknown::Skip => "skip",
        };
        Ok(WorkerDescription {
            fanline_worker: WorkerDescription::FORM,
            consumer: settings.consumer.clone(),
            handlers: handlers.collect(),
            unknown: unknown.to_owned(),
            filter_policy_scope: settings.filter_policy.scope(),
            filter_policy: settings.filter_policy.to_json(),
        })
    }
}

fn mode(route: &Route) -> &'static str {
    match route.mode {
        Mode::AtLeastOnce => "at-least-once",
        Mode::EffectivelyOnce => "effectively-once",
        Mode::AtMostOnce => "at-most-once",
    }
}

fn attempts(settings: &Settings, route: &Route) -> u32 {
    let plan = route.retry_plan.as_ref();
    plan.unwrap_or(&settings.retry_plan).attempts()
}
