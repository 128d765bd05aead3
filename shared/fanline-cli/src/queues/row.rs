//! A queue in the table, beside its dead-letter queue.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    aws::last_part,
    queue::Queue,
    table::{Align, table},
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    queue: String,
    waiting: u64,
    in_flight: u64,
    delayed: u64,
    dead_letter_queue: Option<String>,
    /// In any state. None if that queue could not be asked.
    dead_letters: Option<u64>,
}

/// Dead-letter queues that are not among these, by ARN.
pub(super) fn missing(queues: &[Queue]) -> BTreeSet<&str> {
    let known: BTreeSet<&str> = queues.iter().map(|queue| queue.arn.as_str()).collect();
    let targets = queues.iter().filter_map(|queue| queue.redrive.as_ref());
    let targets = targets.map(|redrive| redrive.target_arn.as_str());
    targets.filter(|arn| !known.contains(arn)).collect()
}

/// One for each of `queues`, in their order.
pub(super) fn rows(queues: &[Queue], others: &[Queue]) -> Vec<Row> {
    let dead_letters = |arn: &str| {
        let mut known = queues.iter().chain(others);
        let queue = known.find(|queue| queue.arn == arn)?;
        Some(queue.waiting + queue.in_flight + queue.delayed)
    };
    let rows = queues.iter().map(|queue| {
        let target = queue
            .redrive
            .as_ref()
            .map(|redrive| redrive.target_arn.as_str());
        Row {
            queue: queue.name.clone(),
            waiting: queue.waiting,
            in_flight: queue.in_flight,
            delayed: queue.delayed,
            dead_letter_queue: target.map(|arn| last_part(arn).to_owned()),
            dead_letters: target.and_then(dead_letters),
        }
    });
    rows.collect()
}

pub(super) fn show(rows: &[Row]) -> String {
    let head = [
        ("queue", Align::Left),
        ("waiting", Align::Right),
        ("in flight", Align::Right),
        ("delayed", Align::Right),
        ("dead letters", Align::Right),
        ("in", Align::Left),
    ];
    let cells = rows.iter().map(|row| {
        let dead_letters = match (&row.dead_letter_queue, row.dead_letters) {
            (None, _) => "-".to_owned(),
            (Some(_), None) => "?".to_owned(),
            (Some(_), Some(count)) => count.to_string(),
        };
        [
            row.queue.clone(),
            row.waiting.to_string(),
            row.in_flight.to_string(),
            row.delayed.to_string(),
            dead_letters,
            row.dead_letter_queue.clone().unwrap_or_default(),
        ]
    });
    table(head, &cells.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::Redrive;

    fn queue(name: &str, waiting: u64, target: Option<&str>) -> Queue {
        Queue {
            name: name.to_owned(),
            arn: format!("arn:{name}"),
            waiting,
            redrive: target.map(|target| Redrive {
                target_arn: format!("arn:{target}"),
                most_receives: 3,
            }),
            ..Queue::default()
        }
    }

    #[test]
    fn dead_letters_stand_beside_their_queue() {
        let queues = [
            queue("a", 5, Some("b")),
            queue("b", 2, None),
            queue("c", 0, Some("d")),
        ];
        assert_eq!(missing(&queues), ["arn:d"].into());
        assert_eq!(
            show(&rows(&queues, &[])),
            "queue  waiting  in flight  delayed  dead letters  in\n\
             a            5          0        0             2  b\n\
             b            2          0        0             -\n\
             c            0          0        0             ?  d"
        );
        let rows = rows(&queues, &[queue("d", 7, None)]);
        assert_eq!(rows[2].dead_letters, Some(7));
    }
}
