//! What a process writes, line by line, to whoever reports it.
//!
//! The one thing to get wrong: losing bytes. A line without an end, a line beyond the limit and
//! bytes that are not UTF-8 all come out, and reading goes on until the pipe is closed.

use super::exchange::Exchange;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{mpsc, watch};

/// CloudWatch's limit for one log event: a longer line is cut there too.
const LINE_LIMIT: usize = 256 * 1024;

/// How much of its own output an init failure shows: a panic's message stands before its backtrace,
/// which has two lines for each of some thirty frames.
const TAIL_LINES: usize = 100;

/// Which of its two pipes a process wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output, where metrics go.
    Stdout,
    /// Standard error, where panics go.
    Stderr,
}

/// One line a function process wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The function's name.
    pub function: Arc<str>,
    /// The process that wrote it.
    pub process_id: u32,
    /// The pipe it came from.
    pub stream: Stream,
    /// The line without its end.
    pub line: String,
    /// The process's current invocation, or its last one when it is idle; none before the first.
    pub request_id: Option<Arc<str>>,
}

/// Where lines go. Unbounded, because a process must never be stopped by a slow terminal.
pub type LogSink = mpsc::UnboundedSender<LogLine>;

/// The last lines of a process, shared by the readers of both pipes.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == TAIL_LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }
}

/// Reads pipes of one process into the sink.
#[derive(Clone)]
pub(super) struct OutputReader {
    pub(super) function: Arc<str>,
    pub(super) process_id: u32,
    pub(super) exchange: watch::Sender<Exchange>,
    pub(super) sink: LogSink,
    pub(super) tail: Tail,
}

impl OutputReader {
    /// Reads until the pipe is closed.
    pub(super) async fn read(self, mut pipe: impl AsyncRead + Unpin, stream: Stream) {
        let mut splitter = LineSplitter::new(LINE_LIMIT);
        let mut chunk = vec![0; 16 * 1024];
        // A pipe that fails cannot be told from one that was closed, nor does it matter.
        while let Ok(count @ 1..) = pipe.read(&mut chunk).await {
            let bytes = chunk.get(..count).unwrap_or_default();
            splitter.push(bytes, |line| self.emit(line, stream));
        }
        splitter.finish(|line| self.emit(line, stream));
    }

    fn emit(&self, line: String, stream: Stream) {
        self.tail.push(&line);
        // Nobody listens any more once the command is over.
        let _ = self.sink.send(LogLine {
            function: Arc::clone(&self.function),
            process_id: self.process_id,
            stream,
            line,
            request_id: self.exchange.borrow().last_request(),
        });
    }
}

/// Cuts bytes into lines of at most `limit` bytes, never inside a character.
struct LineSplitter {
    pending: Vec<u8>,
    limit: usize,
}

impl LineSplitter {
    fn new(limit: usize) -> Self {
        Self {
            pending: Vec::new(),
            limit,
        }
    }

    fn push(&mut self, bytes: &[u8], mut emit: impl FnMut(String)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.pending.extend_from_slice(piece);
            let ended = self.pending.last() == Some(&b'\n');
            if ended {
                self.pending.pop();
            }
            while self.pending.len() > self.limit {
                let rest = self
                    .pending
                    .split_off(character_boundary(&self.pending, self.limit));
                emit(text(&std::mem::replace(&mut self.pending, rest)));
            }
            if ended {
                let line = std::mem::take(&mut self.pending);
                emit(text(line.strip_suffix(b"\r").unwrap_or(&line)));
            }
        }
    }

    fn finish(self, mut emit: impl FnMut(String)) {
        if !self.pending.is_empty() {
            emit(text(&self.pending));
        }
    }
}

/// The last place at or before `limit` where a UTF-8 character begins.
fn character_boundary(bytes: &[u8], limit: usize) -> usize {
    let begins = |index: &usize| {
        bytes
            .get(*index)
            .is_none_or(|byte| byte & 0b1100_0000 != 0b1000_0000)
    };
    let earliest = limit.saturating_sub(3).max(1);
    (earliest..=limit).rev().find(begins).unwrap_or(limit)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(chunks: &[&[u8]], limit: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let mut splitter = LineSplitter::new(limit);
        for chunk in chunks {
            splitter.push(chunk, |line| lines.push(line));
        }
        splitter.finish(|line| lines.push(line));
        lines
    }

    #[test]
    fn lines_end_where_they_should() {
        assert_eq!(
            split(&[b"a\nb", b"c\n", b"\nlast"], 100),
            ["a", "bc", "", "last"]
        );
        assert_eq!(split(&[b"windows\r\nunix\n"], 100), ["windows", "unix"]);
        assert_eq!(split(&[b"\xff\n"], 100), ["\u{fffd}"]);
        assert_eq!(split(&[], 100), Vec::<String>::new());
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        assert_eq!(split(&[b"abcdef\n"], 4), ["abcd", "ef"]);
        assert_eq!(split(&["aaé\n".as_bytes()], 3), ["aa", "é"]);
        assert_eq!(split(&[b"abcd\n"], 4), ["abcd"]);
    }

    proptest! {
        #[test]
        fn chunking_changes_nothing(text in "[a-zé\n]{0,80}", cuts in prop::collection::vec(1..9_usize, 1..20), limit in 4..12_usize) {
            let mut rest = text.as_bytes();
            let mut chunks = Vec::new();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (chunk, remainder) = rest.split_at((*cut).min(rest.len()));
                chunks.push(chunk);
                rest = remainder;
            }
            let lines = split(&chunks, limit);
            prop_assert_eq!(lines.concat(), text.replace('\n', ""));
            prop_assert!(lines.iter().all(|line| line.len() <= limit));
        }
    }
}
