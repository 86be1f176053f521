//! Back ends of the local driver: a directory, a small file system in memory, one that can share
//! blocks. The last two need root rights to mount them.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use cinder_driver::Driver;
use cinder_driver::conformance::{self, Backend, Bench, Relief, Trouble};
use cinder_driver_local::{LocalDriver, LocalOptions};
use tempfile::TempDir;

/// What the directory with the volumes is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each program of tests uses one of them")]
pub enum Kind {
    /// Whatever temporary files are on.
    Directory,
    /// A small file system in memory.
    Memory,
    /// A file system in a file that can share blocks between files.
    Shared,
}

/// The main function of a program of tests.
#[allow(dead_code, reason = "a program with the usual harness has none")]
pub fn run(kind: Kind) -> ExitCode {
    #[allow(clippy::disallowed_methods, reason = "the arguments of the program of tests")]
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if kind == Kind::Directory && rustix::process::geteuid().is_root() {
        // Thousands of syncs on a real disk: the other two programs try every point in memory.
        arguments.extend(["--skip".to_owned(), "at_any_point".to_owned()]);
    }
    conformance::main(arguments, std::io::stdout(), &kind)
}

fn new_driver(directory: &Path) -> Box<dyn Driver> {
    Box::new(LocalDriver::new(LocalOptions::new("local", directory)))
}

/// Where a file system in a file is, for its syncs not to be those of a disk.
pub const MEMORY: &str = "/dev/shm";

impl Kind {
    fn root(self) -> std::io::Result<TempDir> {
        let in_memory = self == Self::Shared && Path::new(MEMORY).is_dir();
        if in_memory { TempDir::new_in(MEMORY) } else { TempDir::new() }
    }
}

impl Bench for Kind {
    fn prepare(&self) -> Result<Box<dyn Backend>, String> {
        let root = self.root().map_err(|error| error.to_string())?;
        let mount = match self {
            Self::Directory => None,
            Self::Memory => {
                Some(Mount::new(root.path(), &["-t", "tmpfs", "-o", "size=96m", "none"])?)
            }
            Self::Shared => Some(xfs(root.path())?),
        };
        let place = mount.as_ref().map_or(root.path(), |mount| mount.0.as_path());
        let directory = place.join("volumes");
        Ok(Box::new(Local { directory, mount, root, kind: *self }))
    }

    fn reopen(&self, token: &OsStr) -> Box<dyn Driver> {
        new_driver(Path::new(token))
    }
}

/// A file system that is mounted until this is dropped.
pub struct Mount(pub PathBuf);

impl Mount {
    /// Mounts something below `root`.
    ///
    /// # Errors
    ///
    /// Why not, mostly because this is not root.
    pub fn new(root: &Path, what: &[&str]) -> Result<Self, String> {
        let at = root.join("mount");
        std::fs::create_dir(&at).map_err(|error| error.to_string())?;
        told(Command::new("mount").args(what).arg(&at))?;
        Ok(Self(at))
    }
}

/// Cuts the power of a file system made by [`xfs`]: what was not safe is gone, and every call fails.
///
/// # Errors
///
/// Why that cannot be done here.
#[allow(dead_code, reason = "one program of tests uses it")]
pub fn power_cut(mount: &Mount) -> Result<(), String> {
    told(Command::new("xfs_io").args(["-x", "-c", "shutdown"]).arg(&mount.0))
}

/// Gives the power back, when nobody has anything open any more.
///
/// # Errors
///
/// Why that cannot be done here.
#[allow(dead_code, reason = "one program of tests uses it")]
pub fn power_back(mount: &Mount) -> Result<(), String> {
    told(Command::new("umount").arg(&mount.0))?;
    let image = mount.0.with_file_name("image");
    told(Command::new("mount").args(["-t", "xfs", "-o", "loop"]).arg(image).arg(&mount.0))
}

