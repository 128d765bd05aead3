//! Killed and interrupted: nothing is lost, nothing is left, and nothing stays hidden for long.

use std::{collections::BTreeSet, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{process::Child, time::sleep};

use crate::rig::{Rig, Said, ids, letters};

fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id().unwrap()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
}

/// Redrives until it is through, killed again and again after another while.
async fn redrive_under_fire(queue: &str, source: &str, count: usize) -> Vec<String> {
    let rig = Rig::start().await;
    let all = letters(count);
    rig.put(queue, &all).await;
    let (mut kills, mut pause) = (0, 20);
    while kills < 12 && rig.depth(queue) > 0 {
        let mut child = rig.command(&["dlq", "redrive", queue]).spawn().unwrap();
        // Steps that do not divide each other: each kill finds it elsewhere.
        pause = 40 + (pause * 7 + 13) % 97;
        sleep(Duration::from_millis(pause)).await;
        kills += usize::from(child.try_wait().unwrap().is_none());
        child.kill().await.unwrap();
    }
    // Once more, and once again when what the killed ones held is visible.
    while rig.depth(queue) > 0 {
        let said = rig.dlq(&["redrive", queue]).await;
        assert!(said.out.contains(" 0 refused"), "{said:?}");
        sleep(Duration::from_secs(1)).await;
    }
    assert!(kills >= 3, "killed {kills} times only");
    let found = ids(&rig.take_all(source).await);
    let distinct: BTreeSet<&String> = found.iter().collect();
    assert_eq!(distinct.len(), count, "each is there at least once");
    found
}

#[tokio::test]
async fn killed_redrives_lose_nothing_and_leave_nothing() {
    redrive_under_fire("orders-dlq", "orders", 600).await;
}

#[tokio::test]
async fn killed_fifo_redrives_send_nothing_twice_and_keep_the_order() {
    let found = redrive_under_fire("orders-dlq.fifo", "orders.fifo", 150).await;
    let expected: Vec<String> = letters(150).into_iter().map(|letter| letter.id).collect();
    assert_eq!(found, expected);
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
