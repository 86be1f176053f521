//! As much SVG as a diagram needs. Knows nothing of what it draws.
//!
//! The background stays transparent and the greys are of middle brightness, so that a picture can
//! be read on a white page and on a black one, also where style sheets are ignored.

use std::fmt::Write as _;

/// Text and axes.
const INK: &str = "#6e7781";

/// Where a text is held.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// A picture under construction; lengths are pixels.
#[derive(Debug)]
pub(super) struct Svg {
    text: String,
}

impl Svg {
    /// An empty picture; `title` is what a reader who does not see it is told.
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\" \
             fill=\"{INK}\">\n"
        );
        let _ = writeln!(text, "<title>{}</title>", escaped(title));
        Self { text }
    }

    pub(super) fn words(&mut self, (x, y): (f64, f64), anchor: Anchor, words: &str) {
        let (anchor, words) = (anchor.word(), escaped(words));
        let _ = writeln!(
            self.text,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>"
        );
    }

    /// A thin line of an axis or, paler, of a grid.
    pub(super) fn rule(&mut self, from: (f64, f64), to: (f64, f64), opacity: f64) {
        let _ = writeln!(
            self.text,
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{INK}\" \
             stroke-opacity=\"{opacity}\"/>",
            from.0, from.1, to.0, to.1
        );
    }

    /// A line through points, with a mark at each; marks differ in form as well as in colour.
    pub(super) fn curve(&mut self, points: &[(f64, f64)], colour: &str, form: usize) {
        let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            self.text,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join(" ")
        );
        for &(x, y) in points {
            let _ = match form {
                0 => writeln!(
                    self.text,
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>"
                ),
                1 => writeln!(
                    self.text,
                    "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"7\" height=\"7\" fill=\"{colour}\"/>",
                    x - 3.5,
                    y - 3.5
                ),
                _ => writeln!(
                    self.text,
                    "<path d=\"M{x:.1} {:.1}l5 8h-10z\" fill=\"{colour}\"/>",
                    y - 5.0
                ),
            };
        }
    }

    pub(super) fn finish(self) -> String {
        self.text + "</svg>\n"
    }
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_break_out_of_their_element() {
        let mut picture = Svg::new(10.0, 10.0, "a < b");
        picture.words((1.0, 2.0), Anchor::End, "<script> & co");
        let text = picture.finish();
        assert!(text.contains("<title>a &lt; b</title>"), "{text}");
        assert!(text.contains("text-anchor=\"end\">&lt;script&gt; &amp; co</text>"), "{text}");
        assert!(!text.contains("<script"), "{text}");
    }

    #[test]
    fn each_series_has_a_mark_of_its_own_form() {
        let drawn = |form| {
            let mut picture = Svg::new(1.0, 1.0, "");
            picture.curve(&[(1.0, 1.0), (2.0, 2.0)], "red", form);
            picture.finish()
        };
        assert_eq!(drawn(0).matches("<circle").count(), 2);
        assert_eq!(drawn(1).matches("<rect").count(), 2);
        assert_eq!(drawn(2).matches("<path").count(), 2);
    }
}
