//! The ports of function URLs: one for each, so that paths reach functions as clients sent them.
//!
//! The one thing to get wrong: the order. Templates give functions each other's addresses, so ports
//! are taken before the template is read for good, and answer only once functions run.

use std::{collections::BTreeMap, sync::Arc};

use tokio::{net::TcpListener, sync::mpsc::UnboundedSender};

use super::start::Functions;
use crate::{
    Error,
    function_url::{Served, UrlServer},
    template::{FunctionUrl, Stack, UrlAuth},
};

/// A function URL whose port is taken.
pub(super) struct Listening {
    /// The function's name in the template.
    logical_id: String,
    /// The function's name on Lambda.
    pub(super) function: String,
    is_throttled: bool,
    auth: UrlAuth,
    listener: TcpListener,
    /// With a slash at its end, as on AWS.
    pub(super) address: String,
}

/// Takes a free port for each function of the template that has a URL.
pub(super) async fn listen(stack: &Stack) -> Result<Vec<Listening>, Error> {
    let mut listening = Vec::new();
    for function in &stack.functions {
        let Some(FunctionUrl { line, auth }) = function.url else {
            continue;
        };
        let cannot_listen = |error| {
            let id = &function.logical_id;
            Error::new(format!(
                "{id} (template line {line}): no port for its URL: {error}"
            ))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        listening.push(Listening {
            logical_id: function.logical_id.clone(),
            function: function.name.clone(),
            is_throttled: function.reserved_concurrency.is_some(),
            auth,
            listener,
            address: format!("http://{address}/"),
        });
    }
    Ok(listening)
}

/// Addresses by the functions' names in the template.
pub(super) fn addresses(urls: &[Listening]) -> BTreeMap<String, String> {
    let addresses = urls.iter();
    addresses
        .map(|url| (url.logical_id.clone(), url.address.clone()))
        .collect()
}

/// Says where functions answer: one line for each, `NAME at ADDRESS`.
pub(super) fn announce(urls: &[Listening]) {
    for url in urls {
        let who = match url.auth {
            UrlAuth::None => "",
            UrlAuth::Iam => " (signed requests only)",
        };
        eprintln!("fanline: {} at {}{who}", url.function, url.address);
    }
}

/// From now on requests are answered.
pub(super) fn start(
    urls: Vec<Listening>,
    functions: &Functions,
    events: &UnboundedSender<Served>,
) -> Result<Vec<UrlServer>, Error> {
    let served = urls.into_iter().filter_map(|url| {
        let function = Arc::clone(functions.get(&url.logical_id)?);
        let events = events.clone();
        let server = UrlServer::start(url.listener, function, url.auth, url.is_throttled, events);
        let cannot_serve = |error| Error::new(format!("{}: {error}", url.address));
        Some(server.map_err(cannot_serve))
    });
    served.collect()
}
