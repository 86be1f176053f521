//! Which schema a database has, and whether we can work with it.
//!
//! Must not: write. The schema belongs to upstream's `cinder-manage`.
//!
//! Upstream upgrades a cloud without stopping it: the schema first, then one service after the
//! other, the older ones running on the newer schema (its guide's "rolling upgrades"). What it adds
//! in between may be left out by those who do not know it. So a revision that we have never heard of
//! is taken for a newer one, and is good if it has everything that we use; of an older one we know
//! that it is not.

use std::collections::BTreeSet;

use cinder_types::UPSTREAM_VERSION;
use diesel::prelude::*;
use tracing::warn;

use crate::{
    dialect::{self, Native},
    error::DbError,
    schema::{TABLES, alembic_version},
};

/// The revision of release 29.0.0. Supporting a newer one starts here, continues with
/// `migrations/` and `schema.rs`.
pub const SCHEMA_VERSION: &str = "9c74c1c6971f";

/// The revisions before it, newest first (upstream's `db/migrations/versions`).
const OLDER: [&str; 7] = [
    "b7b88f50aab5",
    "9ab1b092a404",
    "b8660621f1b9",
    "89aa6f9639f9",
    "daa98075b90d",
    "c92a3e68beed",
    "921e1a36b076",
];

/// Declared, and used by nobody: `docs/database.md`.
const UNUSED: [&str; 3] = ["backup_metadata", "driver_initiator_data", "group_type_projects"];

/// So many missing names are told.
const SHOWN: usize = 8;

/// Refuses a schema that is missing, incomplete or older; warns of one that we do not know.
pub(crate) fn check(native: &mut Native, database: &str) -> Result<(), DbError> {
    let missing = Missing::of(&dialect::column_names(native)?);
    if missing.tables.contains(&"alembic_version") {
        return Err(lacking(database, &missing.to_string(), None));
    }
    let mut found: Vec<String> =
        alembic_version::table.select(alembic_version::version_num).load(native)?;
    found.sort();
    if found.is_empty() {
        return Err(lacking(database, "a row in table alembic_version", None));
    }
    let older = found.iter().any(|version| OLDER.contains(&version.as_str()));
    let known = found == [SCHEMA_VERSION];
    let found = found.join(", ");
    match (missing.is_empty(), older) {
        (_, true) => Err(DbError::SchemaVersion {
            database: database.to_owned(),
            found,
            missing: Some(missing).filter(|some| !some.is_empty()).map(|some| some.to_string()),
            needed: SCHEMA_VERSION,
            release: UPSTREAM_VERSION,
        }),
        (false, false) => {
            Err(lacking(database, &missing.to_string(), Some(found).filter(|_| !known)))
        }
        (true, false) => {
            if !known {
                warn!(
                    target: "cinder.db",
                    "Database {database} has schema {found}, which this release ({UPSTREAM_VERSION}, \
                     schema {SCHEMA_VERSION}) does not know; it has all tables and columns that are \
                     used, so it is taken for that of a later release"
                );
            }
            Ok(())
        }
    }
}

fn lacking(database: &str, missing: &str, unknown: Option<String>) -> DbError {
    let of = unknown.map(|found| format!(" (its schema {found} is not known here)"));
    DbError::SchemaMissing {
        database: database.to_owned(),
        missing: format!("{missing}{}", of.unwrap_or_default()),
        needed: SCHEMA_VERSION,
        release: UPSTREAM_VERSION,
    }
}

/// What we use and a database does not have, in the order of `schema.rs`.
#[derive(Debug, Default)]
struct Missing {
    tables: Vec<&'static str>,
    columns: Vec<String>,
    all: bool,
}

impl Missing {
    /// `columns` are pairs of table and column.
    fn of(columns: &BTreeSet<(String, String)>) -> Self {
        let tables: BTreeSet<_> = columns.iter().map(|(table, _)| table.as_str()).collect();
        let mut missing = Self { all: true, ..Self::default() };
        let used = TABLES.iter().filter(|(table, _)| !UNUSED.contains(table));
        for (table, names) in used {
            if !tables.contains(table) {
                if !missing.tables.contains(table) {
                    missing.tables.push(table);
                }
                continue;
            }
            missing.all = false;
            let lacks =
                |name: &&&str| !columns.contains(&((*table).to_owned(), (**name).to_owned()));
            let lacking = names.iter().filter(lacks).map(|name| format!("{table}.{name}"));
            missing.columns.extend(lacking);
        }
        missing
    }

    fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.columns.is_empty()
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.all {
            return f.write_str("Cinder's tables");
        }
        let tables = (!self.tables.is_empty()).then(|| listed("table", &self.tables));
        let columns = (!self.columns.is_empty()).then(|| listed("column", &self.columns));
        let parts: Vec<_> = tables.into_iter().chain(columns).collect();
        f.write_str(&parts.join(" and "))
    }
}

/// The first of these names, and how many more there are.
fn listed(what: &str, names: &[impl AsRef<str>]) -> String {
    let shown: Vec<_> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{what} {}{more}", shown.join(", "))
}
