//! What volumes and snapshots keep of their image, and the cache of volumes that hold images.

use cinder_db::{
    Connection, DbError, Timestamp,
    image_cache::{self, Cached, Place},
    image_metadata::{self, Keeper},
    metadata::Metadata,
};
use cinder_types::{ImageId, SnapshotId, VolumeId};

use crate::{cloud, database::TestDatabase};

on_every_database!(
    image_metadata_is_added_once_and_never_changed,
    image_metadata_is_copied_between_volumes_and_snapshots,
    image_metadata_is_replaced_as_a_whole,
    a_cache_entry_is_written_as_upstream_writes_it,
    the_entry_used_last_is_taken_and_used_now,
    entries_of_a_place_are_listed_by_use,
);

fn map(pairs: &[(&str, &str)]) -> Metadata {
    pairs.iter().map(|(key, value)| ((*key).into(), Some((*value).into()))).collect()
}

fn image_metadata_is_added_once_and_never_changed(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    let volume = VolumeId::new("v");
    let mut pairs = map(&[("image_id", "i"), ("size", "12")]);
    pairs.insert("none".into(), None);
    image_metadata::add(&mut connection, &volume, &pairs).unwrap();
    assert_eq!(image_metadata::get(&mut connection, Keeper::Volume(&volume)).unwrap(), pairs);
    assert_eq!(
        database.rows(
            "created_at>'2021-01-01' updated_at deleted_at deleted snapshot_id \"key\" value",
            "volume_glance_metadata WHERE volume_id = 'v' AND \"key\" = 'size'"
        ),
        "1|NULL|NULL|0|NULL|size|12"
    );
    let rows = image_metadata::rows(&mut connection, &volume).unwrap();
    let found = rows.iter().map(|row| (row.key.clone().unwrap(), row.value.clone()));
    assert_eq!(found.collect::<Metadata>(), pairs);
    let is_whole = |row: &image_metadata::Row| {
        row.volume_id.as_ref() == Some(&volume)
            && row.created_at.is_some()
            && (row.deleted, row.deleted_at, &row.snapshot_id) == (Some(false), None, &None)
    };
    assert!(rows.iter().all(is_whole), "{rows:?}");
    let other = map(&[("new", "1"), ("size", "13")]);
    let error = image_metadata::add(&mut connection, &volume, &other).unwrap_err();
    assert!(matches!(error, DbError::ImageMetadataExists { .. }), "{error:?}");
    assert_eq!(image_metadata::get(&mut connection, Keeper::Volume(&volume)).unwrap(), pairs);
    let absent = VolumeId::new("absent");
    let error = image_metadata::add(&mut connection, &absent, &pairs).unwrap_err();
    assert_eq!(error.to_string(), "volume absent does not exist");
}

fn image_metadata_is_copied_between_volumes_and_snapshots(
    database: &TestDatabase,
    mut connection: Connection,
) {
    cloud::two_volumes(database);
    database.run("DELETE FROM volume_glance_metadata WHERE snapshot_id = 's' OR volume_id = 'w'");
    let (volume, clone) = (VolumeId::new("v"), VolumeId::new("w"));
    let snapshot = SnapshotId::new("s");
    let expected = map(&[("image_id", "i")]);
    for (from, to) in [
        (Keeper::Volume(&volume), Keeper::Snapshot(&snapshot)),
        (Keeper::Snapshot(&snapshot), Keeper::Volume(&clone)),
    ] {
        assert_eq!(image_metadata::copy(&mut connection, from, to).unwrap(), 1);
        assert_eq!(image_metadata::get(&mut connection, to).unwrap(), expected);
    }
    assert_eq!(
        database.rows("volume_id snapshot_id value", "volume_glance_metadata ORDER BY id"),
        "v|NULL|i\nNULL|s|i\nw|NULL|i"
    );
    assert_eq!(image_metadata::delete(&mut connection, Keeper::Snapshot(&snapshot)).unwrap(), 1);
    assert_eq!(image_metadata::delete(&mut connection, Keeper::Volume(&volume)).unwrap(), 1);
    assert_eq!(image_metadata::delete(&mut connection, Keeper::Volume(&volume)).unwrap(), 0);
    assert_eq!(
        database.rows(
            "deleted deleted_at>'2021-01-01' updated_at>'2021-01-01'",
            "volume_glance_metadata ORDER BY id"
        ),
        "1|1|0\n1|1|NULL\n0|NULL|NULL"
    );
    let nothing =
        image_metadata::copy(&mut connection, Keeper::Volume(&volume), Keeper::Volume(&clone));
    assert_eq!(nothing.unwrap(), 0);
}

