//! One run of a scenario: events that nobody else has, and where their effects are found.

use std::{cell::Cell, collections::BTreeMap};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use fanline::{System, Timestamp, publish::Outgoing};
use fanline_aws::RealSystem;
use fanline_cli::publish::events_file::outgoing;
use serde_json::json;

use crate::cloud::{Cloud, Item, number, until};

pub(super) const TOPIC: &str = "user-events";
pub(super) const EMAIL_QUEUE: &str = "email-service-queue";
pub(super) const ANALYTICS_QUEUE: &str = "analytics-service-queue";
pub(super) const EMAIL_DLQ: &str = "email-service-dlq";
pub(super) const ANALYTICS_DLQ: &str = "analytics-service-dlq";

/// The minutes in which a run's sign-ups happen, so that counts are of more than one.
const MINUTES: u32 = 3;

/// Events have names that are unique in the run; their ids begin with the run's.
pub(super) struct Run<'a> {
    cloud: &'a Cloud,
    pub(super) id: String,
    first_minute: i64,
    signups: Cell<u32>,
}

impl<'a> Run<'a> {
    pub(super) fn new(cloud: &'a Cloud) -> Self {
        // The minutes lie between the years 2100 and 9700, where no other event is.
        const FROM: i64 = 4_102_444_800;
        let random = (RealSystem.random() % 4_000_000_000) as i64;
        Self {
            cloud,
            id: format!("{random:010}"),
            first_minute: FROM + random * 60,
            signups: Cell::new(0),
        }
    }

    pub(super) fn event_id(&self, name: &str) -> String {
        format!("{}-{name}", self.id)
    }

    /// A sign-up that can be mailed to; each in the next of the run's minutes.
    pub(super) fn signup(&self, name: &str) -> Outgoing {
        self.event(name, "user.signed_up", 1, "user@example.com")
    }

    pub(super) fn signups(
        &self,
        prefix: &str,
        numbers: impl IntoIterator<Item = usize>,
    ) -> Vec<Outgoing> {
        let names = numbers
            .into_iter()
            .map(|number| format!("{prefix}-{number}"));
        names.map(|name| self.signup(&name)).collect()
    }

    pub(super) fn event(
        &self,
        name: &str,
        event_type: &str,
        version: u32,
        address: &str,
    ) -> Outgoing {
        let id = self.event_id(name);
        let number = self.signups.replace(self.signups.get() + 1);
        let second = self.first_minute + i64::from(number % MINUTES) * 60 + i64::from(number % 60);
        let event = json!({
            "type": event_type,
            "data": {"userId": id, "email": address},
            "metadata": {
                "eventId": id,
                "timestamp": Timestamp::from_second(second).unwrap(),
                "source": "tests",
                "version": version,
            },
        });
        outgoing(&event)
    }

    /// Mails by the names of their events: how often each was handed over.
    pub(super) async fn mails(&self, table: &str) -> BTreeMap<String, u64> {
        let rows = self.own(self.cloud.items(table, "id", &self.id).await, "");
        let mails = rows.into_iter().map(|(name, row)| {
            let sends = number(&row, "sends");
            (name, sends.unwrap_or_else(|| panic!("{row:?}")))
        });
        mails.collect()
    }

    /// Dedup records of a function by the names of their events.
    pub(super) async fn records(&self, table: &str, function: &str) -> BTreeMap<String, Item> {
        let prefix = format!("{function}#{}", self.id);
        let records = self.cloud.items(table, "id", &prefix).await;
        self.own(records, &format!("{function}#"))
    }

    fn own(&self, items: BTreeMap<String, Item>, before: &str) -> BTreeMap<String, Item> {
        let skip = before.len() + self.id.len() + 1;
        let named = items
            .into_iter()
            .map(|(id, item)| (id[skip..].to_owned(), item));
        named.collect()
    }

    /// Sign-ups that were counted in the run's minutes.
    pub(super) async fn counted(&self) -> u64 {
        let mut counted = 0;
        for minute in 0..MINUTES {
            let time = self.first_minute + i64::from(minute) * 60;
            let time = Timestamp::from_second(time).unwrap();
            let minute = time.strftime("%Y-%m-%dT%H:%MZ").to_string();
            let get = self.cloud.dynamodb.get_item().table_name("signup-counts");
            let get = get.key("minute", AttributeValue::S(minute));
            let item = get.consistent_read(true).send().await.unwrap().item;
            counted += item.and_then(|item| number(&item, "signups")).unwrap_or(0);
        }
        counted
    }

    /// Waits until so many are mailed to and so many counted, and nothing is left in the queues: what
    /// would have been handled twice has been by then.
    pub(super) async fn settled(&self, mailed: usize, counted: u64) -> BTreeMap<String, u64> {
        let look = async || (self.mails("sent-emails").await.len(), self.counted().await);
        until("mailed, counted", look, |(mails, count)| {
            *mails >= mailed && *count >= counted
        })
        .await;
        self.cloud
            .wait_for(&[EMAIL_QUEUE, ANALYTICS_QUEUE], &[])
            .await;
        let mails = self.mails("sent-emails").await;
        assert_eq!(
            (mails.len(), self.counted().await),
            (mailed, counted),
            "mailed, counted"
        );
        mails
    }
}

/// Whether the event's effect has happened, as its dedup record says.
pub(super) fn is_done(record: &Item) -> bool {
    record["status"].as_s().unwrap() == "DONE"
}

/// An entry of SendMessageBatch, with the attributes as SNS delivers them raw.
pub(super) fn entry(id: &str, message: &Outgoing) -> SendMessageBatchRequestEntry {
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(id)
        .message_body(&message.body);
    for (name, value) in &message.attributes {
        let value = aws_sdk_sqs::types::MessageAttributeValue::builder()
            .data_type("String")
            .string_value(value);
        entry = entry.message_attributes(name, value.build().unwrap());
    }
    entry.build().unwrap()
}
