//! What must hold wherever the template runs: each scenario on the embedded engine with `fanline dev`,
//! and on LocalStack, where the deployed stack's functions are invoked by LocalStack itself.
//!
//! A scenario looks at effects alone: rows in tables and messages in queues, found by event ids that
//! no other run has. The one thing to get wrong: asserting about everything that is there. LocalStack
//! keeps what earlier runs have left.
//!
//! Without LocalStack its half says so and passes; with REQUIRE_LOCALSTACK=1 it fails.

mod backend;
mod crash;
mod dead_letters;
mod duplicates;
mod fan_out;
mod fifo;
mod mapping;
mod model;
mod on_engine;
mod on_localstack;
mod orders;
mod partial_batch;
mod poison;
mod redeploy;
mod retries;
mod run;

/// Each scenario as two tests, `engine::<scenario>` and `localstack::<scenario>`.
macro_rules! scenarios {
    ($($scenario:ident on $stack:ident,)*) => {
        mod engine {
            use super::{backend::Stack, on_engine::OnEngine};

            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario::run(OnEngine::start(Stack::$stack).await).await;
            })*
        }

        mod localstack {
            use super::{backend::Stack, on_localstack::OnLocalStack};

            $(#[tokio::test]
            async fn $scenario() {
                if let Some(backend) = OnLocalStack::find(Stack::$stack).await {
                    super::$scenario::run(backend).await;
                }
            })*
        }
    };
}

scenarios! {
    fan_out on Main,
    duplicates on Main,
    partial_batch on Main,
    mapping on Main,
    poison on Main,
    retries on Main,
    crash on Main,
    redeploy on Replaceable,
    fifo on Fifo,
    orders on Main,
}
