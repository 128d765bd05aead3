//! What a client may send, checked before anything is done.

use events::Item;
use fanline_aws::http::{Body, HeaderMap, Response, StatusCode, respond};
use serde::{Deserialize, Serialize};
use serde_json::json;

const LONGEST_NAME: usize = 100;
const LONGEST_KEY: usize = 255;
const MOST_ITEMS: usize = 50;
const MOST_OF_ONE: u32 = 1_000;

/// The body of `POST /orders`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PlaceOrder {
    pub(crate) customer_id: String,
    pub(crate) items: Vec<Item>,
}

impl PlaceOrder {
    /// The wish, or what is wrong with it.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        let wish: Self = serde_json::from_slice(body).map_err(|error| {
            format!("body: {error}; expected {{\"customerId\": …, \"items\": [{{\"sku\": …, \"quantity\": …}}]}}")
        })?;
        check_name("customerId", &wish.customer_id)?;
        let count = wish.items.len();
        if !(1..=MOST_ITEMS).contains(&count) {
            return Err(format!("items: found {count}, expected 1 to {MOST_ITEMS}"));
        }
        for (index, item) in wish.items.iter().enumerate() {
            check_name(&format!("items[{index}].sku"), &item.sku)?;
            if !(1..=MOST_OF_ONE).contains(&item.quantity) {
                return Err(format!(
                    "items[{index}].quantity: found {}, expected 1 to {MOST_OF_ONE}",
                    item.quantity
                ));
            }
        }
        Ok(wish)
    }
}

fn check_name(name: &str, value: &str) -> Result<(), String> {
    match value.chars().count() {
        1..=LONGEST_NAME => Ok(()),
        length => Err(format!(
            "{name}: found {length} characters, expected 1 to {LONGEST_NAME}"
        )),
    }
}

/// The header `Idempotency-Key`, if there is one.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, String> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default();
    match key.len() {
        1..=LONGEST_KEY => Ok(Some(key.to_owned())),
        _ => Err(format!(
            "header Idempotency-Key: expected 1 to {LONGEST_KEY} visible characters"
        )),
    }
}

/// 400, saying what is wrong.
pub(crate) fn invalid(problem: &str) -> Response<Body> {
    respond(StatusCode::BAD_REQUEST, &json!({"message": problem}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_names_the_field_and_what_was_found() {
        let problem = |body: &str| PlaceOrder::parse(body.as_bytes()).unwrap_err();
        let of = |items: &str| format!(r#"{{"customerId": "c-1", "items": {items}}}"#);
        assert_eq!(problem(&of("[]")), "items: found 0, expected 1 to 50");
        assert_eq!(
            problem(&of(r#"[{"sku": "tea", "quantity": 0}]"#)),
            "items[0].quantity: found 0, expected 1 to 1000"
        );
        assert_eq!(
            problem(&of(r#"[{"sku": "", "quantity": 1}]"#)),
            "items[0].sku: found 0 characters, expected 1 to 100"
        );
        let missing = problem("{}");
        assert!(
            missing.starts_with("body: missing field `customerId`"),
            "{missing}"
        );
        let good = PlaceOrder::parse(of(r#"[{"sku": "tea", "quantity": 2}]"#).as_bytes()).unwrap();
        assert_eq!(good.items[0].quantity, 2);
    }
}
