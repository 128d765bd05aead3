//! Functions that a topic invokes directly, as Lambda's asynchronous invocation does: an error is
//! tried twice more, and then the event is gone.
//!
//! The waits are seconds here and minutes on AWS. What cannot even be started goes to the
//! subscription's dead-letter queue, as what SNS could not deliver.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use fanline_engine::{Server, sns::Invocation};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender},
    task::JoinSet,
    time::sleep,
};

use super::start::Functions;
use crate::{
    lambda::{Function, InvokeError, request_id},
    mapping::Fed,
};

/// Before the second and the third attempt; one and two minutes on AWS.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// Invokes functions until no more invocations come and none runs.
pub(super) async fn invoke(
    mut invocations: UnboundedReceiver<Invocation>,
    functions: Functions,
    server: Arc<Server>,
    events: UnboundedSender<Fed>,
) {
    let by_arn = functions.values().map(|function| {
        let function = Arc::clone(function);
        (function.spec().arn(), function)
    });
    let by_arn: BTreeMap<String, Arc<Function>> = by_arn.collect();
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            invocation = invocations.recv() => {
                let Some(invocation) = invocation else { break };
                let Some(function) = by_arn.get(&*invocation.function_arn) else {
                    server.not_invoked(invocation, "no function of the template has this ARN");
                    continue;
                };
                running.spawn(attempts(
                    Arc::clone(function),
                    invocation,
                    Arc::clone(&server),
                    events.clone(),
                ));
            }
            Some(_) = running.join_next() => {}
        }
    }
    while running.join_next().await.is_some() {}
}

async fn attempts(
    function: Arc<Function>,
    invocation: Invocation,
    server: Arc<Server>,
    events: UnboundedSender<Fed>,
) {
    let name: Arc<str> = function.spec().name.as_str().into();
    // Nobody listens any more once the run has ended.
    let tell = |event: Fed| drop(events.send(event));
    let count = 1;
    tell(Fed::Given {
        function: name.clone(),
        count,
    });
    let payload = Bytes::from(invocation.event.clone());
    let mut waits = WAITS.into_iter();
    loop {
        let error = match function.invoke(&request_id(), payload.clone()).await {
            Ok(_) => {
                return tell(Fed::Succeeded {
                    function: name,
                    count,
                });
            }
            Err(error) => error,
        };
        if let InvokeError::InitFailed { .. } | InvokeError::ShutDown = error {
            let fate = match invocation.dead_letters {
                Some(_) => "it goes to the subscription's dead-letter queue",
                None => "the subscription has no dead-letter queue",
            };
            let reason = format!("{error}; {fate}");
            server.not_invoked(invocation, &error.to_string());
            return tell(Fed::GivenUp {
                function: name,
                count,
                reason,
            });
        }
        let Some(wait) = waits.next() else {
            return tell(Fed::GivenUp {
                function: name,
                count,
                reason: format!(
                    "{error}; failed three times, as often as Lambda tries (a destination or dead-letter queue of the function is not imitated)"
                ),
            });
        };
        tell(Fed::Retried {
            function: name.clone(),
            count,
            reason: error.to_string(),
        });
        sleep(wait).await;
    }
}
