//! The exceptions of a service, as a table that it keeps: what a caller rebuilds from a failure.
//!
//! One line per class, sorted: its name, its code, and the parameters of its text.
//!
//! ```text
//! VolumeNotFound 404 volume_id
//! ```
//!
//! Must not: know the classes of any service, or keep the table unfolded; a failure is rare.

use serde_json::{Map, Value};

use crate::failure::Failure;

/// An error that a caller knows as an exception.
pub trait Exception: std::error::Error {
    /// Name of its class, which stands in the table.
    fn class(&self) -> &'static str;

    /// What its text is made of, by name.
    fn parameters(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
}

/// The classes of one module.
#[derive(Debug, Clone, Copy)]
pub struct Classes {
    module: &'static str,
    table: &'static str,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Class<'a> {
    code: u16,
    parameters: &'a str,
}

impl Classes {
    /// Of a module, such as `cinder.exception`, and the text of its table.
    #[must_use]
    pub const fn new(module: &'static str, table: &'static str) -> Self {
        Self { module, table }
    }

    /// Names of all classes.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.table.lines().filter_map(|line| line.split_whitespace().next())
    }

    /// What a caller is told about an error.
    #[must_use]
    pub fn failure(&self, error: &dyn Exception) -> Failure {
        self.failure_of(error.class(), error.to_string(), error.parameters())
    }

    /// The module that they are of.
    #[must_use]
    pub const fn module(&self) -> &'static str {
        self.module
    }

    /// What a caller is told: this class with this text. Parameters that the class has none for are
    /// left out. A class that does not stand in the table cannot be rebuilt by anybody, so it becomes
    /// a `RuntimeError` that names it.
    #[must_use]
    pub fn failure_of(
        &self,
        class: &str,
        message: impl Into<String>,
        parameters: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Failure {
        let message = message.into();
        let Some(known) = self.get(class) else {
            return Failure::runtime_error(format!("{class}: {message}"));
        };
        let takes = |name: &str| known.parameters.split_whitespace().any(|one| one == name);
        let given = parameters.into_iter().filter(|(name, _)| takes(name));
        let mut kwargs: Map<_, _> = given.map(|(name, value)| (name.to_owned(), value)).collect();
        kwargs.insert("code".to_owned(), known.code.into());
        Failure::new(self.module, class, message).with(kwargs)
    }

    fn get(&self, class: &str) -> Option<Class<'static>> {
        let mut rest = self.table.lines().filter_map(|line| line.strip_prefix(class));
        rest.find_map(|rest| {
            let rest = rest.strip_prefix(' ')?;
            let (code, parameters) = rest.split_once(' ').unwrap_or((rest, ""));
            Some(Class { code: code.parse().ok()?, parameters })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: Classes =
        Classes::new("cinder.exception", include_str!("../tests/data/cinder-exceptions.txt"));

    #[derive(Debug, thiserror::Error)]
    #[error("volume {0} is gone")]
    struct Gone(&'static str);

    impl Exception for Gone {
        fn class(&self) -> &'static str {
            "VolumeNotFound"
        }
        fn parameters(&self) -> Vec<(&'static str, Value)> {
            vec![("volume_id", self.0.into()), ("message", "twice".into()), ("more", 1.into())]
        }
    }

    #[test]
    fn an_error_becomes_its_exception_with_code_and_parameters() {
        let failure = CLASSES.failure(&Gone("v1"));
        assert_eq!(failure.module, "cinder.exception");
        assert_eq!(
            (failure.class.as_str(), failure.message.as_str()),
            ("VolumeNotFound", "volume v1 is gone")
        );
        assert_eq!(
            Value::Object(failure.kwargs),
            serde_json::json!({"volume_id": "v1", "code": 404})
        );
        assert_eq!(failure.args, ["volume v1 is gone"]);
    }

    #[test]
    fn a_class_that_nobody_knows_is_named_in_one_that_everybody_does() {
        for class in ["VolumeNotFoun", "VolumeNotFound ", "", "NoSuchThing"] {
            let failure = CLASSES.failure_of(class, "x", []);
            assert_eq!(
                (failure.class.as_str(), failure.message),
                ("RuntimeError", format!("{class}: x"))
            );
        }
    }

    #[test]
    fn the_table_is_sorted_and_every_line_is_read() {
        let names: Vec<_> = CLASSES.names().collect();
        assert_eq!(names.len(), 216);
        assert!(names.is_sorted());
        for name in names {
            let class = CLASSES.get(name).unwrap_or_else(|| panic!("{name}"));
            assert!((400..600).contains(&class.code), "{name}: {}", class.code);
            assert!(
                !class.parameters.split(' ').any(|one| one == "message" || one == "code"),
                "{name}"
            );
        }
    }
}
