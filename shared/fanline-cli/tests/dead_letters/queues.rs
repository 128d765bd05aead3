//! `fanline queues`: depths beside those of the dead-letter queues.

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::rig::{Rig, letters};

#[tokio::test]
async fn shows_depths_beside_dead_letters() {
    let rig = Rig::start().await;
    rig.put("orders-dlq", &letters(3)).await;
    rig.put("orders", &letters(2)).await;
    let receive = rig.sqs.receive_message().queue_url(rig.url("orders"));
    receive.send().await.unwrap();
    let said = rig.run(&["queues", "--prefix", "orders"]).await;
    assert_eq!(
        said.out,
        "queue            waiting  in flight  delayed  dead letters  in\n\
         orders                 1          1        0             3  orders-dlq\n\
         orders-dlq             3          0        0             -\n\
         orders-dlq.fifo        0          0        0             -\n\
         orders.fifo            0          0        0             0  orders-dlq.fifo\n"
    );
    // The dead-letter queue is asked although it is not among those that are shown.
    let said = rig.run(&["queues", "orders", "--json"]).await;
    assert_eq!(
        said.out,
        "[{\"queue\":\"orders\",\"waiting\":1,\"in_flight\":1,\"delayed\":0,\"dead_letter_queue\":\"orders-dlq\",\"dead_letters\":3}]\n"
    );
    let said = rig.run(&["queues", "order"]).await;
    assert_eq!(
        (&*said.err, said.code),
        (
            "fanline: no queue \"order\"; did you mean 'orders'?\n",
            Some(1)
        )
    );
    assert_eq!(
        rig.run(&["queues", "--prefix", "x"]).await.out,
        "no queues\n"
    );
}

#[tokio::test]
async fn watches_until_interrupted() {
    let rig = Rig::start().await;
    let mut child = rig
        .command(&["queues", "orders", "--watch", "--json"])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines
            .next_line()
            .await
            .unwrap()
            .unwrap()
            .contains("\"waiting\":0")
    );
    rig.put("orders", &letters(1)).await;
    assert!(
        lines
            .next_line()
            .await
            .unwrap()
            .unwrap()
            .contains("\"waiting\":1")
    );
    let id = i32::try_from(child.id().unwrap()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), Signal::INT).unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
}
