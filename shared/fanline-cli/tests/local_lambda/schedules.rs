//! Schedules, with real processes and short intervals.

use crate::support::{Gate, Lines, command, spec, start};
use fanline_cli::{
    lambda::Function,
    mapping::Fed,
    schedule::{Expression, Plan, Schedules},
    template::ScheduleService,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

struct Clockwork {
    schedules: Schedules,
    events: mpsc::UnboundedReceiver<Fed>,
    lines: Lines,
    function: Arc<Function>,
}

fn clockwork(service: ScheduleService, period: Duration, input: &[u8]) -> Clockwork {
    let (function, lines) = start(spec());
    let plan = Plan {
        name: "EchoOften".to_owned(),
        function: "Echo".to_owned(),
        service,
        expression: Expression::every(period),
        input: Some(String::from_utf8(input.to_vec()).unwrap()),
    };
    let (sink, events) = mpsc::unbounded_channel();
    Clockwork {
        schedules: Schedules::start(vec![(plan, Arc::clone(&function))], &sink),
        events,
        lines,
        function,
    }
}

impl Clockwork {
    /// What happens next, in a word.
    async fn next(&mut self) -> (&'static str, String) {
        let event = tokio::time::timeout(Duration::from_secs(20), self.events.recv());
        match event.await.expect("something should happen").unwrap() {
            Fed::Given { function, .. } => ("given", function.to_string()),
            Fed::Succeeded { function, .. } => ("succeeded", function.to_string()),
            Fed::Retried { reason, .. } => ("retried", reason),
            Fed::GivenUp { reason, .. } => ("given up", reason),
            other => panic!("{other:?}"),
        }
    }
}

/// Longer than any of these tests takes.
const NEVER_AGAIN: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_schedule_fires_again_and_again() {
    let swept = command("print", "swept");
    let period = Duration::from_millis(100);
    let mut clockwork = clockwork(ScheduleService::Rule, period, &swept);
    let mut succeeded = 0;
    while succeeded < 3 {
        let (what, name) = clockwork.next().await;
        assert_eq!(name, "EchoOften");
        succeeded += u32::from(what == "succeeded");
    }
    clockwork.schedules.stop().await;
    clockwork.function.shutdown().await;
    let lines = crate::support::texts(&mut clockwork.lines);
    let printed = lines.iter().filter(|line| *line == "swept").count();
    assert!(printed >= 6, "on both streams, three times: {printed}");
}

#[tokio::test]
async fn a_failure_is_tried_twice_more() {
    let fail = command("error", "no broom");
    let mut clockwork = clockwork(ScheduleService::Scheduler, NEVER_AGAIN, &fail);
    let mut happened = Vec::new();
    while happened.last() != Some(&"given up") {
        let (what, reason) = clockwork.next().await;
        assert!(what == "given" || reason.contains("no broom"), "{reason}");
        happened.push(what);
    }
    assert_eq!(happened, ["given", "retried", "retried", "given up"]);
}

#[tokio::test]
async fn at_the_end_an_attempt_is_waited_for_and_a_retry_is_not() {
    let gate = Gate::open().await;
    let mut waiting = clockwork(ScheduleService::Scheduler, NEVER_AGAIN, &gate.command());
    let arrival = gate.arrival().await;
    let stopping = tokio::spawn(waiting.schedules.stop());
    tokio::task::yield_now().await;
    assert!(!stopping.is_finished(), "an attempt is under way");
    drop(arrival);
    stopping.await.unwrap();
    assert_eq!(
        waiting
            .events
            .recv()
            .await
            .map(|event| matches!(event, Fed::Given { .. })),
        Some(true)
    );
    assert_eq!(
        waiting
            .events
            .recv()
            .await
            .map(|event| matches!(event, Fed::Succeeded { .. })),
        Some(true)
    );

    let fail = command("error", "no broom");
    let mut failing = clockwork(ScheduleService::Scheduler, NEVER_AGAIN, &fail);
    while failing.next().await.0 != "retried" {}
    failing.schedules.stop().await;
    let ended = failing.events.recv().await;
    assert!(
        matches!(&ended, Some(Fed::GivenUp { reason, .. }) if reason.ends_with("not tried again, since the run ends")),
        "{ended:?}"
    );
}
