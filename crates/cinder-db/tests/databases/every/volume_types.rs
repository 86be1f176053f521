//! Volume types with what is hung on them, and group types.

use cinder_db::{Connection, group_types, volume_types};
use cinder_types::{GroupTypeId, ProjectId, QosSpecsId, VolumeTypeId};

use crate::{cloud, database::TestDatabase};

on_every_database!(
    a_type_is_found_by_key_and_by_name_with_its_live_specs,
    qos_specs_are_put_together_from_their_rows,
    the_rest_that_hangs_on_a_type_is_read,
    a_group_type_is_read_with_its_live_specs,
);

fn id(text: &str) -> VolumeTypeId {
    VolumeTypeId::new(text)
}

fn a_type_is_found_by_key_and_by_name_with_its_live_specs(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::volume_type(database);
    let by_key = volume_types::get(&mut connection, &id("t")).unwrap().unwrap();
    assert_eq!(by_key.row.qos_specs_id, Some(QosSpecsId::new("q")));
    assert_eq!(by_key.row.is_public, Some(true));
    let specs: Vec<_> = by_key.extra_specs.iter().collect();
    assert_eq!(specs, [(&"tier".to_owned(), &Some("one".to_owned()))]);
    let by_name = volume_types::get_by_name(&mut connection, "gold").unwrap().unwrap();
    assert_eq!(by_name, by_key);
    let other = volume_types::get_by_name(&mut connection, "Gold").unwrap().unwrap();
    assert_eq!(other.row.id, id("t2"));
    database.run("UPDATE volume_types SET deleted = true WHERE id = 't'");
    assert_eq!(volume_types::get(&mut connection, &id("t")).unwrap(), None);
    assert_eq!(volume_types::get_by_name(&mut connection, "gold").unwrap(), None);
    let deleted = volume_types::get_even_deleted(&mut connection, &id("t")).unwrap().unwrap();
    assert_eq!(deleted.row.name.as_deref(), Some("gold"));
}

fn qos_specs_are_put_together_from_their_rows(database: &TestDatabase, mut connection: Connection) {
    cloud::insert(
        database,
        "quality_of_service_specs",
        "id, specs_id, \"key\", value",
        &[
            "'q', NULL, 'QoS_Specs_Name', 'fast'",
            "'q1', 'q', 'consumer', 'front-end'",
            "'q2', 'q', 'total_iops_sec', '5'",
            "'q3', 'q', 'gone', '6'",
            "'q4', 'other', 'foreign', '7'",
        ],
    );
    database.run("UPDATE quality_of_service_specs SET deleted = true WHERE id = 'q3'");
    database.run(
        "UPDATE quality_of_service_specs SET updated_at = '2020-02-02 00:00:00' WHERE id = 'q2'",
    );
    let qos = volume_types::qos_specs(&mut connection, &QosSpecsId::new("q")).unwrap().unwrap();
    assert_eq!((qos.name.as_deref(), qos.consumer.as_deref()), (Some("fast"), Some("front-end")));
    let specs: Vec<_> = qos.specs.iter().collect();
    assert_eq!(specs, [(&"total_iops_sec".to_owned(), &Some("5".to_owned()))]);
    assert_eq!(qos.updated_at.unwrap().to_string(), "2020-02-02 00:00:00.000000");
    // A row of a set is no set.
    assert_eq!(volume_types::qos_specs(&mut connection, &QosSpecsId::new("q2")).unwrap(), None);
    database.run("UPDATE quality_of_service_specs SET deleted = true WHERE id = 'q'");
    assert_eq!(volume_types::qos_specs(&mut connection, &QosSpecsId::new("q")).unwrap(), None);
}

fn the_rest_that_hangs_on_a_type_is_read(database: &TestDatabase, mut connection: Connection) {
    cloud::volume_type(database);
    cloud::insert(
        database,
        "encryption",
        "encryption_id, volume_type_id, cipher, key_size, provider, control_location",
        &["'e', 't', 'aes-xts-plain64', 256, 'luks', 'front-end'"],
    );
    cloud::insert(database, "default_volume_types", "project_id, volume_type_id", &["'p', 't'"]);
    // The one table whose mark of deletion is a number: the row's own key.
    database.run(
        "INSERT INTO volume_type_projects (id, deleted, volume_type_id, project_id)
         VALUES (1, 0, 't', 'p'), (2, 2, 't', 'gone'), (3, 0, 't2', 'q')",
    );
    let encryption = volume_types::encryption(&mut connection, &id("t")).unwrap().unwrap();
    assert_eq!((encryption.key_size, encryption.provider.as_deref()), (Some(256), Some("luks")));
    assert_eq!(volume_types::encryption(&mut connection, &id("t2")).unwrap(), None);
    let projects = volume_types::projects(&mut connection, &id("t")).unwrap();
    assert_eq!(projects, [ProjectId::new("p")]);
    let project = ProjectId::new("p");
    let default = volume_types::project_default(&mut connection, &project).unwrap();
    assert_eq!(default, Some(id("t")));
    database.run("UPDATE default_volume_types SET deleted = true");
    database.run("UPDATE encryption SET deleted = true");
    assert_eq!(volume_types::project_default(&mut connection, &project).unwrap(), None);
    assert_eq!(volume_types::encryption(&mut connection, &id("t")).unwrap(), None);
}

fn a_group_type_is_read_with_its_live_specs(database: &TestDatabase, mut connection: Connection) {
    cloud::insert(database, "group_types", "id, name, is_public", &["'g', 'cg', true"]);
    cloud::insert(
        database,
        "group_type_specs",
        "group_type_id, \"key\", value",
        &["'g', 'live', '<is> True'", "'g', 'gone', '1'", "'other', 'foreign', '1'"],
    );
    database.run("UPDATE group_type_specs SET deleted = true WHERE \"key\" = 'gone'");
    let id = GroupTypeId::new("g");
    let group_type = group_types::get(&mut connection, &id).unwrap().unwrap();
    assert_eq!(group_type.row.name, "cg");
    let specs: Vec<_> = group_type.specs.iter().collect();
    assert_eq!(specs, [(&"live".to_owned(), &Some("<is> True".to_owned()))]);
    database.run("UPDATE group_types SET deleted = true");
    assert_eq!(group_types::get(&mut connection, &id).unwrap(), None);
}
