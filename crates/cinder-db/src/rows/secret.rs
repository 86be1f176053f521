//! Text that must not get into a log by way of a `{:?}`: logins of targets, ways to connect.
//!
//! Must not: be shown. Whoever needs the text asks for it by name.

use std::fmt;

use diesel::{
    Queryable,
    deserialize::{self, FromSql},
    sql_types::Text,
};

use crate::{
    changes::Cell,
    dialect::{MultiBackend, MultiRawValue},
    statement::Value,
};

/// A text that shows as stars.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// Hides a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

impl FromSql<Text, MultiBackend> for SecretText {
    fn from_sql(value: MultiRawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<String, Text>().map(Self)
    }
}

impl Queryable<Text, MultiBackend> for SecretText {
    type Row = Self;

    fn build(row: Self) -> deserialize::Result<Self> {
        Ok(row)
    }
}

impl Cell<Text> for SecretText {
    fn value(&self) -> Option<Value> {
        Some(Value::Text(self.0.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_stars_however_deep_it_stands() {
        let secret = SecretText::new("CHAP user pass");
        assert_eq!(format!("{:?} {:#?}", secret, Some(&secret)), "**** Some(\n    ****,\n)");
        assert_eq!(secret.reveal(), "CHAP user pass");
    }
}
