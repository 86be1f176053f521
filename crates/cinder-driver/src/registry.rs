//! Which driver a name means: ours, and the class paths that configurations have used for years.
//!
//! The names are configuration, so all of the original's are understood: one that has moved means
//! its new place, and one for which there is no driver in this program says so, with the reason.
//! Must not: make a driver, or know one; whoever registers it says how it is made.

use crate::originals::{self, Original};

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

/// What all of the original's class paths begin with.
const PACKAGE: &str = "cinder.";
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
    /// A class that the original has no more.
    #[error("Cinder {RELEASE} has no driver {class}{}{}", removed(release.as_deref()), called_now(now.as_deref()))]
    Removed {
        /// The class path.
        class: String,
        /// The first release without it, if that is known.
        release: Option<String>,
        /// What it is called now.
        now: Option<String>,
    },
    /// A class below the original's packages that it has never had.
    #[error("Cinder {RELEASE} has no driver {class}{}", nearest.as_ref().map(|one| format!("; did you mean {one}?")).unwrap_or_default())]
    NeverWas {
        /// The class path.
        class: String,
        /// One that there is and that is spelled nearly so.
        nearest: Option<String>,
    },
    /// A class of somebody else's package.
    #[error(
        "{class} is a driver of another package, and this program has no driver for it (it has {known})"
    )]
    Foreign {
        /// The class path.
        class: String,
        /// What there is.
        known: String,
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

/// The release whose drivers are known.
const RELEASE: &str = "29.0.0";

fn removed(release: Option<&str>) -> String {
    match release {
        Some(release) => format!(" (removed in {release})"),
        None => " (removed long ago)".to_owned(),
    }
}

fn called_now(now: Option<&str>) -> String {
    now.map(|now| format!("; it is called {now} now")).unwrap_or_default()
}

impl NoDriver {
    /// Whether the name is a mistake, which no installation of the original could run either; else it is only
    /// this program that lacks the driver.
    #[must_use]
    pub fn is_mistake(&self) -> bool {
        match self {
            Self::NotHere { .. } | Self::ForTests { .. } | Self::Foreign { .. } => false,
            Self::Empty | Self::Removed { .. } | Self::NeverWas { .. } | Self::Unknown { .. } => {
                true
            }
        }
    }
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
        let owned = class.to_owned();
        Err(if class.is_empty() {
            NoDriver::Empty
        } else if class.starts_with(TESTS) {
            NoDriver::ForTests { class: owned }
        } else if class.starts_with(PACKAGE) {
            let text = |text: &str| text.to_owned();
            match originals::of(class) {
                Original::Has => NoDriver::NotHere { class: owned, known: known() },
                Original::Had { release, now } => NoDriver::Removed {
                    class: owned,
                    release: release.map(text),
                    now: now.map(text),
                },
                Original::Never => NoDriver::NeverWas {
                    class: owned,
                    nearest: originals::nearest(class).map(text),
                },
            }
        } else if class.contains('.') {
            NoDriver::Foreign { class: owned, known: known() }
        } else {
            NoDriver::Unknown { name: owned, known: known() }
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
            (
                "acme.cinder.AcmeDriver",
                "acme.cinder.AcmeDriver is a driver of another package, and this program has no driver for it \
                 (it has local, powerflex)",
            ),
            (
                "cinder.volume.drivers.glusterfs.GlusterfsDriver",
                "Cinder 29.0.0 has no driver cinder.volume.drivers.glusterfs.GlusterfsDriver (removed in 10.0.0)",
            ),
            (
                "cinder.volume.drivers.solidfire.SolidFire",
                "Cinder 29.0.0 has no driver cinder.volume.drivers.solidfire.SolidFire (removed long ago); it is \
                 called cinder.volume.drivers.solidfire.SolidFireDriver now",
            ),
            (
                "cinder.volume.drivers.rbd.RDBDriver",
                "Cinder 29.0.0 has no driver cinder.volume.drivers.rbd.RDBDriver; did you mean \
                 cinder.volume.drivers.rbd.RBDDriver?",
            ),
            (
                "cinder.volume.drivers.ceph.RBDDriver",
                "Cinder 29.0.0 has no driver cinder.volume.drivers.ceph.RBDDriver; did you mean \
                 cinder.volume.drivers.rbd.RBDDriver?",
            ),
            ("cinder.some.thing.Else", "Cinder 29.0.0 has no driver cinder.some.thing.Else"),
        ] {
            let error = registry().find(name).expect_err(name);
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn what_the_original_could_run_is_no_mistake() {
        for (name, is_mistake) in [
            ("cinder.volume.drivers.netapp.common.NetAppDriver", false),
            ("acme.AcmeDriver", false),
            ("cinder.tests.fake_driver.FakeGateDriver", false),
            ("cinder.volume.drivers.scality.ScalityDriver", true),
            ("cinder.volume.drivers.netapp.common.NetApp", true),
            ("rbd", true),
            ("", true),
        ] {
            assert_eq!(
                registry().find(name).map(drop).map_err(|why| why.is_mistake()),
                Err(is_mistake),
                "{name}"
            );
        }
    }

    #[test]
    fn every_name_that_has_moved_means_a_driver_of_the_original() {
        for (old, new) in RENAMES {
            assert_eq!(originals::of(new), Original::Has, "{old}");
        }
    }
}
