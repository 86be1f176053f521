//! The methods that a volume service can be asked for, their arguments, and when their messages are
//! acknowledged.
//!
//! One line each, in the order of `tests/data/rpc-methods.json`, with which a test compares it. What
//! is not in the table cannot be called. Must not: carry out anything.

/// When the sender of a method's message need not keep it any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// Until the entry in `workers` is ours.
    UntilClaimed,
    /// Until the operation's file is written.
    UntilFiled,
    /// Until a thread takes it: there is no transitional status that would have to end.
    UntilTaken,
}

/// One method.
#[derive(Debug, Clone, Copy)]
pub(super) struct Declaration {
    pub name: &'static str,
    pub required: &'static [&'static str],
    pub optional: &'static [&'static str],
    pub kept: Kept,
}

macro_rules! methods {
    ($($name:ident($($required:ident),* ; $($optional:ident),*) $kept:ident)*) => {
        /// All of them.
        pub(super) const METHODS: &[Declaration] = &[$(Declaration {
            name: stringify!($name),
            required: &[$(stringify!($required)),*],
            optional: &[$(stringify!($optional)),*],
            kept: Kept::$kept,
        },)*];
        /// Their names, for metrics.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

methods! {
    create_volume(volume; request_spec, filter_properties, allow_reschedule) UntilClaimed
    revert_to_snapshot(volume, snapshot;) UntilFiled
    delete_volume(volume; unmanage_only, cascade) UntilClaimed
    create_snapshot(snapshot;) UntilClaimed
    delete_snapshot(snapshot; unmanage_only) UntilFiled
    attach_volume(volume_id, instance_uuid, host_name, mountpoint, mode; volume) UntilFiled
    detach_volume(volume_id; attachment_id, volume) UntilFiled
    copy_volume_to_image(volume_id, image_meta;) UntilFiled
    initialize_connection(volume, connector;) UntilTaken
    terminate_connection(volume_id, connector; force) UntilTaken
    remove_export(volume_id;) UntilFiled
    publish_service_capabilities(;) UntilTaken
    accept_transfer(volume_id, new_user, new_project; no_snapshots) UntilFiled
    extend_volume(volume, new_size, reservations;) UntilFiled
    extend_volume_completion(volume, new_size, reservations, error;) UntilFiled
    migrate_volume(volume, host; force_host_copy, new_type_id, diff) UntilFiled
    migrate_volume_completion(volume, new_volume; error) UntilFiled
    retype(volume, new_type_id, host; migration_policy, reservations, old_reservations) UntilFiled
    manage_existing(volume; ref) UntilFiled
    update_migrated_volume(volume, new_volume, volume_status;) UntilFiled
    freeze_host(;) UntilTaken
    thaw_host(;) UntilTaken
    failover(; secondary_backend_id) UntilFiled
    failover_host(; secondary_backend_id) UntilFiled
    failover_completed(updates;) UntilTaken
    manage_existing_snapshot(snapshot; ref) UntilFiled
    get_capabilities(discover;) UntilTaken
    get_backup_device(backup; want_objects, async_call) UntilFiled
    secure_file_operations_enabled(volume;) UntilTaken
    get_manageable_volumes(marker, limit, offset, sort_keys, sort_dirs; want_objects) UntilTaken
    get_manageable_snapshots(marker, limit, offset, sort_keys, sort_dirs; want_objects) UntilTaken
    create_group(group;) UntilFiled
    delete_group(group;) UntilFiled
    update_group(group; add_volumes, remove_volumes) UntilFiled
    create_group_from_src(group; group_snapshot, source_group) UntilFiled
    create_group_snapshot(group_snapshot;) UntilFiled
    delete_group_snapshot(group_snapshot;) UntilFiled
    initialize_connection_snapshot(snapshot_id, connector;) UntilTaken
    terminate_connection_snapshot(snapshot_id, connector; force) UntilTaken
    remove_export_snapshot(snapshot_id;) UntilFiled
    attachment_update(vref, connector, attachment_id;) UntilFiled
    attachment_delete(attachment_id, vref;) UntilFiled
    do_cleanup(cleanup_request;) UntilFiled
    set_log_levels(log_request;) UntilTaken
    get_log_levels(log_request;) UntilTaken
    enable_replication(group;) UntilFiled
    disable_replication(group;) UntilFiled
    failover_replication(group; allow_attached_volume, secondary_backend_id) UntilFiled
    list_replication_targets(group;) UntilTaken
    reimage(volume, image_meta; image_snap) UntilFiled
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn spec() -> Value {
        serde_json::from_str(include_str!("../../../tests/data/rpc-methods.json")).unwrap()
    }

    #[test]
    fn the_table_has_the_methods_and_arguments_of_the_original() {
        let spec = spec();
        let ours = |one: &Declaration| {
            let argument = |required| move |name: &&str| (required, (*name).to_owned());
            let required = one.required.iter().map(argument(true));
            let optional = one.optional.iter().map(argument(false));
            (one.name.to_owned(), required.chain(optional).collect::<Vec<_>>())
        };
        let theirs = |(name, method): (&String, &Value)| {
            let mut arguments: Vec<(bool, String)> = method["args"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| (one["required"] == true, one["name"].as_str().unwrap().to_owned()))
                .collect();
            arguments.sort_by_key(|(required, _)| !required);
            (name.clone(), arguments)
        };
        let mut theirs: Vec<_> = spec["methods"].as_object().unwrap().iter().map(theirs).collect();
        let mut ours: Vec<_> = METHODS.iter().map(ours).collect();
        theirs.sort();
        ours.sort();
        assert_eq!(ours, theirs);
        assert_eq!(spec["manager_rpc_version"], cinder_types::RPC_VERSION);
    }

    /// A cast that changes something is kept until that stands somewhere, and one that asks for nothing
    /// but to be told is not.
    #[test]
    fn a_message_is_kept_for_as_long_as_its_work_could_be_lost() {
        let spec = spec();
        let nothing_lost = ["publish_service_capabilities", "failover_completed", "set_log_levels"];
        for one in METHODS {
            let is_cast = spec["methods"][one.name]["kind"].as_str().unwrap().starts_with("cast");
            let is_kept = one.kept != Kept::UntilTaken;
            if is_cast {
                assert_eq!(is_kept, !nothing_lost.contains(&one.name), "{}", one.name);
            }
        }
        let claimed = METHODS.iter().filter(|one| one.kept == Kept::UntilClaimed);
        let claimed: Vec<_> = claimed.map(|one| one.name).collect();
        assert_eq!(claimed, ["create_volume", "delete_volume", "create_snapshot"]);
    }
}
