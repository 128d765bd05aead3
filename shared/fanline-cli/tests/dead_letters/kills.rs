//! Killed and interrupted: nothing is lost, nothing is left, and nothing stays hidden for long.

use std::{collections::BTreeSet, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{process::Child, time::sleep};

use crate::rig::{Letter, Rig, Said, ids, letters};

fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id().unwrap()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
}

/// Redrives are killed so often, each while it moves messages. On a FIFO queue a kill hides what is
/// left of a group until the hold ends, so there have to be more groups than kills.
const KILLS: usize = 6;

/// Redrives until it is through, killed again and again.
async fn redrive_under_fire(queue: &str, source: &str, all: &[Letter]) -> Vec<String> {
    let rig = Rig::start().await;
    rig.put(queue, all).await;
    for kill in 0..KILLS {
        let before = rig.depth(source);
        let mut child = rig.command(&["dlq", "redrive", queue]).spawn().unwrap();
        while rig.depth(source) == before {
            let ended = child.try_wait().unwrap();
            assert_eq!(ended, None, "before kill {kill}");
            sleep(Duration::from_millis(1)).await;
        }
        sleep(Duration::from_micros(fastrand::u64(..20_000))).await;
        child.kill().await.unwrap();
    }
    assert!(rig.depth(queue) > 0, "the kills came too late");
    // Once more, and once again when what the killed ones held is visible.
    while rig.depth(queue) > 0 {
        let said = rig.dlq(&["redrive", queue]).await;
        assert!(said.out.contains(" 0 refused"), "{said:?}");
        sleep(Duration::from_secs(1)).await;
    }
    let found = ids(&rig.take_all(source).await);
    let distinct: BTreeSet<&String> = found.iter().collect();
    assert_eq!(distinct.len(), all.len(), "each is there at least once");
    found
}

#[tokio::test]
async fn killed_redrives_lose_nothing_and_leave_nothing() {
    redrive_under_fire("orders-dlq", "orders", &letters(900)).await;
}

#[tokio::test]
async fn killed_fifo_redrives_send_nothing_twice_and_keep_the_order() {
    const GROUPS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let mut all = letters(900);
    for (number, letter) in all.iter_mut().enumerate() {
        letter.group = GROUPS[number % GROUPS.len()];
    }
    let found = redrive_under_fire("orders-dlq.fifo", "orders.fifo", &all).await;
    for group in GROUPS {
        let of_group = all.iter().filter(|letter| letter.group == group);
        let expected: Vec<&String> = of_group.map(|letter| &letter.id).collect();
        let found: Vec<&String> = found.iter().filter(|id| expected.contains(id)).collect();
        assert_eq!(found, expected, "group {group}");
    }
}

#[tokio::test]
async fn interrupted_look_gives_everything_back() {
    let rig = Rig::start().await;
    rig.put("orders-dlq", &letters(900)).await;
    let child = rig.command(&["dlq", "list", "orders-dlq"]).spawn().unwrap();
    while rig.in_flight("orders-dlq") == 0 {
        sleep(Duration::from_millis(2)).await;
    }
    signal(&child, Signal::INT);
    let said = Said::from(child.wait_with_output().await.unwrap());
    assert_eq!(said.code, Some(130), "{said:?}");
    assert!(
        said.err.starts_with("fanline: interrupted: looked at "),
        "{said:?}"
    );
    assert_eq!(
        (rig.depth("orders-dlq"), rig.in_flight("orders-dlq")),
        (900, 0)
    );
}

#[tokio::test]
async fn interrupted_redrive_ends_between_two_batches() {
    let rig = Rig::start().await;
    rig.put("orders-dlq", &letters(100)).await;
    let child = rig
        .command(&["dlq", "redrive", "orders-dlq", "--rate", "1"])
        .spawn()
        .unwrap();
    while rig.depth("orders") == 0 {
        sleep(Duration::from_millis(2)).await;
    }
    signal(&child, Signal::TERM);
    let said = Said::from(child.wait_with_output().await.unwrap());
    assert_eq!(said.code, Some(130), "{said:?}");
    let moved = rig.depth("orders");
    assert!(
        said.out
            .starts_with(&format!("{moved} redriven to orders, ")),
        "{said:?}"
    );
    assert_eq!(
        (rig.depth("orders-dlq"), rig.in_flight("orders-dlq")),
        (100 - moved, 0)
    );
}
