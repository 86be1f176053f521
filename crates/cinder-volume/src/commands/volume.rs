//! `volume`: volumes that come and go on one machine without OpenStack.
//!
//! Writes the rows that an API would write ([`Front`]) and sends the same message over whatever bus is configured. What
//! cannot be sent is taken back. Must not: touch storage; that is the service's.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use cinder_db::snapshots::{self, Snapshot};
use cinder_db::volumes::{self, Volume};
use cinder_db::{Connection, DatabaseOptions, list_services};
use cinder_manager::{Front, NewVolume};
use cinder_objects::{Dict, InitializeConnection, Pin, Request as Asked, TerminateConnection};
use cinder_types::{
    ProjectId, RPC_VERSION, RequestContext, SnapshotId, SnapshotStatus, UserId, VolumeId,
    VolumeStatus,
};
use oslo_messaging::{CallError, Client, Context, Request, Transport};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::bus::BusPlan;
use crate::cli::volume::{Act, VolumeWish};
use crate::exit::{self, Failure};
use crate::worker::{fresh_request_id, message_time};

/// The one project and user of this use: an API takes hexadecimal digits only.
const PROJECT: &str = "00000000000000000000000000000001";
/// Between two looks whether something is done.
const LOOK: Duration = Duration::from_millis(50);
/// The service whose rows say that a cloud is there.
const SCHEDULER: &str = "cinder-scheduler";

/// Where volumes are.
pub(crate) struct Place {
    /// The rows.
    pub database: DatabaseOptions,
    /// The way to the service.
    pub bus: BusPlan,
    /// `node@backend`.
    pub host: String,
    /// Where new volumes go: `volume_backend_name`.
    pub pool: String,
    /// `service_down_time`.
    pub service_down_time: Duration,
    /// Whether an operator wants no work to be taken there.
    pub is_drained: bool,
}

/// Does what is wanted.
///
/// # Errors
///
/// When it cannot be asked for at all.
pub(crate) fn run(place: &Place, wish: &VolumeWish, out: &mut dyn Write) -> Result<i32, Failure> {
    let mut connection =
        Connection::open(&place.database).context("has the daemon been started?")?;
    connection.check_schema()?;
    let mut desk = Desk { place, wish, connection };
    match &wish.act {
        Act::List => desk.list(out),
        Act::Show { volume } => {
            let volume = desk.volume(volume)?;
            desk.show_volume(&volume, out)?;
            Ok(exit::OK)
        }
        Act::ListSnapshots => desk.list_snapshots(out),
        Act::Connect { volume } => desk.connect(volume, out),
        Act::Disconnect { volume } => desk.disconnect(volume, out),
        _ if place.is_drained => Err(anyhow!(
            "{} is drained and takes no work; cinder-volume drain --undo ends that",
            place.host
        )
        .into()),
        changing => {
            desk.refuse_beside_scheduler()?;
            desk.change(changing, out)
        }
    }
}

/// One run of the command.
struct Desk<'a> {
    place: &'a Place,
    wish: &'a VolumeWish,
    connection: Connection,
}

/// What is waited for.
enum Subject {
    Volume(VolumeId),
    Snapshot(SnapshotId),
}

