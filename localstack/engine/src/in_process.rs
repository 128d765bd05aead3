//! The engine inside another program: the same routes as over HTTP, without a socket.
//!
//! For tests and simulation. Nothing here runs by itself: a call is carried out when it is
//! polled, on the caller's task, and all waiting is left to the [`Clock`](crate::Clock). With a
//! [`TokioClock`](crate::TokioClock) in a paused runtime, or a
//! [`ManualClock`](crate::ManualClock), one seed therefore gives one course of events.

use crate::data::{self, Data, DataError};
use crate::dynamodb::{DynamoDb, Threads};
use crate::engine::{Engine, EngineOptions, Undelivered};
use crate::http::{State, Surroundings, respond};
use crate::identity::Identity;
use crate::server::{Config, QueueReport};
use crate::signer::ProcessKey;
use crate::sns::NotificationSigner;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{Request, Response};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What queue URLs begin with if a request names no host.
const BASE_URL: &str = "http://127.0.0.1:4566";

/// SQS, SNS and DynamoDB as a value.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// use bytes::Bytes;
/// use fanline_engine::{Config, InProcess, ManualClock};
/// use std::sync::Arc;
///
/// let clock = Arc::new(ManualClock::at(1_771_065_000_000));
/// let engine = InProcess::new(Config { clock: clock.clone(), seed: 7, ..Config::default() })?;
/// let request = hyper::Request::post("/")
///     .header("x-amz-target", "AmazonSQS.CreateQueue")
///     .body(Bytes::from(r#"{"QueueName":"orders"}"#))
///     .expect("is a request");
/// assert_eq!(engine.call(request).await.status(), 200);
/// assert_eq!(&*engine.queues()[0].name, "orders");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct InProcess {
    state: Arc<State>,
}

impl InProcess {
    /// An empty account, or what the data folder holds.
    ///
    /// # Errors
    /// The data folder cannot be used; the message says why.
    pub fn new(config: Config) -> io::Result<Self> {
        Self::build(config, BASE_URL.to_owned(), Threads::Callers)
    }

    /// DynamoDB of its own beside SQS and SNS that somebody else holds, too; of `config` count the account, the
    /// region, the seed and the clock. Who looks at the engine past this learns nothing of what wakes receives.
    ///
    /// # Errors
    /// The tables cannot be made.
    pub fn beside(engine: Arc<Mutex<Engine>>, config: Config) -> io::Result<Self> {
        let Config {
            region,
            account,
            seed,
            clock,
            ..
        } = config;
        let identity = Identity { region, account };
        let dynamodb = DynamoDb::new(clock.clone(), &identity, Threads::Callers, None)
            .map_err(io::Error::other)?;
        let surroundings = Surroundings {
            clock,
            invocations: None,
            account: identity.account,
            base_url: BASE_URL.to_owned(),
            seed,
        };
        Ok(Self {
            state: Arc::new(State::new(engine, None, dynamodb, surroundings)),
        })
    }

    pub(crate) fn build(config: Config, base_url: String, threads: Threads) -> io::Result<Self> {
        let Config {
            region,
            account,
            enforce_queue_policies,
            sign_notifications,
            liberties,
            seed,
            invocations,
            clock,
            data: folder,
        } = config;
        let tables = folder.as_deref().map(data::tables);
        let identity = Identity { region, account };
        let mut engine = Engine::new(EngineOptions {
            identity: identity.clone(),
            enforce_queue_policies,
            liberties,
            signer: sign_notifications.then(|| Arc::new(ProcessKey) as Arc<dyn NotificationSigner>),
            seed,
        });
        let unusable = |error: &dyn fmt::Display| {
            let folder = folder.as_deref().unwrap_or(Path::new(""));
            io::Error::other(format!("data folder {}: {error}", folder.display()))
        };
        let data = folder.as_deref().map(|folder| {
            let data = Data::open(folder, &identity)?;
            data.load(&mut engine, clock.now())?;
            Ok(data)
        });
        let data = data
            .transpose()
            .map_err(|error: DataError| unusable(&error))?;
        let dynamodb = DynamoDb::new(clock.clone(), &identity, threads, tables.as_deref())
            .map_err(|error| unusable(&error))?;
        let surroundings = Surroundings {
            clock,
            invocations,
            account: identity.account,
            base_url,
            seed,
        };
        let state = State::new(Arc::new(Mutex::new(engine)), data, dynamodb, surroundings);
        Ok(Self {
            state: Arc::new(state),
        })
    }

    /// Carries out one HTTP request of an SDK. A receive that waits for messages answers when
    /// its wait is over; dropping the future ends the wait.
    pub async fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        let (parts, body) = respond(&self.state, &parts, body).await.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(never) => match never {},
        };
        Response::from_parts(parts, body)
    }

    /// All queues, in order of their names.
    pub fn queues(&self) -> Vec<QueueReport> {
        let now = self.state.now();
        let mut engine = self.state.engine();
        let names: Vec<Arc<str>> = engine.sqs.queue_names().cloned().collect();
        let report = |name: Arc<str>| {
            Some(QueueReport {
                counts: engine.sqs.counts(now, &name)?,
                totals: engine.sqs.totals(&name)?,
                name,
            })
        };
        names.into_iter().filter_map(report).collect()
    }

    /// Messages that SNS could not deliver to a subscribed queue.
    pub fn undelivered(&self) -> Undelivered {
        self.state.engine().undelivered()
    }

    pub(crate) fn state(&self) -> &Arc<State> {
        &self.state
    }
}
