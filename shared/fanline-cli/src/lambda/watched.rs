//! A TCP stream that remembers whether the other side reset it. hyper treats a reset between two
//! requests like a normal close, but here the difference matters: the kernel resets a connection
//! whose process died with unread data, so the event we sent was never seen.

use std::io::{Error, ErrorKind, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A stream and the flag it sets.
pub(super) struct Watched {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream) -> (Self, Arc<AtomicBool>) {
        let reset = Arc::new(AtomicBool::new(false));
        (
            Self {
                stream,
                reset: Arc::clone(&reset),
            },
            reset,
        )
    }

    fn note<T>(&self, result: Poll<Result<T>>) -> Poll<Result<T>> {
        let is_reset = |error: &Error| {
            matches!(
                error.kind(),
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
            )
        };
        if matches!(&result, Poll::Ready(Err(error)) if is_reset(error)) {
            self.reset.store(true, Ordering::Release);
        }
        result
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let filled = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        let ended = matches!(result, Poll::Ready(Ok(()))) && buffer.filled().len() == filled;
        if ended && let Ok(Some(error)) = self.stream.take_error() {
            // The process had closed its side before we wrote: reading shows the close only, and
            // the reset that answered our write waits behind it.
            let _ = self.note::<()>(Poll::Ready(Err(error)));
        }
        self.note(result)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.note(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
