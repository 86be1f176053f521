//! What comes with every call: its limits, whom to tell, whom to ask.
//!
//! Must not: hold anything of a back end; a context is made for one operation and then dropped.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use cinder_types::{KeyId, Secret};

use crate::cancel::{CancelFlag, Limit};
use crate::copy::{self, Copied, Destination};
use crate::error::DriverError;
use crate::io::VolumeIo;
use crate::lock::ProcessLocks;
use crate::run::{self, Finished, Program};
use crate::seams::{Compute, Deed, Held, Keys, Locks, Persist, Privileged, Progress};
use crate::throttle::Throttle;
use crate::update::ModelUpdate;

/// The context of one operation.
#[derive(Clone)]
pub struct OpContext {
    request_id: String,
    limit: Limit,
    throttle: Throttle,
    progress: Option<Arc<dyn Progress>>,
    persist: Option<Arc<dyn Persist>>,
    locks: Arc<dyn Locks>,
    keys: Option<Arc<dyn Keys>>,
    compute: Option<Arc<dyn Compute>>,
    privileged: Option<Arc<dyn Privileged>>,
}

impl OpContext {
    /// A context with nobody behind it: no limits, locks of its own, nothing written. The setters
    /// say who is there.
    #[must_use]
    pub fn new(request_id: impl Into<String>) -> Self {
        Self {
            request_id: request_id.into(),
            limit: Limit::default(),
            throttle: Throttle::default(),
            progress: None,
            persist: None,
            locks: Arc::new(ProcessLocks::default()),
            keys: None,
            compute: None,
            privileged: None,
        }
    }

    /// The same with a limit.
    #[must_use]
    pub fn limited(self, limit: Limit) -> Self {
        Self { limit, ..self }
    }

    /// The same with a deadline from now on.
    #[must_use]
    pub fn within(self, time: Duration) -> Self {
        let limit = self.limit.within(time);
        Self { limit, ..self }
    }

    /// The same with the limit of the back end's copies.
    #[must_use]
    pub fn throttled(self, throttle: Throttle) -> Self {
        Self { throttle, ..self }
    }

    /// The same with somebody who is told how far it is.
    #[must_use]
    pub fn telling(self, progress: Arc<dyn Progress>) -> Self {
        Self { progress: Some(progress), ..self }
    }

    /// The same with somebody who writes.
    #[must_use]
    pub fn persisting(self, persist: Arc<dyn Persist>) -> Self {
        Self { persist: Some(persist), ..self }
    }

    /// The same with these locks.
    #[must_use]
    pub fn locking(self, locks: Arc<dyn Locks>) -> Self {
        Self { locks, ..self }
    }

    /// The same with a key manager.
    #[must_use]
    pub fn with_keys(self, keys: Arc<dyn Keys>) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// The same with a compute service.
    #[must_use]
    pub fn with_compute(self, compute: Arc<dyn Compute>) -> Self {
        Self { compute: Some(compute), ..self }
    }

    /// The same with somebody who has more rights.
    #[must_use]
    pub fn with_privileged(self, privileged: Arc<dyn Privileged>) -> Self {
        Self { privileged: Some(privileged), ..self }
    }

    /// The request that all this is for.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Until when it may run.
    #[must_use]
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// What stops it.
    #[must_use]
    pub fn flag(&self) -> &CancelFlag {
        self.limit.flag()
    }

    /// Whether to go on; to be asked between any two steps, and once a second in a long one.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](DriverError::Cancelled) with the reason.
    pub fn check(&self) -> Result<(), DriverError> {
        Ok(self.limit.check()?)
    }

    /// Tells how far it is.
    pub fn progress(&self, done: u64, total: u64) {
        if let Some(progress) = &self.progress {
            progress.report(done, total);
        }
    }

    /// Has something written in the middle of the operation; see [`Persist::persist`].
    ///
    /// # Errors
    ///
    /// When it may not have been written.
    pub fn persist(&self, update: &ModelUpdate) -> Result<(), DriverError> {
        self.persist.as_ref().map_or(Ok(()), |persist| persist.persist(update))
    }

    /// Keeps a text with the operation's record; see [`Persist::note`].
    ///
    /// # Errors
    ///
    /// When it may not have been written.
    pub fn note(&self, key: &str, value: &str) -> Result<(), DriverError> {
        self.persist.as_ref().map_or(Ok(()), |persist| persist.note(key, value))
    }

    /// Holds the locks of these names until the answer is dropped.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](DriverError::Cancelled) when the limit comes first.
    pub fn lock(&self, names: &[&str]) -> Result<Box<dyn Held>, DriverError> {
        self.locks.lock(names, &self.limit)
    }

    /// The passphrase that belongs to a key.
    ///
    /// # Errors
    ///
    /// [`NotSupported`](DriverError::NotSupported) without a key manager.
    pub fn passphrase(&self, key: &KeyId) -> Result<Secret, DriverError> {
        let keys = self.keys.as_ref().ok_or_else(|| missing("an encrypted volume", "key manager"));
        keys?.passphrase(key, &self.limit)
    }

    /// The compute service.
    ///
    /// # Errors
    ///
    /// [`NotSupported`](DriverError::NotSupported) without one.
    pub fn compute(&self) -> Result<&dyn Compute, DriverError> {
        self.compute.as_deref().ok_or_else(|| missing("an attached volume", "compute service"))
    }

