//! Which schema a database has, and whether we can work with it.
//!
//! Must not: write. The schema belongs to upstream's `cinder-manage`.

use cinder_types::UPSTREAM_VERSION;
use diesel::prelude::*;

use crate::{
    dialect::{self, Native},
    error::DbError,
    schema::alembic_version,
};

/// The revision of release 29.0.0. Supporting a newer one starts here, continues with
/// `migrations/` and `schema.rs`.
pub const SCHEMA_VERSION: &str = "9c74c1c6971f";

/// The tables without which a volume service cannot start.
const NEEDED: [&str; 7] = [
    "alembic_version",
    "services",
    "clusters",
    "volumes",
    "consistencygroups",
    "groups",
    "image_volume_cache_entries",
];

/// Refuses a schema that is missing, incomplete, older or newer.
pub(crate) fn check(native: &mut Native, database: &str) -> Result<(), DbError> {
    let tables = dialect::table_names(native)?;
    let missing: Vec<_> =
        NEEDED.into_iter().filter(|name| !tables.iter().any(|table| table == name)).collect();
    if !missing.is_empty() {
        return Err(missing_error(database, &missing));
    }
    let mut found: Vec<String> =
        alembic_version::table.select(alembic_version::version_num).load(native)?;
    found.sort();
    match found.join(", ") {
        version if version == SCHEMA_VERSION => Ok(()),
        version if version.is_empty() => Err(missing_error(database, &["a version"])),
        found => Err(DbError::SchemaVersion {
            database: database.to_owned(),
            found,
            needed: SCHEMA_VERSION,
            release: UPSTREAM_VERSION,
        }),
    }
}

fn missing_error(database: &str, missing: &[&str]) -> DbError {
    let missing = match missing {
        tables if tables.len() == NEEDED.len() => "Cinder's tables".to_owned(),
        ["a version"] => "a row in table alembic_version".to_owned(),
        tables => format!("table {}", tables.join(", ")),
    };
    DbError::SchemaMissing {
        database: database.to_owned(),
        missing,
        needed: SCHEMA_VERSION,
        release: UPSTREAM_VERSION,
    }
}
