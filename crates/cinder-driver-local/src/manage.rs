//! Files that are there already: making them volumes, and telling which there are.
//!
//! Only files directly in the directory, by their plain name: a reference that leads elsewhere is
//! refused, whatever it says.

use cinder_driver::ability::{
    Inventory, Manage, Manageable, Page, Reference, Stored, StoredKind, page_of,
};
use cinder_driver::{DriverError, GIB, Map, OpContext, Refusal, VolumeUpdate, VolumeView, fail};

use crate::directory::{Directory, foreign};
use crate::driver::{LocalDriver, checked_bytes};
use crate::making;
use crate::name::{ASIDE, Name};
use crate::points;

/// The key of a reference.
const KEY: &str = "source-name";

fn reference(name: &str) -> Reference {
    Reference(Map::new().with(KEY, name))
}

fn refused(name: &str, reason: impl Into<String>) -> DriverError {
    Refusal::Reference { reference: name.to_owned(), reason: reason.into() }.into()
}

/// The name in a reference.
fn named(reference: &Reference) -> Result<Name, DriverError> {
    let text = reference.required(KEY)?;
    Name::new(text).map_err(|error| refused(text, error.to_string()))
}

/// The length of what a reference names.
fn length(directory: &Directory, name: &Name) -> Result<u64, DriverError> {
    match directory.find(name) {
        Ok(Some(entry)) if entry.bytes > 0 => Ok(entry.bytes),
        Ok(Some(_)) => Err(refused(name.as_str(), "the file is empty")),
        Ok(None) => Err(refused(name.as_str(), "there is no such file")),
        Err(DriverError::Exists { reason, .. }) => Err(refused(name.as_str(), reason)),
        Err(error) => Err(error),
    }
}

impl Manage for LocalDriver {
    fn referenced_name(
        &self,
        reference: &Reference,
        _context: &OpContext,
    ) -> Result<String, DriverError> {
        Ok(named(reference)?.to_string())
    }

    fn manage_existing_size(
        &self,
        _volume: &VolumeView,
        reference: &Reference,
        _context: &OpContext,
    ) -> Result<u64, DriverError> {
        let name = named(reference)?;
        Ok(length(&self.directory()?, &name)?.div_ceil(GIB))
    }

    fn manage_existing(
        &self,
        volume: &VolumeView,
        reference: &Reference,
        context: &OpContext,
    ) -> Result<VolumeUpdate, DriverError> {
        context.check()?;
        let (from, to) = (named(reference)?, Name::new(&volume.name)?);
        let directory = self.directory()?;
        let _held = context.lock(&[&from.lock(), &to.lock()])?;
        if directory.find(&from)?.is_none() && directory.find(&to)?.is_some() {
            directory.sync()?; // It was done before.
            return Ok(VolumeUpdate::default());
        }
        let bytes = length(&directory, &from)?;
        let whole = checked_bytes(bytes.div_ceil(GIB))?;
        fail::point(points::MANAGE_BEGUN)?;
        if whole > bytes {
            // A volume has whole GiB; what is added reads as zeroes.
            making::grow(&directory, &from, whole, self.options().preallocate)?;
        }
        directory.rename(from.as_str(), &to)?;
        let result = fail::point(points::MANAGE_RENAMED).and_then(|()| directory.sync());
        if let Err(error) = result {
            // A volume that could not be managed is deleted by its owner; the file must not be.
            directory.rename(to.as_str(), &from)?;
            return Err(error);
        }
        Ok(VolumeUpdate::default())
    }

    /// The file stays as it is, under the name that it has.
    fn unmanage(&self, volume: &VolumeView, _context: &OpContext) -> Result<(), DriverError> {
        let name = Name::new(&volume.name)?;
        self.directory()?.get(&name).map(|_| ())
    }

    fn manageable_volumes(
        &self,
        known: &[VolumeView],
        page: &Page,
        _context: &OpContext,
    ) -> Result<Vec<Manageable>, DriverError> {
        let mut all = Vec::new();
        for (name, stat) in self.directory()?.list()? {
            if name.starts_with(ASIDE) || foreign(&stat).is_some() || Name::new(&name).is_err() {
                continue;
            }
            let volume = known.iter().find(|volume| volume.name == name);
            let bytes = stat.st_size.unsigned_abs();
            let reason = match volume {
                Some(_) => Some("already managed"),
                None if bytes == 0 => Some("the file is empty"),
                None => None,
            };
            all.push(Manageable {
                reference: reference(&name),
                size_gib: bytes.div_ceil(GIB),
                reason_not_safe: reason.map(ToOwned::to_owned),
                cinder_id: volume.map(|volume| volume.id.to_string()),
                extra_info: None,
                source_reference: None,
            });
        }
        page_of(all, page)
    }
}

impl Inventory for LocalDriver {
    fn stored(&self, _context: &OpContext) -> Result<Vec<Stored>, DriverError> {
        let all = self.directory()?.list()?.into_iter();
        let one = |(name, stat): (String, rustix::fs::Stat)| {
            let kind = match name.starts_with(ASIDE) {
                true => StoredKind::Temporary,
                false => StoredKind::Data,
            };
            Stored { name, kind, bytes: stat.st_size.unsigned_abs() }
        };
        Ok(all.map(one).collect())
    }
}
