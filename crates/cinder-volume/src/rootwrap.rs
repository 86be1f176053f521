//! The prefix of privileged commands, made once at start-up; nothing is started with it yet.
//!
//! The helper itself is started by the first driver that needs it, in its own worker.

use anyhow::{Context, bail};

/// How privileged commands are run: `sudo cinder-rootwrap CONFIG` (`spec/startup.md` §1.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrivilegedHelper {
    /// Program and arguments in front of every privileged command.
    pub prefix: Vec<String>,
}

impl PrivilegedHelper {
    /// Splits the prefix as a shell would.
    ///
    /// # Errors
    ///
    /// When `rootwrap_config` has an open quote, or is empty: every privileged command would
    /// fail later, in the middle of an operation.
    pub(crate) fn new(rootwrap_config: &str) -> anyhow::Result<Self> {
        let prefix = shlex::split(&format!("sudo cinder-rootwrap {rootwrap_config}"))
            .with_context(|| {
                format!("rootwrap_config = {rootwrap_config}: a quote is not closed")
            })?;
        if prefix.len() < 3 {
            bail!("rootwrap_config is empty: cinder-rootwrap needs its configuration file");
        }
        Ok(Self { prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_split_as_a_shell_would() {
        let helper = PrivilegedHelper::new("'/etc/my cinder/rootwrap.conf'").unwrap();
        assert_eq!(helper.prefix, ["sudo", "cinder-rootwrap", "/etc/my cinder/rootwrap.conf"]);
    }

    #[test]
    fn an_open_quote_or_an_empty_value_is_refused() {
        for bad in ["'/etc/cinder", "", "  "] {
            assert!(PrivilegedHelper::new(bad).is_err(), "{bad:?}");
        }
    }
}
