//! Messages to bytes and back: envelope 2.0, requests, replies.
//!
//! A body is an object with a version and, as text, the message proper (`spec/rpc.md` §3). What a
//! peer sends is not trusted: keys are counted, the arguments are looked at no further than to know
//! where they end, and nothing is unfolded into memory before somebody wants it. Must not: log,
//! answer, know what a method does.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::context::Context;
use crate::error::BodyError;
use crate::failure::Failure;
use crate::target::checked;

/// Bytes of a body: a result of 16 MiB, and what it takes to write text inside of text.
pub(crate) const LARGEST_BODY: usize = 20 * 1024 * 1024;
/// Keys that a message may have. Requests of the original have about 40.
const MOST_KEYS: usize = 1_024;
/// Bytes that all of its context may have. A catalogue of services has some tens of thousands.
const MOST_CONTEXT: usize = 1024 * 1024;
/// Prefix of the keys that make up the context.
const CONTEXT: &str = "_context_";
/// What the original writes for itself, and reads nothing newer than.
pub(crate) const VERSION: &str = "2.0";

/// Whom a call is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyTo {
    /// The caller's queue, a name that a frame can hold.
    pub queue: String,
    /// The caller's number for this call.
    pub id: String,
    /// Seconds without a sign of life after which the caller gives up, if it said so; at least 2.
    pub silence: Option<u64>,
}

/// What a peer wants done.
#[derive(Debug)]
pub struct Request {
    /// Name of the method; empty if there was none.
    pub method: String,
    /// Version that the sender speaks; `1.0` if it did not say.
    pub version: String,
    /// Whether it named a namespace, which no endpoint of ours answers to.
    pub has_namespace: bool,
    /// Arguments by name, an object unless the sender was out of its mind.
    pub args: Box<RawValue>,
    /// On whose behalf.
    pub context: Context,
    /// What duplicates are known by.
    pub unique_id: Option<String>,
    /// Whom to answer; nobody for a cast.
    pub reply_to: Option<ReplyTo>,
    /// What was odd about it and made no difference, for one WARNING.
    pub oddity: Option<&'static str>,
}

/// An answer, or a sign of life while there is none yet.
#[derive(Debug)]
pub struct Reply {
    /// The caller's number.
    pub id: String,
    /// What the method returned, or how it failed.
    pub result: Result<Box<RawValue>, Box<Failure>>,
    /// `false` for a sign of life.
    pub is_last: bool,
}

/// The parts of an envelope; a message may also come without one.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default, rename = "oslo.version", deserialize_with = "there")]
    version: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "oslo.message", deserialize_with = "there")]
    message: Option<&'a RawValue>,
}

/// A key whose value is null is there.
fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// What is inside of an envelope, or the body itself if it is the bare message.
///
/// A large body stays where it is: it is unescaped in its own place, which it only gets shorter by.
fn opened(mut body: Vec<u8>) -> Result<String, BodyError> {
    let Some(literal) = message_of(&body)? else {
        return String::from_utf8(body).map_err(|error| not_utf8(error.utf8_error()));
    };
    let length = unescape(body.get_mut(literal.clone()).unwrap_or_default())?;
    body.truncate(literal.start + length);
    body.drain(..literal.start);
    let inner = String::from_utf8(body).map_err(|error| not_utf8(error.utf8_error()))?;
    if !inner.trim_start().starts_with('{') {
        return Err(BodyError::NotAnObject { what: WITHIN });
    }
    Ok(inner)
}

/// For messages.
const WITHIN: &str = "the message in the envelope";

