//! Small files of the data folder.

use std::{fs, io::Write as _, path::Path};

/// Writes a file that only its owner may read, in place of the one that is there. Written beside and renamed: a crash
/// leaves the old file or the new one.
///
/// # Errors
/// The folder cannot be written.
pub fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = file.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(&beside)?;
    open.write_all(bytes)?;
    open.sync_all()?;
    fs::rename(beside, file)
}
