//! Certificates for one run, made by `openssl`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::find;
use crate::cargo;

/// A directory with two authorities, `ca` and `other-ca`, and what the first one has signed: `here`
/// for this machine and `elsewhere` for another host. Each has a `.pem` and a `.key`.
pub(crate) struct Certificates {
    directory: PathBuf,
}

/// Why there can be none, if so.
pub(crate) fn missing() -> Option<String> {
    let search = std::env::var_os("PATH").unwrap_or_default();
    let found = find("openssl", std::env::split_paths(&search));
    found.is_none().then(|| "openssl is missing".to_owned())
}

impl Certificates {
    /// Makes them, for a few days.
    ///
    /// # Errors
    ///
    /// With what openssl said.
    pub(crate) fn make(directory: &Path) -> Result<Self> {
        fs::create_dir(directory)?;
        let made = Self { directory: directory.to_owned() };
        for authority in ["ca", "other-ca"] {
            made.openssl(
                &["req", "-x509", "-days", "3", "-out", &format!("{authority}.pem")],
                authority,
            )?;
        }
        let here = "IP:127.0.0.1,DNS:localhost";
        for (name, host) in [("here", here), ("elsewhere", "DNS:db.example.org")] {
            made.openssl(&["req", "-out", "request"], name)?;
            fs::write(directory.join("names"), format!("subjectAltName={host}\n"))?;
            let mut sign = made.command(&["x509", "-req", "-days", "3", "-in", "request"]);
            sign.args([
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-extfile",
                "names",
            ]);
            run(sign.arg("-out").arg(format!("{name}.pem")))?;
        }
        // As OpenSSL looks for an authority in a directory.
        fs::create_dir(directory.join("hashed"))?;
        let hash = run(&mut made.command(&["x509", "-hash", "-noout", "-in", "ca.pem"]))?;
        fs::copy(made.path("ca.pem"), directory.join(format!("hashed/{}.0", hash.trim())))?;
        // The same key behind a passphrase.
        let mut lock = made.command(&["rsa", "-aes256", "-passout", "pass:K3y;phrase"]);
        run(lock.args(["-in", "here.key", "-out", "locked.key"]))?;
        Ok(made)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("openssl");
        command.args(words).current_dir(&self.directory);
        command
    }

    /// Makes a key for `name`, and what `words` say.
    fn openssl(&self, words: &[&str], name: &str) -> Result<()> {
        let mut command = self.command(words);
        command.args(["-newkey", "rsa:2048", "-nodes", "-subj"]).arg(format!("/CN={name}"));
        run(command.arg("-keyout").arg(format!("{name}.key"))).map(drop)
    }
}

/// Runs it to its end and returns its output.
fn run(command: &mut Command) -> Result<String> {
    let shown = cargo::shown(command);
    let output = command.output().with_context(|| format!("cannot run {shown}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{shown}: {}: {}", output.status, complaint.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
