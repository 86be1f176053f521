//! Which driver a name means: ours, and the class paths that configurations have used for years.
//!
//! The names are configuration, so all of the original's are understood: one that has moved means
//! its new place, and one for which there is no driver in this program says so, with the reason.
//! Must not: make a driver, or know one; whoever registers it says how it is made.

/// Class paths that have moved, and where to (`spec/driver-api.md §1`).
const RENAMES: &[(&str, &str)] = &[
    (
        "cinder.volume.drivers.dell_emc.vmax.iscsi.VMAXISCSIDriver",
        "cinder.volume.drivers.dell_emc.powermax.iscsi.PowerMaxISCSIDriver",
    ),
    (
        "cinder.volume.drivers.dell_emc.vmax.fc.VMAXFCDriver",
        "cinder.volume.drivers.dell_emc.powermax.fc.PowerMaxFCDriver",
    ),
    (
        "cinder.volume.drivers.dell_emc.vxflexos.driver.VxFlexOSDriver",
        "cinder.volume.drivers.dell_emc.powerflex.driver.PowerFlexDriver",
    ),
    (
        "cinder.volume.drivers.fujitsu.eternus_dx_fc.FJDXFCDriver",
        "cinder.volume.drivers.fujitsu.eternus_dx.eternus_dx_fc.FJDXFCDriver",
    ),
    (
        "cinder.volume.drivers.fujitsu.eternus_dx_iscsi.FJDXISCSIDriver",
        "cinder.volume.drivers.fujitsu.eternus_dx.eternus_dx_iscsi.FJDXISCSIDriver",
    ),
    (
        "cinder.volume.drivers.zadara.ZadaraVPSAISCSIDriver",
        "cinder.volume.drivers.zadara.zadara.ZadaraVPSAISCSIDriver",
    ),
    (
        "cinder.volume.drivers.nimble.NimbleISCSIDriver",
        "cinder.volume.drivers.hpe.nimble.NimbleISCSIDriver",
    ),
    (
        "cinder.volume.drivers.nimble.NimbleFCDriver",
        "cinder.volume.drivers.hpe.nimble.NimbleFCDriver",
    ),
];

/// Where the original keeps its drivers.
const PACKAGE: &str = "cinder.volume.drivers.";
/// Where it keeps those that are for its own tests.
const TESTS: &str = "cinder.tests.";

/// The names of a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// Our short one.
    pub ours: &'static str,
    /// Class paths that mean it.
    pub classes: &'static [&'static str],
}

/// The drivers of a program, each with how it is made.
#[derive(Debug, Clone)]
pub struct Registry<M>(Vec<(Names, M)>);

/// A driver that was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Found<'a, M> {
    /// Our name of it.
    pub name: &'static str,
    /// How it is made.
    pub maker: &'a M,
}

/// Why a name means no driver of this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoDriver {
    /// Nothing was said.
    #[error("volume_driver is empty")]
    Empty,
    /// A driver of the original that this program does not have.
    #[error("this program has no driver {class} (it has {known})")]
    NotHere {
        /// The class path, the new one if it has moved.
        class: String,
        /// What there is.
        known: String,
    },
    /// A driver for the original's own tests.
    #[error("{class} is a driver for the original's tests")]
    ForTests {
        /// The class path.
        class: String,
    },
    /// A name that means nothing.
    #[error("there is no driver {name:?} (there are {known})")]
    Unknown {
        /// As it was given.
        name: String,
        /// What there is.
        known: String,
    },
}

/// Where a class path has moved to, if it has.
#[must_use]
pub fn renamed(class: &str) -> Option<&'static str> {
    RENAMES.iter().find(|(old, _)| *old == class).map(|(_, new)| *new)
}

impl<M> Default for Registry<M> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<M> Registry<M> {
    /// The same with one driver more.
    #[must_use]
    pub fn with(mut self, names: Names, maker: M) -> Self {
        self.0.push((names, maker));
        self
    }

    /// The driver that a name means. Whoever asks warns about a name that has [moved](renamed).
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn find(&self, name: &str) -> Result<Found<'_, M>, NoDriver> {
        let name = name.trim();
        let class = renamed(name).unwrap_or(name);
        let means = |names: &Names| names.ours == class || names.classes.contains(&class);
        if let Some((names, maker)) = self.0.iter().find(|(names, _)| means(names)) {
            return Ok(Found { name: names.ours, maker });
        }
        let known = || self.0.iter().map(|(names, _)| names.ours).collect::<Vec<_>>().join(", ");
        let class = class.to_owned();
        Err(if class.is_empty() {
            NoDriver::Empty
        } else if class.starts_with(PACKAGE) {
            NoDriver::NotHere { class, known: known() }
        } else if class.starts_with(TESTS) {
            NoDriver::ForTests { class }
        } else {
            NoDriver::Unknown { name: class, known: known() }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry() -> Registry<u8> {
        let local =
            Names { ours: "local", classes: &["cinder.volume.drivers.local.LocalVolumeDriver"] };
        let flex = Names {
            ours: "powerflex",
            classes: &["cinder.volume.drivers.dell_emc.powerflex.driver.PowerFlexDriver"],
        };
        Registry::default().with(local, 1).with(flex, 2)
    }

    #[test]
    fn a_driver_is_found_by_our_name_its_class_and_the_class_it_once_had() {
        for (name, expected) in [
            ("local", 1),
            (" cinder.volume.drivers.local.LocalVolumeDriver ", 1),
            ("powerflex", 2),
            ("cinder.volume.drivers.dell_emc.vxflexos.driver.VxFlexOSDriver", 2),
        ] {
            assert_eq!(registry().find(name).map(|found| *found.maker), Ok(expected), "{name}");
        }
    }

    #[test]
    fn a_name_without_a_driver_says_why() {
        for (name, text) in [
            ("", "volume_driver is empty"),
            (
                "cinder.volume.drivers.lvm.LVMVolumeDriver",
                "this program has no driver cinder.volume.drivers.lvm.LVMVolumeDriver (it has local, \
                 powerflex)",
            ),
            (
                "cinder.volume.drivers.nimble.NimbleFCDriver",
                "this program has no driver cinder.volume.drivers.hpe.nimble.NimbleFCDriver (it has \
                 local, powerflex)",
            ),
            (
                "cinder.tests.fake_driver.FakeGateDriver",
                "cinder.tests.fake_driver.FakeGateDriver is a driver for the original's tests",
            ),
            ("Local", "there is no driver \"Local\" (there are local, powerflex)"),
        ] {
            let error = registry().find(name).expect_err(name);
            assert_eq!(error.to_string(), text);
        }
    }
}