fn image_metadata_is_replaced_as_a_whole(database: &TestDatabase, mut connection: Connection) {
    cloud::two_volumes(database);
    let volume = VolumeId::new("v");
    let pairs = map(&[("image_id", "j"), ("disk_format", "raw")]);
    image_metadata::replace(&mut connection, &volume, &pairs).unwrap();
    assert_eq!(image_metadata::get(&mut connection, Keeper::Volume(&volume)).unwrap(), pairs);
    assert_eq!(
        database.rows("value deleted", "volume_glance_metadata WHERE volume_id = 'v' ORDER BY id"),
        "i|1\nraw|0\nj|0"
    );
    let other = image_metadata::get(&mut connection, Keeper::Volume(&VolumeId::new("w"))).unwrap();
    assert_eq!(other, map(&[("image_id", "i")]));
}

fn entry(volume: &str, host: &str, cluster: Option<&str>) -> Cached {
    Cached {
        host: host.into(),
        cluster_name: cluster.map(str::to_owned),
        image_id: ImageId::new("i"),
        image_updated_at: Some(Timestamp::parse("2020-01-02 03:04:05").unwrap()),
        volume_id: VolumeId::new(volume),
        size: 3,
    }
}

fn a_cache_entry_is_written_as_upstream_writes_it(
    database: &TestDatabase,
    mut connection: Connection,
) {
    image_cache::create(&mut connection, &entry("v", "n@b#p", None)).unwrap();
    assert_eq!(
        database.rows(
            "image_updated_at='2020-01-02' image_updated_at>'2020-01-02' host image_id volume_id \
             size last_used>'2021-01-01' cluster_name",
            "image_volume_cache_entries"
        ),
        "0|1|n@b#p|i|v|3|1|NULL"
    );
    let volume = VolumeId::new("v");
    let found = image_cache::of_volume(&mut connection, &volume).unwrap().unwrap();
    assert_eq!((found.cached.size, found.cached.image_id.as_str()), (3, "i"));
    assert!(image_cache::delete(&mut connection, &volume).unwrap());
    assert!(!image_cache::delete(&mut connection, &volume).unwrap());
    assert_eq!(image_cache::of_volume(&mut connection, &volume).unwrap(), None);
}

fn three_entries(database: &TestDatabase, connection: &mut Connection) {
    for (volume, host, cluster) in
        [("v1", "n@b#p", None), ("v2", "n@b#p", Some("c@b#p")), ("v3", "N@b#p", None)]
    {
        image_cache::create(connection, &entry(volume, host, cluster)).unwrap();
        database.run(&format!(
            "UPDATE image_volume_cache_entries SET last_used = '2020-01-01 00:00:0{}'
             WHERE volume_id = '{volume}'",
            &volume[1..]
        ));
    }
}

fn the_entry_used_last_is_taken_and_used_now(database: &TestDatabase, mut connection: Connection) {
    three_entries(database, &mut connection);
    let image = ImageId::new("i");
    let mut taken = |place| {
        let entry = image_cache::take(&mut connection, &image, place).unwrap();
        entry.map(|entry| entry.cached.volume_id.as_str().to_owned())
    };
    assert_eq!(taken(Place::Host("n@b#p")).as_deref(), Some("v2"));
    assert_eq!(
        database.rows("volume_id", "image_volume_cache_entries WHERE last_used > '2021-01-01'"),
        "v2"
    );
    assert_eq!(taken(Place::Host("n@b")), None);
    assert_eq!(taken(Place::Cluster("c@b#p")).as_deref(), Some("v2"));
    assert_eq!(taken(Place::Cluster("C@b#p")), None);
    assert_eq!(taken(Place::Anywhere).as_deref(), Some("v2"));
    let other = image_cache::take(&mut connection, &ImageId::new("x"), Place::Anywhere);
    assert_eq!(other.unwrap(), None);
}

fn entries_of_a_place_are_listed_by_use(database: &TestDatabase, mut connection: Connection) {
    three_entries(database, &mut connection);
    let mut listed = |place| {
        let entries = image_cache::list(&mut connection, place).unwrap();
        entries.iter().map(|entry| entry.cached.volume_id.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(listed(Place::Anywhere), "v3 v2 v1");
    assert_eq!(listed(Place::Host("n@b#p")), "v2 v1");
    assert_eq!(listed(Place::Cluster("c@b#p")), "v2");
}
