//! Objects that nobody should send, and what their sender is told. `hostile.rs` tries them on us,
//! `python.rs` on the original.

use serde_json::{Value, json};

/// An object that is wrong in one place, or odd.
pub struct Case {
    pub what: &'static str,
    pub value: Value,
    /// Module and class of the exception that we answer with; nothing if the object is read.
    pub ours: Option<(&'static str, &'static str)>,
    /// The original's, where it is another; each says why in `what`.
    pub theirs: Option<Option<(&'static str, &'static str)>>,
}

pub const KEY: Option<(&str, &str)> = Some(("builtins", "KeyError"));
pub const TYPE: Option<(&str, &str)> = Some(("builtins", "TypeError"));
pub const VALUE: Option<(&str, &str)> = Some(("builtins", "ValueError"));
pub const ATTRIBUTE: Option<(&str, &str)> = Some(("builtins", "AttributeError"));
pub const UNSUPPORTED: Option<(&str, &str)> =
    Some(("oslo_versionedobjects.exception", "UnsupportedObjectError"));
pub const INCOMPATIBLE: Option<(&str, &str)> =
    Some(("oslo_versionedobjects.exception", "IncompatibleObjectVersion"));
pub const INVALID: Option<(&str, &str)> = Some(("packaging.version", "InvalidVersion"));

fn envelope(name: &str, version: &str, data: &Value) -> Value {
    json!({
        "versioned_object.name": name,
        "versioned_object.namespace": "cinder",
        "versioned_object.version": version,
        "versioned_object.data": data,
    })
}

fn volume(data: Value) -> Value {
    let mut all = json!({"id": "5f2c", "size": 1});
    all.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
    envelope("Volume", "1.9", &all)
}

fn with(key: &str, value: Value) -> Value {
    let mut envelope = volume(json!({}));
    let map = envelope.as_object_mut().unwrap();
    let key = format!("versioned_object.{key}");
    if value == json!("GONE") {
        drop(map.remove(&key))
    } else {
        drop(map.insert(key, value))
    }
    envelope
}

/// A case on which both agree.
fn case(what: &'static str, value: Value, ours: Option<(&'static str, &'static str)>) -> Case {
    Case { what, value, ours, theirs: None }
}

impl Case {
    fn but(mut self, theirs: Option<(&'static str, &'static str)>) -> Self {
        self.theirs = Some(theirs);
        self
    }
}

fn envelopes() -> Vec<Case> {
    let in_type = |version: &str| {
        volume(json!({"volume_type": envelope("VolumeType", version, &json!({"id": "t"}))}))
    };
    vec![
        case("as it should be", volume(json!({})), None),
        case("another namespace", with("namespace", json!("nova")), UNSUPPORTED),
        case("a namespace that is no text", with("namespace", json!(7)), UNSUPPORTED),
        case("no namespace", with("namespace", json!("GONE")), KEY),
        case("a kind of a later release", with("name", json!("VolumeX")), UNSUPPORTED),
        case("a kind that is no text", with("name", json!(7)), UNSUPPORTED),
        case(
            "a kind with a very long name",
            with("name", json!("V".repeat(1_000_000))),
            UNSUPPORTED,
        ),
        case("no version", with("version", json!("GONE")), KEY),
        case("a later minor version", with("version", json!("1.10")), INCOMPATIBLE),
        case("another major version", with("version", json!("2.0")), INCOMPATIBLE),
        case("an older major version", with("version", json!("0.9")), INCOMPATIBLE),
        case("an older minor version", with("version", json!("1.0")), None),
        case("a third number", with("version", json!("1.9.1")), None),
        case("a third number of a later version", with("version", json!("1.10.1")), INCOMPATIBLE),
        case("a third number of an older version", with("version", json!("1.8.4")), None),
        case("a third number of nothing", with("version", json!("1.9.0")), None),
        case("four numbers", with("version", json!("1.9.1.1")), INCOMPATIBLE),
        case("one number", with("version", json!("1")), None),
        case("no number", with("version", json!("new")), INVALID),
        case("an empty version", with("version", json!("")), INVALID),
        case("a version that is a number", with("version", json!(1.9)), INVALID),
        case("a version that is null", with("version", json!(null)), INVALID),
        case("no data", with("data", json!("GONE")), KEY),
        case("data that are null", with("data", json!(null)), TYPE),
        case("data that are a number", with("data", json!(7)), TYPE),
        case("data that are a list: nothing is found in it", with("data", json!([])), TYPE)
            .but(None),
        case("changes that are null", with("changes", json!(null)), TYPE),
        case("changes that are a number", with("changes", json!(7)), TYPE),
        case("changes that are a text", with("changes", json!("id")), None),
        case("changes of fields that nobody knows", with("changes", json!(["id", "x"])), None),
        case("a field that nobody knows", volume(json!({"brand_new": {"a": [1]}})), None),
        case("a nested third number", in_type("1.3.1"), INCOMPATIBLE),
        case("a nested later version", in_type("1.4"), INCOMPATIBLE),
        case("a nested older version", in_type("1.0"), None),
    ]
}

