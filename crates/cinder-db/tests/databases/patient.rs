//! A registered service whose heartbeat is watched.

use std::{
    sync::mpsc::{self, Receiver},
    time::Duration,
};

use cinder_db::{
    Beat, Connection, DatabaseOptions, Heartbeat, HeartbeatPlan, Registered, register,
};

use crate::{
    captured_log::CapturedLog,
    database::{TestDatabase, registration},
};

/// So long that only what happens at once happens in a test.
pub const NEVER: Duration = Duration::from_secs(3600);
pub const OFTEN: Duration = Duration::from_millis(10);

pub const AWAY: &str = "ERROR cinder.service: model server went away";
pub const BACK: &str = "ERROR cinder.service: Recovered model server connection!";
pub const NOT_READY: &str = "ERROR cinder.service: Manager for service cinder-volume n@b1 is reporting \
    problems, not sending heartbeat. Service will appear \"down\".";

/// A registered service with what its heartbeat says and writes.
pub struct Patient<'a> {
    pub database: &'a TestDatabase,
    pub options: DatabaseOptions,
    pub service: Registered,
    pub log: CapturedLog,
}

impl<'a> Patient<'a> {
    pub fn new(database: &'a TestDatabase, mut connection: Connection) -> Self {
        let service = register(&mut connection, &registration("n", None)).unwrap();
        let options = database.options.clone();
        Self { database, options, service, log: CapturedLog::default() }
    }

    pub fn plan(&self, interval: Duration) -> HeartbeatPlan {
        HeartbeatPlan {
            database: self.options.clone(),
            registration: registration("n", None),
            service: self.service.id,
            interval,
        }
    }

    pub fn start(
        &self,
        interval: Duration,
        ready: impl FnMut() -> bool + Send + 'static,
    ) -> (Heartbeat, Receiver<Beat>) {
        let (sender, beats) = mpsc::channel();
        let observe = move |beat: &Beat| drop(sender.send(beat.clone()));
        let start = || Heartbeat::start(self.plan(interval), ready, observe);
        (self.log.during(start).unwrap().unwrap(), beats)
    }

    pub fn count(&self) -> String {
        self.database.rows("report_count", "services WHERE deleted = false")
    }
}
