//! Deleting for good: only with --yes, only what is meant.

use fanline::dead_letter::Reason;

use crate::rig::{Rig, ids, letters};

#[tokio::test]
async fn deletes_nothing_without_yes_and_then_only_what_fits() {
    let rig = Rig::start().await;
    let mut all = letters(22);
    for letter in all.iter_mut().take(4) {
        letter.reason = Some(Reason::Conflict);
    }
    rig.put("orders-dlq", &all).await;
    let said = rig
        .dlq(&["purge", "orders-dlq", "--reason", "conflict"])
        .await;
    assert!(
        said.out.contains("conflict      4  order.placed"),
        "{said:?}"
    );
    assert_eq!(
        said.err,
        "fanline: dry run: 4 of 22 looked at would be deleted from orders-dlq; --yes deletes them for good\n"
    );
    assert_eq!(
        (rig.depth("orders-dlq"), rig.in_flight("orders-dlq")),
        (22, 0)
    );

    let said = rig
        .dlq(&[
            "purge",
            "orders-dlq",
            "--reason",
            "conflict",
            "--yes",
            "--max",
            "3",
        ])
        .await;
    assert_eq!(said.out, "3 deleted, 19 left in orders-dlq\n");
    let said = rig
        .dlq(&[
            "purge",
            "orders-dlq",
            "--reason",
            "conflict",
            "--yes",
            "--json",
        ])
        .await;
    assert_eq!(
        (&said.json()["deleted"], &said.json()["left"]),
        (&1.into(), &18.into())
    );
    let said = rig
        .dlq(&["purge", "orders-dlq", "--reason", "conflict", "--yes"])
        .await;
    assert_eq!(said.out, "0 deleted, 18 left in orders-dlq\n");
    assert_eq!(
        said.err,
        "fanline: none fits the filter; there are 18 rejected order.placed\n"
    );
    assert_eq!(rig.in_flight("orders-dlq"), 0);
    let left = ids(&rig.take_all("orders-dlq").await);
    assert!(
        ["e-0", "e-1", "e-2", "e-3"]
            .iter()
            .all(|id| !left.contains(&(*id).to_owned()))
    );
}
