//! Keys of the resources that a volume service works with, one type per kind.
//!
//! Must not: check what is inside. They are version 4 uuids in most clouds, but the schema takes
//! any text, and whatever stands in a row has to be found again.

use std::fmt;

macro_rules! ids {
    ($($(#[doc = $text:literal])+ $name:ident;)+) => {$(
        $(#[doc = $text])+
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Wraps a key that was read or made elsewhere.
            #[must_use]
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The key as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

ids! {
    /// A volume.
    VolumeId;
    /// A snapshot of one volume.
    SnapshotId;
    /// An attachment of a volume to an instance or a host.
    AttachmentId;
    /// A generic volume group.
    GroupId;
    /// A snapshot of a generic group.
    GroupSnapshotId;
    /// A consistency group, which generic groups have replaced.
    ConsistencyGroupId;
    /// A snapshot of a consistency group.
    CgsnapshotId;
    /// A volume type.
    VolumeTypeId;
    /// A group type.
    GroupTypeId;
    /// A set of QoS specs.
    QosSpecsId;
    /// A backup.
    BackupId;
    /// An image of the image service.
    ImageId;
    /// A key of the key manager.
    KeyId;
    /// A project of the identity service.
    ProjectId;
    /// A user of the identity service.
    UserId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_a_key_and_comes_back_as_it_was() {
        for text in ["6f5e5ce4-5a2c-4d8e-9d3e-1d6b7a7ad0a1", "UPPER case", ""] {
            let id = VolumeId::new(text);
            assert_eq!((id.as_str(), id.to_string().as_str()), (text, text));
        }
    }
}
