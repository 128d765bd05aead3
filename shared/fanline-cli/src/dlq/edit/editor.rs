//! A text in the user's editor.

use std::{
    fs::OpenOptions,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use crate::Error;

/// What came back, and the file that it still is in.
#[derive(Debug)]
pub(super) struct Edited {
    pub(super) text: String,
    file: PathBuf,
}

impl Edited {
    /// The file is of no more use.
    pub(super) fn remove(&self) {
        let _gone = std::fs::remove_file(&self.file);
    }

    /// The error, and where the text is kept.
    pub(super) fn kept(&self, error: &Error) -> Error {
        Error::new(format!("{error}; your text is in {}", self.file.display()))
    }
}

/// Opens the text and waits until the editor ends. Editors end a text with a line break; one that
/// was not there before is taken away again.
pub(super) async fn edit(name: &str, text: &str) -> Result<Edited, Error> {
    let editor = editor()?;
    let safe: String = name
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
        .collect();
    let own = std::process::id();
    let file = std::env::temp_dir().join(format!("fanline-{safe}-{own}.json"));
    let at_file = |error: std::io::Error| Error::new(format!("{}: {error}", file.display()));
    let line_break = if text.ends_with('\n') { "" } else { "\n" };
    write(&file, &format!("{text}{line_break}")).map_err(at_file)?;
    // Through a shell, as EDITOR may have arguments.
    let status = Command::new("sh")
        .args(["-c", &format!("{editor} \"$1\""), "editor"])
        .arg(&file)
        .stdin(Stdio::inherit())
        .status()
        .await;
    let ended_well = status.as_ref().is_ok_and(std::process::ExitStatus::success);
    let edited = std::fs::read_to_string(&file).map_err(at_file)?;
    let edited = match edited.strip_suffix(line_break) {
        Some(edited) => edited.to_owned(),
        None => edited,
    };
    let edited = Edited { text: edited, file };
    if ended_well {
        return Ok(edited);
    }
    let reason = match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    let error = Error::new(format!(
        "editor {editor:?} failed ({reason}); nothing is sent"
    ));
    if edited.text == text {
        edited.remove();
        return Err(error);
    }
    Err(edited.kept(&error))
}

/// Readable by nobody else: it is payload.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text.as_bytes())
}

fn editor() -> Result<String, Error> {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    match set("VISUAL").or_else(|| set("EDITOR")) {
        Some(editor) => Ok(editor),
        None if std::io::stdin().is_terminal() => Ok("vi".to_owned()),
        None => Err(Error::new(
            "no terminal for an editor; use --set PATH=VALUE, or set EDITOR to a command",
        )),
    }
}
