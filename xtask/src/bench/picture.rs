//! The picture of docs/performance.md: start time and memory over the number of workers.
//!
//! Drawn from the documents that `--json` writes, so that the picture in the repository can be
//! drawn again from the figures beside it, and a test can tell when it was not.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::figures::{READY, TOTAL};
use super::svg::{Anchor, Svg};

const WIDTH: f64 = 870.0;
const HEIGHT: f64 = 376.0;
/// The number above the last point of a curve must not leave the diagram.
const HEADROOM: f64 = 1.6;
/// Left, top, width and height of the two diagrams' own areas.
const AREAS: [[f64; 4]; 2] = [[60.0, 60.0, 340.0, 270.0], [500.0, 60.0, 340.0, 270.0]];
/// What the diagrams show: key in the document, factor to the unit, heading with the unit.
const SHOWN: [(&str, f64, &str); 2] = [
    (READY, 1.0, "start: exec until every worker is ready, ms"),
    (TOTAL, 1.0 / 1024.0, "memory: PSS of parent and workers, MiB"),
];
const COLOURS: [&str; 4] = ["#3b82c4", "#d9722a", "#2f9e6e", "#a05cc0"];

/// One subject's points for one diagram, by number of workers.
struct Series {
    subject: String,
    points: Vec<(f64, f64)>,
}

/// Draws what several documents hold; a subject that is in more than one is one series.
///
/// # Errors
///
/// When there is nothing to draw, or no document of ours.
pub(super) fn draw(documents: &[Value]) -> Result<String> {
    let mut picture = Svg::new(WIDTH, HEIGHT, "Start time and memory over the number of workers");
    let mut legend = Vec::new();
    for ((key, factor, heading), area) in SHOWN.into_iter().zip(AREAS) {
        let all = series(documents, key, factor)?;
        diagram(&mut picture, area, heading, &all);
        legend = all.into_iter().map(|one| one.subject).collect();
    }
    let mut x = AREAS[0][0];
    for (at, subject) in legend.iter().enumerate() {
        picture.curve(&[(x, 20.0), (x + 24.0, 20.0)], colour(at), at);
        picture.words((x + 34.0, 24.0), Anchor::Start, subject);
        x += 60.0 + 7.0 * subject.chars().count() as f64;
    }
    Ok(picture.finish())
}

fn colour(at: usize) -> &'static str {
    COLOURS[at % COLOURS.len()]
}

/// Subjects in order of appearance. A figure that was not reached is left out.
fn series(documents: &[Value], key: &str, factor: f64) -> Result<Vec<Series>> {
    let mut all: Vec<Series> = Vec::new();
    for figure in documents.iter().filter_map(|one| one["figures"].as_array()).flatten() {
        let subject = figure["subject"].as_str().context("a figure names no subject")?;
        let workers = figure["workers"].as_f64().context("a figure names no workers")?;
        if !all.iter().any(|one| one.subject == subject) {
            all.push(Series { subject: subject.to_owned(), points: Vec::new() });
        }
        let one = all.iter_mut().find(|one| one.subject == subject).expect("put there above");
        one.points.extend(figure["medians"][key].as_f64().map(|value| (workers, value * factor)));
    }
    for one in &mut all {
        one.points.sort_by(|left, right| left.0.total_cmp(&right.0));
    }
    ensure!(all.iter().any(|one| !one.points.is_empty()), "no document has a figure {key}");
    Ok(all)
}

/// A logarithmic axis over whole decades.
struct Axis {
    low: f64,
    high: f64,
    /// Where its two ends are in the picture.
    ends: [f64; 2],
}

impl Axis {
    fn over(values: impl Iterator<Item = f64> + Clone, ends: [f64; 2]) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min).log10().floor();
        // The headroom also keeps a single value's axis from being empty.
        let high = (values.fold(0.0, f64::max) * HEADROOM).log10().ceil();
        Self { low, high, ends }
    }

    fn at(&self, value: f64) -> f64 {
        let part = (value.log10() - self.low) / (self.high - self.low);
        self.ends[0] + part * (self.ends[1] - self.ends[0])
    }

    fn decades(&self) -> impl Iterator<Item = f64> + use<> {
        (self.low as i32..=self.high as i32).map(|power| 10_f64.powi(power))
    }
}

fn diagram(picture: &mut Svg, [left, top, width, height]: [f64; 4], heading: &str, all: &[Series]) {
    let (right, bottom) = (left + width, top + height);
    let points = all.iter().flat_map(|one| one.points.iter());
    let across = Axis::over(points.clone().map(|point| point.0), [left, right]);
    let up = Axis::over(points.map(|point| point.1), [bottom, top]);
    picture.words((left, top - 10.0), Anchor::Start, heading);
    picture.words((right, bottom + 36.0), Anchor::End, "workers");
    for decade in across.decades() {
        let x = across.at(decade);
        picture.rule((x, bottom), (x, top), 0.25);
        picture.words((x, bottom + 18.0), Anchor::Middle, &decade.to_string());
    }
    for decade in up.decades() {
        let y = up.at(decade);
        picture.rule((left, y), (right, y), 0.25);
        picture.words((left - 6.0, y + 4.0), Anchor::End, &decade.to_string());
    }
    picture.rule((left, bottom), (right, bottom), 1.0);
    picture.rule((left, bottom), (left, top), 1.0);
    for (at, one) in all.iter().enumerate() {
        let places: Vec<_> = one.points.iter().map(|&(x, y)| (across.at(x), up.at(y))).collect();
        picture.curve(&places, colour(at), at);
        if let (Some(&(x, y)), Some((_, value))) = (places.last(), one.points.last()) {
            picture.words((x, y - 9.0), Anchor::Middle, &format!("{value:.0}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn figure(subject: &str, workers: u64, ready: Option<f64>) -> Value {
        json!({ "subject": subject, "workers": workers,
                "medians": { READY: ready, TOTAL: 2048.0 } })
    }

    #[test]
    fn decades_are_spread_evenly() {
        let axis = Axis::over([2.0, 600.0].into_iter(), [0.0, 300.0]);
        assert_eq!(axis.decades().collect::<Vec<_>>(), [1.0, 10.0, 100.0, 1000.0]);
        assert!((axis.at(10.0) - 100.0).abs() < 1e-9);
        assert!((axis.at(1000.0) - 300.0).abs() < 1e-9);
    }

    #[test]
    fn one_value_alone_still_has_an_axis() {
        let axis = Axis::over([10.0].into_iter(), [0.0, 100.0]);
        assert!(axis.at(10.0).is_finite());
    }

    #[test]
    fn documents_are_joined_by_subject_and_gaps_are_left_out() {
        let first = json!({ "figures": [figure("ours", 10, Some(5.0)), figure("peer", 1, None)] });
        let second = json!({ "figures": [figure("ours", 1, Some(2.0))] });
        let all = series(&[first.clone(), second], READY, 1.0).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].points, [(1.0, 2.0), (10.0, 5.0)]);
        assert!(all[1].points.is_empty());
        let text = draw(&[first]).unwrap();
        assert!(text.contains(">ours</text>") && text.contains(">peer</text>"), "{text}");
    }

    #[test]
    fn nothing_is_not_a_picture() {
        let failure = draw(&[json!({ "figures": [] })]).unwrap_err();
        assert_eq!(failure.to_string(), format!("no document has a figure {READY}"));
    }
}
