//! Records as they are after whatever may have happened to their directory.

use super::*;

fn record(resource: &str) -> Record {
    Record {
        method: "extend_volume".into(),
        resource: resource.into(),
        status: "extending".into(),
        request_id: Some("req-1".into()),
        resumed: 0,
        details: Map::from_iter([("new_size".to_owned(), 3.into())]),
    }
}

fn records() -> (tempfile::TempDir, Records) {
    let directory = tempfile::tempdir().unwrap();
    let records = Records::below(directory.path().join("operations/lvm"));
    (directory, records)
}

#[test]
fn a_record_is_there_until_it_is_removed() {
    let (_directory, records) = records();
    assert!(records.list().unwrap().0.is_empty());
    let mut one = record("1");
    records.write(&one).unwrap();
    one.resumed = 1;
    records.write(&one).unwrap();
    assert_eq!(records.find("extend_volume", "1").unwrap(), Some(one.clone()));
    assert_eq!(records.find("delete_snapshot", "1").unwrap(), None);
    assert_eq!(records.list().unwrap().0, [one]);
    records.remove("extend_volume", "1").unwrap();
    records.remove("extend_volume", "1").unwrap();
    assert!(records.list().unwrap().0.is_empty());
}

#[test]
fn what_was_never_finished_is_removed_and_what_cannot_be_read_is_told_and_stays() {
    let (_directory, records) = records();
    records.write(&record("1")).unwrap();
    let at = |name: &str| records.directory.join(name);
    fs::write(at("extend_volume-2.new"), "{\"meth").unwrap();
    fs::write(at("extend_volume-3.json"), "{\"meth").unwrap();
    fs::copy(at("extend_volume-1.json"), at("extend_volume-4.json")).unwrap();
    File::create(at("extend_volume-5.json")).unwrap().set_len(LARGEST + 1).unwrap();
    let (good, odd) = records.list().unwrap();
    assert_eq!(good, [record("1")]);
    assert_eq!(odd.len(), 3, "{odd:?}");
    assert!(!at("extend_volume-2.new").exists());
    assert!(at("extend_volume-3.json").exists());
}

#[test]
fn an_id_cannot_lead_out_of_the_directory() {
    let (directory, records) = records();
    let (path, long) = ("../../victim", "x".repeat(10_000));
    for id in [path, &long, "", "\0", "a/b"] {
        records.write(&record(id)).unwrap();
        assert_eq!(records.find("extend_volume", id).unwrap(), Some(record(id)));
        records.remove("extend_volume", id).unwrap();
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}
