//! Schedules that invoke functions, as rules of EventBridge and EventBridge Scheduler do: each
//! firing is an asynchronous invocation, whatever became of the one before.
//!
//! The one thing to get wrong: a schedule never comes to an end, so nothing may wait for it. Whoever
//! stops them waits for attempts under way alone.

mod cron;
mod days;
mod event;
mod expression;
mod plan;
mod values;

pub use expression::Expression;
pub(crate) use plan::announce;
pub use plan::{Plan, plans};

use std::{future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::{
    sync::{mpsc::UnboundedSender, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    lambda::{Function, InvokeError, invoke_asynchronously, now, request_id},
    mapping::Fed,
};

/// The longest sleep: a machine that was suspended, or whose clock was set, is noticed by then.
const LONGEST_SLEEP: Duration = Duration::from_secs(20);

/// What an attempt under way may take beyond its function's timeout: a process that starts.
const START: Duration = Duration::from_secs(10);

/// Schedules that run. Dropping it ends them and their invocations at once.
pub struct Schedules {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
    /// How long the slowest invocation may take.
    patience: Duration,
}

impl Schedules {
    /// Starts the clock of each plan, with the function that it invokes.
    pub fn start(plans: Vec<(Plan, Arc<Function>)>, events: &UnboundedSender<Fed>) -> Self {
        let timeouts = plans.iter().map(|(_, function)| function.spec().timeout);
        let patience = timeouts.max().unwrap_or_default() + START;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for (plan, function) in plans {
            tasks.spawn(run(plan, function, events.clone(), stopped.clone()));
        }
        Self {
            tasks,
            stop,
            patience,
        }
    }

    /// No more firings and no more retries; waits for attempts under way, as long as they may take.
    pub async fn stop(mut self) {
        // Nobody listens where there are no schedules.
        let _ = self.stop.send(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _given_up = timeout(self.patience, ended).await;
    }
}

async fn run(
    plan: Plan,
    function: Arc<Function>,
    events: UnboundedSender<Fed>,
    stopped: watch::Receiver<bool>,
) {
    let plan = Arc::new(plan);
    let mut attempts = JoinSet::new();
    let mut previous = now();
    let mut next = match plan.expression.fires_at_once(plan.service) {
        true => Some(previous),
        false => plan.expression.next(previous, previous),
    };
    let mut ending = std::pin::pin!(asked(stopped.clone()));
    loop {
        let due = async {
            match next {
                Some(moment) => until(moment).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = &mut ending => break,
            moment = due => {
                let invocation = Invocation {
                    plan: Arc::clone(&plan),
                    function: Arc::clone(&function),
                    events: events.clone(),
                };
                attempts.spawn(invocation.run(moment, asked(stopped.clone())));
                previous = moment;
                next = plan.expression.next(previous, now());
            }
            Some(_) = attempts.join_next() => {}
        }
    }
    while attempts.join_next().await.is_some() {}
}

/// Waits by the wall clock, which tokio's does not follow while the machine sleeps.
async fn until(moment: Timestamp) -> Timestamp {
    loop {
        match Duration::try_from(moment.duration_since(now())) {
            Ok(left) if !left.is_zero() => sleep(left.min(LONGEST_SLEEP)).await,
            _ => return moment,
        }
    }
}

async fn asked(mut stopped: watch::Receiver<bool>) {
    // Without its sender the task is about to be dropped too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// One firing.
struct Invocation {
    plan: Arc<Plan>,
    function: Arc<Function>,
    events: UnboundedSender<Fed>,
}

impl Invocation {
    async fn run(self, moment: Timestamp, ending: impl Future<Output = ()>) {
        let name: Arc<str> = self.plan.name.as_str().into();
        // Nobody listens any more once the run has ended.
        let tell = |event: Fed| drop(self.events.send(event));
        let count = 1;
        tell(Fed::Given {
            function: name.clone(),
            count,
        });
        let event = event::event(&self.plan, self.function.spec(), &request_id(), moment);
        let retried = |error: &InvokeError| {
            tell(Fed::Retried {
                function: name.clone(),
                count,
                reason: error.to_string(),
            });
        };
        let payload = Bytes::from(event);
        let ended = invoke_asynchronously(&self.function, payload, ending, retried).await;
        tell(match ended {
            Ok(()) => Fed::Succeeded {
                function: name.clone(),
                count,
            },
            Err(given_up) => Fed::GivenUp {
                function: name.clone(),
                count,
                reason: given_up.to_string(),
            },
        });
    }
}
