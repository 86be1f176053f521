//! A command line under measurement, and the directory it is started in.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::e2e::{Config, Scene};
use crate::servers::Database;
use crate::wait::secs;

/// A driver without storage, for the original, which loads Python drivers by name. Ours runs on its local driver, in an
/// empty directory.
const NULL_DRIVER: &str = r#""""A volume driver without storage: enough to start, beat and stop."""
from cinder.volume import driver


class NullDriver(driver.BaseVD):
    VERSION = "1.0"

    def do_setup(self, context):
        pass

    def check_for_setup_error(self):
        pass

    def get_volume_stats(self, refresh=False):
        return {"volume_backend_name": "null", "vendor_name": "none",
                "driver_version": "1.0", "storage_protocol": "none",
                "total_capacity_gb": 1, "free_capacity_gb": 1}


NullDriver.__abstractmethods__ = frozenset()  # none of them is called here
"#;

/// One program under measurement.
pub(super) struct Subject {
    pub(super) name: String,
    words: Vec<String>,
    /// Whether its driver is the one above.
    loads_python: bool,
}

impl Subject {
    pub(super) fn ours(binary: &Path) -> Self {
        let words = vec![binary.to_string_lossy().into_owned()];
        Self { name: "ours".to_owned(), words, loads_python: false }
    }

    pub(super) fn peer(line: &str) -> Result<Self> {
        let words = shlex::split(line).context("--peer is not a command line")?;
        ensure!(!words.is_empty(), "--peer is empty");
        Ok(Self { name: "peer".to_owned(), words, loads_python: true })
    }
}

/// A fresh directory with a database that holds the schema and nothing else.
pub(super) struct Setup {
    pub(super) scene: Scene,
    pub(super) file: PathBuf,
}

impl Setup {
    /// Both subjects get the schema from our `db init`, so that neither pays for making it.
    pub(super) fn new(
        binary: &Path,
        root: &Path,
        name: &str,
        size: usize,
        report_interval: u32,
    ) -> Result<Self> {
        let setup = Self::write(Scene::new(binary, root, name)?, size, report_interval)?;
        let made =
            setup.scene.run(&["--config-file", &setup.file.to_string_lossy(), "db", "init"])?;
        ensure!(made.code == Some(0), "db init: {}", made.all());
        Ok(setup)
    }

    /// The same on a server, whose database has its tables already.
    pub(super) fn on(
        binary: &Path,
        root: &Path,
        size: usize,
        report_interval: u32,
        database: Database,
    ) -> Result<Self> {
        let scene = Scene::new(binary, root, "start")?;
        scene.use_database(database);
        Self::write(scene, size, report_interval)
    }

    fn write(scene: Scene, size: usize, report_interval: u32) -> Result<Self> {
        let config = config(&scene, size, report_interval);
        let file = scene.write("cinder.conf", &config.text())?;
        scene.write(PYTHON, &with_python_drivers(config, size).text())?;
        scene.write("xtask_null_driver.py", NULL_DRIVER)?;
        for folder in ["state", "lock"] {
            std::fs::create_dir(scene.path(folder))?;
        }
        Ok(Self { scene, file })
    }

    pub(super) fn command(&self, subject: &Subject) -> Command {
        let mut words = subject.words.iter();
        let mut command = self.scene.command(words.next().map_or("", String::as_str));
        let python = self.scene.path(PYTHON);
        let file = if subject.loads_python { &python } else { &self.file };
        command.args(words).arg("--config-file").arg(file);
        command.env("PYTHONPATH", self.scene.path(""));
        command
    }
}

/// The same configuration but for the drivers.
const PYTHON: &str = "python.conf";

fn with_python_drivers(config: Config, size: usize) -> Config {
    names(size).iter().fold(config, |config, name| {
        config.set(name, "volume_driver", "xtask_null_driver.NullDriver")
    })
}

fn names(size: usize) -> Vec<String> {
    (1..=size).map(|n| format!("b{n:03}")).collect()
}

fn config(scene: &Scene, size: usize, report_interval: u32) -> Config {
    let names = names(size);
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let path = |name: &str| scene.path(name).to_string_lossy().into_owned();
    scene
        .config(&names)
        .set("DEFAULT", "report_interval", &report_interval.to_string())
        .set("DEFAULT", "service_down_time", &(report_interval * 6).to_string())
        // Messages stay inside each process: no broker takes part in these figures.
        .set("DEFAULT", "transport_url", "fake:/")
        .set("oslo_concurrency", "lock_path", &path("lock"))
        .set("coordination", "backend_url", &format!("file://{}", path("state")))
}

/// Everything may take this long before a figure is given up.
pub(super) fn limit(size: usize) -> std::time::Duration {
    secs(45 + size as u64)
}
