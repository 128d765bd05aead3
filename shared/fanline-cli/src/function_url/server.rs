//! The server of one function URL: accepts, reads, invokes, answers.
//!
//! The one thing to get wrong is the end: who has asked is answered, who only keeps a connection
//! open is not waited for.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Response, body::Incoming, header::HeaderValue, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc::UnboundedSender, watch},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::{
    Served,
    access::access_key,
    answer::answer,
    body,
    event::{Context, event},
    refusal,
};
use crate::{
    lambda::{Function, InvokeError, now, request_id},
    template::UrlAuth,
};

/// Connections served at once; others wait to be accepted. Each may hold a request of 6 MB.
const MOST_CONNECTIONS: usize = 256;

/// What a request in flight may take beyond its function's timeout: a process that starts.
const START: Duration = Duration::from_secs(10);

/// What the last bytes of an answer may take to leave.
const FLUSH: Duration = Duration::from_millis(500);

/// A function URL that is served. Dropping it closes its port, and leaves invocations to end.
pub struct UrlServer {
    stop: watch::Sender<bool>,
    in_flight: watch::Sender<usize>,
    accepting: JoinHandle<()>,
    patience: Duration,
}

/// What a request needs.
struct Asked {
    function: Arc<Function>,
    auth: UrlAuth,
    /// Whether requests that find the function busy are refused, as by reserved concurrency.
    is_throttled: bool,
    address: SocketAddr,
    events: UnboundedSender<Served>,
    in_flight: watch::Sender<usize>,
}

impl UrlServer {
    /// Serves `function` on `listener`. If it `is_throttled`, requests beyond its concurrency are
    /// refused; if not, they wait.
    ///
    /// # Errors
    /// If the listener has no address.
    pub fn start(
        listener: TcpListener,
        function: Arc<Function>,
        auth: UrlAuth,
        is_throttled: bool,
        events: UnboundedSender<Served>,
    ) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let in_flight = watch::Sender::new(0);
        let patience = function.spec().timeout + START;
        let asked = Asked {
            function,
            auth,
            is_throttled,
            address: listener.local_addr()?,
            events,
            in_flight: in_flight.clone(),
        };
        let accepting = tokio::spawn(accept(listener, Arc::new(asked), stopped));
        Ok(Self {
            stop,
            in_flight,
            accepting,
            patience,
        })
    }

    /// Takes no more requests, and waits until those in flight are answered, as long as that may
    /// take.
    pub async fn stop(mut self) {
        // The task may have ended by itself; then there is nothing left to stop.
        let _ = self.stop.send(true);
        let mut in_flight = self.in_flight.subscribe();
        let answered = async { drop(in_flight.wait_for(|count| *count == 0).await) };
        let _given_up = timeout(self.patience, answered).await;
        let _closed = timeout(FLUSH, &mut self.accepting).await;
    }
}

impl Drop for UrlServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, asked: Arc<Asked>, stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let mut stop = stopped.clone();
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, client)) => {
                    let (asked, stopped) = (Arc::clone(&asked), stopped.clone());
                    connections.spawn(serve(stream, client, asked, stopped));
                }
                // Out of file descriptors, mostly: pausing lets others close.
                Err(_) => sleep(Duration::from_millis(50)).await,
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve(
    stream: TcpStream,
    client: SocketAddr,
    asked: Arc<Asked>,
    mut stopped: watch::Receiver<bool>,
) {
    // Without it an answer waits for the acknowledgement of the one before; refusing costs speed.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let asked = Arc::clone(&asked);
        async move {
            let in_flight = InFlight::new(&asked.in_flight);
            // A task of its own, which goes on if the client does not.
            let answering = tokio::spawn(async move {
                let _in_flight = in_flight;
                asked.answer(request, client).await
            });
            let answer = answering.await.unwrap_or_else(|_| refusal::unusable());
            Ok::<_, Infallible>(answer.map(Full::new))
        }
    });
    let connection = http1::Builder::new()
        // It would also close connections that clients keep for reuse.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // A broken connection is the client's affair.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Counts a request as long as it lives.
struct InFlight(watch::Sender<usize>);

impl InFlight {
    fn new(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl Asked {
    async fn answer(&self, request: Request<Incoming>, client: SocketAddr) -> Response<Bytes> {
        let id = request_id();
        let asked = format!("{} {}", request.method(), request.uri().path());
        let (mut answer, problem) = self.answer_to(request, client, &id).await;
        if let Ok(id) = HeaderValue::from_str(&id) {
            answer.headers_mut().insert("x-amzn-requestid", id);
        }
        let served = Served {
            function: self.function.spec().name.as_str().into(),
            status: answer.status().as_u16(),
            problem: problem.map(|problem| format!("{asked}: {problem}")),
        };
        // Nobody listens any more once the run has ended.
        let _ = self.events.send(served);
        answer
    }

    /// The answer, and why it is not the function's own.
    async fn answer_to(
        &self,
        request: Request<Incoming>,
        client: SocketAddr,
        id: &Arc<str>,
    ) -> (Response<Bytes>, Option<String>) {
        let access_key = access_key(&request).filter(|_| self.auth == UrlAuth::Iam);
        if self.auth == UrlAuth::Iam && access_key.is_none() {
            let problem = "it is not signed, and AuthType is AWS_IAM";
            return (refusal::forbidden(), Some(problem.to_owned()));
        }
        let (parts, incoming) = request.into_parts();
        let body = match body::read(incoming).await {
            body::Read::Whole(body) => body,
            body::Read::TooLarge => return too_large(),
            body::Read::Broken => return (refusal::broken(), None),
        };
        let spec = self.function.spec();
        let context = Context {
            url_id: &spec.name,
            account: &spec.account,
            access_key: access_key.as_deref(),
            address: self.address,
            client: client.ip(),
            request_id: id,
            now: now(),
        };
        let payload = event(&Request::from_parts(parts, body), &context).to_string();
        if payload.len() > refusal::EVENT_LIMIT {
            return too_large();
        }
        match self.invoke(id, payload.into()).await {
            Ok(payload) => match answer(&payload) {
                Ok(answer) => (answer, None),
                Err(problem) => (refusal::unusable(), Some(problem)),
            },
            Err(error) => (refusal::failed(&error), Some(error.to_string())),
        }
    }

    async fn invoke(&self, id: &Arc<str>, payload: Bytes) -> Result<Bytes, InvokeError> {
        match self.is_throttled {
            true => self.function.invoke_unless_busy(id, payload).await,
            false => self.function.invoke(id, payload).await,
        }
    }
}

fn too_large() -> (Response<Bytes>, Option<String>) {
    let limit = refusal::EVENT_LIMIT;
    let problem =
        format!("its event would be over {limit} bytes, which is as much as Lambda takes");
    (refusal::too_large(), Some(problem))
}
