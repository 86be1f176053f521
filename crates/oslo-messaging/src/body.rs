//! What came with a body: how it says that it is written.
//!
//! Must not: unpack or evaluate anything. One language is read, JSON as it is; a body that calls
//! itself something else is refused by its name, whatever it holds: pickles run programs, YAML and
//! bombs fill memories.

use crate::envelope::{LARGEST_BODY, Request};
use crate::error::BodyError;

/// A body with its properties; absent ones are those of every sender.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    pub(crate) content_type: Option<String>,
    pub(crate) content_encoding: Option<String>,
    /// The header `compression`.
    pub(crate) compression: Option<String>,
}

/// What the original writes, and what a message published by hand has.
const TYPES: [&str; 2] = ["application/json", "application/data"];
const ENCODINGS: [&str; 3] = ["utf-8", "utf8", "us-ascii"];

impl Body {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// The request in it.
    ///
    /// # Errors
    ///
    /// [`BodyError`].
    pub(crate) fn decode(self) -> Result<Request, BodyError> {
        let length = self.bytes.len();
        if length > LARGEST_BODY {
            return Err(BodyError::TooLarge { length, most: LARGEST_BODY });
        }
        for (name, value, known) in [
            ("content type", &self.content_type, TYPES.as_slice()),
            ("content encoding", &self.content_encoding, ENCODINGS.as_slice()),
            ("compression", &self.compression, &["none", "identity"]),
        ] {
            let Some(value) = value.as_deref().filter(|value| !value.is_empty()) else { continue };
            if !known.contains(&value.trim().to_ascii_lowercase().as_str()) {
                let value = value.chars().take(40).flat_map(char::escape_debug).collect();
                return Err(BodyError::Foreign { name, value });
            }
        }
        Request::decode_owned(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(property: &str, value: &str, bytes: &[u8]) -> Result<Request, BodyError> {
        let mut body = Body::new(bytes.to_vec());
        *match property {
            "type" => &mut body.content_type,
            "encoding" => &mut body.content_encoding,
            _ => &mut body.compression,
        } = Some(value.to_owned());
        body.decode()
    }

    #[test]
    fn json_is_read_and_nothing_else_whatever_it_is_called() {
        let good = br#"{"method": "m"}"#;
        for (property, value, read) in [
            ("type", "application/json", true),
            ("type", "Application/JSON", true),
            ("type", "", true),
            ("type", "text/plain", false),
            ("type", "application/x-yaml", false),
            ("type", "application/x-python-serialize", false),
            ("type", "application/x-msgpack", false),
            ("encoding", "utf-8", true),
            ("encoding", "utf-16", false),
            ("encoding", "binary", false),
            ("compression", "", true),
            ("compression", "gzip", false),
            ("compression", "application/x-bz2", false),
            ("compression", "\n\u{1b}", false),
        ] {
            let body = decoded(property, value, good);
            assert_eq!(body.is_ok(), read, "{property} {value}: {body:?}");
            let Err(error) = body else { continue };
            let text = error.to_string();
            assert!(!text.contains(char::is_control), "{text}");
        }
    }

    #[test]
    fn a_body_that_lies_about_itself_is_refused() {
        // The beginnings of gzip, of a pickle and of msgpack.
        for bytes in [&b"\x1f\x8b\x08\0"[..], b"\x80\x04\x95", b"\x81\xa6method\xa1m", b"method: m"]
        {
            assert!(decoded("type", "application/json", bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_bomb_is_never_unpacked() {
        // 256 MiB of zeros would come out of it; nothing here can unpack, so nothing does.
        let bomb = vec![0x1f; 256 * 1024];
        assert!(matches!(decoded("compression", "gzip", &bomb), Err(BodyError::Foreign { .. })));
    }
}
