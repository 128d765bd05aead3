//! Being asked to end, by Ctrl-C or SIGTERM.

/// Ends when the user or the system asks the process to.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler the process ends by the signal itself; nothing is left to wait for.
    let _ended = tokio::signal::ctrl_c().await;
}
