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
//! A crash before 4 leaves no database, after 4 a complete one, and two creators get one. What a crash leaves under a
//! unique name the next start removes (`draft.rs`). A link that leads to nothing is followed, as SQLite does: the file
//! is made where it leads.

mod draft;

use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use self::draft::Draft;

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
    let found = fs::metadata(file);
    let target = match &found {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            behind_links(file).map_err(create_error(file, "following its link"))?
        }
        _ => file.to_owned(),
    };
    let file = target.as_path();
    draft::remove_leftovers(file);
    match found {
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

/// Where a link leads, over further ones, although nothing is there.
fn behind_links(file: &Path) -> io::Result<PathBuf> {
    /// As many as Linux follows (path_resolution(7)).
    const MOST: usize = 40;
    let mut path = file.to_owned();
    for _ in 0..MOST {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("/")).join(target),
            // It is no link, or nothing at all.
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many links"))
}

fn create_error(file: &Path, step: &'static str) -> impl FnOnce(io::Error) -> DbError {
    move |source| DbError::Create { file: file.to_owned(), step, source }
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

    /// Names in a directory, in order.
    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let name =
            |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn drafts_that_a_crash_has_left_go_at_the_next_start_and_nothing_else_does() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("c.sqlite");
        let left = [
            ".c.sqlite.0123456789abcdef0123456789abcdef",
            ".c.sqlite.0123456789abcdef0123456789abcdef-wal",
            ".c.sqlite.ffffffffffffffffffffffffffffffff-journal",
        ];
        let others = [".c.sqlite.backup", ".other.sqlite.0123456789abcdef0123456789abcdef"];
        let put = || {
            left.iter()
                .chain(&others)
                .for_each(|name| fs::write(directory.path().join(name), "").unwrap())
        };
        put();
        // Somebody is at this one.
        let busy = Draft::new(&file).unwrap();
        assert!(create(&file).unwrap());
        assert!(busy.path.exists());
        drop(busy);
        assert_eq!(names(directory.path()), [others[0], others[1], "c.sqlite"]);
        put();
        assert!(!create(&file).unwrap(), "it was there");
        assert_eq!(names(directory.path()), [others[0], others[1], "c.sqlite"]);
    }

    #[test]
    fn a_link_that_leads_to_nothing_gets_its_file_where_it_leads() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("elsewhere")).unwrap();
        std::os::unix::fs::symlink("second", at("first")).unwrap();
        std::os::unix::fs::symlink(at("elsewhere/c.sqlite"), at("second")).unwrap();
        assert!(create(&at("first")).unwrap());
        assert!(at("elsewhere/c.sqlite").metadata().unwrap().is_file());
        assert!(!create(&at("first")).unwrap());
        std::os::unix::fs::symlink("round", at("round")).unwrap();
        assert!(create(&at("round")).is_err());
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
