//! Takes and cancels orders, and shows a customer's.
//!
//! An order and the event that tells of it are written in one transaction, by the outbox: what was answered
//! by 201 will be published, and what was not accepted will not.

mod item;
mod orders;
mod request;
mod views;

use std::sync::Arc;

use fanline::BoxError;
use fanline_aws::{
    Error,
    http::{Body, Method, Request, RequestExt, Response, StatusCode, respond, run_http},
};
use orders::Orders;
use request::{PlaceOrder, idempotency_key, invalid};
use serde_json::json;
use views::CustomerOrders;

struct App {
    orders: Orders,
    customer_orders: CustomerOrders,
}

async fn answer(app: Arc<App>, request: Request) -> Result<Response<Body>, BoxError> {
    let path = request.raw_http_path().to_owned();
    let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (request.method(), path.as_slice()) {
        (&Method::POST, ["orders"]) => {
            let key = match idempotency_key(request.headers()) {
                Ok(key) => key,
                Err(problem) => return Ok(invalid(&problem)),
            };
            match PlaceOrder::parse(request.body()) {
                Ok(wish) => app.orders.place(wish, key.as_deref()).await,
                Err(problem) => Ok(invalid(&problem)),
            }
        }
        (&Method::DELETE, ["orders", id]) => app.orders.cancel(id).await,
        (&Method::GET, ["customers", id, "orders"]) => {
            let query = request.query_string_parameters();
            app.customer_orders.list(id, query.first("after")).await
        }
        (method, _) => {
            let message = format!(
                "nothing at {method} /{}; there are POST /orders, DELETE /orders/{{id}} and GET /customers/{{id}}/orders",
                path.join("/")
            );
            Ok(respond(StatusCode::NOT_FOUND, &json!({"message": message})))
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = Arc::new(App {
        orders: Orders::from_environment().await?,
        customer_orders: CustomerOrders::from_environment().await?,
    });
    run_http(move |request| answer(Arc::clone(&app), request)).await
}
