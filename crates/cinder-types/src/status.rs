//! Which status follows from which, and the statuses themselves.
//!
//! Must not: read or write a row. These are rules, pure and small, so that they have one home; who
//! writes a status applies them to rows that nobody else can change meanwhile.

mod names;

pub use names::{
    AttachStatus, BackupStatus, GroupSnapshotStatus, GroupStatus, MigrationStatus,
    ReplicationStatus, SnapshotStatus, VolumeStatus,
};

/// What a volume and its attachment become when somebody attaches it: at once if the attachment is
/// complete, else it is on the way (`spec/manager.md §6`).
#[must_use]
pub fn attached(complete: bool) -> (VolumeStatus, AttachStatus) {
    match complete {
        true => (VolumeStatus::IN_USE, AttachStatus::ATTACHED),
        false => (VolumeStatus::ATTACHING, AttachStatus::ATTACHING),
    }
}

/// What a volume has once an operation has ended that it was neither attached nor detached by: an
/// upload, an extension (`spec/manager.md §5.4, §5.9`).
#[must_use]
pub fn settled(has_attachments: bool) -> VolumeStatus {
    if has_attachments { VolumeStatus::IN_USE } else { VolumeStatus::AVAILABLE }
}

/// What the attachments that remain make of a volume (`spec/manager.md §6.3`).
///
/// The first by alphabet of those that did not fail, which is the one that weighs most: attached,
/// attaching, detaching, reserved.
#[must_use]
pub fn attach_status_of<'a>(remaining: impl IntoIterator<Item = &'a AttachStatus>) -> AttachStatus {
    let counts = |status: &&AttachStatus| !status.as_str().starts_with("error_");
    let first = remaining.into_iter().filter(counts).min();
    first.cloned().unwrap_or(AttachStatus::DETACHED)
}

/// The status of a volume whose attachments make this of it.
#[must_use]
pub fn of_attach_status(attach_status: &AttachStatus) -> VolumeStatus {
    match attach_status.as_str() {
        "attached" => VolumeStatus::IN_USE,
        "detached" => VolumeStatus::AVAILABLE,
        other => VolumeStatus::new(other.to_owned()),
    }
}

/// Whether a migration or an upload is at work on the volume, which is going to write its status
/// (`spec/manager.md §6.3`).
#[must_use]
pub fn is_written_by_others(
    status: Option<&VolumeStatus>,
    migration: Option<&MigrationStatus>,
) -> bool {
    match migration.map(MigrationStatus::as_str) {
        None | Some("") => status == Some(&VolumeStatus::UPLOADING),
        Some(migration) => !matches!(migration, "success" | "error"),
    }
}

/// What a volume has after an attachment was taken away, from what it had before and from the
/// attachments that remain (`spec/manager.md §6.3`).
///
/// The status is `None` if it stays for somebody else to write.
#[must_use]
pub fn detached<'a>(
    status: Option<&VolumeStatus>,
    migration: Option<&MigrationStatus>,
    remaining: impl IntoIterator<Item = &'a AttachStatus>,
) -> (Option<VolumeStatus>, AttachStatus) {
    let attach_status = attach_status_of(remaining);
    let stays = attach_status == AttachStatus::DETACHED && is_written_by_others(status, migration);
    let status = (!stays).then(|| of_attach_status(&attach_status));
    (status, attach_status)
}

/// Whether a volume that is stuck in this status after a crash can be cleaned up; operations with
/// another one get no entry in table `workers` (`spec/schema.md §7`).
#[must_use]
pub fn is_cleanable_volume(status: &VolumeStatus) -> bool {
    matches!(status.as_str(), "creating" | "deleting" | "uploading" | "downloading")
}

/// The same for a snapshot.
#[must_use]
pub fn is_cleanable_snapshot(status: &SnapshotStatus) -> bool {
    *status == SnapshotStatus::CREATING
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statuses that these texts stand for, divided by blanks.
    fn remaining(texts: &str) -> Vec<AttachStatus> {
        texts.split_whitespace().map(|text| AttachStatus::new(text.to_owned())).collect()
    }

    #[test]
    fn an_attachment_that_is_complete_is_told_from_one_on_its_way() {
        assert_eq!(attached(true), (VolumeStatus::IN_USE, AttachStatus::ATTACHED));
        assert_eq!(attached(false), (VolumeStatus::ATTACHING, AttachStatus::ATTACHING));
        assert_eq!(settled(true), VolumeStatus::IN_USE);
        assert_eq!(settled(false), VolumeStatus::AVAILABLE);
    }

    #[test]
    fn the_attachment_that_weighs_most_decides_and_failed_ones_do_not_count() {
        for (texts, attach_status, status) in [
            ("", "detached", "available"),
            ("error_attaching error_detaching", "detached", "available"),
            ("reserved", "reserved", "reserved"),
            ("reserved detaching", "detaching", "detaching"),
            ("detaching attaching reserved", "attaching", "attaching"),
            ("error_attaching reserved attached attaching", "attached", "in-use"),
            ("of-a-later-release", "of-a-later-release", "of-a-later-release"),
        ] {
            let found = attach_status_of(&remaining(texts));
            assert_eq!(found.as_str(), attach_status, "{texts}");
            assert_eq!(of_attach_status(&found).as_str(), status, "{texts}");
            // Nobody else writes: that is what the volume has afterwards.
            let after = detached(Some(&VolumeStatus::IN_USE), None, &remaining(texts));
            assert_eq!(after, (Some(VolumeStatus::new(status)), AttachStatus::new(attach_status)));
        }
    }

    #[test]
    fn a_migration_or_an_upload_keeps_the_status_of_a_volume_without_attachments() {
        for (status, migration, stays) in [
            ("in-use", None, false),
            ("in-use", Some(""), false),
            ("in-use", Some("success"), false),
            ("in-use", Some("error"), false),
            ("in-use", Some("migrating"), true),
            ("in-use", Some("target:1"), true),
            ("uploading", None, true),
            ("uploading", Some(""), true),
            ("uploading", Some("success"), false),
            ("uploading", Some("starting"), true),
        ] {
            let (status, migration) =
                (VolumeStatus::new(status), migration.map(MigrationStatus::new));
            let after = |texts| detached(Some(&status), migration.as_ref(), &remaining(texts)).0;
            assert_eq!(after("").is_none(), stays, "{status} {migration:?}");
            assert_eq!(after("attached"), Some(VolumeStatus::IN_USE), "{status} {migration:?}");
        }
        assert!(!is_written_by_others(None, None));
    }

    #[test]
    fn only_operations_that_can_be_undone_or_repeated_are_cleaned_up_after() {
        for (status, volume, snapshot) in [
            ("creating", true, true),
            ("deleting", true, false),
            ("uploading", true, false),
            ("downloading", true, false),
            ("extending", false, false),
        ] {
            assert_eq!(is_cleanable_volume(&VolumeStatus::new(status)), volume, "{status}");
            assert_eq!(is_cleanable_snapshot(&SnapshotStatus::new(status)), snapshot, "{status}");
        }
    }
}
