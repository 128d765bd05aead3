use super::*;
use crate::engine::EngineOptions;
use crate::query::Form;
use crate::sns::SnsRequest;
use crate::sqs::SqsRequest;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

const START: EpochMillis = 1_771_065_000_000;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("fanline-engine-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An engine that is restarted whenever asked to; without a folder it never is.
struct World {
    folder: Option<Folder>,
    engine: Engine,
    data: Option<Data>,
    now: EpochMillis,
}

impl World {
    fn kept() -> Self {
        let mut world = Self {
            folder: Some(Folder::new()),
            ..Self::in_memory()
        };
        world.restart();
        world
    }

    fn in_memory() -> Self {
        Self {
            folder: None,
            engine: Engine::new(EngineOptions::default()),
            data: None,
            now: START,
        }
    }

    fn restart(&mut self) {
        let Some(Folder(folder)) = &self.folder else {
            return;
        };
        // Nothing is written at the end: a killed process could not either.
        self.data = None;
        self.engine = Engine::new(EngineOptions {
            seed: self.now,
            ..EngineOptions::default()
        });
        let data = Data::open(folder, &Identity::default()).expect("opens");
        data.load(&mut self.engine, self.now).expect("loads");
        self.data = Some(data);
    }

    fn sqs(&mut self, operation: &str, body: Value) -> Result<Value, String> {
        let request = SqsRequest::parse(operation, body.to_string().as_bytes()).expect("parses");
        let answer = self.engine.sqs(self.now, "", request).answer;
        self.save();
        let answer = answer.map_err(|error| error.to_string())?;
        Ok(serde_json::to_value(&answer).expect("is JSON"))
    }

    fn sns(&mut self, form: &str) -> Result<(), String> {
        let request = SnsRequest::parse(&Form::parse(form.as_bytes())).expect("parses");
        let answer = self.engine.sns(self.now, "", request).answer;
        self.save();
        answer.map(drop).map_err(|error| error.to_string())
    }

    fn save(&mut self) {
        if let Some(data) = &mut self.data {
            data.save(&mut self.engine, self.now).expect("saves");
        }
    }

    fn create(&mut self, name: &str, attributes: Value) {
        let call = json!({"QueueName": name, "Attributes": attributes});
        self.sqs("CreateQueue", call).expect("is created");
    }

    /// The bodies and handles of a receive.
    fn receive(&mut self, queue: &str, most: usize) -> Vec<(String, String)> {
        let call = json!({"QueueUrl": queue, "MaxNumberOfMessages": most});
        let received = self.sqs("ReceiveMessage", call).expect("receives");
        let messages = received["Messages"].as_array().cloned();
        let messages = messages.unwrap_or_default().into_iter();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        messages
            .map(|message| (text(&message["Body"]), text(&message["ReceiptHandle"])))
            .collect()
    }
}

impl World {
    /// All that can be received, in an order that does not depend on what AWS leaves open. A FIFO
    /// queue's messages are deleted as they come, or their groups would stop.
    fn receive_all(&mut self, queue: &str) -> Vec<(String, String)> {
        let mut received = Vec::new();
        while let more @ [_, ..] = &*self.receive(queue, 10) {
            for (_, handle) in more.iter().filter(|_| queue.ends_with(".fifo")) {
                let call = json!({"QueueUrl": queue, "ReceiptHandle": handle});
                self.sqs("DeleteMessage", call).expect("is deleted");
            }
            received.extend_from_slice(more);
        }
        if queue.ends_with(".fifo") {
            // By group; the sort is stable, so the order within a group stays.
            received.sort_by(|(left, _), (right, _)| left[..2].cmp(&right[..2]));
        } else {
            received.sort();
        }
        received
    }
}

#[derive(Debug, Clone)]
enum Step {
    Send { queue: usize, group: u8, delay: u32 },
    Receive { queue: usize, most: usize },
    Delete { pick: usize },
    Hide { pick: usize, seconds: u32 },
    Pass { seconds: u64 },
    Purge { queue: usize },
    Restart,
}

/// One group in `order.fifo`, whose messages are held over restarts; several in `groups.fifo`, which
/// is emptied by each receive, as AWS leaves open which group comes first.
const URLS: [&str; 4] = ["/plain", "/order.fifo", "/groups.fifo", "/dead"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0usize..3, 0u8..3, 0u32..3).prop_map(|(queue, group, delay)| Step::Send { queue, group, delay }),
        5 => (0usize..4, 1usize..6).prop_map(|(queue, most)| Step::Receive { queue, most }),
        3 => any::<usize>().prop_map(|pick| Step::Delete { pick }),
        2 => (any::<usize>(), 0u32..20).prop_map(|(pick, seconds)| Step::Hide { pick, seconds }),
        3 => (0u64..15).prop_map(|seconds| Step::Pass { seconds }),
        1 => (0usize..4).prop_map(|queue| Step::Purge { queue }),
        3 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..60)
}

