//! Rows that a cloud in use has, as the API and others leave them; all of them of the year 2020,
//! so that a test sees what moved.

use crate::database::TestDatabase;

/// When all rows were made and last changed.
const THEN: &str = "'2020-01-01 00:00:00.000000'";

/// Inserts rows: a table, its columns, and their values line by line. Tables that have them get
/// `deleted`, `created_at` and `updated_at` as well.
pub fn insert(database: &TestDatabase, table: &str, columns: &str, rows: &[&str]) {
    let rows: Vec<_> = rows.iter().map(|row| format!("(false, {THEN}, {THEN}, {row})")).collect();
    database.run(&format!(
        "INSERT INTO {table} (deleted, created_at, updated_at, {columns}) VALUES {}",
        rows.join(", ")
    ));
}

/// Live volumes `(id, host)` of type `t`, each a second older than the one before.
pub fn volumes(database: &TestDatabase, volumes: &[(&str, &str)]) {
    let rows: Vec<_> = volumes
        .iter()
        .map(|(id, host)| format!("'{id}', '{host}', 't', 'available', 'detached', 1"))
        .collect();
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    insert(database, "volumes", "id, host, volume_type_id, status, attach_status, size", &rows);
    for (age, (id, _)) in volumes.iter().enumerate() {
        let second = 59 - age;
        database.run(&format!(
            "UPDATE volumes SET created_at = '2020-01-01 00:00:{second}' WHERE id = '{id}'"
        ));
    }
}

/// A type `t` with a live and a deleted extra spec.
pub fn volume_type(database: &TestDatabase) {
    insert(
        database,
        "volume_types",
        "id, name, is_public, qos_specs_id",
        &["'t', 'gold', true, 'q'", "'t2', 'Gold', true, NULL"],
    );
    let specs = "volume_type_id, \"key\", value";
    insert(
        database,
        "volume_type_extra_specs",
        specs,
        &["'t', 'tier', 'one'", "'t', 'old', 'x'", "'t2', 'tier', 'two'"],
    );
    database.run("UPDATE volume_type_extra_specs SET deleted = true WHERE \"key\" = 'old'");
}

/// A volume `v` with something in every table that knows of volumes, and a second one, `w`, with
/// the same, that nothing may happen to.
pub fn two_volumes(database: &TestDatabase) {
    volume_type(database);
    volumes(database, &[("v", "n@b#p"), ("w", "n@b#p")]);
    insert(
        database,
        "volume_metadata",
        "volume_id, \"key\", value",
        &["'v', 'a', '1'", "'v', 'b', '2'", "'v', 'c', '3'", "'w', 'a', 'w'"],
    );
    insert(
        database,
        "volume_admin_metadata",
        "volume_id, \"key\", value",
        &["'v', 'readonly', 'True'", "'v', 'attached_mode', 'rw'", "'w', 'attached_mode', 'ro'"],
    );
    insert(
        database,
        "volume_glance_metadata",
        "volume_id, snapshot_id, \"key\", value",
        &["'v', NULL, 'image_id', 'i'", "NULL, 's', 'image_id', 'i'", "'w', NULL, 'image_id', 'i'"],
    );
    insert(
        database,
        "volume_attachment",
        "id, volume_id, instance_uuid, attached_host, attach_status",
        &[
            "'a1', 'v', 'i1', 'h1', 'attached'",
            "'a2', 'v', 'i2', 'h2', 'attaching'",
            "'a3', 'w', 'i1', 'H1', 'attached'",
        ],
    );
    insert(
        database,
        "attachment_specs",
        "attachment_id, \"key\", value",
        &["'a1', 'old', '1'", "'a3', 'old', '3'"],
    );
    insert(
        database,
        "snapshots",
        "id, volume_id, volume_type_id, status, use_quota, volume_size",
        &["'s', 'v', 't', 'available', true, 1", "'r', 'w', 't', 'available', true, 1"],
    );
    insert(
        database,
        "snapshot_metadata",
        "snapshot_id, \"key\", value",
        &["'s', 'a', '1'", "'s', 'b', '2'", "'r', 'a', '1'"],
    );
    insert(database, "transfers", "id, volume_id", &["'tv', 'v'", "'tw', 'w'"]);
}
