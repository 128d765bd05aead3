//! The relay and the sweeper as Lambda functions.

use std::time::Duration;

use fanline::{BoxError, System};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use super::{
    Relay, Relayed, Row,
    stream::{StreamEvent, answer},
};
use crate::{
    Environment, Error, Publisher, RealSystem, payloads::PayloadSettings, run::start_logging,
    sdk_config,
};

const TABLE: &str = "FANLINE_OUTBOX_TABLE";
const TOPIC: &str = "FANLINE_TOPIC_ARN";

/// The `main` of a function that publishes an outbox table's new rows, invoked by the table's stream.
///
/// Reads `FANLINE_OUTBOX_TABLE` and `FANLINE_TOPIC_ARN`, and `FANLINE_PAYLOAD_BUCKET` or `FANLINE_PAYLOAD_TABLE` if
/// rows may be too large for the topic ([`Outbox::claim_check_by_relay`](super::Outbox::claim_check_by_relay)). Its event source mapping needs
/// `FunctionResponseTypes: [ReportBatchItemFailures]`, should have
/// `FilterCriteria` for `INSERT`, and tries again until a row is published: while SNS is away nothing is lost
/// and nothing of a shard overtakes, for as long as the stream keeps changes (24 hours). Later the
/// sweeper publishes what is left.
///
/// # Errors
/// If the environment is not valid or Lambda's runtime API is lost.
pub async fn run_relay() -> Result<(), Error> {
    let relay = relay_from_environment().await?;
    let relay = &relay;
    lambda_runtime::run(service_fn(|event: LambdaEvent<StreamEvent>| async move {
        Ok::<Value, BoxError>(on_stream(relay, event.payload).await)
    }))
    .await
    .map_err(Error::new)
}

impl Relay {
    /// One invocation by the table's stream: Lambda's event in, its partial-batch answer out. For who hosts the relay
    /// otherwise than by [`run_relay`].
    ///
    /// # Errors
    /// If it is no event of a stream.
    pub async fn on_stream(&self, event: Value) -> Result<Value, Error> {
        let event = serde_json::from_value(event).map_err(Error::new)?;
        Ok(on_stream(self, event).await)
    }
}

async fn on_stream(relay: &Relay, event: StreamEvent) -> Value {
    let (mut numbers, mut rows): (Vec<String>, Vec<Row>) = (Vec::new(), Vec::new());
    for inserted in event.inserted() {
        match inserted.row {
            Ok(row) => {
                numbers.push(inserted.sequence_number);
                rows.push(row);
            }
            // It stays in the table, where the sweeper complains of it; the shard must not wait for it.
            Err(problem) => tracing::error!(problem, "row passed over"),
        }
    }
    let mut postponed = Vec::new();
    for ((row, number), relayed) in rows.iter().zip(numbers).zip(relay.relay(&rows).await) {
        let event_id = &row.outgoing.event_id;
        match relayed {
            Relayed::Published => tracing::debug!(event_id, "published"),
            Relayed::Postponed { reason } => {
                tracing::warn!(event_id, reason, "event not published; it is tried again");
                postponed.push(number);
            }
            Relayed::Refused { reason } => tracing::error!(
                event_id,
                reason,
                "event refused for good; it stays in the outbox"
            ),
        }
    }
    tracing::info!(rows = rows.len(), postponed = postponed.len(), "relayed");
    answer(postponed.into_iter())
}

/// The `main` of a function that publishes what has been in an outbox table for too long, invoked on a schedule.
///
/// Reads what [`run_relay`] reads and `FANLINE_OUTBOX_AGE_SECONDS` (rows older than this are swept, default
/// 300). Fails, after it has published what it could, if something is left: an
/// alarm on the function's errors tells of an event that SNS will never take.
///
/// # Errors
/// If the environment is not valid or Lambda's runtime API is lost.
pub async fn run_sweeper() -> Result<(), Error> {
    let mut environment = Environment::read();
    let age = environment.number("FANLINE_OUTBOX_AGE_SECONDS", 300, 0..=86_400);
    environment.check_own()?;
    let relay = relay_from_environment().await?;
    let relay = &relay;
    lambda_runtime::run(service_fn(|_: LambdaEvent<Value>| async move {
        let older_than = RealSystem.now().checked_sub(Duration::from_secs(age))?;
        let swept = relay
            .sweep(older_than)
            .await
            .map_err(|error| error.to_string())?;
        tracing::info!(
            published = swept.published,
            failed = swept.failed.len(),
            "swept"
        );
        match swept.failed.first() {
            None => Ok::<Value, BoxError>(Value::Null),
            Some(first) => Err(format!(
                "{} rows are still in the outbox; the first: {first}",
                swept.failed.len()
            )
            .into()),
        }
    }))
    .await
    .map_err(Error::new)
}

