//! What a template means, with every reference resolved: the resources a local run creates.
//! Anything in here has to be created; what is left out is in [`Stack::findings`] or
//! [`Stack::ignored`].

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::error::Finding;

/// A template, resolved for one set of parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    /// SQS queues, in the order of the file.
    pub queues: Vec<Queue>,
    /// SNS topics.
    pub topics: Vec<Topic>,
    /// SNS subscriptions of SQS queues, those written inside topics and functions included.
    pub subscriptions: Vec<Subscription>,
    /// DynamoDB tables.
    pub tables: Vec<Table>,
    /// Functions that can run here.
    pub functions: Vec<Function>,
    /// What invokes the functions from queues and streams.
    pub event_source_mappings: Vec<EventSourceMapping>,
    /// What invokes the functions by the clock.
    pub schedules: Vec<Schedule>,
    /// Outputs by name, those that have a value here.
    pub outputs: BTreeMap<String, String>,
    /// Resources that make no difference on one machine.
    pub ignored: Vec<Ignored>,
    /// What is skipped or looks wrong.
    pub findings: Vec<Finding>,
}

/// An SQS queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its name in the template.
    pub logical_id: String,
    /// Where it stands in the template.
    pub line: u32,
    /// Its name on SQS, with `.fifo` if it is one.
    pub name: String,
    /// Whether it keeps order.
    pub fifo: bool,
    /// What `Ref` gives.
    pub url: String,
    /// Its ARN.
    pub arn: String,
    /// The attributes as CreateQueue takes them.
    pub attributes: BTreeMap<String, String>,
    /// The ARN that `RedrivePolicy` names.
    pub dead_letter_target: Option<String>,
}

/// An SNS topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name in the template.
    pub logical_id: String,
    /// Where it stands in the template.
    pub line: u32,
    /// Its name on SNS, with `.fifo` if it is one.
    pub name: String,
    /// Whether it keeps order.
    pub fifo: bool,
    /// What `Ref` gives.
    pub arn: String,
    /// The attributes as CreateTopic takes them.
    pub attributes: BTreeMap<String, String>,
}

/// The subscription of a queue to a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its name in the template, or that of the resource it is written in.
    pub logical_id: String,
    /// Where it stands in the template.
    pub line: u32,
    /// The topic.
    pub topic_arn: String,
    /// `sqs` or `lambda`: others are findings.
    pub protocol: String,
    /// The ARN of the queue or function.
    pub endpoint: String,
    /// The attributes as Subscribe takes them.
    pub attributes: BTreeMap<String, String>,
}

/// A DynamoDB table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name in the template.
    pub logical_id: String,
    /// Where it stands in the template.
    pub line: u32,
    /// Its name on DynamoDB, which `Ref` gives.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// What `GetAtt StreamArn` gives. AWS puts the time of creation in it, which is not known
    /// before the table exists: match streams by their table.
    pub stream_arn: Option<String>,
    /// Partition key, then sort key.
    pub key_schema: Vec<KeyElement>,
    /// Attribute name and type (`S`, `N`, `B`).
    pub attribute_definitions: Vec<(String, String)>,
    /// Reads and writes per second if it is not billed per request.
    pub provisioned: Option<Throughput>,
    /// Global secondary indexes.
    pub global_indexes: Vec<Index>,
    /// Local secondary indexes.
    pub local_indexes: Vec<Index>,
    /// The attribute with the time of expiry, if that is switched on.
    pub ttl_attribute: Option<String>,
    /// `NEW_IMAGE`, `OLD_IMAGE`, `NEW_AND_OLD_IMAGES` or `KEYS_ONLY` if it has a stream.
    pub stream_view_type: Option<String>,
}

/// One attribute of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyElement {
    /// The attribute's name.
    pub attribute: String,
    /// `HASH` or `RANGE`.
    pub key_type: String,
}

/// Provisioned capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throughput {
    /// Read units per second.
    pub read: i64,
    /// Write units per second.
    pub write: i64,
}

/// A secondary index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Partition key, then sort key.
    pub key_schema: Vec<KeyElement>,
    /// `ALL`, `KEYS_ONLY` or `INCLUDE`.
    pub projection_type: String,
    /// What `INCLUDE` includes.
    pub non_key_attributes: Vec<String>,
    /// Reads and writes per second if it is not billed per request.
    pub provisioned: Option<Throughput>,
}

/// A Lambda function with a binary of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name in the template.
    pub logical_id: String,
    /// Where it stands in the template.
    pub line: u32,
    /// Its name on Lambda, which `Ref` gives.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// `CodeUri` as written.
    pub code_uri: String,
    /// The folder `CodeUri` means, seen from where the template's path is valid.
    pub package_folder: PathBuf,
    /// The binary cargo builds for it.
    pub binary: String,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// How long one invocation may take.
    pub timeout_seconds: u32,
    /// Memory in MB.
    pub memory_mb: u32,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// How many invocations may run at once, if that is limited.
    pub reserved_concurrency: Option<u32>,
    /// `Handler`.
    pub handler: String,
    /// `Runtime`.
    pub runtime: String,
    /// `Metadata.BuildMethod`.
    pub build_method: Option<String>,
    /// The HTTP address that invokes it, if it has one.
    pub url: Option<FunctionUrl>,
}

