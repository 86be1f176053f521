//! What not every driver can do, tried where it is handed out.

use crate::ability::{Page, Reference, SortKey, StoredKind};
use crate::conformance::case::{Case, Verdict, class};
use crate::conformance::content::Content;
use crate::error::DriverError;
use crate::seams::ImageView;
use crate::value::Map;
use crate::view::VolumeView;

fn not_handed_out() -> Verdict {
    Verdict::Skipped("the driver does not hand that out".to_owned())
}

pub(super) fn snapshot_io(case: &Case<'_>) -> Verdict {
    let Some(able) = case.driver.as_snapshot_io() else { return not_handed_out() };
    let volume = case.created();
    let content = Content::tricky(61);
    case.fill(&volume, &content);
    let snapshot = case.snap(&volume);
    case.fill(&volume, &content.clone().with(0, 4096, 62));
    case.check_snapshot(&snapshot, &content);
    let io = able.open_snapshot(&snapshot, &case.context()).expect("opened");
    assert_ne!(class(io.write_at(0, &[1])), "a success", "a snapshot does not change");
    drop(io);
    case.unsnap(&snapshot);
    assert_eq!(class(able.open_snapshot(&snapshot, &case.context())), "not found");
    case.delete(&volume);
    Verdict::Passed
}

pub(super) fn revert(case: &Case<'_>) -> Verdict {
    let Some(able) = case.driver.as_revert() else { return not_handed_out() };
    let mut volume = case.created();
    let content = Content::tricky(63);
    case.fill(&volume, &content);
    let snapshot = case.snap(&volume);
    let scribbled = content.clone().with(5, 10_000, 64).with(900 << 20, 10_000, 65);
    for _ in 0..2 {
        case.fill(&volume, &scribbled);
        let reverted = able.revert_to_snapshot(&volume, &snapshot, &case.context());
        reverted.expect("reverted");
        case.check(&volume, &content, "a volume that was reverted");
    }
    case.driver.extend_volume(&volume, 2, &case.context()).expect("extended");
    volume.size_gib = 2;
    case.fill(&volume, &Content::default().with(3 << 29, 10_000, 66));
    able.revert_to_snapshot(&volume, &snapshot, &case.context()).expect("reverted");
    case.check(&volume, &content, "a larger volume that was reverted");
    case.check_snapshot(&snapshot, &content);
    case.unsnap(&snapshot);
    let gone = able.revert_to_snapshot(&volume, &snapshot, &case.context());
    assert_eq!(class(gone), "not found");
    case.check(&volume, &content, "a volume whose snapshot is gone");
    case.delete(&volume);
    Verdict::Passed
}

pub(super) fn manage(case: &Case<'_>) -> Verdict {
    let Some(able) = case.driver.as_manage() else { return not_handed_out() };
    let (old, other) = (case.created(), case.created());
    let content = Content::tricky(67);
    case.fill(&old, &content);
    let context = || case.context();
    let page = Page { sort: vec![(SortKey::Reference, false)], ..Page::default() };
    let known = [old.clone(), other.clone()];
    let listed = able.manageable_volumes(&known, &page, &context()).expect("listed");
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert!(listed.iter().all(|one| one.reason_not_safe.is_some() && one.cinder_id.is_some()));
    able.unmanage(&old, &context()).expect("unmanaged");
    let listed = able.manageable_volumes(&known[1..], &page, &context()).expect("listed");
    let safe: Vec<_> = listed.iter().filter(|one| one.reason_not_safe.is_none()).collect();
    let [found] = safe.as_slice() else { panic!("one can be managed: {listed:?}") };
    assert_eq!(found.size_gib, 1);
    let limited = Page { limit: Some(1), offset: 1, ..page.clone() };
    assert_eq!(able.manageable_volumes(&[], &limited, &context()).expect("listed").len(), 1);

    let new = case.volume();
    let reference = &found.reference;
    assert!(!able.referenced_name(reference, &context()).expect("it has a name").is_empty());
    assert_eq!(able.manage_existing_size(&new, reference, &context()).expect("a size"), 1);
    let taken = able.manage_existing(&other, reference, &context());
    assert_eq!(class(taken), "exists", "a volume that is there already");
    able.manage_existing(&new, reference, &context()).expect("managed");
    case.check(&new, &content, "a volume that was managed");
    assert!(!case.exists(&old));
    able.manage_existing(&new, reference, &context()).expect("managed again");

    let of = |key: &str, name: &str| Reference(Map::new().with(key, name));
    for reference in [
        Reference::default(),
        of("nonsense", "x"),
        of("source-name", ""),
        of("source-name", "no-such-thing"),
        of("source-name", "../../etc/passwd"),
        of("source-name", "/etc/passwd"),
    ] {
        for result in [
            able.manage_existing_size(&case.volume(), &reference, &context()).map(|_| ()),
            able.manage_existing(&case.volume(), &reference, &context()).map(|_| ()),
        ] {
            assert!(matches!(result, Err(DriverError::Refused(_))), "{reference:?}: {result:?}");
        }
    }
    [&new, &other].into_iter().for_each(|volume| case.delete(volume));
    Verdict::Passed
}

