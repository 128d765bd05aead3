//! Being asked to end, by Ctrl-C or SIGTERM.

use std::process::ExitCode;

use tokio::sync::watch;

/// What shells show for a command that Ctrl-C ended: 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

/// Ends when the user or the system asks the process to: from the call on, not only from the first
/// await. To be called inside a runtime.
pub(crate) fn interrupted() -> impl Future<Output = ()> + Send {
    #[cfg(unix)]
    let asked = {
        use tokio::signal::unix::{SignalKind, signal};
        [SignalKind::interrupt(), SignalKind::terminate()].map(signal)
    };
    async move {
        #[cfg(unix)]
        if let [Ok(mut interrupt), Ok(mut terminate)] = asked {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
        // Without a handler the process ends by the signal itself; nothing is left to wait for.
        let _ended = tokio::signal::ctrl_c().await;
    }
}

/// Whether the process was asked to end, for work that has to be put down first. Whoever asks
/// twice does not want to wait for that.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// From now on, a first interrupt no longer ends the process.
    pub(crate) fn on_interrupt() -> Self {
        let (asked, stop) = watch::channel(false);
        tokio::spawn(async move {
            interrupted().await;
            asked.send_replace(true);
            interrupted().await;
            std::process::exit(INTERRUPTED.into());
        });
        Self(stop)
    }

    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends when the process is asked to.
    pub(crate) async fn asked(&self) {
        if self.0.clone().wait_for(|asked| *asked).await.is_err() {
            // Nobody is left who could ask.
            std::future::pending::<()>().await;
        }
    }

    /// The exit code of work that has nothing else to say.
    pub(crate) fn code(&self) -> ExitCode {
        match self.is_set() {
            true => ExitCode::from(INTERRUPTED),
            false => ExitCode::SUCCESS,
        }
    }
}
