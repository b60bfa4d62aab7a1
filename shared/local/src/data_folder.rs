//! The folder that a local system is kept in.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;

/// A folder that is this process's own for as long as one of these lives: two that work on the same tables would do
/// everything twice.
#[derive(Debug, Clone)]
pub struct DataFolder {
    path: PathBuf,
    _held: Arc<File>,
}

impl DataFolder {
    /// Takes a folder, which is made if it is not there. Nothing in it is touched before that.
    ///
    /// # Errors
    /// The folder cannot be used, or another process uses it.
    pub fn hold(path: impl Into<PathBuf>) -> anyhow::Result<Self> {
        let path = path.into();
        fs::create_dir_all(&path)
            .with_context(|| format!("creating the folder {}", path.display()))?;
        let lock = path.join("in-use");
        let file = File::create(&lock).with_context(|| format!("creating {}", lock.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                path,
                _held: Arc::new(file),
            }),
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "another process uses the folder {}: stop it, or give another folder",
                path.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("locking {}", lock.display()))
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