pub(super) fn inventory(case: &Case<'_>) -> Verdict {
    let Some(able) = case.driver.as_inventory() else { return not_handed_out() };
    let list = || {
        let mut stored = able.stored(&case.context()).expect("listed");
        stored.sort_by(|one, other| one.name.cmp(&other.name));
        stored.into_iter().map(|one| (one.name, one.kind, one.bytes >> 30)).collect::<Vec<_>>()
    };
    assert_eq!(list(), []);
    let (one, two) = (case.created(), case.created());
    case.driver.extend_volume(&two, 2, &case.context()).expect("extended");
    let data = |volume: &VolumeView, gib| (volume.name.clone(), StoredKind::Data, gib);
    assert_eq!(list(), [data(&one, 1), data(&two, 2)]);
    case.delete(&one);
    assert_eq!(list(), [data(&two, 2)]);
    case.delete(&two);
    assert_eq!(list(), []);
    Verdict::Passed
}

pub(super) fn others(case: &Case<'_>) -> Verdict {
    let driver = &case.driver;
    let volume = case.created();
    let mut tried = 0;
    if let Some(able) = driver.as_clone_image() {
        tried += 1;
        let image = ImageView {
            id: cinder_types::ImageId::new("1"),
            disk_format: Some("raw".to_owned()),
            container_format: Some("bare".to_owned()),
            size: Some(1),
            virtual_size: None,
            locations: vec!["http://elsewhere/1".to_owned()],
            properties: Map::new(),
        };
        let cloned = able.clone_image(&case.volume(), &image, &case.context());
        assert_eq!(cloned.expect("an image that lies elsewhere is no error"), None);
    }
    if let Some(able) = driver.as_migrate() {
        tried += 1;
        let destination = crate::ability::Destination {
            host: "elsewhere@other#pool".to_owned(),
            cluster_name: None,
            capabilities: Map::new().with("storage_protocol", "something else"),
        };
        let moved = able.migrate_volume(&volume, &destination, &case.context());
        assert_eq!(moved.expect("a back end of another kind is no error"), None);
    }
    if let Some(able) = driver.as_replication() {
        tried += 1;
        let active = able.active_backend_id();
        let result = able.failover(&[], &[], Some("no such place"), &case.context());
        assert_eq!(class(result), "refused");
        assert_eq!(able.active_backend_id(), active);
        assert!(!able.targets().is_empty(), "it has somewhere to go");
    }
    if let Some(able) = driver.as_provider_info() {
        tried += 1;
        let known = [volume.clone()];
        able.update_provider_info(&known, &[], &case.context()).expect("looked up");
    }
    for task in driver.background() {
        tried += 1;
        driver.run_background(task.name, &case.context()).expect("a task runs");
    }
    case.delete(&volume);
    if tried == 0 { not_handed_out() } else { Verdict::Passed }
}
