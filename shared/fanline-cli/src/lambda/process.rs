//! One operating system process: started with an empty environment, in a process group of its own,
//! and never outliving this value.
//!
//! The one thing to get wrong: a signal to a process id that was already given to somebody else.
//! Signals are sent while the process has not been waited for, and once directly after.

use super::environment::{task_root, variables};
use super::{Ending, FunctionSpec};
use std::io;
use std::process::Stdio;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

/// A process of a function and whatever it has started itself.
pub(super) struct Process {
    child: Child,
}

/// The two pipes a process writes to.
pub(super) struct Pipes {
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
}

impl Process {
    pub(super) fn start(
        spec: &FunctionSpec,
        runtime_api: &str,
        log_stream: &str,
    ) -> io::Result<(Self, Pipes)> {
        let mut command = Command::new(&spec.binary);
        command
            .env_clear()
            .envs(variables(spec, runtime_api, log_stream))
            .current_dir(task_root(&spec.binary))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // Ctrl-C in a terminal goes to the whole foreground group. Functions must get to finish
        // what they have begun, so they are in another.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        let pipes = Pipes {
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
        };
        Ok((Self { child }, pipes))
    }

    /// The process id, until the process has ended and was waited for.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for the end. Can be cancelled and called again.
    pub(super) async fn wait(&mut self) -> Ending {
        let group = self.id();
        let ended = self.child.wait().await;
        // Lambda takes the whole environment away. Children that are left keep the group's number
        // from being given to others; without any, the signal finds nobody.
        signal_group(group, Signal::Kill);
        ended.map_or(Ending::Unknown, Ending::from)
    }

    /// Asks the process and its children to end.
    pub(super) fn terminate(&mut self) {
        if !signal_group(self.id(), Signal::Terminate) {
            self.kill();
        }
    }

    /// Ends the process and its children.
    pub(super) fn kill(&mut self) {
        signal_group(self.id(), Signal::Kill);
        // Refused only when it has ended already.
        let _ = self.child.start_kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        signal_group(self.id(), Signal::Kill);
    }
}

#[derive(Clone, Copy)]
enum Signal {
    Terminate,
    Kill,
}

/// Signals a process and its children. False when that was not possible.
#[cfg(unix)]
fn signal_group(group: Option<u32>, signal: Signal) -> bool {
    let signal = match signal {
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::Kill => rustix::process::Signal::KILL,
    };
    let group = group
        .and_then(|id| i32::try_from(id).ok())
        .and_then(rustix::process::Pid::from_raw);
    group.is_some_and(|group| rustix::process::kill_process_group(group, signal).is_ok())
}

#[cfg(not(unix))]
fn signal_group(_group: Option<u32>, _signal: Signal) -> bool {
    false
}
