//! A manager with a database of its own, and the rows that an API would have written.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cinder_db::{
    Connection, DatabaseOptions, DatabaseUrl, Pool, Registration, open_or_create, register,
};
use cinder_manager::locks::Locks;
use cinder_manager::records::Records;
use cinder_manager::{
    Deadlines, Failure, Front, Manager, NewVolume, Notification, Notifier, Options, Surroundings,
    Unseen,
};
use cinder_objects::{Method, Pin, Request};
use cinder_types::{ProjectId, RequestContext, ServiceHost, SnapshotId, UserId, VolumeId};
use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, sqlite::SqliteConnection};
use serde_json::Value;

use crate::pretend::Pretend;

const PROJECT: &str = "00000000000000000000000000000001";
const HOST: &str = "node1@pretend#pretend";

/// A request as it stands in a message.
pub struct Asked(Method, String);

impl Asked {
    fn new(request: &Request) -> Self {
        let (method, arguments) = request.encode(Pin::CURRENT);
        Self(method, arguments.to_string())
    }

    pub fn of(method: Method, arguments: &Value) -> Self {
        Self(method, arguments.to_string())
    }

    pub fn of_manager(&self, manager: &Manager) -> Result<Value, Failure> {
        let mut request = RequestContext::own("req-1", "2026-01-01T00:00:00.000000");
        request.project_id = Some(ProjectId::new(PROJECT));
        self.by(manager, &request)
    }

    pub fn by(&self, manager: &Manager, request: &RequestContext) -> Result<Value, Failure> {
        manager.carry_out(self.0, &self.1, request, &mut Unseen)
    }
}

/// Keeps what is told.
#[derive(Default)]
pub struct Told(Mutex<Vec<Notification>>);

impl Notifier for Told {
    fn notify(&self, notification: Notification) {
        self.0.lock().expect("no panic").push(notification);
    }
}

impl Told {
    /// All since the last time.
    pub fn take(&self) -> Vec<Notification> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }

    /// What kinds of things these were.
    pub fn take_names(&self) -> Vec<String> {
        self.take().into_iter().map(|one| one.event_type).collect()
    }
}

/// What belongs to one test.
pub struct Stand {
    pub manager: Arc<Manager>,
    pub driver: Arc<Pretend>,
    /// Nothing, unless somebody is to be told.
    pub told: Arc<Told>,
    connection: Connection,
    directory: tempfile::TempDir,
}

/// In what they differ.
struct Kind {
    /// Whether somebody is told what happens.
    is_heard: bool,
    /// Whether no services make volumes for themselves.
    is_alone: bool,
    /// How long a call of the driver may take.
    time: Duration,
}

impl Default for Kind {
    fn default() -> Self {
        Self { is_heard: false, is_alone: true, time: Duration::from_secs(3600) }
    }
}

impl Stand {
    /// On a fresh SQLite file.
    pub fn new() -> Self {
        Self::heard(false, true)
    }

    /// The same, where somebody is told what happens.
    pub fn telling() -> Self {
        Self::heard(true, true)
    }

    /// The same beside services that make volumes for themselves.
    pub fn telling_among_others() -> Self {
        Self::heard(true, false)
    }