impl Desk<'_> {
    fn front(&mut self) -> Front<'_> {
        Front::new(&mut self.connection, ProjectId::new(PROJECT), UserId::new(PROJECT))
    }

    fn volume(&mut self, wanted: &str) -> Result<Volume, Failure> {
        let host = self.place.host.clone();
        Ok(self.front().volume(wanted, &host)?)
    }

    fn snapshot(&mut self, wanted: &str) -> Result<Snapshot, Failure> {
        let host = self.place.host.clone();
        Ok(self.front().snapshot(wanted, &host)?)
    }

    /// What is made past a scheduler is not counted by it, nor by quotas.
    fn refuse_beside_scheduler(&mut self) -> Result<(), Failure> {
        if self.wish.force {
            return Ok(());
        }
        let now = cinder_db::Timestamp::now();
        let services = list_services(&mut self.connection)?;
        let alive = services.iter().find(|one| {
            one.binary.as_deref() == Some(SCHEDULER)
                && one.updated_at.is_some_and(|at| now.since(at) <= self.place.service_down_time)
        });
        match alive {
            None => Ok(()),
            Some(one) => {
                let host = one.host.as_deref().unwrap_or_default();
                Err(anyhow!(
                    "a scheduler is alive on {host}: ask the Block Storage API, or use --force; what is made \
                     here counts for no quota"
                )
                .into())
            }
        }
    }

    fn change(&mut self, act: &Act, out: &mut dyn Write) -> Result<i32, Failure> {
        let (request, subject) = self.written(act)?;
        if let Err(error) = self.send(&request) {
            // Nobody will ever carry it out: the rows must not promise it.
            self.front().not_sent(&request)?;
            eprint_error(self.wish, &error, out)?;
            return Ok(exit::NO_ANSWER);
        }
        if !self.wish.wait {
            return self.show(&subject, out);
        }
        self.wait(&subject, out)
    }

    /// Writes the rows, and says what the service is to be asked.
    fn written(&mut self, act: &Act) -> Result<(Asked, Subject), Failure> {
        Ok(match act {
            Act::Create { name, size, from_volume, from_snapshot } => {
                let from_volume = match from_volume {
                    Some(wanted) => Some(self.volume(wanted)?.row.id),
                    None => None,
                };
                let from_snapshot = match from_snapshot {
                    Some(wanted) => Some(self.snapshot(wanted)?.row.id),
                    None => None,
                };
                if size.is_none() && from_volume.is_none() && from_snapshot.is_none() {
                    return Err(
                        anyhow!("--size is wanted for a volume that is made of nothing").into()
                    );
                }
                let new = NewVolume {
                    name: name.clone(),
                    size_gib: *size,
                    host: format!("{}#{}", self.place.host, self.place.pool),
                    from_snapshot,
                    from_volume,
                };
                let asked = self.front().create_volume(&new)?;
                let id = asked.volume.id().map_err(anyhow::Error::from)?;
                (asked.into(), Subject::Volume(id))
            }
            Act::Extend { volume, size } => {
                let volume = self.volume(volume)?;
                let asked = self.front().extend_volume(&volume, *size)?;
                (asked.into(), Subject::Volume(volume.row.id))
            }
            Act::Delete { volume } => {
                let volume = self.volume(volume)?;
                let asked = self.front().delete_volume(&volume)?;
                (asked.into(), Subject::Volume(volume.row.id))
            }
            Act::CreateSnapshot { volume, name } => {
                let volume = self.volume(volume)?;
                let asked = self.front().create_snapshot(&volume, name.as_deref())?;
                let id = asked.snapshot.id().map_err(anyhow::Error::from)?;
                (asked.into(), Subject::Snapshot(id))
            }
            Act::DeleteSnapshot { snapshot } => {
                let snapshot = self.snapshot(snapshot)?;
                let asked = self.front().delete_snapshot(&snapshot)?;
                (asked.into(), Subject::Snapshot(snapshot.row.id))
            }
            Act::Revert { snapshot } => {
                let snapshot = self.snapshot(snapshot)?;
                let asked = self.front().revert_to_snapshot(&snapshot)?;
                (asked.into(), Subject::Volume(snapshot.row.volume_id))
            }
            _ => return Err(anyhow!("this changes nothing").into()),
        })
    }

    fn client(&self) -> anyhow::Result<Client> {
        if self.place.bus.transport == Transport::Fake {
            bail!("transport_url = fake: reaches nobody outside of a process");
        }
        Ok(self.place.bus.open()?.client())
    }

    fn message(asked: &Asked) -> anyhow::Result<Request> {
        let (method, args) = asked.encode(Pin::CURRENT);
        let own = RequestContext {
            project_id: Some(ProjectId::new(PROJECT)),
            user_id: Some(UserId::new(PROJECT)),
            ..RequestContext::own(fresh_request_id(), message_time())
        };
        let context = Context::new(own.elevated().forward());
        Ok(Request::new(method.name(), RPC_VERSION, &args, context)?)
    }

    fn send(&self, asked: &Asked) -> anyhow::Result<()> {
        let client = self.client()?;
        client.cast(&self.place.bus.to(&self.place.host), Self::message(asked)?)?;
        Ok(())
    }

    fn call(&self, asked: &Asked) -> anyhow::Result<Result<Box<RawValue>, CallError>> {
        let client = self.client()?;
        let to = self.place.bus.to(&self.place.host);
        Ok(client.call(&to, Self::message(asked)?, self.place.bus.response_timeout))
    }

    /// Looks until the status is a last one.
    fn wait(&mut self, subject: &Subject, out: &mut dyn Write) -> Result<i32, Failure> {
        let begun = Instant::now();
        loop {
            let status = self.status(subject)?;
            match status.as_deref() {
                None => {
                    self.told_gone(subject, out)?;
                    return Ok(exit::OK);
                }
                Some(status) if is_last(status) => {
                    self.show(subject, out)?;
                    let failed = status.starts_with("error");
                    return Ok(if failed { exit::METHOD_FAILED } else { exit::OK });
                }
                Some(_) => {}
            }
            // It takes as long as it takes; a slow look is enough for what is slow.
            let pause = if begun.elapsed() < Duration::from_secs(5) { LOOK } else { LOOK * 10 };
            std::thread::sleep(pause);
        }
    }

    fn status(&mut self, subject: &Subject) -> Result<Option<String>, Failure> {
        Ok(match subject {
            Subject::Volume(id) => volumes::get(&mut self.connection, id)?
                .map(|volume| status_of(volume.row.status.as_ref())),
            Subject::Snapshot(id) => snapshots::get(&mut self.connection, id)?
                .map(|one| one.row.status.map_or_else(String::new, |one| one.as_str().to_owned())),
        })
    }

    fn told_gone(&self, subject: &Subject, out: &mut dyn Write) -> Result<(), Failure> {
        let id = match subject {
            Subject::Volume(id) => id.as_str(),
            Subject::Snapshot(id) => id.as_str(),
        };
        if self.wish.json {
            writeln!(out, "{}", json!({"id": id, "status": "deleted"}))?;
        } else {
            writeln!(out, "{id} is deleted")?;
        }
        Ok(())
    }

    fn show(&mut self, subject: &Subject, out: &mut dyn Write) -> Result<i32, Failure> {
        match subject {
            Subject::Volume(id) => match volumes::get(&mut self.connection, id)? {
                Some(volume) => self.show_volume(&volume, out)?,
                None => self.told_gone(subject, out)?,
            },
            Subject::Snapshot(id) => match snapshots::get(&mut self.connection, id)? {
                Some(snapshot) => {
                    self.show_rows(&[snapshot_line(&snapshot)], &SNAPSHOT, true, out)?
                }
                None => self.told_gone(subject, out)?,
            },
        }
        Ok(exit::OK)
    }

    fn show_volume(&self, volume: &Volume, out: &mut dyn Write) -> Result<(), Failure> {
        self.show_rows(&[volume_line(volume)], &VOLUME, true, out)
    }

    fn list(&mut self, out: &mut dyn Write) -> Result<i32, Failure> {
        let host = self.place.host.clone();
        let all = volumes::list(&mut self.connection, volumes::Of::Host(&host))?;
        let lines: Vec<_> = all.iter().map(volume_line).collect();
        self.show_rows(&lines, &VOLUME, false, out)?;
        Ok(exit::OK)
    }

    fn list_snapshots(&mut self, out: &mut dyn Write) -> Result<i32, Failure> {
        let host = self.place.host.clone();
        let all = snapshots::list(&mut self.connection, snapshots::Of::Host(&host))?;
        let lines: Vec<_> = all.iter().map(snapshot_line).collect();
        self.show_rows(&lines, &SNAPSHOT, false, out)?;
        Ok(exit::OK)
    }

    /// A table, or JSON with the same words.
    fn show_rows(
        &self,
        lines: &[Vec<String>],
        heads: &[&str],
        is_one: bool,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        if self.wish.json {
            let object = |line: &Vec<String>| {
                let pairs = heads.iter().zip(line);
                let key = |head: &str| head.to_lowercase();
                pairs.map(|(head, value)| (key(head), value.clone().into())).collect()
            };
            let objects: Vec<Map<String, Value>> = lines.iter().map(object).collect();
            let value = match (is_one, objects.first()) {
                (true, Some(only)) => json!(only),
                _ => json!(objects),
            };
            writeln!(out, "{value}")?;
            return Ok(());
        }
        let heads: Vec<String> = heads.iter().map(|&head| head.to_owned()).collect();
        let all: Vec<&Vec<String>> = std::iter::once(&heads).chain(lines).collect();
        let width = |at: usize| all.iter().map(|line| line[at].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..heads.len()).map(width).collect();
        for line in all {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }

    fn connect(&mut self, wanted: &str, out: &mut dyn Write) -> Result<i32, Failure> {
        let volume = self.volume(wanted)?;
        let asked = InitializeConnection {
            volume: cinder_manager::volume_object(&volume),
            connector: own_connector(&self.place.host),
        };
        let answer = self.call(&asked.into())?;
        self.told(answer, out)
    }

    fn disconnect(&mut self, wanted: &str, out: &mut dyn Write) -> Result<i32, Failure> {
        let volume = self.volume(wanted)?;
        let asked = TerminateConnection {
            volume_id: volume.row.id.to_string(),
            connector: Some(own_connector(&self.place.host)),
            force: false,
        };
        let answer = self.call(&asked.into())?;
        self.told(answer, out)
    }

    fn told(
        &self,
        answer: Result<Box<RawValue>, CallError>,
        out: &mut dyn Write,
    ) -> Result<i32, Failure> {
        match answer {
            Ok(result) => {
                let value: Value = serde_json::from_str(result.get())?;
                if !value.is_null() {
                    writeln!(out, "{value:#}")?;
                }
                Ok(exit::OK)
            }
            Err(CallError::Failed(failure)) => {
                eprint_error(self.wish, &anyhow!("{}: {}", failure.class, failure.message), out)?;
                Ok(exit::METHOD_FAILED)
            }
            Err(error) => {
                eprint_error(self.wish, &error.into(), out)?;
                Ok(exit::NO_ANSWER)
            }
        }
    }
}

