//! What a worker is told by its environment, against what its queue does: both stand in the template,
//! and nobody else compares them before they meet.
//!
//! `fanline dev` says it as advice, without asking the worker; `fanline check` asks it.

use fanline::RetryPlan;

use crate::template::{EventSource, Function, Queue, Stack};

/// The variable by which a Fanline function is told its dedup table.
pub(crate) const DEDUP_TABLE: &str = "FANLINE_DEDUP_TABLE";

const DLQ_URL: &str = "FANLINE_DLQ_URL";
const RETRY_DELAYS: &str = "FANLINE_RETRY_DELAYS";

/// One line for each disagreement.
pub(crate) fn advice(stack: &Stack) -> Vec<String> {
    let mut lines = Vec::new();
    for mapping in &stack.event_source_mappings {
        let EventSource::Queue { logical_id, .. } = &mapping.source else {
            continue;
        };
        let (queue, function) = (stack.queue(logical_id), stack.function(&mapping.function));
        let (Some(queue), Some(function)) = (queue, function) else {
            continue;
        };
        // Only Fanline's workers have it.
        if function.environment.contains_key(DEDUP_TABLE) {
            let problems = [
                delays(function, queue),
                dead_letters(stack, function, queue),
            ];
            let problems = problems.into_iter().flatten();
            let place = format!("{} (template line {})", function.logical_id, function.line);
            lines.extend(problems.map(|problem| format!("{place}: {problem}")));
        }
    }
    lines
}

fn delays(function: &Function, queue: &Queue) -> Option<String> {
    let delays = function.environment.get(RETRY_DELAYS)?;
    let plan = RetryPlan::new(delays.split(',').map(|_| std::time::Duration::ZERO));
    let what = format!("{RETRY_DELAYS} {delays} are {} attempts", plan.attempts());
    attempts(&what, plan.attempts(), queue)
}

/// Whether SQS moves a message to the dead-letter queue before its worker has made all attempts.
/// `what` says where they come from.
pub(crate) fn attempts(what: &str, attempts: u32, queue: &Queue) -> Option<String> {
    let policy = queue.attributes.get("RedrivePolicy")?;
    let policy: serde_json::Value = serde_json::from_str(policy).ok()?;
    let receives = policy["maxReceiveCount"].as_u64()?;
    (u64::from(attempts) > receives).then(|| {
        format!(
            "{what}, but SQS moves messages of {} after {receives} receives, without a reason; raise maxReceiveCount or leave out delays",
            queue.name
        )
    })
}

/// Whether the worker sends its dead letters to the queue to which SQS would move them.
pub(crate) fn dead_letters(stack: &Stack, function: &Function, queue: &Queue) -> Option<String> {
    let target = queue.dead_letter_target.as_ref()?;
    let dlq = stack.queues.iter().find(|dlq| dlq.arn == *target)?;
    let (name, of) = (&dlq.name, &queue.name);
    match function
        .environment
        .get(DLQ_URL)
        .filter(|url| !url.is_empty())
    {
        Some(url) if *url == dlq.url => None,
        Some(url) => Some(format!(
            "{DLQ_URL} is {url}, but {of} has the dead-letter queue {name}; expected !Ref {}",
            dlq.logical_id
        )),
        None => Some(format!(
            "{DLQ_URL} is not set, so messages that SQS moves to {name} will not say why; expected !Ref {}",
            dlq.logical_id
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::*;
    use crate::template::{self, Environment};

    fn said(delays: &str, dlq: &str) -> Vec<String> {
        let template = format!(
            "Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: orders
      RedrivePolicy: {{deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}}
  Dead: {{Type: AWS::SQS::Queue, Properties: {{QueueName: dead}}}}
  Worker:
    Type: AWS::Serverless::Function
    Metadata: {{BuildMethod: rust-cargolambda, BuildProperties: {{Binary: worker}}}}
    Properties:
      CodeUri: worker
      Runtime: provided.al2023
      Handler: bootstrap
      Environment: {{Variables: {{FANLINE_DEDUP_TABLE: t, FANLINE_RETRY_DELAYS: \"{delays}\", FANLINE_DLQ_URL: {dlq}}}}}
      Events:
        Messages: {{Type: SQS, Properties: {{Queue: !GetAtt Orders.Arn, FunctionResponseTypes: [ReportBatchItemFailures]}}}}
"
        );
        let folder = std::env::temp_dir().join(format!("fanline-advice-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{}.yaml", delays.len() * 100 + dlq.len()));
        std::fs::write(&path, template).unwrap();
        let environment = Environment {
            region: "us-east-1".to_owned(),
            account: "000000000000".to_owned(),
            partition: "aws".to_owned(),
            stack_name: "test".to_owned(),
            queue_url_base: "http://127.0.0.1:4566/000000000000".to_owned(),
            function_urls: BTreeMap::new(),
        };
        let stack = template::load(Path::new(&path), &BTreeMap::new(), &environment).unwrap();
        advice(&stack)
    }

    #[test]
    fn disagreements_are_said_and_nothing_else() {
        assert_eq!(said("1,5", "!Ref Dead"), Vec::<String>::new());
        let one = |delays, dlq| {
            let lines = said(delays, dlq);
            assert_eq!(lines.len(), 1, "{lines:?}");
            lines[0].clone()
        };
        assert_eq!(
            one("1,5,30,300", "!Ref Dead"),
            "Worker (template line 9): FANLINE_RETRY_DELAYS 1,5,30,300 are 5 attempts, but SQS moves messages of orders after 3 receives, without a reason; raise maxReceiveCount or leave out delays"
        );
        assert!(one("1,5", "!Ref Orders").contains(
            "FANLINE_DLQ_URL is http://127.0.0.1:4566/000000000000/orders, but orders has the dead-letter queue dead; expected !Ref Dead"
        ));
        assert!(one("1,5", "\"\"").contains("FANLINE_DLQ_URL is not set"));
    }
}
