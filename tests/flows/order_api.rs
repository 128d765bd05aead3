//! What a client of `order-api` sees: orders once, second tries recognised, mistakes named.

use serde_json::{Value, json};

use crate::{cloud::until, dev::Dev, http::Site};

struct Client {
    site: Site,
}

impl Client {
    async fn ask(&self, method: &str, path: &str, key: &str, body: Option<Value>) -> (u16, Value) {
        let headers = [("idempotency-key", key)];
        let headers = &headers[..usize::from(!key.is_empty())];
        let answer = self.site.ask(method, path, headers, body.as_ref()).await;
        answer.unwrap()
    }

    async fn place(&self, key: &str, customer: &str, quantity: u32) -> (u16, Value) {
        let items = json!([{"sku": "tea", "quantity": quantity}]);
        let body = json!({"customerId": customer, "items": items});
        self.ask("POST", "/orders", key, Some(body)).await
    }
}

#[tokio::test]
async fn orders_are_placed_once_cancelled_and_shown() {
    let dev = Dev::start(&["--no-events"]).await;
    let site = Site::new(&dev.function_url("order-api").await, None);
    let client = Client { site };

    let (status, order) = client.place("key-1", "c-1", 2).await;
    assert_eq!((status, &order["status"]), (201, &json!("PLACED")));
    let id = order["orderId"].as_str().unwrap();
    assert_eq!(
        client.place("key-1", "c-1", 2).await,
        (201, order.clone()),
        "the same order"
    );
    let (status, refused) = client.place("key-1", "c-1", 3).await;
    assert_eq!(
        (status, refused["message"].as_str()),
        (
            422,
            Some("this Idempotency-Key was used for another order; use a new one")
        )
    );
    // Keys are a customer's own, and without one each request is an order.
    let (_, others) = client.place("key-1", "c-2", 2).await;
    assert_ne!(others["orderId"], order["orderId"]);
    let (_, first) = client.place("", "c-2", 2).await;
    let (_, second) = client.place("", "c-2", 2).await;
    assert_ne!(first["orderId"], second["orderId"]);

    for _ in 0..2 {
        let (status, cancelled) = client
            .ask("DELETE", &format!("/orders/{id}"), "", None)
            .await;
        assert_eq!(status, 200);
        assert_eq!(cancelled, json!({"orderId": id, "status": "CANCELLED"}));
    }
    let look = async || client.ask("GET", "/customers/c-1/orders", "", None).await;
    let shown = json!({"orders": [{"orderId": id, "status": "CANCELLED", "items": 2}]});
    until("the customer's orders", look, |answer| {
        *answer == (200, shown.clone())
    })
    .await;
    let look = async || {
        let (_, answer) = client.ask("GET", "/customers/c-2/orders", "", None).await;
        answer["orders"].as_array().unwrap().len()
    };
    until("the other's orders", look, |orders| *orders == 3).await;
    dev.interrupt().await;
}

#[tokio::test]
async fn mistakes_are_named_and_nothing_is_written() {
    let dev = Dev::start(&["--no-events"]).await;
    let site = Site::new(&dev.function_url("order-api").await, None);
    let client = Client { site };
    let place = async |body: Value| client.ask("POST", "/orders", "", Some(body)).await;
    let message = |message: &str| json!({"message": message});
    assert_eq!(
        place(json!({"customerId": "c-1", "items": []})).await,
        (400, message("items: found 0, expected 1 to 50"))
    );
    let (status, said) = place(json!({"customer": "c-1"})).await;
    let said = said["message"].as_str().unwrap();
    assert_eq!(status, 400);
    assert!(said.starts_with("body: unknown field `customer`"), "{said}");
    assert_eq!(
        client.place(&"k".repeat(256), "c-1", 1).await,
        (
            400,
            message("header Idempotency-Key: expected 1 to 255 visible characters")
        )
    );
    assert_eq!(
        client.ask("DELETE", "/orders/nobodys", "", None).await,
        (404, message("there is no order nobodys"))
    );
    let (status, said) = client.ask("PUT", "/orders", "", None).await;
    assert_eq!(status, 404, "{said}");
    assert_eq!(dev.cloud.items("orders", "orderId", "").await.len(), 0);
    assert_eq!(dev.cloud.items("outbox", "id", "").await.len(), 0);
    dev.interrupt().await;
}