async fn relay_from_environment() -> Result<Relay, Error> {
    start_logging();
    let mut environment = Environment::read();
    let table = environment.required(TABLE);
    let topic = environment.required(TOPIC);
    let payloads = PayloadSettings::read(&mut environment);
    environment.check_own()?;
    let config = sdk_config().await?;
    let mut publisher = Publisher::new(aws_sdk_sns::Client::new(&config), topic, "outbox");
    if let Some(store) = payloads.store(&config) {
        publisher = publisher.claim_check(store);
    }
    Ok(Relay::new(
        aws_sdk_dynamodb::Client::new(&config),
        table,
        publisher,
    ))
}

#[cfg(test)]
mod tests {
    use fanline::publish::Outgoing;
    use serde_json::json;

    use super::*;

    fn change(name: &str, number: &str, image: Value) -> Value {
        json!({
            "eventID": number, "eventName": name, "eventSource": "aws:dynamodb",
            "dynamodb": {"Keys": {"id": {"S": "e-1"}}, "NewImage": image, "SequenceNumber": number, "StreamViewType": "NEW_IMAGE"},
        })
    }

    #[test]
    fn rows_are_read_from_lambdas_event() {
        let row = json!({
            "entity": {"S": "o-1"}, "id": {"S": "e-1"}, "body": {"S": "{}"}, "created_at": {"N": "1771065000000"},
            "attributes": {"M": {"version": {"S": "1"}, "type": {"S": "order.placed"}}},
        });
        let event = json!({"Records": [
            change("INSERT", "1", row.clone()),
            change("REMOVE", "2", json!({})),
            change("INSERT", "3", json!({"id": {"S": "e-3"}, "body": {"BOOL": true}})),
        ]});
        let event: StreamEvent = serde_json::from_value(event).unwrap();
        let inserted = event.inserted();
        assert_eq!(inserted.len(), 2);
        let row = inserted[0].row.as_ref().unwrap();
        let attribute = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let outgoing = Outgoing {
            event_id: "e-1".to_owned(),
            entity: "o-1".to_owned(),
            body: "{}".to_owned(),
            attributes: vec![attribute("type", "order.placed"), attribute("version", "1")],
        };
        assert_eq!(row.outgoing, outgoing);
        assert_eq!(row.created_at.as_second(), 1_771_065_000);
        assert_eq!(
            inserted[1].row,
            Err(
                "outbox row e-3: attributes: expected a map; did something else write this table?"
                    .to_owned()
            )
        );
    }

    /// SNS away: every row is reported, so that Lambda brings it again; the row that is none is passed over.
    #[tokio::test]
    async fn outage_of_the_topic_reports_every_row() {
        use aws_sdk_sns::config::{
            BehaviorVersion, Credentials, Region, SharedCredentialsProvider,
        };
        use fanline_engine::{Config, Server};

        let server = Server::bind("127.0.0.1:0", Config::default())
            .await
            .unwrap();
        let credentials = Credentials::new("test", "test", None, None, "test");
        let config = crate::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(server.endpoint_url())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let sns = aws_sdk_sns::Client::new(&config);
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        let arn = "arn:aws:sns:us-east-1:000000000000:steps";
        let relay = Relay::new(
            dynamodb,
            "outbox",
            Publisher::new(sns.clone(), arn, "tests"),
        );
        let row = |id: &str| {
            json!({
                "entity": {"S": id}, "id": {"S": id}, "body": {"S": "{}"}, "created_at": {"N": "0"},
                "attributes": {"M": {}},
            })
        };
        let event = json!({"Records": [
            change("INSERT", "1", row("e-1")),
            change("INSERT", "2", json!({"id": {"S": "e-2"}})),
            change("INSERT", "3", row("e-3")),
        ]});
        let failures = |numbers: &[&str]| answer(numbers.iter().map(|&number| number.to_owned()));
        let invoked =
            async || on_stream(&relay, serde_json::from_value(event.clone()).unwrap()).await;
        assert_eq!(invoked().await, failures(&["1", "3"]));
        sns.create_topic().name("steps").send().await.unwrap();
        // The table that does not exist only keeps rows from being deleted.
        assert_eq!(invoked().await, failures(&[]));
        server.shutdown().await;
    }

    #[test]
    fn answer_names_what_is_tried_again() {
        assert_eq!(answer(std::iter::empty()), json!({"batchItemFailures": []}));
        assert_eq!(
            answer(["7".to_owned()].into_iter()),
            json!({"batchItemFailures": [{"itemIdentifier": "7"}]})
        );
    }
}
