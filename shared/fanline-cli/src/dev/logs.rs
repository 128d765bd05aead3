//! What functions print, one file per function, so that the terminal stays readable.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use crate::lambda::LogLine;

/// Where each function's output goes.
pub(super) fn folder(template_folder: &Path) -> PathBuf {
    template_folder.join("target").join("fanline")
}

/// The log files of one run; those of the run before are overwritten.
#[derive(Debug)]
pub(super) struct Logs {
    folder: PathBuf,
    files: HashMap<String, Option<File>>,
}

impl Logs {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            files: HashMap::new(),
        }
    }

    /// Appends a line. A log that cannot be written must not stop the run: it is then missing.
    pub(super) fn write(&mut self, line: &LogLine) {
        let folder = &self.folder;
        let file = self
            .files
            .entry(line.function.to_string())
            .or_insert_with(|| {
                fs::create_dir_all(folder).ok()?;
                File::create(folder.join(format!("{}.log", line.function))).ok()
            });
        if let Some(file) = file {
            let _missing = writeln!(file, "{}", line.line);
        }
    }
}
