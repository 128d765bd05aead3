//! The HTTP answer that a function's response becomes.
//!
//! The one thing to get wrong: a response is the description of an answer only if it is an object
//! with a `statusCode`; any other JSON is the body itself. Of a text the documents show the quotes
//! and AWS sends none: what was recorded wins.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hyper::{
    Response, StatusCode,
    header::{
        CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE,
        TRANSFER_ENCODING,
    },
};
use serde_json::{Map, Value};

/// Of a function that names none.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What the client gets.
///
/// # Errors
/// Why nothing can be made of the response, in one line. It does not hold what the function said.
pub(super) fn answer(payload: &Bytes) -> Result<Response<Bytes>, String> {
    let value = serde_json::from_slice(payload).map_err(|error| {
        format!(
            "its response is no JSON ({:?} error at byte {})",
            error.classify(),
            error.column()
        )
    })?;
    match value {
        Value::Object(described) if described.contains_key("statusCode") => answer_of(&described),
        Value::String(text) => Ok(with_defaults(Response::new(text.into()))),
        _ => Ok(with_defaults(Response::new(payload.clone()))),
    }
}

fn answer_of(described: &Map<String, Value>) -> Result<Response<Bytes>, String> {
    let field = |name: &str| described.get(name).unwrap_or(&Value::Null);
    let mut answer = Response::new(body(field("body"), field("isBase64Encoded"))?);
    *answer.status_mut() = status(field("statusCode"))?;
    for (name, value) in field("headers").as_object().into_iter().flatten() {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let header = name.parse::<HeaderName>().ok();
        let value = HeaderValue::from_bytes(text.as_bytes()).ok();
        let (Some(header), Some(value)) = (header, value) else {
            return Err(format!(
                "its response has the header {name:?}, which cannot be sent"
            ));
        };
        // Said of the body and the connection by whoever sends them.
        if ![CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&header) {
            answer.headers_mut().append(header, value);
        }
    }
    for cookie in field("cookies").as_array().into_iter().flatten() {
        let cookie = cookie
            .as_str()
            .and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok());
        let cookie = cookie.ok_or("its response has a cookie that cannot be sent")?;
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(with_defaults(answer))
}

/// A number, or the text of one, which AWS takes too.
fn status(value: &Value) -> Result<StatusCode, String> {
    let number = match value {
        Value::String(text) => text.parse().ok(),
        number => number
            .as_u64()
            .and_then(|number| u16::try_from(number).ok()),
    };
    // What is below 200 announces another answer, and would be none itself.
    let status = number.filter(|number| (200..=599).contains(number));
    status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .ok_or_else(|| "its response has a statusCode that is no number from 200 to 599".to_owned())
}

fn body(body: &Value, is_base64: &Value) -> Result<Bytes, String> {
    match body {
        Value::Null => Ok(Bytes::new()),
        Value::String(text) if is_base64.as_bool() == Some(true) => {
            let decoded = STANDARD.decode(text);
            decoded
                .map(Bytes::from)
                .map_err(|_| "its response has isBase64Encoded and a body that is not".to_owned())
        }
        Value::String(text) => Ok(Bytes::copy_from_slice(text.as_bytes())),
        other => Ok(other.to_string().into()),
    }
}

