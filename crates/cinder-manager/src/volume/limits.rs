//! How much a volume may do, as those who connect it are told (`spec/manager.md` §6.1).
//!
//! Limits per GiB become limits of this volume, which are numbers; all others stay the texts that operators wrote.
//! Must not: tell what the driver sees to.

use cinder_driver::{QosConsumer, Texts, VolumeView};
use serde_json::{Map, Value};

use crate::error::Failure;

/// Those that may be given per GiB.
const PER_GIB: [&str; 6] = [
    "read_iops_sec",
    "read_bytes_sec",
    "write_iops_sec",
    "write_bytes_sec",
    "total_iops_sec",
    "total_bytes_sec",
];

/// The limits that a hypervisor sees to; null if there are none.
///
/// # Errors
///
/// `ValueError`, as the original's, where a number is none.
pub(super) fn of_front_end(volume: &VolumeView) -> Result<Value, Failure> {
    let qos = volume.volume_type.as_ref().and_then(|one| one.qos.as_ref());
    let Some(qos) = qos.filter(|one| one.consumer != QosConsumer::BackEnd) else {
        return Ok(Value::Null);
    };
    let mut specs = qos.specs.clone();
    let mut told = Map::new();
    for limit in PER_GIB {
        if let Some(limited) = of_volume(&mut specs, limit, volume.size_gib)? {
            specs.remove(limit);
            told.insert(limit.to_owned(), limited.into());
        }
    }
    told.extend(specs.into_iter().map(|(key, value)| (key, value.into())));
    Ok(Value::Object(told))
}

/// A limit that is given per GiB, taken out with its bounds.
fn of_volume(specs: &mut Texts, limit: &str, gib: u64) -> Result<Option<i64>, Failure> {
    let mut taken = |suffix: &str| {
        let key = format!("{limit}{suffix}");
        specs.remove(&key).map(|text| number(&key, &text)).transpose()
    };
    let Some(per_gib) = taken("_per_gb")? else { return Ok(None) };
    let least = taken("_per_gb_min")?.unwrap_or(0);
    let most = taken("_max")?.unwrap_or(i64::MAX);
    let gib = i64::try_from(gib).unwrap_or(i64::MAX);
    Ok(Some(per_gib.saturating_mul(gib).max(least).min(most)))
}

fn number(key: &str, text: &str) -> Result<i64, Failure> {
    text.trim().parse().map_err(|_| {
        let text = format!("QoS spec {key} = {text}: not a whole number");
        Failure { module: "builtins".to_owned(), ..Failure::new("ValueError", text) }
    })
}

#[cfg(test)]
mod tests {
    use cinder_driver::{QosView, TypeView};
    use cinder_types::{VolumeId, VolumeTypeId};
    use serde_json::json;

    use super::*;

    fn told(consumer: QosConsumer, specs: &[(&str, &str)]) -> Result<Value, Failure> {
        let mut view = VolumeView::new(VolumeId::new("v"), "volume-v".to_owned(), 20);
        let specs = specs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        view.volume_type = Some(TypeView {
            id: VolumeTypeId::new("t"),
            name: "gold".to_owned(),
            extra_specs: Texts::new(),
            qos: Some(QosView { consumer, specs: specs.collect() }),
        });
        of_front_end(&view)
    }

    /// Checked against the original's `_parse_connection_options`.
    #[test]
    fn limits_per_gib_are_limits_of_this_volume() {
        for (specs, expected) in [
            (&[("total_iops_sec", "100")][..], json!({"total_iops_sec": "100"})),
            (&[("read_iops_sec_per_gb", "30")], json!({"read_iops_sec": 600})),
            (
                &[("write_iops_sec_per_gb", "2"), ("write_iops_sec_per_gb_min", "100")],
                json!({"write_iops_sec": 100}),
            ),
            (
                &[
                    ("total_bytes_sec_per_gb", "1000"),
                    ("total_bytes_sec_max", "5000"),
                    ("total_bytes_sec", "7"),
                ],
                json!({"total_bytes_sec": 5000}),
            ),
            // Without one per GiB the helpers are specs like others.
            (
                &[("read_iops_sec_per_gb_min", "5"), ("read_iops_sec_max", "9")],
                json!({"read_iops_sec_per_gb_min": "5", "read_iops_sec_max": "9"}),
            ),
        ] {
            assert_eq!(told(QosConsumer::FrontEnd, specs).unwrap(), expected, "{specs:?}");
            assert_eq!(told(QosConsumer::Both, specs).unwrap(), expected, "{specs:?}");
            assert_eq!(told(QosConsumer::BackEnd, specs).unwrap(), Value::Null, "{specs:?}");
        }
    }

    #[test]
    fn what_is_no_number_fails_as_it_does_with_the_original() {
        let failure = told(QosConsumer::Both, &[("read_iops_sec_per_gb", "many")]).unwrap_err();
        assert_eq!((&*failure.module, &*failure.class), ("builtins", "ValueError"));
        assert!(failure.message.contains("read_iops_sec_per_gb = many"), "{failure}");
    }
}
