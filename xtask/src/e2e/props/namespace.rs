//! Namespaces (namespaces(7)): as root, or as the root of a user namespace of one's own.

use std::process::Command;

use anyhow::Result;

use super::scene::Scene;
use super::skip::Skip;
use crate::wait::secs;

/// Namespaces that this machine grants us.
pub(crate) struct Namespaces {
    arguments: Vec<String>,
    /// Only in a user namespace.
    mapped: bool,
}

impl Namespaces {
    /// Asks for namespaces with these options of unshare(1).
    ///
    /// # Errors
    ///
    /// [`Skip`] when neither root nor anybody else may have them here.
    pub(crate) fn ask(scene: &Scene, kinds: &[&str]) -> Result<Self> {
        let way = |mapped: bool| {
            let user = mapped.then_some("--map-root-user");
            let arguments = user.iter().chain(kinds).map(|&word| word.to_owned()).collect();
            Self { arguments, mapped }
        };
        let granted = |way: &Self| {
            let tried = scene.finish(way.command(scene).arg("true"), secs(10));
            tried.is_ok_and(|outcome| outcome.code == Some(0))
        };
        [way(false), way(true)]
            .into_iter()
            .find(granted)
            .ok_or_else(|| Skip(format!("unshare {} is not allowed here", kinds.join(" "))).into())
    }

    /// The beginning of a command line whose rest runs inside.
    pub(crate) fn command(&self, scene: &Scene) -> Command {
        let mut command = scene.command("unshare");
        command.args(&self.arguments);
        command
    }

    /// The same for the process namespace in which `pid` lives.
    pub(crate) fn beside(&self, scene: &Scene, pid: i32) -> Command {
        let mut command = scene.command("nsenter");
        command.args(["--target", &pid.to_string(), "--pid", "--mount"]);
        if self.mapped {
            command.args(["--user", "--preserve-credentials"]);
        }
        command
    }
}