fn with_defaults(mut answer: Response<Bytes>) -> Response<Bytes> {
    answer.headers_mut().entry(CONTENT_TYPE).or_insert(JSON);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn sent(response: &Value) -> (u16, Vec<(String, String)>, String) {
        let answer = answer(&Bytes::from(response.to_string())).unwrap();
        let headers = answer.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        (
            answer.status().as_u16(),
            headers.collect(),
            String::from_utf8(answer.body().to_vec()).unwrap(),
        )
    }

    fn of(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    /// Recorded on AWS by LocalStack's `test_lambda_url_invocation`.
    #[test]
    fn json_that_describes_no_answer_is_the_body() {
        let cases = [
            (json!({ "hello": "world" }), r#"{"hello":"world"}"#),
            (json!(["hello", 3, true]), r#"["hello",3,true]"#),
            (json!("hello"), "hello"),
            (json!(3), "3"),
            (json!(3.1), "3.1"),
            (json!(true), "true"),
            (Value::Null, "null"),
        ];
        for (response, body) in cases {
            let json = vec![of("content-type", "application/json")];
            assert_eq!(sent(&response), (200, json, body.to_owned()), "{response}");
        }
    }

    #[test]
    fn an_answer_is_sent_as_it_is_described() {
        let response = json!({
            "statusCode": 201,
            "headers": {"Content-Type": "text/html", "My-Custom-Header": "Custom Value", "X-Count": 3, "Content-Length": 7},
            "body": "<p>",
            "cookies": ["Cookie_1=Value1; Expires=21 Oct 2021 07:48 GMT", "Cookie_2=Value2; Max-Age=78000"],
            "isBase64Encoded": false,
        });
        let headers = vec![
            of("content-type", "text/html"),
            of("my-custom-header", "Custom Value"),
            of("x-count", "3"),
            of(
                "set-cookie",
                "Cookie_1=Value1; Expires=21 Oct 2021 07:48 GMT",
            ),
            of("set-cookie", "Cookie_2=Value2; Max-Age=78000"),
        ];
        assert_eq!(sent(&response), (201, headers, "<p>".to_owned()));
        let json = vec![of("content-type", "application/json")];
        let teapot = json!({ "statusCode": "418", "body": "aGVsbG8=", "isBase64Encoded": true });
        assert_eq!(sent(&teapot), (418, json.clone(), "hello".to_owned()));
        let object = json!({ "statusCode": 200, "body": { "a": 1 } });
        assert_eq!(sent(&object), (200, json.clone(), r#"{"a":1}"#.to_owned()));
        assert_eq!(
            sent(&json!({ "statusCode": 204 })),
            (204, json, String::new())
        );
    }

    #[test]
    fn what_cannot_be_sent_is_said_without_what_it_says() {
        let problem = |text: &str| answer(&Bytes::copy_from_slice(text.as_bytes())).unwrap_err();
        assert_eq!(
            problem("secret"),
            "its response is no JSON (Syntax error at byte 1)"
        );
        for status in [
            "99",
            "101",
            "600",
            "\"x\"",
            "null",
            "1.5",
            "-1",
            "99999999999",
        ] {
            assert_eq!(
                problem(&format!(r#"{{"statusCode": {status}}}"#)),
                "its response has a statusCode that is no number from 200 to 599",
                "{status}"
            );
        }
        let header = problem(r#"{"statusCode": 200, "headers": {"a b": "secret"}}"#);
        assert_eq!(
            header,
            "its response has the header \"a b\", which cannot be sent"
        );
        let broken = problem("{\"statusCode\": 200, \"headers\": {\"a\": \"secret\\n\"}}");
        assert_eq!(
            broken,
            "its response has the header \"a\", which cannot be sent"
        );
        let cookie = problem(r#"{"statusCode": 200, "cookies": [7]}"#);
        assert_eq!(cookie, "its response has a cookie that cannot be sent");
        let body = problem(r#"{"statusCode": 200, "body": "?", "isBase64Encoded": true}"#);
        assert_eq!(
            body,
            "its response has isBase64Encoded and a body that is not"
        );
    }

    proptest! {
        #[test]
        fn no_response_makes_it_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
            status in any::<i64>(),
            header in ".{0,10}",
            value in ".{0,10}",
            base64 in any::<bool>(),
        ) {
            let _read = answer(&Bytes::from(bytes));
            let response = json!({
                "statusCode": status, "headers": {header: &value}, "cookies": [&value],
                "body": value, "isBase64Encoded": base64,
            });
            let _read = answer(&Bytes::from(response.to_string()));
        }
    }
}
