//! Functions that a topic invokes directly, which is an asynchronous invocation.
//!
//! What cannot even be started goes to the subscription's dead-letter queue, as what SNS could not
//! deliver.

use std::{collections::BTreeMap, future::pending, sync::Arc};

use bytes::Bytes;
use fanline_engine::{Server, sns::Invocation};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender},
    task::JoinSet,
};

use super::start::Functions;
use crate::{
    lambda::{Function, GivenUp, InvokeError, invoke_asynchronously},
    mapping::Fed,
};

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
    let retried = |error: &InvokeError| {
        tell(Fed::Retried {
            function: name.clone(),
            count,
            reason: error.to_string(),
        });
    };
    let ended = match invoke_asynchronously(&function, payload, pending(), retried).await {
        Ok(()) => Fed::Succeeded {
            function: name.clone(),
            count,
        },
        Err(GivenUp::NotStarted(error)) => {
            let fate = match invocation.dead_letters {
                Some(_) => "it goes to the subscription's dead-letter queue",
                None => "the subscription has no dead-letter queue",
            };
            server.not_invoked(invocation, &error.to_string());
            Fed::GivenUp {
                function: name.clone(),
                count,
                reason: format!("{error}; {fate}"),
            }
        }
        Err(given_up) => Fed::GivenUp {
            function: name.clone(),
            count,
            reason: given_up.to_string(),
        },
    };
    tell(ended);
}