fn fields() -> Vec<Case> {
    let of = |name: &str, value: Value| volume(json!({ name: value }));
    let long = || "n".repeat(10_000);
    vec![
        case("an id that is no uuid", of("id", json!("../../etc/passwd")), None),
        case("an id that is empty", of("id", json!("")), None),
        case("an id that is a number", of("id", json!(7)), None),
        case("an id that is null", of("id", json!(null)), VALUE),
        case("an id that is a list; a text is made of it", of("id", json!(["a"])), VALUE).but(None),
        case("a size of nothing", of("size", json!(0)), None),
        case("a size below nothing", of("size", json!(-1)), None),
        case("the largest size", of("size", json!(i64::MAX)), None),
        case("a size that no column holds", of("size", json!(1_u64 << 63)), VALUE).but(None),
        case("a size as a text", of("size", json!("12")), None),
        case("a size as a text of no number", of("size", json!("large")), VALUE),
        case("a size with a fraction", of("size", json!(1.5)), None),
        case("a size that is a list", of("size", json!([1])), TYPE),
        case("a size that is an object", of("size", json!({})), TYPE),
        case("a size that is null", of("size", json!(null)), None),
        case("a very long name", of("display_name", json!(long())), None),
        case("a name that is a number", of("display_name", json!(7)), None),
        case("a name that is true", of("display_name", json!(true)), None),
        case("a name that is a list", of("display_name", json!(["a"])), VALUE),
        case("a name that is an object", of("display_name", json!({})), VALUE),
        case("a truth that is a text", of("bootable", json!("no")), None),
        case("a truth that is a list", of("bootable", json!([])), None),
        case("a status that nobody knows", of("status", json!("dancing")), None),
        case("an attach status that nobody knows", of("attach_status", json!("dancing")), VALUE),
        case("an attach status that is a list", of("attach_status", json!([])), VALUE),
        case("metadata that are a text", of("metadata", json!("a")), ATTRIBUTE),
        case("metadata that are a list", of("metadata", json!([])), ATTRIBUTE),
        case("metadata with a number", of("metadata", json!({"a": 1})), None),
        case("metadata with null", of("metadata", json!({"a": null})), VALUE),
        case("metadata with a list", of("metadata", json!({"a": []})), VALUE),
        case(
            "metadata that are null, which its saving fails on",
            of("metadata", json!(null)),
            None,
        )
        .but(TYPE),
        case("an object that is a text", of("volume_type", json!("t")), TYPE),
        case("an object that is a list", of("volume_type", json!([])), TYPE),
        case("an object that is a plain one", of("volume_type", json!({"id": "t"})), KEY),
        case("an object of another kind", of("volume_type", volume(json!({}))), VALUE),
        case("use_quota that is null", of("use_quota", json!(null)), None),
        case(
            "a list that is a text",
            of("snapshots", envelope("SnapshotList", "1.0", &json!({"objects": "ab"}))),
            VALUE,
        )
        .but(TYPE),
        case(
            "a list with null",
            of("snapshots", envelope("SnapshotList", "1.0", &json!({"objects": [null]}))),
            VALUE,
        ),
        case(
            "a list with another kind",
            of(
                "snapshots",
                envelope("SnapshotList", "1.0", &json!({"objects": [volume(json!({}))]})),
            ),
            VALUE,
        ),
        case(
            "a list without objects",
            of("snapshots", envelope("SnapshotList", "1.0", &json!({}))),
            None,
        ),
    ]
}

fn dates() -> Vec<Case> {
    let date = |text: &str| volume(json!({ "created_at": text }));
    let of = |name: &str, value: Value| volume(json!({ name: value }));
    vec![
        case("a date", date("2026-01-02T03:04:05Z"), None),
        case("a date without a zone", date("2026-01-02T03:04:05"), None),
        case("a date with a fraction", date("2026-01-02 03:04:05.678"), None),
        case("year 0", date("0000-01-01T00:00:00Z"), VALUE),
        case("year 10000", date("10000-01-01T00:00:00Z"), VALUE),
        case("a leap second", date("2016-12-31T23:59:60Z"), VALUE),
        case("hour 24", date("2026-01-02T24:00:00Z"), VALUE),
        case("a day that there is not", date("2026-02-30T00:00:00Z"), VALUE),
        case("a date that is no date", date("soon"), VALUE),
        case("a date that is empty", date(""), VALUE),
        case("a date that is a number", of("created_at", json!(1_767_323_045)), VALUE),
        case("a date that is a list", of("created_at", json!([])), VALUE),
        case("a date that is null", of("created_at", json!(null)), None),
        case("a very long date", date(&"9".repeat(10_000)), VALUE),
    ]
}

/// All of them.
pub fn all() -> impl Iterator<Item = Case> {
    envelopes().into_iter().chain(fields()).chain(dates())
}
