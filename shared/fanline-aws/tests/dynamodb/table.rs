//! A dedup table on the embedded engine, and a count of the requests that reach it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents,
        interceptors::BeforeTransmitInterceptorContextRef,
    },
    error::BoxError,
    types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
};
use fanline_engine::{Config, Server};

/// Requests by operation, as they go onto the wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests {
    operations: Arc<Mutex<Vec<String>>>,
    total: Arc<AtomicUsize>,
}

impl Requests {
    /// The operations since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.operations.lock().unwrap())
    }
}

impl Intercept for Requests {
    fn name(&self) -> &'static str {
        "Requests"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.total.fetch_add(1, Ordering::Relaxed);
        let target = context
            .request()
            .headers()
            .get("x-amz-target")
            .unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        self.operations.lock().unwrap().push(operation);
        Ok(())
    }
}

/// An engine with the tables `processed-events` and `counts`.
pub(crate) struct Table {
    pub(crate) client: Client,
    pub(crate) requests: Requests,
    server: Server,
}

impl Table {
    pub(crate) const NAME: &'static str = "processed-events";

    pub(crate) async fn start() -> Self {
        let server = Server::bind("127.0.0.1:0", Config::default())
            .await
            .unwrap();
        let requests = Requests::default();
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(server.endpoint_url())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .interceptor(requests.clone())
            .build();
        let client = Client::from_conf(config);
        for (name, key) in [(Self::NAME, "id"), ("counts", "minute")] {
            let attribute = AttributeDefinition::builder()
                .attribute_name(key)
                .attribute_type(ScalarAttributeType::S);
            let schema = KeySchemaElement::builder()
                .attribute_name(key)
                .key_type(KeyType::Hash);
            client
                .create_table()
                .table_name(name)
                .attribute_definitions(attribute.build().unwrap())
                .key_schema(schema.build().unwrap())
                .billing_mode(BillingMode::PayPerRequest)
                .send()
                .await
                .unwrap();
        }
        requests.take();
        Self {
            client,
            requests,
            server,
        }
    }

    pub(crate) async fn stop(self) {
        self.server.shutdown().await;
    }
}
