//! Results on stdout, which may be a pipe whose reader has seen enough.

use std::{
    fmt::Display,
    io::{ErrorKind, Write},
};

/// Writes a line.
pub(crate) fn say(text: impl Display) {
    let _nobody_cares = is_read(text);
}

/// Writes a line; whether anybody still reads. Any other trouble with stdout is shown on stderr.
pub(crate) fn is_read(text: impl Display) -> bool {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Ok(()) => true,
        Err(error) => {
            if error.kind() != ErrorKind::BrokenPipe {
                eprintln!("fanline: cannot write to stdout: {error}");
            }
            false
        }
    }
}
