//! The policy of the management API, from a folder in place of the built-in one.

use std::{fs, io, path::Path};

use im_api::{Policy, PolicyError};

/// A folder whose policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyFolderError {
    /// It cannot be read.
    #[error("the policy folder {folder} cannot be read: {error}")]
    Unreadable {
        /// Which.
        folder: String,
        /// Why.
        error: io::Error,
    },
    /// It holds no policy.
    #[error("the policy folder {0} holds no .rego file: copy infra/policies there and change it")]
    Empty(String),
    /// Its policy cannot be used.
    #[error("the policy folder {folder}: {error}")]
    Unusable {
        /// Which.
        folder: String,
        /// Why.
        error: PolicyError,
    },
}

/// The policy of a folder: its `.rego` files, without tests (`_test.rego`), and `data.json` if there is one. The built-in
/// policy without a folder.
///
/// # Errors
/// The folder cannot be read, or what it holds is no policy.
pub fn policy_from(folder: Option<&Path>) -> Result<Policy, PolicyFolderError> {
    let Some(folder) = folder else {
        return Ok(Policy::built_in());
    };
    let name = folder.display().to_string();
    let (files, data) = read(folder).map_err(|error| PolicyFolderError::Unreadable {
        folder: name.clone(),
        error,
    })?;
    if files.is_empty() {
        return Err(PolicyFolderError::Empty(name));
    }
    Policy::parse(files, data.as_deref()).map_err(|error| PolicyFolderError::Unusable {
        folder: name,
        error,
    })
}

/// Tests do not belong to what decides.
fn is_policy(name: &str) -> bool {
    let stem = name.strip_suffix(".rego");
    stem.is_some_and(|stem| !stem.ends_with("_test"))
}

type Files = Vec<(String, String)>;

fn read(folder: &Path) -> io::Result<(Files, Option<String>)> {
    let (mut files, mut data) = (Vec::new(), None);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "data.json" {
            data = Some(fs::read_to_string(entry.path())?);
        } else if is_policy(&name) {
            files.push((name, fs::read_to_string(entry.path())?));
        }
    }
    files.sort();
    Ok((files, data))
}

#[cfg(test)]
mod tests;