/// `FunctionUrlConfig`: an HTTP address that invokes the function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionUrl {
    /// Where it stands in the template.
    pub line: u32,
    /// Who may ask.
    pub auth: UrlAuth,
}

/// `AuthType` of a function URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlAuth {
    /// Everybody.
    None,
    /// Who signs requests with Signature Version 4.
    Iam,
}

/// What an event source mapping reads from; it is always a resource of the same template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventSource {
    /// A queue.
    Queue {
        /// The queue's name in the template.
        logical_id: String,
        /// The queue's ARN.
        arn: String,
    },
    /// The stream of a table.
    Stream {
        /// The table's name in the template.
        logical_id: String,
        /// As [`Table::stream_arn`].
        arn: String,
        /// `TRIM_HORIZON` or `LATEST`.
        starting_position: String,
        /// How often a batch is tried again; -1 is without end.
        maximum_retry_attempts: i64,
        /// How old a change may become; without end if none.
        maximum_record_age_seconds: Option<u32>,
        /// The ARN of the queue or topic that is told of what was given up.
        on_failure: Option<String>,
        /// Whether a failed batch is split in two.
        bisect_batch_on_function_error: bool,
        /// Batches of one shard at once.
        parallelization_factor: u32,
    },
}

/// What makes Lambda invoke a function with records from a queue or stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSourceMapping {
    /// Its name in the template; for an event inside a function the two names together.
    pub logical_id: String,
    /// Where it stands in the template.
    pub line: u32,
    /// The function's name in the template.
    pub function: String,
    /// Where the records come from.
    pub source: EventSource,
    /// The most records of one invocation.
    pub batch_size: u32,
    /// How long to wait for a full batch.
    pub maximum_batching_window_seconds: u32,
    /// The most invocations at once.
    pub maximum_concurrency: Option<u32>,
    /// Whether the function says which records failed.
    pub report_batch_item_failures: bool,
    /// Patterns (JSON) of which a record must match one; empty lets all pass.
    pub filter_patterns: Vec<String>,
    /// Whether it runs.
    pub enabled: bool,
}

/// What invokes a function by the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The function's and the event's name together.
    pub logical_id: String,
    /// Where it stands in the template.
    pub line: u32,
    /// The function's name in the template.
    pub function: String,
    /// What keeps the time.
    pub service: ScheduleService,
    /// `rate(...)`, `cron(...)` or `at(...)`.
    pub expression: String,
    /// The time zone of the expression, UTC if none.
    pub timezone: Option<String>,
    /// The event (JSON) if it is not EventBridge's own.
    pub input: Option<String>,
    /// Whether it runs.
    pub enabled: bool,
}

/// The two services that invoke by the clock. Their events differ, and when a rate begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleService {
    /// A rule of EventBridge, SAM's `Schedule`.
    Rule,
    /// EventBridge Scheduler, SAM's `ScheduleV2`.
    Scheduler,
}

/// A resource that makes no difference on one machine, such as a role or an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Its name in the template.
    pub logical_id: String,
    /// Where it stands in the template.
    pub line: u32,
    /// Its CloudFormation type.
    pub resource_type: String,
}

impl Stack {
    /// The queue with this name in the template.
    pub fn queue(&self, logical_id: &str) -> Option<&Queue> {
        self.queues
            .iter()
            .find(|queue| queue.logical_id == logical_id)
    }

    /// The function with this name in the template.
    pub fn function(&self, logical_id: &str) -> Option<&Function> {
        self.functions
            .iter()
            .find(|function| function.logical_id == logical_id)
    }

    /// The queues so that a dead-letter queue comes before those that name it, otherwise in the
    /// order of the file.
    pub fn queues_in_creation_order(&self) -> Vec<&Queue> {
        let by_arn: HashMap<&str, usize> = self
            .queues
            .iter()
            .enumerate()
            .map(|(index, queue)| (&*queue.arn, index))
            .collect();
        let mut placed = vec![false; self.queues.len()];
        let mut order = Vec::with_capacity(self.queues.len());
        for start in 0..self.queues.len() {
            let mut chain = Vec::new();
            let mut next = Some(start);
            // Marked before it is placed, so that two queues that name each other end the chain.
            while let Some(index) = next.filter(|index| !placed[*index]) {
                placed[index] = true;
                chain.push(&self.queues[index]);
                let target = self.queues[index].dead_letter_target.as_deref();
                next = target.and_then(|arn| by_arn.get(arn)).copied();
            }
            order.extend(chain.into_iter().rev());
        }
        order
    }
}