/// Where the text of the message stands in a body, without its quotes; nothing for a bare message.
fn message_of(body: &[u8]) -> Result<Option<Range<usize>>, BodyError> {
    let text = std::str::from_utf8(body).map_err(not_utf8)?;
    if !text.trim_start().starts_with('{') {
        return Err(BodyError::NotAnObject { what: "the body" });
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(BodyError::Json)?;
    let (Some(version), Some(message)) = (envelope.version, envelope.message) else {
        return Ok(None);
    };
    let version = text_of(version).unwrap_or_else(|| version.get().chars().take(40).collect());
    if !is_known(&version) {
        return Err(BodyError::Envelope { version: version.chars().take(40).collect() });
    }
    if !message.get().starts_with('"') {
        return Err(BodyError::NotAnObject { what: WITHIN });
    }
    let place = place_in(text, message.get());
    Ok(Some(place.start + 1..place.end.saturating_sub(1)))
}

fn not_utf8(error: std::str::Utf8Error) -> BodyError {
    BodyError::Json(serde_json::Error::custom(format!("not UTF-8: {error}")))
}

/// Where a piece of a text stands in it.
fn place_in(text: &str, piece: &str) -> Range<usize> {
    let start = piece.as_ptr() as usize - text.as_ptr() as usize;
    start..start + piece.len()
}

/// Unescapes the inside of a JSON string that has been read as one before; says how long it is now.
fn unescape(bytes: &mut [u8]) -> Result<usize, BodyError> {
    let (mut from, mut to) = (0, 0);
    // What comes out is never longer than what went in, so `to` stays behind `from`.
    while let Some(rest) = bytes.get(from..).filter(|rest| !rest.is_empty()) {
        let plain = rest.iter().position(|byte| *byte == b'\\').unwrap_or(rest.len());
        if plain > 0 {
            bytes.copy_within(from..from + plain, to);
            (from, to) = (from + plain, to + plain);
            continue;
        }
        let (c, length) = escaped(rest.get(1..).unwrap_or_default())?;
        if let Some(place) = bytes.get_mut(to..to + c.len_utf8()) {
            c.encode_utf8(place);
        }
        (from, to) = (from + 1 + length, to + c.len_utf8());
    }
    Ok(to)
}

/// The character behind a backslash, and how many bytes it is written in.
fn escaped(rest: &[u8]) -> Result<(char, usize), BodyError> {
    let wrong = || BodyError::Json(serde_json::Error::custom("a lone surrogate"));
    let simple = match rest.first() {
        Some(b'u') => None,
        Some(b'b') => Some('\u{8}'),
        Some(b'f') => Some('\u{c}'),
        Some(b'n') => Some('\n'),
        Some(b'r') => Some('\r'),
        Some(b't') => Some('\t'),
        Some(byte @ (b'"' | b'\\' | b'/')) => Some(char::from(*byte)),
        _ => return Err(wrong()),
    };
    if let Some(c) = simple {
        return Ok((c, 1));
    }
    let unit = |at: usize| {
        let digits = rest.get(at..at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
        digits.and_then(|digits| u32::from_str_radix(digits, 16).ok())
    };
    let first = unit(1).ok_or_else(wrong)?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first).map(|c| (c, 5)).ok_or_else(wrong);
    }
    let second = unit(7).filter(|_| rest.get(5..7) == Some(b"\\u")).ok_or_else(wrong)?;
    if !(0xdc00..0xe000).contains(&second) {
        return Err(wrong());
    }
    let c = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    char::from_u32(c).map(|c| (c, 11)).ok_or_else(wrong)
}

/// The same major version and no newer minor one.
fn is_known(version: &str) -> bool {
    let mut numbers = version.split('.').map(|one| one.parse::<u32>().ok());
    numbers.next() == Some(Some(2)) && matches!(numbers.next(), Some(Some(0)))
}

