//! Messages to users, as the API reads them.

use std::time::Duration;

use cinder_db::{
    Connection, Timestamp,
    messages::{self, Action, Detail, Message, Resource},
};

use crate::database::TestDatabase;

on_every_database!(a_message_names_what_the_api_turns_into_a_sentence);

fn a_message_names_what_the_api_turns_into_a_sentence(
    database: &TestDatabase,
    mut connection: Connection,
) {
    let before = Timestamp::now();
    let message = Message {
        project_id: "p",
        request_id: Some("req-1"),
        resource: Resource::Volume,
        resource_id: Some("v"),
        action: Action::ExtendVolume,
        detail: Detail::DriverFailedExtend,
        keep_for: Duration::from_secs(30 * 86400),
    };
    let about_snapshot = Message {
        request_id: None,
        resource: Resource::Snapshot,
        resource_id: None,
        action: Action::SnapshotDelete,
        detail: Detail::SnapshotIsBusy,
        ..message
    };
    for message in [message, about_snapshot] {
        messages::write(&mut connection, &message).unwrap();
    }
    assert_eq!(
        database.rows(
            "project_id request_id resource_type resource_uuid action_id detail_id event_id \
             message_level deleted updated_at",
            "messages ORDER BY action_id"
        ),
        "p|req-1|VOLUME|v|007|010|VOLUME_VOLUME_007_010|ERROR|0|NULL\n\
         p|NULL|VOLUME_SNAPSHOT|NULL|010|015|VOLUME_VOLUME_SNAPSHOT_010_015|ERROR|0|NULL"
    );
    let later = before.plus(message.keep_for).to_string();
    let expires = database.rows("expires_at", "messages WHERE action_id = '007'");
    // MySQL keeps no fraction.
    assert!(expires[..19] >= later[..19], "{expires} is before {later}");
    assert_eq!(database.rows("count(distinct(id))", "messages"), "2");
}
