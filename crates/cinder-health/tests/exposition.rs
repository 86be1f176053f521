//! Metrics as a parser and the rules of the format see them.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use cinder_health::{Family, Histogram, Kind, Sample, Value, exposition};

fn sample(labels: &[(&'static str, &str)], value: Value) -> Sample {
    Sample { labels: labels.iter().map(|(name, value)| (*name, (*value).into())).collect(), value }
}

fn family(name: &'static str, kind: Kind, samples: Vec<Sample>) -> Family {
    Family { name, help: "What it tells.", kind, samples }
}

#[test]
fn every_kind_is_written_as_the_format_wants_it() {
    let odd = [("backend", "a \"b\"\\c\nd"), ("result", "success")];
    let times = Histogram { sum: 1.5, buckets: vec![(0.1, 2), (5.0, 1), (f64::INFINITY, 4)] };
    let text = exposition(vec![
        family("x_build", Kind::Info, vec![sample(&[("version", "1.2.3")], Value::Whole(1))]),
        family("x_alive", Kind::Gauge, vec![sample(&[], Value::Whole(0))]),
        family("x_age_seconds", Kind::Gauge, vec![sample(&odd[..1], Value::Real(3.5))]),
        family("x_calls", Kind::Counter, vec![sample(&odd, Value::Whole(7))]),
        family("x_took", Kind::Histogram, vec![sample(&[], Value::Histogram(times))]),
        family("x_unknown", Kind::Gauge, Vec::new()),
    ]);
    assert_eq!(
        text,
        r#"# HELP x_build_info What it tells.
# TYPE x_build_info gauge
x_build_info{version="1.2.3"} 1
# HELP x_alive What it tells.
# TYPE x_alive gauge
x_alive 0
# HELP x_age_seconds What it tells.
# TYPE x_age_seconds gauge
x_age_seconds{backend="a \"b\"\\c\nd"} 3.5
# HELP x_calls_total What it tells.
# TYPE x_calls_total counter
x_calls_total{backend="a \"b\"\\c\nd",result="success"} 7
# HELP x_took What it tells.
# TYPE x_took histogram
x_took_bucket{le="0.1"} 2
x_took_bucket{le="5"} 3
x_took_bucket{le="+Inf"} 7
x_took_sum 1.5
x_took_count 7
# HELP x_unknown What it tells.
# TYPE x_unknown gauge
"#
    );
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    let parsed = prometheus_parse::Scrape::parse(lines).unwrap();
    // The sum and the count of a histogram are samples of their own there.
    assert_eq!(parsed.samples.len(), 7);
}
