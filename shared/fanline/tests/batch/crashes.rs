//! The worker dies at every point where it waits; what it leaves behind must heal by itself.

use std::{sync::Arc, time::Duration};

use fanline::dedup::Status;
use fanline_testing::{Fault, FaultyStore};

use crate::world::{Act, INVOCATION, World, leased_message, standard, transacted_message};

/// Drops the invocation after `polls` turns of the executor, as SIGKILL would.
async fn killed_after(polls: usize, invocation: impl Future<Output = fanline::Report>) -> bool {
    let mut invocation = std::pin::pin!(invocation);
    for _ in 0..polls {
        tokio::select! {
            biased;
            _ = &mut invocation => return false,
            () = tokio::task::yield_now() => {}
        }
    }
    true
}

#[tokio::test(start_paused = true)]
async fn killed_anywhere_every_message_is_handled_in_the_end() {
    let faults: [&[Fault]; 5] = [
        &[],
        &[Fault::HangBefore],
        &[Fault::HangAfter],
        &[Fault::None, Fault::HangBefore],
        &[Fault::None, Fault::HangAfter],
    ];
    for faults in faults {
        for polls in 0..12 {
            let world = World::new();
            let messages = vec![
                leased_message("m-1", "leased", Act::Succeed),
                leased_message("m-2", "slow", Act::TakeASecond),
                transacted_message("m-3", "transacted", Act::Succeed),
            ];
            let store = FaultyStore::new(Arc::new(world.store.clone()), faults.iter().copied());
            let dying = world.processor_with(world.worker(), Arc::new(store));
            let invocation = world.process(&dying, standard(messages.clone()));
            killed_after(polls, invocation).await;

            // SQS delivers again once the visibility timeout is over, which is not before the lease is.
            world.system.advance(INVOCATION * 2);
            let report = world.process(&world.processor(), standard(messages)).await;
            assert_eq!(
                report.failures().count(),
                0,
                "{faults:?}, killed after {polls}"
            );
            for record in world.store.records().values() {
                assert_eq!(record.status, Status::Done);
            }
            for event in ["leased", "slow"] {
                assert!(
                    world.journal.effects_of(event) >= 1,
                    "{event}: at least once"
                );
            }
            assert_eq!(world.journal.effects_of("transacted"), 1, "exactly once");
        }
    }
}

/// The twin comes while the first worker still runs: it must not run beside it.
#[tokio::test(start_paused = true)]
async fn second_worker_does_not_run_beside_the_first() {
    let world = World::new();
    let message = leased_message("m-1", "e-1", Act::TakeASecond);
    let (first, second) = (world.processor(), world.processor());
    let late = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        world
            .process(&second, standard(vec![message.clone()]))
            .await
    };
    let (first, second) =
        tokio::join!(world.process(&first, standard(vec![message.clone()])), late);
    assert_eq!(first.failures().count(), 0);
    assert_eq!(second.outcomes().next().unwrap().1.metric(), "busy");
    assert_eq!(world.journal.starts.lock().unwrap().len(), 1);
}
