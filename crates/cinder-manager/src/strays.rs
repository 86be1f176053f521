//! What nobody will ever finish by itself, for operators: volumes and snapshots that are on their way and that nobody
//! works on, and volumes of services that are not there.
//!
//! Counted by the database, beside a service that serves, and told when it changes. Must not: change anything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cinder_db::services::Service;
use cinder_db::survey::{self, Place, Stuck};
use cinder_db::{Timestamp, list_services};
use cinder_types::{BINARY, HostParts, ServiceId};
use tracing::{info, warn};

use crate::error::Failure;
use crate::manager::{LOG, Manager};

/// What has not changed for so long is not on its way any more, and no message that waits for a thread: those go back
/// after as long.
const STUCK_AFTER: Duration = Duration::from_secs(600);
/// So many are looked at; of more there is enough to be told.
const MOST: i64 = 1000;
/// So many are told by their key.
const NAMED: usize = 3;
/// So many places are told; the rest is counted.
const PLACES: usize = 3;

/// Statuses of volumes that a volume service takes them out of.
const VOLUMES: [&str; 11] = [
    "creating",
    "deleting",
    "downloading",
    "uploading",
    "extending",
    "retyping",
    "reverting",
    "managing",
    "unmanaging",
    "attaching",
    "detaching",
];
/// The same of snapshots.
const SNAPSHOTS: [&str; 5] = ["creating", "deleting", "managing", "unmanaging", "restoring"];

/// What was told last.
#[derive(Debug, Default)]
pub struct Strays {
    /// `service_down_time`.
    down_after: Duration,
    told: BTreeSet<String>,
}

impl Strays {
    /// Nothing has been told. A service without a heartbeat for so long serves nothing.
    #[must_use]
    pub fn new(down_after: Duration) -> Self {
        Self { down_after, told: BTreeSet::new() }
    }

    /// Looks, and logs what is new; all that there is now, a line each.
    ///
    /// # Errors
    ///
    /// When there is no database.
    pub fn look(&mut self, manager: &Manager) -> Result<Vec<String>, Failure> {
        let mut lines = manager.stuck()?;
        lines.extend(manager.places_without_service(self.down_after)?);
        for line in lines.iter().filter(|line| !self.told.contains(*line)) {
            warn!(target: LOG, "{line}");
        }
        let now: BTreeSet<String> = lines.iter().cloned().collect();
        for line in self.told.difference(&now) {
            info!(target: LOG, "No longer so: {line}");
        }
        self.told = now;
        Ok(lines)
    }
}

impl Manager {
    fn stuck(&self) -> Result<Vec<String>, Failure> {
        let on_record: BTreeSet<String> = match &self.records {
            Some(records) => records.list()?.0.into_iter().map(|one| one.resource).collect(),
            None => BTreeSet::new(),
        };
        let since = Timestamp::now().before(STUCK_AFTER);
        let mut connection = self.connection()?;
        let of = self.ours();
        let volumes = survey::stuck_volumes(&mut connection, of, &VOLUMES, since, MOST)?;
        let snapshots = survey::stuck_snapshots(&mut connection, of, &SNAPSHOTS, since, MOST)?;
        let is_left = |one: &Stuck| !self.busy.has(&one.0) && !on_record.contains(&one.0);
        let left = |all: Vec<Stuck>| all.into_iter().filter(is_left).collect::<Vec<_>>();
        let mut lines = stuck_lines("volumes", &left(volumes));
        lines.extend(stuck_lines("snapshots", &left(snapshots)));
        Ok(lines)
    }

    fn places_without_service(&self, down_after: Duration) -> Result<Vec<String>, Failure> {
        let mut connection = self.connection()?;
        let places = survey::volumes_by_place(&mut connection)?;
        let services = list_services(&mut connection)?;
        drop(connection);
        let known = known(&services, self.options.service, Timestamp::now(), down_after);
        Ok(unserved(&places, &known, self.options.service))
    }
}

/// One line for each status.
fn stuck_lines(what: &str, stuck: &[Stuck]) -> Vec<String> {
    let mut by_status: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, status) in stuck {
        by_status.entry(status).or_default().push(id);
    }
    let line = |(status, ids): (&str, Vec<&str>)| {
        let (count, named) = (ids.len(), ids.len().min(NAMED));
        let more = if count > named { " and others" } else { "" };
        let named = ids[..named].join(", ");
        format!("{count} {what} are {status}, and nobody works on them: {named}{more}")
    };
    by_status.into_iter().map(line).collect()
}

/// A volume service as far as it matters here.
struct Known<'a> {
    id: ServiceId,
    host: &'a str,
    cluster: Option<&'a str>,
    is_up: bool,
}

fn known(
    services: &[Service],
    own: ServiceId,
    now: Timestamp,
    down_after: Duration,
) -> Vec<Known<'_>> {
    let is_ours = |row: &&Service| row.binary.as_deref() == Some(BINARY);
    let mut known = Vec::new();
    for row in services.iter().filter(is_ours) {
        let id = row.id();
        known.push(Known {
            id,
            host: row.host.as_deref().unwrap_or_default(),
            cluster: row.cluster_name.as_deref(),
            // Its first heartbeat may be on its way.
            is_up: id == own || row.is_up(now, down_after),
        });
    }
    known
}