/// What a caller sees of a run. Ids and handles are left out: they are a matter of the seed.
fn play(mut world: World, steps: &[Step]) -> Vec<Value> {
    world.create("dead", json!({}));
    world.create("plain", json!({"VisibilityTimeout": "10", "RedrivePolicy":
        r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":2}"#}));
    world.create("groups.fifo", json!({"FifoQueue": "true"}));
    world.create(
        "order.fifo",
        json!({"FifoQueue": "true", "VisibilityTimeout": "10"}),
    );
    let mut held: Vec<(&str, String)> = Vec::new();
    let mut seen = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Send {
                queue,
                group,
                delay,
            } => {
                let mut call =
                    json!({"QueueUrl": URLS[*queue], "MessageBody": format!("g{group} {number}")});
                if matches!(*queue, 1 | 2) {
                    let group = if *queue == 1 { 0 } else { *group };
                    call["MessageGroupId"] = json!(format!("g{group}"));
                    // Every third is a duplicate of one before it.
                    call["MessageDeduplicationId"] = json!((number / 3).to_string());
                } else {
                    call["DelaySeconds"] = json!(delay);
                    call["MessageAttributes"] =
                        json!({"raw": {"DataType": "Binary", "BinaryValue": "AP8="}});
                }
                world.sqs("SendMessage", call).expect("is sent");
            }
            Step::Receive { queue, most } => {
                let received = match *queue {
                    1 => world.receive(URLS[1], *most),
                    queue => world.receive_all(URLS[queue]),
                };
                seen.push(json!(
                    received.iter().map(|(body, _)| body).collect::<Vec<_>>()
                ));
                held.extend(
                    received
                        .into_iter()
                        .map(|(_, handle)| (URLS[*queue], handle)),
                );
            }
            Step::Delete { pick } if !held.is_empty() => {
                let (queue, handle) = held[pick % held.len()].clone();
                let call = json!({"QueueUrl": queue, "ReceiptHandle": handle});
                seen.push(json!(world.sqs("DeleteMessage", call).is_ok()));
            }
            Step::Hide { pick, seconds } if !held.is_empty() => {
                let (queue, handle) = held[pick % held.len()].clone();
                let call = json!({"QueueUrl": queue, "ReceiptHandle": handle, "VisibilityTimeout": seconds});
                seen.push(json!(world.sqs("ChangeMessageVisibility", call).is_ok()));
            }
            Step::Pass { seconds } => world.now += seconds * 1000,
            Step::Purge { queue } => {
                let call = json!({"QueueUrl": URLS[*queue]});
                seen.push(json!(world.sqs("PurgeQueue", call).is_ok()));
            }
            Step::Restart => world.restart(),
            Step::Delete { .. } | Step::Hide { .. } => {}
        }
        for queue in URLS {
            let counts = world
                .engine
                .sqs
                .counts(world.now, &queue[1..])
                .expect("exists");
            seen.push(json!([counts.available, counts.in_flight, counts.delayed]));
        }
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_at_any_moment_changes_nothing_that_a_caller_sees(steps in steps()) {
        prop_assert_eq!(play(World::kept(), &steps), play(World::in_memory(), &steps));
    }
}

#[test]
fn a_handle_from_before_a_restart_deletes_its_message_and_no_other() {
    let mut world = World::kept();
    world.create("q", json!({}));
    let send = |world: &mut World, body: &str| {
        let call = json!({"QueueUrl": "/q", "MessageBody": body});
        world.sqs("SendMessage", call).expect("is sent");
    };
    send(&mut world, "first");
    let (_, handle) = world.receive("/q", 1).remove(0);
    let delete = json!({"QueueUrl": "/q", "ReceiptHandle": handle});
    world.restart();
    world
        .sqs("DeleteMessage", delete.clone())
        .expect("is deleted");
    world.restart();
    send(&mut world, "second");
    assert_eq!(world.receive("/q", 1)[0].0, "second");
    world.sqs("DeleteMessage", delete).expect("is answered");
    assert_eq!(
        world
            .engine
            .sqs
            .counts(world.now, "q")
            .expect("exists")
            .total(),
        1
    );
}

#[test]
fn topics_subscriptions_and_what_fifo_topics_remember_come_back() {
    let mut world = World::kept();
    world.create("q.fifo", json!({"FifoQueue": "true", "Policy":
        r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}}"#}));
    world
        .sns("Action=CreateTopic&Name=t.fifo&Attributes.entry.1.key=FifoTopic&Attributes.entry.1.value=true")
        .expect("is created");
    let topic = "TopicArn=arn:aws:sns:us-east-1:000000000000:t.fifo";
    world
        .sns(&format!("Action=Subscribe&{topic}&Protocol=sqs&Endpoint=arn:aws:sqs:us-east-1:000000000000:q.fifo"))
        .expect("is subscribed");
    let publish =
        format!("Action=Publish&{topic}&Message=x&MessageGroupId=g&MessageDeduplicationId=d");
    world.sns(&publish).expect("is published");
    let total = |world: &mut World| {
        world
            .engine
            .sqs
            .counts(world.now, "q.fifo")
            .expect("exists")
            .total()
    };
    for _ in 0..2 {
        world.restart();
        world.sns(&publish).expect("is answered");
        assert_eq!(total(&mut world), 1, "a duplicate was recognised");
    }
    world.now += 5 * 60 * 1000;
    world.restart();
    world.sns(&publish).expect("is published");
    assert_eq!(total(&mut world), 2);
}

#[test]
fn a_deleted_queue_takes_its_messages_along() {
    let mut world = World::kept();
    world.create("q", json!({}));
    world
        .sqs("SendMessage", json!({"QueueUrl": "/q", "MessageBody": "x"}))
        .expect("is sent");
    world
        .sqs("DeleteQueue", json!({"QueueUrl": "/q"}))
        .expect("is deleted");
    world.restart();
    let early = world.sqs("CreateQueue", json!({"QueueName": "q"}));
    assert!(early.is_err_and(|error| error.contains("60 seconds")));
    world.now += 60_000;
    world.create("q", json!({}));
    assert!(world.receive("/q", 1).is_empty());
    let data = world.data.as_ref().expect("is kept");
    let rows = data
        .connection
        .query_row("SELECT count(*) FROM messages", [], |row| row.get(0));
    assert_eq!(rows, Ok(0));
}

#[test]
fn after_a_failed_write_the_next_one_brings_everything() {
    let mut world = World::kept();
    world.create("q", json!({}));
    let read_only = |world: &World, flag: bool| {
        let data = world.data.as_ref().expect("is kept");
        let set = data.connection.pragma_update(None, "query_only", flag);
        set.expect("is set");
    };
    read_only(&world, true);
    for body in ["a", "b"] {
        let call = json!({"QueueUrl": "/q", "MessageBody": body});
        let request = SqsRequest::parse("SendMessage", call.to_string().as_bytes());
        world
            .engine
            .sqs(world.now, "", request.expect("parses"))
            .answer
            .expect("is sent");
        let data = world.data.as_mut().expect("is kept");
        assert!(data.save(&mut world.engine, world.now).is_err());
    }
    read_only(&world, false);
    world.sqs("ListQueues", json!({})).expect("lists");
    world.restart();
    let bodies: Vec<String> = world
        .receive("/q", 10)
        .into_iter()
        .map(|(body, _)| body)
        .collect();
    assert_eq!(bodies, ["a", "b"]);
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_with_the_reason() {
    let world = World::kept();
    let Some(Folder(folder)) = &world.folder else {
        panic!("is kept");
    };
    let refusal = |identity: &Identity| match Data::open(folder, identity) {
        Ok(_) => "opened".to_owned(),
        Err(error) => error.to_string(),
    };
    let ours = Identity::default();
    assert_eq!(
        refusal(&ours),
        "another engine has it open; stop that one or choose another folder"
    );
    let folder = folder.clone();
    let World {
        data,
        folder: guard,
        ..
    } = world;
    drop(data);
    let other = Identity {
        account: "111111111111".into(),
        ..Identity::default()
    };
    let refusal = |identity: &Identity| match Data::open(&folder, identity) {
        Ok(_) => "opened".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(
        refusal(&other),
        "it holds queues of account 000000000000 in us-east-1, not of account 111111111111 in us-east-1"
    );
    let file = folder.join(QUEUES);
    let connection = Connection::open(&file).expect("opens");
    connection
        .pragma_update(None, "user_version", 99)
        .expect("is set");
    drop(connection);
    assert!(
        refusal(&ours).contains("file format 99"),
        "{}",
        refusal(&ours)
    );
    std::fs::remove_dir_all(&folder).expect("is removed");
    std::fs::create_dir_all(&folder).expect("is made");
    std::fs::write(&file, "no database, but long enough to be looked at").expect("is written");
    assert!(
        refusal(&ours).contains("is no file of this engine"),
        "{}",
        refusal(&ours)
    );
    drop(guard);
}
