//! The real clock and the operating system's randomness; the only place that reads either.

use std::{fmt, ops::Deref, sync::Arc, time::SystemTime};

use fanline::{System, Timestamp};

/// The machine's, unless another one was handed in.
#[derive(Clone)]
pub(crate) struct SharedSystem(pub(crate) Arc<dyn System>);

impl Default for SharedSystem {
    fn default() -> Self {
        Self(Arc::new(RealSystem))
    }
}

impl fmt::Debug for SharedSystem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("System")
    }
}

impl Deref for SharedSystem {
    type Target = dyn System;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref()
    }
}

/// Time and randomness of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealSystem;

impl System for RealSystem {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is given"
    )]
    fn now(&self) -> Timestamp {
        // Fails only for a clock set before -9999 or after 9999.
        Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn random(&self) -> u128 {
        // Without randomness two leases could have the same owner; nothing may run then.
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        u128::from_ne_bytes(bytes)
    }
}
