//! `db init`: makes the embedded database, and nothing else.

use std::io::Write;

use cinder_db::{DatabaseOptions, create};

use crate::exit::{self, Failure};
use crate::progress::Progress;

/// Creates the SQLite file with the complete schema; an existing one is only checked.
///
/// # Errors
///
/// When the file cannot be made, or holds a schema that we do not know; when the database is a
/// server, whose schema is not ours to make.
pub(crate) fn init(
    options: &DatabaseOptions,
    mut progress: Progress,
    out: &mut dyn Write,
) -> Result<i32, Failure> {
    let Some(file) = options.url.file() else {
        let what = format!(
            "db init makes SQLite files only; the schema of {} is made by \"cinder-manage db sync\" \
             of release {}",
            options.url,
            cinder_types::UPSTREAM_VERSION
        );
        return Err(anyhow::anyhow!(what).into());
    };
    progress.say();
    let created = create(&options.url)?;
    cinder_db::open_or_create(options)?;
    drop(progress);
    let what = if created { "created" } else { "exists and is good" };
    writeln!(
        out,
        "{} {what}: schema {} of release {}",
        file.display(),
        cinder_db::SCHEMA_VERSION,
        cinder_types::UPSTREAM_VERSION
    )?;
    Ok(exit::OK)
}