fn text_of(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// The keys of an object with their values unread; of two with one name the last counts, as in
/// Python.
struct Fields<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                /// A key, borrowed where it has no escapes.
                #[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
                struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
                let mut fields = BTreeMap::new();
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &RawValue>()? {
                    fields.insert(key, value);
                    if fields.len() > MOST_KEYS {
                        return Err(A::Error::custom(TOO_MANY));
                    }
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// The keys of an object whose values nobody has looked at yet.
pub(crate) fn keys(text: &str) -> Result<Vec<String>, BodyError> {
    // The reader's error would quote all of a large text.
    if !text.starts_with('{') {
        return Err(BodyError::NotAnObject { what: "what was given" });
    }
    Ok(Fields::of(text)?.0.into_keys().map(Cow::into_owned).collect())
}

/// Found again in the error that the reader makes of it.
const TOO_MANY: &str = "too many keys";

impl<'a> Fields<'a> {
    fn of(text: &'a str) -> Result<Self, BodyError> {
        serde_json::from_str(text).map_err(|error| {
            if error.to_string().starts_with(TOO_MANY) {
                return BodyError::TooManyKeys { most: MOST_KEYS };
            }
            BodyError::Json(error)
        })
    }

    /// The value of a key that is there and not null.
    fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.get(key).copied().filter(|value| value.get() != "null")
    }

    /// The value of a key if it is a text.
    fn text(&self, key: &str) -> Option<String> {
        self.get(key).and_then(text_of)
    }

    fn context(&self) -> Result<Context, BodyError> {
        let entries =
            || self.0.iter().filter_map(|(key, value)| Some((key.strip_prefix(CONTEXT)?, *value)));
        let length = entries().map(|(key, value)| key.len() + value.get().len()).sum();
        if length > MOST_CONTEXT {
            return Err(BodyError::ContextTooLarge { length, most: MOST_CONTEXT });
        }
        let mut values = Map::new();
        for (key, value) in entries() {
            let value = serde_json::from_str(value.get()).map_err(BodyError::Json)?;
            values.insert(key.to_owned(), value);
        }
        Ok(Context::new(values))
    }
}

impl Request {
    /// Reads the body of a message.
    ///
    /// # Errors
    ///
    /// [`BodyError`] for what is no message at all. A message that cannot be carried out, but that
    /// somebody waits for, is a request: the dispatcher answers it.
    pub fn decode(body: &[u8]) -> Result<Self, BodyError> {
        Self::decode_owned(body.to_vec())
    }

    /// The same for a body that is not needed any more.
    pub(crate) fn decode_owned(body: Vec<u8>) -> Result<Self, BodyError> {
        let text = opened(body)?;
        let fields = Fields::of(&text)?;
        let (reply_to, oddity) = reply_to(&fields);
        let nothing = || RawValue::from_string("{}".to_owned()).expect("an object is JSON");
        let mut request = Self {
            method: fields.text("method").unwrap_or_default(),
            version: match fields.get("version") {
                Some(version) => text_of(version).unwrap_or_else(|| version.get().to_owned()),
                None => "1.0".to_owned(),
            },
            has_namespace: fields.get("namespace").is_some(),
            args: nothing(),
            context: fields.context()?,
            unique_id: fields.text("_unique_id"),
            reply_to,
            oddity,
        };
        // Not `get`: an explicit null is no object, and the dispatcher says so. Copied, although the
        // body could be cut down to them: the allocator finds the place of a whole body again for the
        // next one, and that of one that was cut never (glibc 2.36; 16 MiB were lost each time).
        if let Some(args) = fields.0.get("args") {
            request.args = RawValue::to_owned(args);
        }
        Ok(request)
    }

    /// The body of a message.
    ///
    /// # Errors
    ///
    /// What the serialiser says; arguments that are JSON already never fail.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut fields = Parts::default();
        fields.value("method".into(), &self.method)?;
        fields.value("version".into(), &self.version)?;
        fields.raw("args", &self.args);
        for (key, value) in self.context.wire() {
            fields.value(format!("{CONTEXT}{key}"), &value)?;
        }
        fields.value("_unique_id".into(), &self.unique_id)?;
        if let Some(reply_to) = &self.reply_to {
            fields.value("_msg_id".into(), &reply_to.id)?;
            fields.value("_reply_q".into(), &reply_to.queue)?;
            fields.value("_timeout".into(), &reply_to.silence)?;
        }
        fields.enveloped()
    }
}

/// Whom to answer, and what was wrong with what the sender said about it.
fn reply_to(fields: &Fields<'_>) -> (Option<ReplyTo>, Option<&'static str>) {
    let id = match fields.get("_msg_id") {
        None => return (None, None),
        Some(id) => text_of(id).filter(|id| !id.is_empty()),
    };
    let queue = fields.text("_reply_q").filter(|queue| checked(queue).is_ok());
    let (Some(id), Some(queue)) = (id, queue) else {
        return (None, Some("a call that names no reply queue; nobody can be answered"));
    };
    let (silence, oddity) = match fields.get("_timeout") {
        None => (None, None),
        Some(value) => match seconds(value) {
            Some(silence) => (Some(silence), None),
            None => (None, Some("a call with an invalid _timeout, which is not looked at")),
        },
    };
    (Some(ReplyTo { queue, id, silence }), oddity)
}