/// The places that nobody serves, as far as the service `own` is the one to tell.
fn unserved(places: &[Place], services: &[Known<'_>], own: ServiceId) -> Vec<String> {
    let service_of = |name: &str| name.split('#').next().unwrap_or_default().to_owned();
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for place in places {
        if let Some(name) = place.cluster.as_deref().or(place.host.as_deref()) {
            *counts.entry(service_of(name)).or_default() += place.count;
        }
    }
    let mut lines = Vec::new();
    for (name, count) in counts {
        let named = |one: &&Known<'_>| one.host == name || one.cluster == Some(name.as_str());
        let of_name: Vec<&Known<'_>> = services.iter().filter(named).collect();
        if of_name.iter().any(|one| one.is_up) || teller(&name, services) != Some(own) {
            continue;
        }
        lines.push(match of_name.is_empty() {
            true => format!(
                "{count} volumes belong to {name}, which no service serves; did the name change?"
            ),
            false => format!(
                "{count} volumes belong to {name}, whose service is down; did the name change?"
            ),
        });
    }
    if lines.len() > PLACES {
        let more = lines.len() - PLACES;
        lines.truncate(PLACES);
        lines.push(format!("and the volumes of {more} more names"));
    }
    lines
}

/// The one service that tells of a place, so that not all do: one that is up and has its back end's name, or its node's;
/// the oldest of them.
fn teller(name: &str, services: &[Known<'_>]) -> Option<ServiceId> {
    let parts = |name| HostParts::parse(name);
    let ups = || services.iter().filter(|one| one.is_up);
    let same_back_end = ups().filter(|one| parts(one.host).backend == parts(name).backend);
    let same_node = ups().filter(|one| parts(one.host).host == parts(name).host);
    let oldest = |ids: &mut dyn Iterator<Item = ServiceId>| ids.min_by_key(|id| id.get());
    oldest(&mut same_back_end.map(|one| one.id))
        .or_else(|| oldest(&mut same_node.map(|one| one.id)))
        .or_else(|| oldest(&mut ups().map(|one| one.id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(id: i32, host: &str, is_up: bool) -> Known<'_> {
        Known { id: ServiceId::new(id), host, cluster: None, is_up }
    }

    fn place(host: &str, count: i64) -> Place {
        Place { host: Some(host.to_owned()), cluster: None, count }
    }

    #[test]
    fn one_service_tells_of_volumes_that_nobody_serves() {
        let services = [
            known(1, "new@nfs", true),
            known(2, "new@lvm", true),
            known(3, "other@lvm", true),
            known(4, "down@nfs", false),
        ];
        let places = [
            place("old@lvm#a", 400),
            place("old@lvm#b", 12),
            place("new@lvm#x", 5),
            place("down@nfs#x", 3),
            place("new@gone", 2),
            place("far@away", 1),
        ];
        let told = |own| unserved(&places, &services, ServiceId::new(own));
        let lost = "412 volumes belong to old@lvm, which no service serves; did the name change?";
        assert_eq!(told(2), [lost]);
        assert_eq!(
            told(1),
            [
                "3 volumes belong to down@nfs, whose service is down; did the name change?",
                "1 volumes belong to far@away, which no service serves; did the name change?",
                "2 volumes belong to new@gone, which no service serves; did the name change?",
            ]
        );
        assert!(told(3).is_empty() && told(4).is_empty());
    }

    #[test]
    fn volumes_of_a_cluster_are_served_by_any_of_its_members() {
        let member = Known { cluster: Some("c@lvm"), ..known(1, "a@lvm", true) };
        let place = Place { cluster: Some("c@lvm#p".to_owned()), ..place("gone@lvm#p", 3) };
        assert!(unserved(&[place], &[member], ServiceId::new(1)).is_empty());
    }

    #[test]
    fn what_is_stuck_is_told_by_status_and_the_first_few_by_name() {
        let stuck = |id: &str, status: &str| (id.to_owned(), status.to_owned());
        let all = [
            stuck("1", "deleting"),
            stuck("2", "creating"),
            stuck("3", "deleting"),
            stuck("4", "deleting"),
            stuck("5", "deleting"),
        ];
        assert_eq!(
            stuck_lines("volumes", &all),
            [
                "1 volumes are creating, and nobody works on them: 2",
                "4 volumes are deleting, and nobody works on them: 1, 3, 4 and others",
            ]
        );
        let many: Vec<_> = (0..9).map(|n| place(&format!("n@{n}"), 1)).collect();
        let lines = unserved(&many, &[known(1, "a@b", true)], ServiceId::new(1));
        assert_eq!((lines.len(), lines[3].as_str()), (4, "and the volumes of 6 more names"));
    }
}
