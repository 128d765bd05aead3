//! Running all cases somewhere and keeping what came out.

use crate::case::{Case, Failure, Outcome, Topic};
use crate::target::Target;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// What a target did in a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed(String),
    NotRun(String),
}

/// Verdicts by the ids of the cases.
#[derive(Debug, Default)]
pub(crate) struct Results(pub(crate) BTreeMap<&'static str, Verdict>);

/// Cases that take longer are left out where time cannot be moved.
const PATIENCE: Duration = Duration::from_secs(8);
/// An answer that takes longer will not come.
const STUCK: Duration = Duration::from_secs(40);
/// The same in virtual time, where waiting costs nothing: longer than any case takes.
const FOR_EVER: Duration = Duration::from_secs(1000 * 24 * 60 * 60);
const AT_ONCE: usize = 6;

impl Results {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Verdict> {
        self.0.get(id)
    }

    /// One line for each case that failed.
    pub(crate) fn failures(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter_map(|(id, verdict)| match verdict {
            Verdict::Failed(found) => Some(format!("{id}: {found}")),
            _ => None,
        })
    }
}

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(()) => Self::Passed,
            Err(Failure(found)) => Self::Failed(found),
        }
    }
}

/// Each case on an engine and in a time of its own.
pub(crate) fn on_engine(topics: &[Topic]) -> Results {
    let mut results = Results::default();
    for case in topics.iter().flat_map(|topic| topic.cases) {
        let verdict = match virtual_time() {
            Ok(runtime) => runtime
                .block_on(async { verdict(FOR_EVER, (case.run)(Target::engine(case.id))).await }),
            Err(error) => Verdict::Failed(format!("the runtime does not start: {error}")),
        };
        results.0.insert(case.id, verdict);
    }
    results
}

fn virtual_time() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
}

/// How a case ended. It runs in a task of its own: a panic is then this case's failure and
/// nobody else's.
async fn verdict(
    patience: Duration,
    run: impl Future<Output = Outcome> + Send + 'static,
) -> Verdict {
    match tokio::spawn(tokio::time::timeout(patience, run)).await {
        Ok(Ok(outcome)) => outcome.into(),
        Ok(Err(_)) => Verdict::Failed(format!("no answer within {patience:?}")),
        Err(error) => Verdict::Failed(format!("the case itself broke: {error}")),
    }
}

/// All cases on one endpoint, apart from those it cannot run.
pub(crate) async fn on_endpoint(topics: &[Topic], url: &str) -> Results {
    // Accounts that no earlier run has used.
    let first_account = fastrand::u64(1..100_000_000) * 1000;
    let cases = topics.iter().flat_map(|topic| topic.cases);
    let mut cases: Vec<(u64, &Case)> = (first_account..).zip(cases).collect();
    cases.sort_by_key(|(_, case)| case.spoils);
    let mut running = Running::default();
    for (account, case) in cases {
        if let Some(reason) = reason_not_to_run(case) {
            running.results.0.insert(case.id, Verdict::NotRun(reason));
            continue;
        }
        if case.spoils {
            running.wait().await;
        }
        let target = Target::endpoint(url, account, case.id);
        running.start(case, (case.run)(target));
    }
    running.wait().await;
    running.results
}

fn reason_not_to_run(case: &Case) -> Option<String> {
    if case.needs_dynamodb {
        return Some("its DynamoDB is a download of its own".into());
    }
    let seconds = case.takes.as_secs();
    (case.takes > PATIENCE).then(|| match seconds {
        0..120 => format!("takes {seconds} s"),
        120..7200 => format!("takes {} min", seconds / 60),
        _ => format!("takes {} h", seconds / 3600),
    })
}

struct Running {
    tasks: JoinSet<(&'static str, Verdict)>,
    places: Arc<Semaphore>,
    results: Results,
}

impl Default for Running {
    fn default() -> Self {
        Self {
            tasks: JoinSet::new(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            results: Results::default(),
        }
    }
}

impl Running {
    fn start(&mut self, case: &Case, run: impl Future<Output = Outcome> + Send + 'static) {
        let (id, places) = (case.id, self.places.clone());
        self.tasks.spawn(async move {
            let _place = places.acquire_owned().await;
            let verdict = verdict(STUCK, run).await;
            (id, verdict)
        });
    }

    /// Until all that were started have ended.
    async fn wait(&mut self) {
        while let Some(finished) = self.tasks.join_next().await {
            if let Ok((id, verdict)) = finished {
                self.results.0.insert(id, verdict);
            }
        }
    }
}