impl Drop for Mount {
    fn drop(&mut self) {
        if let Err(error) = told(Command::new("umount").arg(&self.0)) {
            let _lazily = told(Command::new("umount").arg("-l").arg(&self.0));
            assert!(std::thread::panicking(), "{} stays mounted: {error}", self.0.display());
        }
    }
}

/// A file system in a file that can share blocks; the smallest that its maker makes.
///
/// # Errors
///
/// Why there can be none here.
pub fn xfs(root: &Path) -> Result<Mount, String> {
    let image = root.join("image");
    let file = File::create(&image).map_err(|error| error.to_string())?;
    file.set_len(300 << 20).map_err(|error| error.to_string())?;
    told(Command::new("mkfs.xfs").args(["-q", "-m", "reflink=1"]).arg(&image))?;
    Mount::new(root, &["-t", "xfs", "-o", "loop", &image.to_string_lossy()])
}

fn told(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

struct Local {
    directory: PathBuf,
    mount: Option<Mount>,
    root: TempDir,
    kind: Kind,
}

impl Backend for Local {
    fn token(&self) -> OsString {
        self.directory.clone().into()
    }

    fn driver(&self) -> Box<dyn Driver> {
        new_driver(&self.directory)
    }

    fn leftovers(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.directory).expect("it can be listed");
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.expect("it can be read").file_name().to_string_lossy().into_owned()
        };
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    }

    fn stranger(&self, name: &str) -> Result<(), String> {
        let secret = self.root.path().join("secret");
        std::fs::write(&secret, "not for you").map_err(|error| error.to_string())?;
        std::os::unix::fs::symlink(secret, self.directory.join(name))
            .map_err(|error| error.to_string())
    }

    fn remove_stranger(&self, name: &str) {
        let secret = std::fs::read(self.root.path().join("secret")).expect("it is there");
        assert_eq!(secret, b"not for you", "nothing was written through the link");
        std::fs::remove_file(self.directory.join(name)).expect("it is still a link");
    }

    fn suffer(&self, trouble: Trouble) -> Result<Box<dyn Relief>, String> {
        match (trouble, &self.mount) {
            (Trouble::Gone, _) => {
                let hidden = self.directory.with_extension("hidden");
                std::fs::rename(&self.directory, &hidden).map_err(|error| error.to_string())?;
                Ok(Box::new(Gone { directory: self.directory.clone(), hidden }))
            }
            (Trouble::Full, Some(mount)) => Ok(Box::new(Full::new(mount))),
            (Trouble::Silent, Some(mount)) if self.kind == Kind::Shared => {
                told(Command::new("fsfreeze").arg("-f").arg(&mount.0))?;
                Ok(Box::new(Frozen(mount.0.clone())))
            }
            (trouble, _) => Err(format!("{:?} cannot be made {trouble}", self.kind)),
        }
    }
}

struct Gone {
    directory: PathBuf,
    hidden: PathBuf,
}

impl Relief for Gone {}

impl Drop for Gone {
    fn drop(&mut self) {
        assert!(!self.directory.exists(), "nobody has made another directory in its place");
        std::fs::rename(&self.hidden, &self.directory).expect("it comes back");
    }
}

/// A file that takes all the room.
struct Full(PathBuf);

impl Relief for Full {}

impl Full {
    fn new(mount: &Mount) -> Self {
        let path = mount.0.join("filler");
        let mut file = File::create(&path).expect("there is room for a name");
        // To the last byte: first large pieces, then small ones.
        for piece in [1 << 20, 4096, 512] {
            let piece = vec![1; piece];
            while file.write_all(&piece).and_then(|()| file.sync_data()).is_ok() {}
        }
        Self(path)
    }
}

impl Drop for Full {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).expect("there is room again");
    }
}

struct Frozen(PathBuf);

impl Relief for Frozen {}

impl Drop for Frozen {
    fn drop(&mut self) {
        told(Command::new("fsfreeze").arg("-u").arg(&self.0)).expect("it answers again");
    }
}
