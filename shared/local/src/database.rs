//! The embedded database, with an index of its stream records.
//!
//! It keeps every stream record for ever, and looks through all of them at each write and each poll: without an index,
//! the thousandth edit takes many times as long as the first.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::Context as _;
use dynoxide::Database;
use rusqlite::Connection;

/// For how it asks for the last sequence number of a table, and for the records after one.
const INDEX: &str = "CREATE INDEX IF NOT EXISTS im_stream_records
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";
/// Who reads a stream begins with what comes after the start.
const FORGET: &str = "DELETE FROM _stream_records";

/// The database in this file, which is made if it does not exist.
pub(crate) fn in_file(file: &Path) -> anyhow::Result<Database> {
    let path = file.to_string_lossy();
    let database = Database::new(&path).map_err(|error| anyhow::anyhow!("{error}"));
    let database = database.with_context(|| format!("opening the tables in {path}"))?;
    let indexed = Connection::open(file).and_then(|connection| {
        connection.execute_batch(FORGET)?;
        connection.execute_batch(INDEX)
    });
    indexed.with_context(|| format!("making an index of the stream records in {path}"))?;
    Ok(database)
}

/// Gives an empty database in memory the index. Nobody else reaches such a database: it is filled from a second one, in
/// memory like itself, that has a name.
pub(crate) fn index_empty(database: &Database) -> anyhow::Result<()> {
    static IMAGES: AtomicU64 = AtomicU64::new(0);
    let number = IMAGES.fetch_add(1, Ordering::Relaxed);
    let name = format!("file:im-image-{number}?mode=memory&cache=shared");
    let failed = |error| anyhow::anyhow!("making the tables in memory: {error}");
    // Kept until it is copied: it is gone with its last connection.
    let image = Database::new(&name).map_err(failed)?;
    let connection = Connection::open(&name).context("opening the tables in memory")?;
    let indexed = connection.execute_batch(INDEX);
    indexed.context("making an index of the stream records in memory")?;
    database.restore_from(&name).map_err(failed)?;
    drop((connection, image));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// What the database asks, word for word, and how `SQLite` goes about it.
    fn plans(file: &Path) -> Vec<String> {
        const ASKED: [&str; 2] = [
            "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = ?1",
            "SELECT event_name FROM _stream_records
             WHERE table_name = ?1 AND shard_id = ?2 AND CAST(sequence_number AS INTEGER) > ?3
             ORDER BY CAST(sequence_number AS INTEGER) ASC
             LIMIT ?4",
        ];
        let connection = Connection::open(file).expect("it opens");
        let plan = |asked: &&str| {
            let explained = format!("EXPLAIN QUERY PLAN {asked}");
            let given = asked.matches('?').map(|_| "");
            let plan = connection.query_row(&explained, rusqlite::params_from_iter(given), |row| {
                row.get(3)
            });
            plan.expect("a plan")
        };
        ASKED.iter().map(plan).collect()
    }

    /// A folder for tables, gone when dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("im-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).expect("a folder");
            Self(folder)
        }

        fn file(&self) -> PathBuf {
            self.0.join("tables.sqlite")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            // What is left behind is in the temporary folder anyway.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn uses_the_index(plans: &[String]) -> bool {
        let by_index =
            |plan: &String| plan.contains("SEARCH") && plan.contains("im_stream_records");
        plans.iter().all(by_index)
    }

    #[test]
    fn what_is_asked_of_a_file_goes_by_the_index() {
        let folder = Folder::new("indexed");
        let file = folder.file();
        drop(Database::new(&file.to_string_lossy()).expect("it opens"));
        assert!(!uses_the_index(&plans(&file)), "none of its own");
        drop(in_file(&file).expect("it opens"));
        assert!(uses_the_index(&plans(&file)));
        drop(in_file(&file).expect("it opens again"));
    }

    #[test]
    fn what_is_asked_of_memory_goes_by_the_index() {
        let database = Database::memory().expect("memory");
        index_empty(&database).expect("indexed");
        let folder = Folder::new("in-memory");
        let file = folder.file();
        let copied = database.vacuum_into(&file.to_string_lossy());
        copied.expect("a copy");
        assert!(uses_the_index(&plans(&file)));
    }
}
