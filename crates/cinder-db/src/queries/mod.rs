//! Statements, one file per group of tables; each takes a native connection and returns rows.
//!
//! Must not: decide, log, put rows together, or open transactions (but for a savepoint that keeps a
//! lost race from spoiling one). What belongs together in one transaction is
//! known to the callers (`registry`, `heartbeat`, `quota`, `workers`, and one public module per kind of resource).

pub(crate) mod attachments;
pub(crate) mod backups;
pub(crate) mod clusters;
pub(crate) mod consistency_groups;
pub(crate) mod group_snapshots;
pub(crate) mod group_types;
pub(crate) mod groups;
pub(crate) mod image_cache;
pub(crate) mod image_metadata;
pub(crate) mod messages;
pub(crate) mod metadata;
pub(crate) mod quota_counts;
pub(crate) mod quotas;
pub(crate) mod schema_version;
pub(crate) mod services;
pub(crate) mod snapshots;
pub(crate) mod survey;
pub(crate) mod volume_types;
pub(crate) mod volumes;
pub(crate) mod workers;

/// Conditions that the callers would not miss: they look at the rows once more, or only more rows
/// would be locked or read.
#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use diesel::connection::SimpleConnection as _;

    use super::*;
    use crate::{
        connection::{Connection, open_or_create},
        options::DatabaseOptions,
        queries::metadata::Notes as _,
        url::DatabaseUrl,
    };

    /// A database with these rows, and where it is.
    fn database(sql: &str) -> (tempfile::TempDir, Connection) {
        let directory = tempfile::tempdir().expect("a fresh database");
        let url = DatabaseUrl::sqlite_file(directory.path().join("cinder.sqlite"))
            .expect("a fresh database");
        let mut connection = open_or_create(&DatabaseOptions::new(url)).expect("a fresh database");
        connection
            .native()
            .expect("a fresh database")
            .batch_execute("PRAGMA foreign_keys = OFF")
            .expect("a fresh database");
        connection
            .native()
            .expect("a fresh database")
            .batch_execute(sql)
            .expect("a fresh database");
        (directory, connection)
    }

    #[test]
    fn notes_and_specs_are_those_of_the_rows_that_were_asked_for() {
        let (_directory, mut connection) = database(
            "INSERT INTO volume_metadata (volume_id, key, deleted) VALUES
             ('v', 'a', false), ('w', 'b', false), ('x', 'c', false);
             INSERT INTO volume_type_extra_specs (volume_type_id, key, deleted) VALUES
             ('t', 'a', false), ('u', 'b', false);",
        );
        let native = connection.native().unwrap();
        let rows = metadata::OfVolume::of(native, &["v", "w"]).unwrap();
        assert_eq!(rows.iter().map(|(parent, ..)| parent).collect::<Vec<_>>(), ["v", "w"]);
        let rows = volume_types::extra_specs(native, &["t"]).unwrap();
        assert_eq!(rows.iter().map(|(parent, ..)| parent).collect::<Vec<_>>(), ["t"]);
    }

    #[test]
    fn limits_are_those_of_the_classes_that_count() {
        let (_directory, mut connection) = database(
            "INSERT INTO quota_classes (class_name, resource, hard_limit, deleted) VALUES
             ('gold', 'volumes', 5, false), ('silver', 'volumes', 6, false);",
        );
        let native = connection.native().unwrap();
        let limits = quotas::class_limits(native, &["gold"], &["volumes".to_owned()]).unwrap();
        assert_eq!(limits, [(Some("gold".to_owned()), Some("volumes".to_owned()), Some(5))]);
    }

    /// A lock on a row that has no part in it is one that others wait for.
    #[test]
    fn usages_are_locked_that_have_a_part_in_it_and_no_others() {
        let (_directory, mut connection) = database(
            "INSERT INTO quota_usages
             (id, project_id, resource, in_use, reserved, deleted, race_preventer) VALUES
             (1, 'p', 'volumes', 0, 0, false, true), (2, 'p', 'groups', 0, 0, false, true),
             (3, 'q', 'volumes', 0, 0, false, true);
             INSERT INTO reservations (uuid, usage_id, delta, deleted, expire) VALUES
             ('live', 1, 1, false, '2020-01-01'), ('settled', 2, 1, true, '2020-01-01'),
             ('other', 3, 1, false, '2020-01-01');",
        );
        let native = connection.native().unwrap();
        let of = |usages: Vec<crate::rows::quota::UsageRow>| {
            usages.into_iter().map(|usage| usage.id).collect::<Vec<_>>()
        };
        let volumes = ["volumes".to_owned()];
        assert_eq!(of(quotas::lock_usages(native, "p", &volumes).unwrap()), [1]);
        assert_eq!(of(quotas::lock_usages_by_id(native, &[2]).unwrap()), [2]);
        let names = ["live", "settled"].map(str::to_owned);
        assert_eq!(quotas::usages_of(native, &names).unwrap(), [1]);
    }

    #[test]
    fn a_volume_without_a_service_is_none_with_one() {
        for (uuid, expected) in [("NULL", false), ("''", false), ("'u'", true)] {
            let (_directory, mut connection) = database(&format!(
                "INSERT INTO volumes (id, volume_type_id, service_uuid, use_quota, deleted)
                 VALUES ('v', 't', {uuid}, true, false);"
            ));
            let found = volumes::any_with_service(connection.native().unwrap()).unwrap();
            assert_eq!(found, expected, "{uuid}");
        }
    }
}