    /// Has something done with more rights.
    ///
    /// # Errors
    ///
    /// [`NotSupported`](DriverError::NotSupported) if there is nobody who has them.
    pub fn privileged(&self, deed: &Deed) -> Result<Finished, DriverError> {
        match &self.privileged {
            Some(privileged) => privileged.perform(deed, &self.limit),
            None => Err(missing(deed.tool.program(), "helper with more rights")),
        }
    }

    /// Runs a program within the limits of this operation.
    ///
    /// # Errors
    ///
    /// As [`run::run`].
    pub fn run(&self, program: &Program) -> Result<Finished, DriverError> {
        run::run(program, &self.limit)
    }

    /// Copies a range of one volume to the same place of another, at the back end's speed; see
    /// [`copy`](crate::copy).
    ///
    /// # Errors
    ///
    /// Those of both sides, and [`Cancelled`](DriverError::Cancelled).
    pub fn copy(
        &self,
        from: &dyn VolumeIo,
        to: &dyn VolumeIo,
        range: Range<u64>,
        destination: Destination,
    ) -> Result<Copied, DriverError> {
        let tell = |done, total| self.progress(done, total);
        copy::copy(
            from,
            to,
            range,
            destination,
            &copy::Pace::new(&self.throttle, &self.limit, &tell),
        )
    }
}

fn missing(what: &str, who: &str) -> DriverError {
    DriverError::not_supported(what, format!("there is no {who}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seams::{Assisted, Tool};
    use crate::update::VolumeUpdate;
    use crate::value::Map;
    use cinder_types::VolumeId;
    use std::sync::Mutex;

    /// Whoever is asked, in one.
    #[derive(Default)]
    struct World(Mutex<Vec<String>>);

    impl World {
        fn hear(&self, what: impl Into<String>) {
            self.0.lock().expect("not poisoned").push(what.into());
        }
    }

    impl Persist for World {
        fn persist(&self, update: &ModelUpdate) -> Result<(), DriverError> {
            self.hear(format!("{update:?}").chars().take(6).collect::<String>());
            Ok(())
        }

        fn note(&self, key: &str, value: &str) -> Result<(), DriverError> {
            self.hear(format!("{key}={value}"));
            Ok(())
        }
    }

    impl Keys for World {
        fn passphrase(&self, key: &KeyId, limit: &Limit) -> Result<Secret, DriverError> {
            limit.check()?;
            self.hear(key.as_str());
            Ok(Secret::new("hidden"))
        }
    }

    impl Compute for World {
        fn create_snapshot(&self, volume: &str, _details: &Map) -> Result<(), DriverError> {
            self.hear(volume);
            Ok(())
        }

        fn delete_snapshot(&self, snapshot: &str, _details: &Map) -> Result<(), DriverError> {
            self.hear(snapshot);
            Ok(())
        }

        fn progress(&self, _snapshot: &str) -> Result<Assisted, DriverError> {
            Ok(Assisted::Running)
        }
    }

    impl Privileged for World {
        fn perform(&self, deed: &Deed, limit: &Limit) -> Result<Finished, DriverError> {
            limit.check()?;
            self.hear(deed.tool.program());
            run::run(&Program::new("true"), limit)
        }
    }

    fn deed() -> Deed {
        Deed { tool: Tool::Lvs, arguments: Vec::new(), input: Vec::new() }
    }

    #[test]
    fn who_is_not_there_is_missed_only_by_whom_it_concerns() {
        let context = OpContext::new("req-1");
        context.progress(1, 2);
        context.note("share", "a:/b").expect("nobody has to hear it");
        for class in [
            context.passphrase(&KeyId::new("1")).map(|_| ()),
            context.compute().map(|_| ()),
            context.privileged(&deed()).map(|_| ()),
        ]
        .map(|result| result.map_err(|error| error.class()))
        {
            assert_eq!(class, Err("not supported"));
        }
    }

    #[test]
    fn who_is_there_is_asked_within_the_limits() {
        let world = Arc::new(World::default());
        let context = OpContext::new("req-1")
            .persisting(world.clone())
            .with_keys(world.clone())
            .with_compute(world.clone())
            .with_privileged(world.clone());
        let update = ModelUpdate::Volume(VolumeId::new("1"), VolumeUpdate::default());
        context.persist(&update).expect("written");
        context.note("share", "a:/b").expect("written");
        assert_eq!(context.passphrase(&KeyId::new("key")).expect("had").reveal(), "hidden");
        let compute = context.compute().expect("there is one");
        compute.create_snapshot("volume", &Map::new()).expect("asked");
        assert_eq!(compute.progress("1").expect("known"), Assisted::Running);
        assert!(context.privileged(&deed()).expect("done").is_success());
        assert!(context.run(&Program::new("true")).expect("run").is_success());
        let heard = world.0.lock().expect("not poisoned").clone();
        assert_eq!(heard, ["Volume", "share=a:/b", "key", "volume", "lvs"]);
        context.flag().cancel();
        for result in [
            context.check(),
            context.passphrase(&KeyId::new("key")).map(|_| ()),
            context.privileged(&deed()).map(|_| ()),
            context.run(&Program::new("true")).map(|_| ()),
        ] {
            assert_eq!(result.map_err(|error| error.class()), Err("cancelled"));
        }
    }
}