/// Whole seconds of a time-out that somebody can keep: at least 2, for a sign of life every half
/// of it (`spec/rpc.md` §3), at most a day.
fn seconds(value: &RawValue) -> Option<u64> {
    let number = match serde_json::from_str(value.get()).ok()? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => f64::from(text.trim().parse::<u32>().ok()?),
        _ => return None,
    };
    // The bounds make the conversion exact.
    (2.0..=86_400.0).contains(&number).then_some(number as u64)
}

impl Reply {
    /// Reads the body of a message that came to a reply queue.
    ///
    /// # Errors
    ///
    /// [`BodyError`]; also for a reply without the number of its call, which nobody waits for.
    pub fn decode(body: &[u8]) -> Result<Self, BodyError> {
        let text = opened(body.to_vec())?;
        let fields = Fields::of(&text)?;
        let id = fields.text("_msg_id");
        let id = id.ok_or(BodyError::NotAnObject { what: "a reply without _msg_id" })?;
        let null = || RawValue::from_string("null".to_owned()).expect("null is JSON");
        let result = match fields.get("failure") {
            Some(failure) => Err(Box::new(read_failure(failure))),
            None => Ok(fields.get("result").map_or_else(null, RawValue::to_owned)),
        };
        // The original takes a reply that does not say for the last one.
        let is_last = fields.0.get("ending").is_none_or(|ending| ending.get() != "false");
        Ok(Self { id, result, is_last })
    }

    /// The body of a message.
    ///
    /// # Errors
    ///
    /// What the serialiser says.
    pub fn encode(&self, unique_id: &str) -> Result<Vec<u8>, serde_json::Error> {
        let mut fields = Parts::default();
        match &self.result {
            Ok(result) => {
                fields.raw("result", result);
                fields.value("failure".into(), &())?;
            }
            Err(failure) => {
                fields.value("result".into(), &())?;
                // Text within text, once more.
                fields.value("failure".into(), &serde_json::to_string(failure)?)?;
            }
        }
        fields.value("ending".into(), &self.is_last)?;
        fields.value("_msg_id".into(), &self.id)?;
        fields.value("_unique_id".into(), &unique_id)?;
        fields.enveloped()
    }
}

/// A failure travels as text; what cannot be read is a failure all the same.
fn read_failure(value: &RawValue) -> Failure {
    let text = text_of(value);
    let read = text.as_deref().and_then(|text| serde_json::from_str(text).ok());
    read.unwrap_or_else(|| Failure::runtime_error("the server's failure cannot be read"))
}

/// The keys of a message that is being written.
#[derive(Default, Serialize)]
struct Parts<'a>(BTreeMap<String, Part<'a>>);

/// Large values are borrowed: they are copied often enough on their way.
#[derive(Serialize)]
#[serde(untagged)]
enum Part<'a> {
    Own(Box<RawValue>),
    Borrowed(&'a RawValue),
}

impl<'a> Parts<'a> {
    fn raw(&mut self, key: &str, value: &'a RawValue) {
        self.0.insert(key.to_owned(), Part::Borrowed(value));
    }

    fn value<T: Serialize + ?Sized>(
        &mut self,
        key: String,
        value: &T,
    ) -> Result<(), serde_json::Error> {
        self.0.insert(key, Part::Own(to_raw_value(value)?));
        Ok(())
    }