    fn heard(is_heard: bool, is_alone: bool) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let url = DatabaseUrl::sqlite_file(directory.path().join("cinder.sqlite")).expect("a file");
        let mut options = DatabaseOptions::new(url);
        options.busy_timeout = Duration::from_millis(50); // a lock is a database that is away
        Self::on(options, directory, &Kind { is_heard, is_alone, ..Kind::default() })
    }

    /// As the first, with a driver that has no time.
    pub fn hurried() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let url = DatabaseUrl::sqlite_file(directory.path().join("cinder.sqlite")).expect("a file");
        let kind = Kind { time: Duration::from_millis(20), ..Kind::default() };
        Self::on(DatabaseOptions::new(url), directory, &kind)
    }

    fn on(options: DatabaseOptions, directory: tempfile::TempDir, kind: &Kind) -> Self {
        let Kind { is_heard, is_alone, time } = *kind;
        let mut connection = open_or_create(&options).expect("a database");
        let host = ServiceHost::from_parts("node1", None, "pretend");
        let service = register(
            &mut connection,
            &Registration {
                host: host.clone(),
                cluster: None,
                availability_zone: "nova".into(),
                enable_new_services: true,
            },
        )
        .expect("a service");
        let driver = Arc::new(Pretend::default());
        let told = Arc::new(Told::default());
        let manager = Manager::new(
            Options {
                host,
                cluster: None,
                service: service.id,
                volume_name_template: "volume-%s".to_owned(),
                snapshot_name_template: "snapshot-%s".to_owned(),
                default_pool: "pretend".to_owned(),
                resume: true,
                snapshots_are_free: false,
                reservation_expire: Duration::from_secs(86_400),
                is_alone,
                message_ttl: Duration::from_secs(86_400),
                reports_discard: false,
                block_sizes: None,
                deadlines: Deadlines { calls: time, work: time, bulk: time, watch: time },
            },
            Surroundings {
                pool: Pool::new(options),
                driver: driver.clone(),
                ready: Arc::new(AtomicBool::new(true)),
                locks: Locks::below(directory.path().join("locks")),
                records: Some(Records::below(directory.path().join("operations"))),
                scheduler: None,
                notifier: is_heard.then(|| told.clone() as Arc<dyn Notifier>),
                freed: Arc::new(|| {}),
            },
        );
        Self { manager: Arc::new(manager), driver, told, connection, directory }
    }

    pub fn file(&self) -> PathBuf {
        self.directory.path().join("cinder.sqlite")
    }

    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    pub fn front(&mut self) -> Front<'_> {
        Front::new(&mut self.connection, ProjectId::new(PROJECT), UserId::new(PROJECT))
    }

    /// The request for a volume whose row has just been written.
    pub fn wants_volume(&mut self) -> (VolumeId, Asked) {
        let new = NewVolume {
            name: None,
            size_gib: Some(1),
            host: HOST.to_owned(),
            from_snapshot: None,
            from_volume: None,
        };
        let args = self.front().create_volume(&new).expect("a row");
        let id = args.volume.id().expect("an id");
        (id, Asked::new(&Request::CreateVolume(Box::new(args))))
    }

    pub fn wants_deletion(&mut self, id: &VolumeId) -> Asked {
        let volume = self.front().volume(id.as_str(), HOST).expect("it is there");
        let args = self.front().delete_volume(&volume).expect("it may be deleted");
        Asked::new(&Request::DeleteVolume(Box::new(args)))
    }

    pub fn wants_snapshot(&mut self, id: &VolumeId) -> (String, Asked) {
        let volume = self.front().volume(id.as_str(), HOST).expect("it is there");
        let args = self.front().create_snapshot(&volume, None).expect("a row");
        let snapshot = args.snapshot.id().expect("an id").to_string();
        (snapshot, Asked::new(&Request::CreateSnapshot(Box::new(args))))
    }

    pub fn wants_snapshot_deletion(&mut self, id: &str) -> Asked {
        let snapshot = self.front().snapshot(id, HOST).expect("it is there");
        let args = self.front().delete_snapshot(&snapshot).expect("it may be deleted");
        Asked::new(&Request::DeleteSnapshot(Box::new(args)))
    }

    pub fn wants_extension(&mut self, id: &VolumeId, gib: i32) -> Asked {
        let volume = self.front().volume(id.as_str(), HOST).expect("it is there");
        let args = self.front().extend_volume(&volume, gib).expect("it may be extended");
        Asked::new(&Request::ExtendVolume(Box::new(args)))
    }

    pub fn wants_revert(&mut self, snapshot: &str) -> Asked {
        let snapshot = self.front().snapshot(snapshot, HOST).expect("it is there");
        let args = self.front().revert_to_snapshot(&snapshot).expect("it may be reverted");
        Asked::new(&Request::RevertToSnapshot(Box::new(args)))
    }

    /// Where operations are on record.
    pub fn records(&self) -> Records {
        Records::below(self.directory.path().join("operations"))
    }

    /// A volume that is there.
    pub fn volume(&mut self) -> VolumeId {
        let (id, asked) = self.wants_volume();
        self.carry_out(&asked).expect("it is made");
        id
    }

    pub fn carry_out(&self, asked: &Asked) -> Result<Value, Failure> {
        asked.of_manager(&self.manager)
    }

    pub fn status(&mut self, id: &VolumeId) -> String {
        let found = cinder_db::volumes::get(&mut self.connection, id).expect("an answer");
        let status = found.and_then(|one| one.row.status);
        status.map_or_else(|| "gone".to_owned(), |one| one.as_str().to_owned())
    }

    pub fn snapshot_status(&mut self, id: &str) -> String {
        let found = cinder_db::snapshots::get(&mut self.connection, &SnapshotId::new(id));
        let status = found.expect("an answer").and_then(|one| one.row.status);
        status.map_or_else(|| "gone".to_owned(), |one| one.as_str().to_owned())
    }

    /// Does what somebody with a database shell does.
    pub fn run(&self, sql: &str) {
        let file = self.file();
        let mut raw = SqliteConnection::establish(&file.to_string_lossy()).expect("a file");
        raw.batch_execute(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    }

    /// The number that a statement comes to.
    pub fn number(&self, sql: &str) -> i64 {
        let file = self.file();
        let mut raw = SqliteConnection::establish(&file.to_string_lossy()).expect("a file");
        let found = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(sql));
        found.get_result(&mut raw).unwrap_or_else(|error| panic!("{error}: {sql}"))
    }

    pub fn entries(&mut self) -> usize {
        let all = cinder_db::workers::Scope::default();
        cinder_db::workers::list_unfinished(&mut self.connection, &all).expect("an answer").len()
    }
}
