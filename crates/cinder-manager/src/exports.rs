//! Volumes in use, made reachable again after a start (`spec/manager.md` §1, `init_host`).
//!
//! Beside a service that serves: a volume that somebody asks for is exported for them, whether it had its turn here or
//! not. Must not: end at the first volume that fails.

use cinder_db::cas::Swap;
use cinder_db::{survey, volumes};
use cinder_driver::{Call, VolumeView};
use cinder_types::{ClusterName, RequestContext, VolumeId, VolumeStatus};
use tracing::{error, info};

use crate::course::Course;
use crate::error::Failure;
use crate::manager::{LOG, Manager};

/// So many are read at a time.
const PORTION: usize = 100;

impl Manager {
    /// Whose rows are ours.
    pub(crate) fn ours(&self) -> survey::Of<'_> {
        match &self.options.cluster {
            Some(cluster) => survey::Of::Cluster(ClusterName::as_str(cluster)),
            None => survey::Of::Host(self.options.host.as_str()),
        }
    }

    /// Exports every volume that is in use; how many, and how many of them could not be and are in `error` now.
    ///
    /// # Errors
    ///
    /// When they cannot even be listed.
    pub fn export_again(
        &self,
        request: &RequestContext,
        course: &mut dyn Course,
    ) -> Result<(usize, usize), Failure> {
        let driver = self.ready_driver()?;
        let used = VolumeStatus::IN_USE;
        let ids = survey::volumes_of_status(&mut *self.connection()?, self.ours(), used.as_str())?;
        let (mut done, mut failed) = (0, 0);
        for portion in ids.chunks(PORTION) {
            let (volumes, views) = self.views(portion)?;
            for (volume, view) in volumes.iter().zip(&views) {
                if self.is_stopping() {
                    return Ok((done, failed));
                }
                let id = &volume.row.id;
                // One that is being worked on, or is none of that any more, is left to whoever does that.
                let Some(_at_work) = self.busy.begin(id.as_str()) else { continue };
                if volume.row.status.as_ref() != Some(&used) {
                    continue;
                }
                course.about(id.as_str());
                course.step("export");
                done += 1;
                let ensure =
                    || driver.ensure_export(view, &self.context(Call::EnsureExport, request));
                let exported = std::panic::catch_unwind(std::panic::AssertUnwindSafe(ensure));
                let problem = match exported {
                    Ok(Ok(())) => continue,
                    Ok(Err(problem)) => cinder_db::chain(&problem),
                    Err(_) => "the driver panicked".to_owned(),
                };
                failed += 1;
                error!(
                    target: LOG,
                    "Failed to re-export volume {id}, setting to ERROR.: {problem}"
                );
                self.no_longer_in_use(id)?;
            }
        }
        if done > 0 {
            info!(target: LOG, "{done} volumes in use were exported again, {failed} could not be");
        }
        Ok((done, failed))
    }

    fn no_longer_in_use(&self, id: &VolumeId) -> Result<(), Failure> {
        use volumes::columns::STATUS;
        self.patiently(|connection| {
            Swap::<volumes::Row>::of(id.as_str())
                .only_if(STATUS.is(VolumeStatus::IN_USE.as_str()))
                .set(STATUS.to(VolumeStatus::ERROR.as_str()))
                .run(connection)?;
            Ok(())
        })
    }

    fn views(&self, ids: &[VolumeId]) -> Result<(Vec<volumes::Volume>, Vec<VolumeView>), Failure> {
        let mut connection = self.connection()?;
        let volumes = volumes::get_many(&mut connection, ids)?;
        let views = volumes.iter().map(|one| self.view(&mut connection, one));
        let views = views.collect::<Result<_, _>>()?;
        Ok((volumes, views))
    }
}
