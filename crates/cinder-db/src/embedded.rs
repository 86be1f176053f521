//! The embedded default: a SQLite file that does not exist yet is created with the whole schema.
//!
//! Must not: touch a file that exists. The order of creating one:
//!
//! 1. make a file with a unique name in the same directory,
//! 2. write schema and first rows into it in one transaction,
//! 3. bring it to the disk,
//! 4. link it under its real name, which fails if somebody else was first,
//! 5. remove the unique name.
//!
//! A crash before 4 leaves no database, after 4 a complete one, and two creators get one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use cinder_types::UPSTREAM_VERSION;
use diesel::{migration::MigrationSource, prelude::*, sqlite::Sqlite};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use tracing::{debug, info};
use uuid::Uuid;

use crate::{
    dialect::sqlite,
    error::{Cause, DbError},
    queries::schema_version::SCHEMA_VERSION,
    schema::{
        alembic_version, group_type_specs, group_types, quota_classes, volume_types, workers,
    },
    timestamp::Timestamp,
};

/// Run without Diesel's bookkeeping table: `alembic_version` says what the schema is, and a
/// table that upstream does not know would be a difference (docs/adr/0002).
const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Limits that upstream's migrations put into quota class `default`.
const DEFAULT_QUOTAS: [(&str, i32); 7] = [
    ("volumes", 10),
    ("snapshots", 10),
    ("gigabytes", 1000),
    ("per_volume_gigabytes", -1),
    ("groups", 10),
    ("backups", 10),
    ("backup_gigabytes", 1000),
];

/// Creates the SQLite file with schema and first rows unless something has that name.
///
/// Returns whether this call created it. Missing directories are made.
///
/// # Errors
///
/// [`DbError::Create`] or [`DbError::CreateSchema`]; no file of that name is left then.
pub(crate) fn create(file: &Path) -> Result<bool, DbError> {
    match fs::metadata(file) {
        Ok(found) if found.is_dir() => {
            return Err(create_error(file, "opening it as a file")(ErrorKind::IsADirectory.into()));
        }
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(create_error(file, "looking for it")(error)),
    }
    let directory = file.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(directory).map_err(create_error(file, "making its directory"))?;
    let draft = Draft::new(file).map_err(create_error(file, "writing to its directory"))?;
    fill(&draft.path).map_err(|source| DbError::CreateSchema { file: file.to_owned(), source })?;
    draft.sync().map_err(create_error(file, "bringing it to the disk"))?;
    match fs::hard_link(&draft.path, file) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            debug!(target: "cinder.db", file = %file.display(), "another process created the database first");
            return Ok(false);
        }
        Err(error) => return Err(create_error(file, "giving it its name")(error)),
    }
    // The name is an entry of the directory, which has its own way to the disk.
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(create_error(file, "bringing its directory to the disk"))?;
    info!(
        target: "cinder.db",
        file = %file.display(),
        "Created database {} with schema {SCHEMA_VERSION} of release {UPSTREAM_VERSION}",
        file.display()
    );
    Ok(true)
}

fn create_error(file: &Path, step: &'static str) -> impl FnOnce(io::Error) -> DbError {
    move |source| DbError::Create { file: file.to_owned(), step, source }
}

/// The file under its unique name; removed when dropped.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn new(file: &Path) -> io::Result<Self> {
        let mut name = std::ffi::OsString::from(".");
        name.push(file.file_name().unwrap_or_default());
        name.push(format!(".{}", Uuid::new_v4().simple()));
        let path = file.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // Volume rows hold the drivers' secrets, so the file is not for everybody to read.
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
        options.open(&path)?;
        Ok(Self { path })
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Nothing depends on it: a leftover is never opened again.
        let _ = fs::remove_file(&self.path);
    }
}

fn fill(path: &Path) -> Result<(), Cause> {
    let mut native = sqlite::establish(path)?;
    sqlite::without_safety_net(&mut native)?;
    native.transaction::<(), Cause, _>(|native: &mut SqliteConnection| {
        for migration in MigrationSource::<Sqlite>::migrations(&MIGRATIONS)? {
            migration.run(native)?;
        }
        Ok(seed(native, Timestamp::now())?)
    })?;
    // Where the file system cannot do it, the file keeps its rollback journal.
    sqlite::prefer_wal(&mut native, std::time::Duration::ZERO)?;
    Ok(())
}

