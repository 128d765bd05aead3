//! The publisher against the engine's SNS, and against one that refuses entries.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use aws_sdk_sns::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
};
use fanline::{Envelope, Event, publish::Publish};
use fanline_aws::Publisher;
use fanline_engine::{Config, Server};
use fanline_testing::contract::{PublisherUnderTest, publisher};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

#[derive(Clone, Serialize, Deserialize)]
struct Noted {
    text: String,
    keys: u32,
}

impl Event for Noted {
    const TYPE: &'static str = "note.taken";

    fn routing_keys(&self) -> Vec<(&'static str, String)> {
        let names = ["k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"];
        let named = names.into_iter().take(self.keys as usize);
        named.map(|name| (name, "value".to_owned())).collect()
    }
}

fn client(endpoint: &str) -> Client {
    let config = aws_sdk_sns::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}

fn sqs_client(endpoint: &str) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    aws_sdk_sqs::Client::from_conf(config.build())
}

fn notes(publisher: &Publisher, count: usize) -> Vec<Envelope<Noted>> {
    let note = |index| Noted {
        text: format!("note {index}"),
        keys: 0,
    };
    (0..count)
        .map(|index| publisher.event(note(index)))
        .collect()
}

#[tokio::test]
async fn events_that_cannot_be_sent_are_named_and_the_others_sent() {
    let server = Server::bind("127.0.0.1:0", Config::default())
        .await
        .unwrap();
    let sns = client(&server.endpoint_url());
    let topic = sns.create_topic().name("notes").send().await.unwrap();
    let publisher = Publisher::new(sns, topic.topic_arn.unwrap(), "test").size_limit(1000);
    let mut events = notes(&publisher, 25);
    events[3].data.text = "x".repeat(1000);
    events[7].data.keys = 8;
    let error = publisher.publish(&events).await.unwrap_err();
    assert_eq!(error.published, 23);
    let [large, keyed] = error.refused.as_slice() else {
        panic!("{error:?}");
    };
    assert_eq!((large.index, large.event_id.as_str()), (3, events[3].id()));
    assert!(large.reason.ends_with(
        "bytes with attributes, the topic takes 1000; make it smaller or send a reference"
    ));
    assert_eq!(
        (keyed.index, keyed.reason.as_str()),
        (
            7,
            "11 message attributes, SQS takes 10; use fewer routing keys"
        )
    );
    server.shutdown().await;
}

/// A topic with a queue that gets all of it.
struct Subject {
    publisher: Publisher,
    sqs: aws_sdk_sqs::Client,
    queue: String,
}

impl Subject {
    async fn new(endpoint: &str) -> Self {
        let (sns, sqs) = (client(endpoint), sqs_client(endpoint));
        let queue = sqs.create_queue().queue_name("notes").send().await.unwrap();
        let topic = sns.create_topic().name("notes").send().await.unwrap();
        let topic = topic.topic_arn.unwrap();
        let subscribe = sns.subscribe().topic_arn(&topic).protocol("sqs");
        let subscribe = subscribe.attributes("RawMessageDelivery", "true");
        let subscribe = subscribe.endpoint("arn:aws:sqs:us-east-1:000000000000:notes");
        subscribe.send().await.unwrap();
        Self {
            publisher: Publisher::new(sns, topic, "test"),
            queue: queue.queue_url.unwrap(),
            sqs,
        }
    }

    async fn receive_all(&self) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let receive = self.sqs.receive_message().queue_url(&self.queue);
            let receive = receive.max_number_of_messages(10).visibility_timeout(3600);
            let messages = receive.send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return bodies;
            }
            bodies.extend(messages.into_iter().filter_map(|message| message.body));
        }
    }
}

impl PublisherUnderTest for Subject {
    fn publisher(&self) -> &dyn Publish {
        &self.publisher
    }

    fn published(&self) -> BoxFuture<'_, Vec<String>> {
        Box::pin(self.receive_all())
    }
}

#[tokio::test]
async fn publisher_keeps_the_contract() {
    let config = Config {
        enforce_queue_policies: false,
        ..Config::default()
    };
    let server = Server::bind("127.0.0.1:0", config).await.unwrap();
    publisher(&Subject::new(&server.endpoint_url()).await).await;
    server.shutdown().await;
}

#[tokio::test]
async fn topic_that_does_not_exist_refuses_all_with_its_reason() {
    let server = Server::bind("127.0.0.1:0", Config::default())
        .await
        .unwrap();
    let arn = "arn:aws:sns:us-east-1:000000000000:no-such-topic";
    let publisher = Publisher::new(client(&server.endpoint_url()), arn, "test");
    let error = publisher.publish(&notes(&publisher, 12)).await.unwrap_err();
    assert_eq!((error.published, error.refused.len()), (0, 12));
    assert!(error.refused[0].reason.starts_with("NotFound"), "{error}");
    server.shutdown().await;
}