const VOLUME: [&str; 6] = ["ID", "Name", "Status", "Size", "From", "Host"];
const SNAPSHOT: [&str; 5] = ["ID", "Name", "Status", "Size", "Volume"];

fn status_of(status: Option<&VolumeStatus>) -> String {
    status.map_or_else(String::new, |status| status.as_str().to_owned())
}

fn volume_line(volume: &Volume) -> Vec<String> {
    let row = &volume.row;
    let from = match (&row.snapshot_id, &row.source_volid) {
        (Some(id), _) => format!("snapshot {id}"),
        (None, Some(id)) => format!("volume {id}"),
        (None, None) => "-".to_owned(),
    };
    vec![
        row.id.to_string(),
        oslo_log::printable(row.display_name.as_deref().unwrap_or("-")).to_string(),
        status_of(row.status.as_ref()),
        row.size.unwrap_or(0).to_string(),
        from,
        row.host.clone().unwrap_or_default(),
    ]
}

fn snapshot_line(snapshot: &Snapshot) -> Vec<String> {
    let row = &snapshot.row;
    vec![
        row.id.to_string(),
        oslo_log::printable(row.display_name.as_deref().unwrap_or("-")).to_string(),
        row.status
            .as_ref()
            .map_or_else(String::new, |one: &SnapshotStatus| one.as_str().to_owned()),
        row.volume_size.unwrap_or(0).to_string(),
        row.volume_id.to_string(),
    ]
}

/// Whether nobody works on something of this status.
fn is_last(status: &str) -> bool {
    status.starts_with("error") || matches!(status, "available" | "in-use")
}

/// What this machine says about itself.
fn own_connector(host: &str) -> Dict {
    let node = host.split('@').next().unwrap_or(host);
    Dict(Map::from_iter([
        ("host".to_owned(), node.into()),
        ("ip".to_owned(), "127.0.0.1".into()),
        ("platform".to_owned(), std::env::consts::ARCH.into()),
        ("os_type".to_owned(), std::env::consts::OS.into()),
        ("multipath".to_owned(), false.into()),
    ]))
}

fn eprint_error(
    wish: &VolumeWish,
    error: &anyhow::Error,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let text = format!("{error:#}");
    if wish.json {
        writeln!(out, "{}", json!({"error": text}))?;
    } else {
        writeln!(out, "failed: {text}")?;
    }
    Ok(())
}
