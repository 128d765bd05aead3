//! Topics and what reaches the queues subscribed to them.

use crate::fixture::{Fixture, bodies, code, start, start_with};
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use aws_sdk_sqs::types::MessageSystemAttributeName;
use serde_json::Value;

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:us-east-1:000000000000:events"}}}]}"#;

async fn topic(fixture: &Fixture, name: &str) -> String {
    let created = fixture
        .sns
        .create_topic()
        .name(name)
        .send()
        .await
        .expect("is created");
    created.topic_arn.expect("has an ARN")
}

async fn subscribe(
    fixture: &Fixture,
    topic: &str,
    queue: &str,
    attributes: &[(&str, &str)],
) -> String {
    let mut call = fixture
        .sns
        .subscribe()
        .topic_arn(topic)
        .protocol("sqs")
        .endpoint(format!("arn:aws:sqs:us-east-1:000000000000:{queue}"));
    for (name, value) in attributes {
        call = call.attributes(*name, *value);
    }
    let subscribed = call.send().await.expect("subscribes");
    subscribed.subscription_arn.expect("has an ARN")
}

fn attribute(data_type: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type(data_type)
        .string_value(value)
        .build()
        .expect("complete")
}

#[tokio::test]
async fn fan_out_wrapped_raw_and_filtered() {
    let fixture = start().await;
    let topic = topic(&fixture, "events").await;
    let wrapped = fixture.queue("wrapped", &[("Policy", POLICY)]).await;
    let raw = fixture.queue("raw", &[("Policy", POLICY)]).await;
    let filtered = fixture.queue("filtered", &[("Policy", POLICY)]).await;
    subscribe(&fixture, &topic, "wrapped", &[]).await;
    subscribe(&fixture, &topic, "raw", &[("RawMessageDelivery", "true")]).await;
    let filter = r#"{"type":["order.placed"]}"#;
    subscribe(&fixture, &topic, "filtered", &[("FilterPolicy", filter)]).await;
    let published = fixture
        .sns
        .publish()
        .topic_arn(&topic)
        .message("{\"a\":1}")
        .subject("Hi")
        .message_attributes("type", attribute("String", "user.signed_up"))
        .send()
        .await
        .expect("publishes");
    let message = fixture.receive(&wrapped).await;
    let body: Value = serde_json::from_str(message[0].body().expect("body")).expect("is JSON");
    assert_eq!(body["Type"], "Notification");
    assert_eq!(body["Message"], "{\"a\":1}");
    assert_eq!(body["Subject"], "Hi");
    assert_eq!(body["TopicArn"], topic.as_str());
    assert_eq!(body["MessageId"].as_str(), published.message_id());
    assert_eq!(body["MessageAttributes"]["type"]["Value"], "user.signed_up");
    assert!(message[0].message_attributes().is_none());
    let message = fixture.receive(&raw).await;
    assert_eq!(bodies(&message), ["{\"a\":1}"]);
    let attributes = message[0].message_attributes().expect("attributes");
    assert_eq!(attributes["type"].string_value(), Some("user.signed_up"));
    assert!(fixture.receive(&filtered).await.is_empty());
}

#[tokio::test]
async fn a_queue_without_a_policy_gets_nothing_unless_told_so() {
    for (enforce, expected) in [(true, 0), (false, 1)] {
        let fixture = start_with(|config| config.enforce_queue_policies = enforce).await;
        let topic = topic(&fixture, "events").await;
        let url = fixture.queue("open", &[]).await;
        subscribe(&fixture, &topic, "open", &[]).await;
        let publish = fixture.sns.publish().topic_arn(&topic).message("x");
        publish.send().await.expect("publishes");
        assert_eq!(fixture.receive(&url).await.len(), expected);
        assert_eq!(
            fixture.server.undelivered().refused_by_policy,
            1 - expected as u64
        );
    }
}

#[tokio::test]
async fn what_cannot_be_delivered_goes_to_the_subscriptions_dead_letter_queue() {
    let fixture = start().await;
    let topic = topic(&fixture, "events").await;
    let dead = fixture.queue("dead", &[("Policy", POLICY)]).await;
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead"}"#;
    subscribe(
        &fixture,
        &topic,
        "gone",
        &[("RedrivePolicy", redrive), ("RawMessageDelivery", "true")],
    )
    .await;
    fixture
        .sns
        .publish()
        .topic_arn(&topic)
        .message("x")
        .send()
        .await
        .expect("publishes");
    assert_eq!(bodies(&fixture.receive(&dead).await), ["x"]);
    assert_eq!(fixture.server.undelivered().dead_lettered, 1);
}

