//! What a create costs without us: the statements that ours sends (docs/database.md), and the calls that make a file safe.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Result;
use rusqlite::{Connection, Statement};

/// A connection as the daemon has it, and a directory of its own.
pub(super) struct Floor {
    connection: Connection,
    directory: PathBuf,
}

const READS: [&str; 6] = [
    "SELECT * FROM volumes WHERE id = ?1",
    "SELECT volume_id, key, value FROM volume_metadata WHERE NOT deleted AND volume_id IN (?1) ORDER BY id",
    "SELECT volume_id, key, value FROM volume_admin_metadata WHERE NOT deleted AND volume_id IN (?1) ORDER BY id",
    "SELECT * FROM volume_attachment WHERE NOT deleted AND volume_id IN (?1)",
    "SELECT * FROM volume_types WHERE id IN (SELECT volume_type_id FROM volumes WHERE id = ?1)",
    "SELECT volume_type_id, key, value FROM volume_type_extra_specs WHERE NOT deleted AND volume_type_id IN \
     (SELECT volume_type_id FROM volumes WHERE id = ?1)",
];

const SEEN: &str =
    "SELECT * FROM workers WHERE NOT deleted AND resource_type = 'Volume' AND resource_id = ?1";
const TAKEN: &str = "UPDATE workers SET service_id = 1, updated_at = CURRENT_TIMESTAMP, race_preventer = race_preventer \
     + 1 WHERE resource_id = ?1 AND status = 'creating'";
const MADE: &str = "UPDATE volumes SET status = 'available', launched_at = CURRENT_TIMESTAMP, updated_at = \
     CURRENT_TIMESTAMP, shared_targets = 0, service_uuid = (SELECT uuid FROM services WHERE id = 1) \
     WHERE id = ?1 AND NOT deleted AND status IN ('creating', 'downloading')";
const GONE: &str = "DELETE FROM workers WHERE resource_id = ?1 AND status = 'creating'";

impl Floor {
    pub(super) fn new(database: &Path, directory: &Path) -> Result<Self> {
        let connection = Connection::open(database)?;
        connection.execute_batch(
            "PRAGMA busy_timeout = 20000; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32; \
             PRAGMA foreign_keys = ON;",
        )?;
        fs::create_dir_all(directory)?;
        Ok(Self { connection, directory: directory.to_owned() })
    }

    /// Creates each of these; all statements stay prepared, as ours do.
    pub(super) fn create(&self, ids: &[String]) -> Result<()> {
        let prepared = |sql: &&str| self.connection.prepare(sql);
        let mut reads = READS.iter().map(prepared).collect::<rusqlite::Result<Vec<_>>>()?;
        let mut seen = prepared(&SEEN)?;
        let [mut taken, mut made, mut gone] =
            [prepared(&TAKEN)?, prepared(&MADE)?, prepared(&GONE)?];
        for id in ids {
            read(&mut seen, id)?;
            taken.execute([id])?;
            self.connection.execute_batch("BEGIN DEFERRED")?;
            reads.iter_mut().try_for_each(|one| read(one, id))?;
            self.connection.execute_batch("COMMIT")?;
            self.make_file(id)?;
            made.execute([id])?;
            gone.execute([id])?;
        }
        Ok(())
    }

    /// Aside, of its size, safe, in its place, and that safe.
    fn make_file(&self, id: &str) -> Result<()> {
        let (aside, place) = (self.directory.join("aside"), self.directory.join(id));
        let aside = aside.with_extension(id);
        let file = File::create_new(&aside)?;
        file.set_len(1 << 30)?;
        file.sync_all()?;
        fs::rename(aside, place)?;
        Ok(File::open(&self.directory)?.sync_all()?)
    }
}

fn read(statement: &mut Statement<'_>, id: &str) -> Result<()> {
    let mut rows = statement.query([id])?;
    while rows.next()?.is_some() {}
    Ok(())
}
