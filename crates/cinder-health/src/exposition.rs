//! Metrics in Prometheus text format 0.0.4, as `prometheus-client` writes it.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::metrics::{Family, Kind, Sample, Value};

/// The media type of what [`exposition`] makes.
pub const CONTENT_TYPE: &str = prometheus_text::CONTENT_TYPE;

/// All families as text, in this order.
#[must_use]
pub fn exposition(families: Vec<Family>) -> String {
    // A guess that is no smaller than most: a histogram has a line for each bucket.
    let lines: usize = families.iter().map(|family| 2 + family.samples.len()).sum();
    let mut text = String::with_capacity(lines * 96);
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families(families)));
    // Writing to a String cannot fail.
    let _ = prometheus_text::encode(&mut text, &registry);
    text
}

#[derive(Debug)]
struct Families(Vec<Family>);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Family { name, help, kind, samples } in &self.0 {
            let kind = match kind {
                Kind::Info => MetricType::Info,
                Kind::Gauge => MetricType::Gauge,
                Kind::Counter => MetricType::Counter,
                Kind::Histogram => MetricType::Histogram,
            };
            let mut family = encoder.encode_descriptor(name, help, None, kind)?;
            for sample in samples {
                write(&mut family, kind, sample)?;
            }
        }
        Ok(())
    }
}

fn write(family: &mut MetricEncoder<'_>, kind: MetricType, sample: &Sample) -> fmt::Result {
    let labels: Vec<_> = sample.labels.iter().map(|(name, value)| (*name, &**value)).collect();
    if matches!(kind, MetricType::Info) {
        return family.encode_info(&labels);
    }
    if labels.is_empty() {
        return number(family, kind, &sample.value);
    }
    number(&mut family.encode_family(&labels)?, kind, &sample.value)
}

fn number(encoder: &mut MetricEncoder<'_>, kind: MetricType, value: &Value) -> fmt::Result {
    match (kind, value) {
        (MetricType::Counter, Value::Whole(value)) => {
            encoder.encode_counter::<NoLabelSet, _, u64>(value, None)
        }
        (_, Value::Whole(value)) => encoder.encode_gauge(value),
        (_, Value::Real(value)) => encoder.encode_gauge(value),
        (_, Value::Histogram(histogram)) => {
            let all = histogram.buckets.iter().map(|(_, count)| count).sum();
            let buckets = &histogram.buckets;
            encoder.encode_histogram::<NoLabelSet>(histogram.sum, all, buckets, None)
        }
    }
}