/// What the stub of SNS does with the entries of each call, one letter an entry: `s`uccessful,
/// `t`hrottled, `r`efused as the sender's fault, `f`orgotten.
async fn stub(script: Vec<&'static str>) -> (String, Arc<Mutex<Vec<usize>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let script = Arc::new(Mutex::new(script.into_iter()));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&seen)));
        }
    });
    (endpoint, calls)
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<Mutex<impl Iterator<Item = &'static str>>>,
    seen: Arc<Mutex<Vec<usize>>>,
) {
    while let Some(body) = request(&mut stream).await {
        seen.lock().unwrap().push(body.matches(".Message=").count());
        let answer = answer(script.lock().unwrap().next().unwrap_or_default());
        let length = answer.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all((head + &answer).as_bytes()).await.unwrap();
    }
}

async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse::<usize>().unwrap())
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(body.to_owned());
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&chunk[..read]),
        }
    }
}

fn answer(script: &str) -> String {
    let (mut successful, mut failed) = (String::new(), String::new());
    for (id, what) in script.chars().enumerate() {
        match what {
            's' => {
                successful +=
                    &format!("<member><Id>{id}</Id><MessageId>m-{id}</MessageId></member>")
            }
            'f' => {}
            what => {
                failed += &format!(
                    "<member><Id>{id}</Id><Code>Code-{what}</Code><Message>no</Message><SenderFault>{}</SenderFault></member>",
                    what == 'r'
                );
            }
        }
    }
    format!(
        "<PublishBatchResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishBatchResult><Successful>{successful}</Successful><Failed>{failed}</Failed></PublishBatchResult></PublishBatchResponse>"
    )
}

#[tokio::test]
async fn refused_entries_are_tried_again_alone_and_then_named() {
    let (endpoint, calls) = stub(vec!["strf", "st", "t", "t"]).await;
    let publisher = Publisher::new(
        client(&endpoint),
        "arn:aws:sns:us-east-1:000000000000:notes",
        "test",
    );
    let error = publisher.publish(&notes(&publisher, 4)).await.unwrap_err();
    // Throttled and forgotten entries go out again, the sender's fault does not.
    assert_eq!(*calls.lock().unwrap(), [4, 2, 1, 1]);
    let refused: Vec<_> = error
        .refused
        .iter()
        .map(|event| (event.index, event.reason.as_str()))
        .collect();
    assert_eq!(refused, [(2, "Code-r: no"), (3, "Code-t: no")]);
    assert_eq!(error.published, 2);
}

#[tokio::test]
async fn success_is_only_what_sns_names_as_successful() {
    let (endpoint, calls) = stub(vec!["sf", "f", "f", "f"]).await;
    let publisher = Publisher::new(
        client(&endpoint),
        "arn:aws:sns:us-east-1:000000000000:notes",
        "test",
    );
    let error = publisher.publish(&notes(&publisher, 2)).await.unwrap_err();
    assert_eq!(*calls.lock().unwrap(), [2, 1, 1, 1]);
    assert_eq!(
        (error.refused[0].index, error.refused[0].reason.as_str()),
        (1, "SNS gave no answer for it")
    );
}

#[tokio::test]
async fn batches_have_at_most_ten_entries_and_the_topics_bytes() {
    let (endpoint, calls) = stub(vec!["ssssssssss"; 5]).await;
    let publisher = Publisher::new(
        client(&endpoint),
        "arn:aws:sns:us-east-1:000000000000:notes",
        "test",
    );
    publisher.publish(&notes(&publisher, 25)).await.unwrap();
    let mut entries = std::mem::take(&mut *calls.lock().unwrap());
    entries.sort_unstable();
    assert_eq!(entries, [5, 10, 10]);
}

/// An event of an entity.
#[derive(Clone, Serialize, Deserialize)]
struct Stepped {
    entity: String,
}

impl Event for Stepped {
    const TYPE: &'static str = "entity.stepped";

    fn entity(&self) -> Option<String> {
        Some(self.entity.clone())
    }
}

/// Of each call, the entities. What fails holds back its entity, and what is refused for good does not.
#[tokio::test]
async fn fifo_topic_gets_the_events_of_an_entity_one_after_the_other() {
    let script = vec!["srt", "t", "t", "t", "ss"];
    let (endpoint, calls) = stub(script).await;
    let arn = "arn:aws:sns:us-east-1:000000000000:notes.fifo";
    let publisher = Publisher::new(client(&endpoint), arn, "test");
    let events: Vec<_> = ["a", "a", "b", "b", "c", "c"]
        .into_iter()
        .map(|entity| {
            publisher.event(Stepped {
                entity: entity.to_owned(),
            })
        })
        .collect();
    let error = publisher.publish(&events).await.unwrap_err();
    let refused: Vec<_> = error
        .refused
        .iter()
        .map(|event| (event.index, event.reason.as_str(), event.is_final))
        .collect();
    assert_eq!(
        refused,
        [
            (2, "Code-r: no", true),
            (4, "Code-t: no", false),
            (
                5,
                "an event of the same entity before it was not published",
                false
            ),
        ]
    );
    assert_eq!(*calls.lock().unwrap(), [3, 1, 1, 1, 2]);
}
