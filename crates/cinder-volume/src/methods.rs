//! The methods that a volume service can be asked for, their arguments, and when their messages are
//! acknowledged.
//!
//! One line each, in the order of `tests/data/rpc-methods.json`, with which a test compares it. What
//! is not in the table cannot be called. Must not: carry out anything.

/// When the sender of a method's message need not keep it any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeptUntil {
    /// Until the entry in `workers` is ours.
    Claimed,
    /// Until the operation's file is written.
    Filed,
    /// Until a thread takes it: there is no transitional status that would have to end.
    Taken,
}

/// One method.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declaration {
    pub name: &'static str,
    pub required: &'static [&'static str],
    pub optional: &'static [&'static str],
    pub kept: KeptUntil,
}

macro_rules! methods {
    ($($name:ident($($required:ident),* ; $($optional:ident),*) $kept:ident)*) => {
        /// All of them.
        pub(crate) const METHODS: &[Declaration] = &[$(Declaration {
            name: stringify!($name),
            required: &[$(stringify!($required)),*],
            optional: &[$(stringify!($optional)),*],
            kept: KeptUntil::$kept,
        },)*];
        /// Their names, for metrics.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

methods! {
    create_volume(volume; request_spec, filter_properties, allow_reschedule) Claimed
    revert_to_snapshot(volume, snapshot;) Filed
    delete_volume(volume; unmanage_only, cascade) Claimed
    create_snapshot(snapshot;) Claimed
    delete_snapshot(snapshot; unmanage_only) Filed
    attach_volume(volume_id, instance_uuid, host_name, mountpoint, mode; volume) Filed
    detach_volume(volume_id; attachment_id, volume) Filed
    copy_volume_to_image(volume_id, image_meta;) Filed
    initialize_connection(volume, connector;) Taken
    terminate_connection(volume_id, connector; force) Taken
    remove_export(volume_id;) Filed
    publish_service_capabilities(;) Taken
    accept_transfer(volume_id, new_user, new_project; no_snapshots) Filed
    extend_volume(volume, new_size, reservations;) Filed
    extend_volume_completion(volume, new_size, reservations, error;) Filed
    migrate_volume(volume, host; force_host_copy, new_type_id, diff) Filed
    migrate_volume_completion(volume, new_volume; error) Filed
    retype(volume, new_type_id, host; migration_policy, reservations, old_reservations) Filed
    manage_existing(volume; ref) Filed
    update_migrated_volume(volume, new_volume, volume_status;) Filed
    freeze_host(;) Taken
    thaw_host(;) Taken
    failover(; secondary_backend_id) Filed
    failover_host(; secondary_backend_id) Filed
    failover_completed(updates;) Taken
    manage_existing_snapshot(snapshot; ref) Filed
    get_capabilities(discover;) Taken
    get_backup_device(backup; want_objects, async_call) Filed
    secure_file_operations_enabled(volume;) Taken
    get_manageable_volumes(marker, limit, offset, sort_keys, sort_dirs; want_objects) Taken
    get_manageable_snapshots(marker, limit, offset, sort_keys, sort_dirs; want_objects) Taken
    create_group(group;) Filed
    delete_group(group;) Filed
    update_group(group; add_volumes, remove_volumes) Filed
    create_group_from_src(group; group_snapshot, source_group) Filed
    create_group_snapshot(group_snapshot;) Filed
    delete_group_snapshot(group_snapshot;) Filed
    initialize_connection_snapshot(snapshot_id, connector;) Taken
    terminate_connection_snapshot(snapshot_id, connector; force) Taken
    remove_export_snapshot(snapshot_id;) Filed
    attachment_update(vref, connector, attachment_id;) Filed
    attachment_delete(attachment_id, vref;) Filed
    do_cleanup(cleanup_request;) Filed
    set_log_levels(log_request;) Taken
    get_log_levels(log_request;) Taken
    enable_replication(group;) Filed
    disable_replication(group;) Filed
    failover_replication(group; allow_attached_volume, secondary_backend_id) Filed
    list_replication_targets(group;) Taken
    reimage(volume, image_meta; image_snap) Filed
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn spec() -> Value {
        serde_json::from_str(include_str!("../tests/data/rpc-methods.json")).unwrap()
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
            let is_kept = one.kept != KeptUntil::Taken;
            if is_cast {
                assert_eq!(is_kept, !nothing_lost.contains(&one.name), "{}", one.name);
            }
        }
        let claimed = METHODS.iter().filter(|one| one.kept == KeptUntil::Claimed);
        let claimed: Vec<_> = claimed.map(|one| one.name).collect();
        assert_eq!(claimed, ["create_volume", "delete_volume", "create_snapshot"]);
    }
}
