//! `fanline dev` with its embedded engine, started for one scenario.

use rustix::process::Signal;

use super::backend::{Backend, Stack};
use crate::{cloud::Cloud, dev::Dev, engine::Engine, http::Site};

pub(super) struct OnEngine {
    dev: Dev,
    /// Outlives `dev`, if `dev` is to be replaced.
    engine: Option<Engine>,
}

impl OnEngine {
    pub(super) async fn start(stack: Stack) -> Self {
        let (dev, engine) = match stack {
            Stack::Main => (Dev::start(&["--no-events"]).await, None),
            Stack::Fifo => {
                let template = "tests/flows/templates/fifo.yaml";
                (Dev::start(&["--template", template]).await, None)
            }
            Stack::Replaceable => {
                let engine = Engine::start(None).await;
                (dev_on(&engine).await, Some(engine))
            }
        };
        Self { dev, engine }
    }
}

async fn dev_on(engine: &Engine) -> Dev {
    Dev::start(&["--no-events", "--endpoint-url", &engine.cloud.endpoint]).await
}

impl Backend for OnEngine {
    const KEEPS_BODIES: bool = true;

    fn cloud(&self) -> &Cloud {
        &self.dev.cloud
    }

    async fn site(&self, function: &str) -> Site {
        Site::new(&self.dev.function_url(function).await, None)
    }

    fn processes(&self, function: &str) -> Vec<u32> {
        self.dev.function_processes(function)
    }

    async fn redeploy(&mut self) {
        let engine = self.engine.as_ref().expect("a replaceable stack");
        // The old one ends first: there is a time without any function.
        self.dev.stop().await;
        self.dev = dev_on(engine).await;
    }

    async fn end_counting(self, queues: &[&str]) -> Vec<u64> {
        let (report, _) = self.dev.interrupt().await;
        let receives = |queue: &&str| report["queues"][*queue]["receives"].as_u64();
        let counts: Option<Vec<u64>> = queues.iter().map(receives).collect();
        counts.unwrap_or_else(|| panic!("{report}"))
    }

    async fn end(mut self) {
        self.dev.stop().await;
        if let Some(engine) = self.engine {
            engine.end(Signal::TERM).await;
        }
    }
}
