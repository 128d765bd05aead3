//! The functions of the template in the simulation: workers that behave as the deployed ones do towards their queues.
//!
//! The one thing to get wrong: a model that follows the template's numbers and not the functions' behaviour. What they
//! can be told by an event's address is in `functions/email-service/src/mailer/capture.rs`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use events::UserSignedUp;
use fanline::{Envelope, Failure, RetryPlan, State, Worker, publish::Outgoing};
use fanline_testing::sim::{Faults, Fixed, Simulation, Trace};

pub(super) const EMAIL: &str = "email-service";
pub(super) const ANALYTICS: &str = "analytics-service";

/// As `samconfig.yaml` has them for runs on one's own machine.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(3);
const RETRY_DELAYS: [Duration; 4] = [Duration::from_secs(1); 4];

/// As `template.yaml` has them.
const BATCH_SIZE: usize = 10;
const CONCURRENCY: usize = 10;
const RECEIVES: u32 = 5;

/// What the captured mailer still refuses, by event id.
#[derive(Clone, Default)]
struct Mailer(Arc<Mutex<BTreeMap<String, u64>>>);

async fn send_welcome(
    event: Envelope<UserSignedUp>,
    State(mailer): State<Mailer>,
) -> Result<(), Failure> {
    if event.data.email.ends_with("@fails.example") {
        return Err(Failure::retry("mail server does not answer"));
    }
    if event.data.email.ends_with("@panics.example") {
        panic!("mailer has a bug");
    }
    match mailer.0.lock().unwrap().get_mut(event.id()) {
        Some(refusals) if *refusals > 0 => {
            *refusals -= 1;
            Err(Failure::retry("mail server refuses it for now"))
        }
        _ => Ok(()),
    }
}

async fn count_signup(_: Envelope<UserSignedUp>) -> Result<(), Failure> {
    Ok(())
}

/// What becomes of messages that are there before the first is received: by consumer and event id. Of each message's
/// receives, the first `lost` end without an answer.
pub(super) fn traces(
    messages: &[Outgoing],
    refusals: &BTreeMap<String, u64>,
    lost: u32,
) -> BTreeMap<&'static str, BTreeMap<String, Trace>> {
    let refusals = refusals.clone();
    let plan = || RetryPlan::new(RETRY_DELAYS);
    let simulation = Simulation::new(move || Mailer(Arc::new(Mutex::new(refusals.clone()))))
        .messages(messages.iter().cloned())
        .consumer(EMAIL, move |mailer: &Mailer| {
            let worker = Worker::new(mailer.clone()).retry_plan(plan());
            worker.on(send_welcome)
        })
        .consumer(ANALYTICS, move |_| {
            Worker::new(()).retry_plan(plan()).on(count_signup)
        })
        .faults(Faults::none())
        .fixed(Fixed {
            batch_size: BATCH_SIZE,
            concurrency: CONCURRENCY,
            timeout: FUNCTION_TIMEOUT,
            receives: RECEIVES,
            lost_receives: lost,
        });
    // On a thread of its own: it has a runtime of its own, for its time.
    let run = std::thread::spawn(move || simulation.run(0)).join();
    let run = run.expect("the model runs");
    assert_eq!(run.violations, [], "{}", run.timeline);
    let consumers = [EMAIL, ANALYTICS];
    let traces = consumers.map(|consumer| (consumer, run.traces(consumer)));
    traces.into()
}