#[tokio::test]
async fn a_batch_names_each_refused_entry() {
    let fixture = start().await;
    let topic = topic(&fixture, "events").await;
    let url = fixture.queue("raw", &[("Policy", POLICY)]).await;
    subscribe(&fixture, &topic, "raw", &[("RawMessageDelivery", "true")]).await;
    let entry = |id: &str, message: &str| {
        let entry = PublishBatchRequestEntry::builder().id(id).message(message);
        entry.message_attributes("n", attribute("Number", "1"))
    };
    let published = fixture
        .sns
        .publish_batch()
        .topic_arn(&topic)
        .publish_batch_request_entries(entry("a", "one").build().expect("complete"))
        .publish_batch_request_entries(
            entry("b", "two")
                .message_attributes("bad", attribute("Number", "x"))
                .build()
                .expect("complete"),
        )
        .publish_batch_request_entries(entry("c", "three").build().expect("complete"))
        .send()
        .await
        .expect("answers");
    let failed: Vec<_> = published
        .failed()
        .iter()
        .map(|entry| (entry.id(), entry.code(), entry.sender_fault()))
        .collect();
    assert_eq!(failed, [("b", "ParameterValueInvalid", true)]);
    assert_eq!(published.successful().len(), 2);
    assert_eq!(bodies(&fixture.receive(&url).await), ["one", "three"]);
    let empty = fixture
        .sns
        .publish_batch()
        .topic_arn(&topic)
        .set_publish_batch_request_entries(Some(vec![]));
    assert_eq!(code!(empty.send()), "EmptyBatchRequest");
}

#[tokio::test]
async fn fifo_topics_keep_group_order_and_deduplicate() {
    let fixture = start().await;
    let create = fixture.sns.create_topic().name("events.fifo");
    let created = create
        .attributes("FifoTopic", "true")
        .send()
        .await
        .expect("is created");
    let topic = created.topic_arn.expect("has an ARN");
    let policy = POLICY.replace(":events", ":events.fifo");
    let attributes = [("Policy", policy.as_str()), ("FifoQueue", "true")];
    let url = fixture.queue("orders.fifo", &attributes).await;
    subscribe(
        &fixture,
        &topic,
        "orders.fifo",
        &[("RawMessageDelivery", "true")],
    )
    .await;
    let publish = |body: &str, id: &str| {
        let call = fixture.sns.publish().topic_arn(&topic).message(body);
        call.message_group_id("g")
            .message_deduplication_id(id)
            .send()
    };
    let first = publish("one", "1").await.expect("publishes");
    let again = publish("one again", "1").await.expect("publishes");
    publish("two", "2").await.expect("publishes");
    assert_eq!(first.message_id(), again.message_id());
    assert_eq!(first.sequence_number(), again.sequence_number());
    let messages = fixture.receive(&url).await;
    assert_eq!(bodies(&messages), ["one", "two"]);
    let system = messages[0].attributes().expect("system attributes");
    assert_eq!(system[&MessageSystemAttributeName::MessageGroupId], "g");
    let standard = fixture
        .sns
        .create_topic()
        .name("events")
        .send()
        .await
        .expect("is created");
    let refused = fixture
        .sns
        .subscribe()
        .topic_arn(standard.topic_arn().expect("ARN"))
        .protocol("sqs");
    let refused = refused.endpoint("arn:aws:sqs:us-east-1:000000000000:orders.fifo");
    assert_eq!(code!(refused.send()), "InvalidParameter");
}

#[tokio::test]
async fn topics_and_subscriptions_are_resources() {
    let fixture = start().await;
    let arn = topic(&fixture, "events").await;
    assert_eq!(arn, topic(&fixture, "events").await);
    let subscription = subscribe(&fixture, &arn, "q", &[("RawMessageDelivery", "true")]).await;
    assert_eq!(
        subscription,
        subscribe(&fixture, &arn, "q", &[("RawMessageDelivery", "true")]).await
    );
    let other = fixture.sns.subscribe().topic_arn(&arn).protocol("sqs");
    let other = other.endpoint("arn:aws:sqs:us-east-1:000000000000:q");
    assert_eq!(code!(other.send()), "InvalidParameter");
    let set = fixture
        .sns
        .set_subscription_attributes()
        .subscription_arn(&subscription);
    let set = set
        .attribute_name("FilterPolicy")
        .attribute_value(r#"{"a":[{"between":1}]}"#);
    assert_eq!(code!(set.send()), "InvalidParameter");
    let attributes = fixture
        .sns
        .get_subscription_attributes()
        .subscription_arn(&subscription);
    let attributes = attributes.send().await.expect("answers");
    assert_eq!(
        attributes.attributes().expect("some")["RawMessageDelivery"],
        "true"
    );
    let listed = fixture
        .sns
        .list_subscriptions_by_topic()
        .topic_arn(&arn)
        .send()
        .await
        .expect("lists");
    assert_eq!(listed.subscriptions().len(), 1);
    assert_eq!(
        fixture
            .sns
            .list_topics()
            .send()
            .await
            .expect("lists")
            .topics()
            .len(),
        1
    );
    let attributes = fixture
        .sns
        .get_topic_attributes()
        .topic_arn(&arn)
        .send()
        .await
        .expect("answers");
    assert_eq!(
        attributes.attributes().expect("some")["SubscriptionsConfirmed"],
        "1"
    );
    fixture
        .sns
        .unsubscribe()
        .subscription_arn(&subscription)
        .send()
        .await
        .expect("unsubscribes");
    fixture
        .sns
        .delete_topic()
        .topic_arn(&arn)
        .send()
        .await
        .expect("deletes");
    let publish = fixture.sns.publish().topic_arn(&arn).message("x");
    assert_eq!(code!(publish.send()), "NotFound");
    let listed = fixture.sns.list_topics().send().await.expect("lists");
    assert!(listed.topics().is_empty());
}
