//! Which fields of an object have been set since it was loaded. Must not: know their names.

/// A set of fields by their number in the object's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Changes(u64);

impl Changes {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// Those whose flag is up.
    pub(crate) fn of(flags: &[bool]) -> Self {
        let mut changes = Self::NONE;
        flags
            .iter()
            .enumerate()
            .filter(|(_, flag)| **flag)
            .for_each(|(field, _)| changes.add(field));
        changes
    }

    /// Adds one; no object has more than 64.
    pub fn add(&mut self, field: usize) {
        self.0 |= 1_u64.checked_shl(field as u32).unwrap_or(0);
    }

    /// Whether one is among them.
    #[must_use]
    pub fn has(self, field: usize) -> bool {
        self.0 & 1_u64.checked_shl(field as u32).unwrap_or(0) != 0
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}