    fn enveloped(&self) -> Result<Vec<u8>, serde_json::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            #[serde(rename = "oslo.version")]
            version: &'a str,
            #[serde(rename = "oslo.message")]
            message: &'a str,
        }
        let size = |part: &Part<'_>| match part {
            Part::Own(value) => value.get().len(),
            Part::Borrowed(value) => value.get().len(),
        };
        let length: usize = self.0.iter().map(|(key, part)| key.len() + size(part) + 8).sum();
        let mut message = Vec::with_capacity(length);
        serde_json::to_writer(&mut message, self)?;
        let message = String::from_utf8(message).expect("JSON is UTF-8");
        // One byte more for each that is escaped; control characters have been by now.
        let escaped = message.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        let mut body = Vec::with_capacity(message.len() + escaped + 64);
        serde_json::to_writer(&mut body, &Written { version: VERSION, message: &message })?;
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn enveloped(message: &str) -> Vec<u8> {
        json!({"oslo.version": "2.0", "oslo.message": message}).to_string().into_bytes()
    }

    fn call(changes: &Value) -> Value {
        let mut message = json!({
            "method": "echo", "args": {"x": 1}, "version": "3.0", "_unique_id": "u",
            "_msg_id": "m", "_reply_q": "reply_1", "_timeout": null,
        });
        for (key, value) in changes.as_object().expect("an object") {
            message[key] = value.clone();
        }
        message
    }

    fn decoded(changes: &Value) -> Request {
        let body = enveloped(&call(changes).to_string());
        Request::decode(&body).unwrap_or_else(|error| panic!("{changes}: {error}"))
    }

    #[test]
    fn a_bare_message_is_one_too() {
        let request = Request::decode(br#"{"method": "echo", "args": {"a": [1]}}"#).expect("bare");
        assert_eq!((request.method.as_str(), request.version.as_str()), ("echo", "1.0"));
        assert_eq!(request.args.get(), r#"{"a": [1]}"#);
        assert!(request.reply_to.is_none() && request.oddity.is_none());
    }

    #[test]
    fn envelopes_of_version_2_0_are_opened_and_no_others() {
        for (version, good) in [
            (json!("2.0"), true),
            (json!("2.0.9"), true),
            (json!("2.1"), false),
            (json!("1.0"), false),
            (json!("3.0"), false),
            (json!(2.0), true), // the text that Python would read from it
            (json!("two"), false),
        ] {
            let body = json!({"oslo.version": version, "oslo.message": "{\"method\": \"m\"}"});
            let read = Request::decode(body.to_string().as_bytes());
            let refused = matches!(read, Err(BodyError::Envelope { .. }));
            assert_eq!((read.is_ok(), refused), (good, !good), "{version}");
        }
    }

    #[test]
    fn keys_of_any_type_are_survived_and_what_can_be_answered_is() {
        for value in [json!(null), json!(7), json!("x"), json!([]), json!({}), json!(true)] {
            for key in ["method", "args", "version", "namespace", "_unique_id", "_timeout"] {
                let request = decoded(&json!({ key: value }));
                assert!(request.reply_to.is_some(), "{key}: {value}");
            }
        }
        assert_eq!(decoded(&json!({"method": 7})).method, "");
        assert_eq!(decoded(&json!({"version": 3.0})).version, "3.0");
        assert_eq!(decoded(&json!({"args": null})).args.get(), "null");
        assert!(decoded(&json!({"namespace": ""})).has_namespace);
    }

    #[test]
    fn a_call_that_cannot_be_answered_is_a_cast_with_a_reason() {
        for queue in [json!(null), json!(""), json!("q".repeat(256)), json!(7)] {
            let request = decoded(&json!({"_reply_q": queue}));
            assert!(request.reply_to.is_none() && request.oddity.is_some(), "{queue}");
        }
        for id in [json!(7), json!("")] {
            let request = decoded(&json!({"_msg_id": id}));
            assert!(request.reply_to.is_none() && request.oddity.is_some(), "{id}");
        }
        let cast = decoded(&json!({"_msg_id": null}));
        assert!(cast.reply_to.is_none() && cast.oddity.is_none());
    }

    #[test]
    fn a_time_out_counts_from_two_seconds_to_a_day() {
        for (timeout, silence) in [
            (json!(60), Some(60)),
            (json!("30"), Some(30)),
            (json!(2.9), Some(2)),
            (json!(1), None),
            (json!(-5), None),
            (json!(1e300), None),
            (json!("soon"), None),
        ] {
            let request = decoded(&json!({"_timeout": timeout}));
            let reply_to = request.reply_to.expect("a call");
            assert_eq!(reply_to.silence, silence, "{timeout}");
            assert_eq!(request.oddity.is_some(), silence.is_none(), "{timeout}");
        }
    }

    #[test]
    fn of_two_keys_with_one_name_the_last_counts() {
        let request = Request::decode(br#"{"method": "a", "method": "b"}"#).expect("a message");
        assert_eq!(request.method, "b");
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let deep = "[".repeat(200_000);
        for body in [
            String::new(),
            "null".into(),
            "[]".into(),
            "7".into(),
            "{".into(),
            "{\"a\": NaN}".into(),
            format!("{{\"a\": {deep}"),
            "{\"oslo.version\": \"2.0\", \"oslo.message\": {}}".into(),
            "{\"oslo.version\": \"2.0\", \"oslo.message\": \"[]\"}".into(),
            "{\"oslo.version\": \"2.0\", \"oslo.message\": \"{\\\"a\\\": \"}".into(),
            "{\"oslo.version\": \"2.0\", \"oslo.message\": \"\\ud800\"}".into(),
        ] {
            let start: String = body.chars().take(60).collect();
            Request::decode(body.as_bytes()).expect_err(&start);
        }
        Request::decode(b"\xff{}").expect_err("not UTF-8");
    }

    #[test]
    fn what_is_deep_costs_nothing_until_somebody_wants_it() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        let body = enveloped(&format!(r#"{{"method": "m", "args": {deep}}}"#));
        let request = Request::decode(&body).expect("the arguments are not looked at");
        assert!(serde_json::from_str::<Value>(request.args.get()).is_err());
        let body = enveloped(&format!(r#"{{"method": "m", "_context_roles": {deep}}}"#));
        assert!(matches!(Request::decode(&body), Err(BodyError::Json(_))));
    }

    #[test]
    fn keys_and_context_are_bounded() {
        let many = |prefix: &str, count: usize| -> Vec<u8> {
            let keys: Map<_, _> = (0..count).map(|n| (format!("{prefix}{n}"), n.into())).collect();
            enveloped(&Value::Object(keys).to_string())
        };
        assert!(Request::decode(&many("_context_", 1_000)).is_ok());
        let refused = Request::decode(&many("_context_", 10_000));
        assert!(matches!(refused, Err(BodyError::TooManyKeys { .. })), "{refused:?}");
        let large = json!({"_context_service_catalog": "x".repeat(2 * MOST_CONTEXT)});
        let refused = Request::decode(&enveloped(&large.to_string()));
        assert!(matches!(refused, Err(BodyError::ContextTooLarge { .. })), "{refused:?}");
    }

    #[test]
    fn a_reply_without_a_failure_that_can_be_read_is_a_failure_still() {
        let reply = |failure: Value| {
            let message = json!({"result": 1, "failure": failure, "_msg_id": "m", "ending": true});
            Reply::decode(&enveloped(&message.to_string())).expect("a reply").result
        };
        assert!(reply(json!(null)).is_ok());
        assert_eq!(reply(json!("nonsense")).expect_err("failed").class, "RuntimeError");
        assert_eq!(reply(json!("{\"class\": \"X\"}")).expect_err("failed").class, "X");
        Reply::decode(b"{\"result\": 1}").expect_err("nobody's");
    }

    /// What serde makes of a literal, or nothing.
    fn by_serde(literal: &str) -> Option<String> {
        serde_json::from_str(literal).ok()
    }

    fn in_place(literal: &str) -> Option<String> {
        let mut bytes = literal.as_bytes()[1..literal.len() - 1].to_vec();
        let length = unescape(&mut bytes).ok()?;
        bytes.truncate(length);
        Some(String::from_utf8(bytes).expect("UTF-8 stays so"))
    }

    #[test]
    fn escapes_are_read_as_serde_reads_them() {
        for inside in [
            "",
            r#"\"\\\/\b\f\n\r\t"#,
            r"\u00e4\u20AC\ud83d\ude00 ü€😀",
            r"\u0000\u001f\u007f\u0080\u07ff\u0800\uffff",
            r"\ud800",
            r"\udc00",
            r"\ud800\ud800",
            r"\ud800x",
            r"\ud83d\n",
            r"a\ud83d\ude00\ud83d",
        ] {
            let literal = format!("\"{inside}\"");
            assert_eq!(in_place(&literal), by_serde(&literal), "{literal}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_text_survives_its_escaping(text: String) {
            let literal = serde_json::to_string(&text).expect("a text");
            proptest::prop_assert_eq!(in_place(&literal), Some(text));
        }

        #[test]
        fn no_bytes_break_the_reader(body: Vec<u8>, version in "[0-9.]{0,5}", inner: String) {
            let _ = Request::decode(&body);
            let _ = Reply::decode(&body);
            let enveloped = json!({"oslo.version": version, "oslo.message": inner});
            let _ = Request::decode(enveloped.to_string().as_bytes());
        }
    }
}
