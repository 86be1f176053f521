//! The three-level name `host@backend#pool` and how it is taken apart.
//!
//! Must not: validate. Operators use characters in host names that no standard allows, and
//! the other services compare the names byte by byte.

/// How much of `host@backend#pool` a name spells out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostLevel {
    /// `host`: every back end and pool of one node.
    Host,
    /// `host@backend`: every pool of one back end.
    Backend,
    /// `host@backend#pool` (or `host#pool`): exactly one pool.
    Pool,
}

/// The parts of a `host@backend#pool` name, borrowed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostParts<'a> {
    /// What stands before the first `@` (and before the pool).
    pub host: &'a str,
    /// What stands between the first `@` and the first `#`, if there is an `@`.
    pub backend: Option<&'a str>,
    /// What stands after the first `#`, if there is one.
    pub pool: Option<&'a str>,
}

impl<'a> HostParts<'a> {
    /// Takes a name apart; never fails, because any text is a valid host name.
    ///
    /// The pool is cut off first, so an `@` in a pool's name does not make a back end.
    #[must_use]
    pub fn parse(name: &'a str) -> Self {
        let (service, pool) = match name.split_once('#') {
            Some((service, pool)) => (service, Some(pool)),
            None => (name, None),
        };
        match service.split_once('@') {
            Some((host, backend)) => Self { host, backend: Some(backend), pool },
            None => Self { host: service, backend: None, pool },
        }
    }

    /// The most precise level that the name spells out (`spec/schema.md §2` rule 7).
    #[must_use]
    pub fn level(&self) -> HostLevel {
        match (self.backend, self.pool) {
            (_, Some(_)) => HostLevel::Pool,
            (Some(_), None) => HostLevel::Backend,
            (None, None) => HostLevel::Host,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_at_the_first_hash_and_then_at_the_first_at() {
        for (name, host, backend, pool, level) in [
            ("node", "node", None, None, HostLevel::Host),
            ("node@lvm", "node", Some("lvm"), None, HostLevel::Backend),
            ("node@lvm#p", "node", Some("lvm"), Some("p"), HostLevel::Pool),
            ("node#p", "node", None, Some("p"), HostLevel::Pool),
            ("my host@x@b1", "my host", Some("x@b1"), None, HostLevel::Backend),
            ("node@lvm#a#b", "node", Some("lvm"), Some("a#b"), HostLevel::Pool),
            ("node#p@q", "node", None, Some("p@q"), HostLevel::Pool),
            ("node@lvm#", "node", Some("lvm"), Some(""), HostLevel::Pool),
            ("", "", None, None, HostLevel::Host),
        ] {
            let parts = HostParts::parse(name);
            assert_eq!(parts, HostParts { host, backend, pool }, "{name:?}");
            assert_eq!(parts.level(), level, "{name:?}");
        }
    }
}
