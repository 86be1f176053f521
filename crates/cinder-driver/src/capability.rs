//! What a driver can do, told from what it hands out: never from a list that somebody keeps.

use crate::driver::Driver;
use crate::stats::Stats;
use crate::value::{Map, Value};

/// Something that not every driver can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the trait of the same name in `ability`")]
pub enum Ability {
    SnapshotIo,
    Inventory,
    Manage,
    ManageSnapshots,
    Revert,
    CloneImage,
    Retype,
    Migrate,
    Groups,
    Replication,
    BackupDevice,
    SnapshotExport,
    Transfer,
    ProviderInfo,
}

/// All that a driver hands out.
#[must_use]
pub fn abilities(driver: &dyn Driver) -> Vec<Ability> {
    let all = [
        (Ability::SnapshotIo, driver.as_snapshot_io().is_some()),
        (Ability::Inventory, driver.as_inventory().is_some()),
        (Ability::Manage, driver.as_manage().is_some()),
        (Ability::ManageSnapshots, driver.as_manage_snapshots().is_some()),
        (Ability::Revert, driver.as_revert().is_some()),
        (Ability::CloneImage, driver.as_clone_image().is_some()),
        (Ability::Retype, driver.as_retype().is_some()),
        (Ability::Migrate, driver.as_migrate().is_some()),
        (Ability::Groups, driver.as_groups().is_some()),
        (Ability::Replication, driver.as_replication().is_some()),
        (Ability::BackupDevice, driver.as_backup_device().is_some()),
        (Ability::SnapshotExport, driver.as_snapshot_export().is_some()),
        (Ability::Transfer, driver.as_transfer().is_some()),
        (Ability::ProviderInfo, driver.as_provider_info().is_some()),
    ];
    all.into_iter().filter_map(|(ability, has)| has.then_some(ability)).collect()
}

/// What the scheduler is told: the statistics, and what follows from the abilities.
#[must_use]
pub fn published(driver: &dyn Driver, stats: &Stats) -> Map {
    let mut map = stats.to_map();
    let targets = driver.as_replication().map(|it| it.targets()).unwrap_or_default();
    map.insert("replication_enabled", !targets.is_empty());
    if !targets.is_empty() {
        map.insert("replication_targets", targets);
    }
    if driver.as_groups().is_some() {
        map.insert("consistent_group_snapshot_enabled", true);
    }
    map
}

/// What `get_capabilities` answers: the same, and the properties that a type may ask for
/// (`spec/manager.md §2`).
#[must_use]
pub fn capabilities(driver: &dyn Driver, stats: &Stats) -> Map {
    let mut map = published(driver, stats);
    let any = |of: fn(&crate::stats::Pool) -> bool| stats.pools().any(|(_, pool)| of(pool));
    let replicates = map.get("replication_enabled") == Some(&Value::Bool(true));
    let mut properties = Map::new();
    for (key, title, description, has) in [
        (
            "thin_provisioning",
            "Thin Provisioning",
            "Whether a volume takes space only as it is written",
            any(|pool| pool.thin_provisioning),
        ),
        ("qos", "QoS", "Whether the back end limits a volume", any(|pool| pool.qos_support)),
        (
            "replication_enabled",
            "Replication",
            "Whether a volume is copied to another back end all the time",
            replicates,
        ),
    ] {
        if has {
            let property = Map::new()
                .with("title", title)
                .with("description", description)
                .with("type", "boolean");
            properties.insert(key, property);
        }
    }
    map.insert("properties", properties);
    map
}