/// The rows that upstream's migrations insert (`spec/schema.md §1`).
fn seed(native: &mut SqliteConnection, now: Timestamp) -> QueryResult<()> {
    diesel::insert_into(alembic_version::table)
        .values(alembic_version::version_num.eq(SCHEMA_VERSION))
        .execute(native)?;
    for (resource, limit) in DEFAULT_QUOTAS {
        use quota_classes::dsl;
        diesel::insert_into(dsl::quota_classes)
            .values((
                dsl::created_at.eq(now),
                dsl::deleted.eq(false),
                dsl::class_name.eq("default"),
                dsl::resource.eq(resource),
                dsl::hard_limit.eq(limit),
            ))
            .execute(native)?;
    }
    seed_volume_type(native, now)?;
    seed_group_type(native, now)?;
    seed_sentinel(native, now)
}

fn seed_volume_type(native: &mut SqliteConnection, now: Timestamp) -> QueryResult<()> {
    use volume_types::dsl;
    diesel::insert_into(dsl::volume_types)
        .values((
            dsl::created_at.eq(now),
            dsl::updated_at.eq(now),
            dsl::deleted.eq(false),
            dsl::id.eq(Uuid::new_v4().to_string()),
            dsl::name.eq("__DEFAULT__"),
            dsl::description.eq("Default Volume Type"),
            dsl::is_public.eq(true),
        ))
        .execute(native)
        .map(drop)
}

fn seed_group_type(native: &mut SqliteConnection, now: Timestamp) -> QueryResult<()> {
    let id = Uuid::new_v4().to_string();
    diesel::insert_into(group_types::table)
        .values((
            group_types::id.eq(&id),
            group_types::name.eq("default_cgsnapshot_type"),
            group_types::description.eq("Default group type for migrating cgsnapshot"),
            group_types::created_at.eq(now),
            group_types::updated_at.eq(now),
            group_types::deleted.eq(false),
            group_types::is_public.eq(true),
        ))
        .execute(native)?;
    diesel::insert_into(group_type_specs::table)
        .values((
            group_type_specs::key.eq("consistent_group_snapshot_enabled"),
            group_type_specs::value.eq("<is> True"),
            group_type_specs::group_type_id.eq(&id),
            group_type_specs::created_at.eq(now),
            group_type_specs::updated_at.eq(now),
            group_type_specs::deleted.eq(false),
        ))
        .execute(native)
        .map(drop)
}

/// A row by which upstream tells whether the database keeps fractions of a second.
fn seed_sentinel(native: &mut SqliteConnection, now: Timestamp) -> QueryResult<()> {
    use workers::dsl;
    let marked = now.with_micros(123);
    diesel::insert_into(dsl::workers)
        .values((
            dsl::created_at.eq(marked),
            dsl::updated_at.eq(marked),
            dsl::deleted.eq(false),
            dsl::resource_type.eq("SENTINEL"),
            dsl::resource_id.eq("SUB-SECOND"),
            dsl::status.eq("OK"),
            dsl::race_preventer.eq(0),
        ))
        .execute(native)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        connection::open_or_create, dialect, options::DatabaseOptions, schema, url::DatabaseUrl,
    };

    /// Runs a statement that names every column of each table.
    macro_rules! select_every_column {
        ($native:expr; $($table:ident)*) => {
            [$((
                stringify!($table),
                schema::$table::table.limit(0).execute($native).map_err(|error| error.to_string()),
            )),*]
        };
    }

    #[test]
    fn every_declared_column_exists_in_the_schema_we_create() {
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite_file(directory.path().join("c.sqlite")).unwrap();
        let mut connection = open_or_create(&DatabaseOptions::new(url)).unwrap();
        let results = select_every_column!(connection.native().unwrap();
            alembic_version services clusters workers quality_of_service_specs volume_types
            volume_type_extra_specs volume_type_projects default_volume_types encryption
            group_types group_type_specs group_type_projects groups group_volume_type_mapping
            group_snapshots consistencygroups cgsnapshots volumes volume_extras volume_metadata
            volume_admin_metadata volume_attachment attachment_specs snapshots snapshot_metadata
            volume_glance_metadata image_volume_cache_entries transfers backups backup_metadata
            quotas quota_classes quota_usages reservations messages driver_initiator_data
        );
        for (table, result) in &results {
            assert_eq!(result, &Ok(0), "{table}");
        }
        let columns = dialect::column_names(connection.native().unwrap()).unwrap();
        let tables: BTreeSet<_> = columns.iter().map(|(table, _)| table.as_str()).collect();
        // `volumes` is declared in two parts.
        let declared: BTreeSet<_> = schema::TABLES.iter().map(|(table, _)| *table).collect();
        assert_eq!(declared.len(), results.len() - 1, "a table is missing from this test");
        assert_eq!(tables, declared);
    }
}
