//! A timeline as an SVG sequence picture: a column for everybody, a line for each step, time going down.
//!
//! No payload is in it, only ids; all text is escaped.

use std::fmt::Write;

use super::timeline::{Moment, Timeline};

const LEFT: usize = 110;
const COLUMN: usize = 260;
const TOP: usize = 50;
const LINE: usize = 30;

impl Timeline {
    /// The picture.
    pub fn to_svg(&self) -> String {
        let actors = self.actors();
        let column = |actor: &str| {
            LEFT + actors.iter().position(|other| *other == actor).unwrap_or(0) * COLUMN + 60
        };
        let (width, height) = (
            LEFT + actors.len() * COLUMN + 160,
            TOP + (self.steps().len() + 1) * LINE,
        );
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
             <style>text {{ paint-order: stroke; stroke: #fff; stroke-width: 3px; }}</style>\n\
             <defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
             <path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
        );
        for actor in &actors {
            let x = column(actor);
            let _writing_to_a_string_cannot_fail = writeln!(
                svg,
                "<text x=\"{x}\" y=\"24\" text-anchor=\"middle\" font-weight=\"600\">{}</text>\
                 <line x1=\"{x}\" y1=\"34\" x2=\"{x}\" y2=\"{height}\" stroke=\"#bbb\"/>",
                escaped(actor)
            );
        }
        for (index, step) in self.steps().iter().enumerate() {
            let y = TOP + (index + 1) * LINE - 8;
            let (from, to) = (column(&step.from), column(&step.to));
            let colour = if step.is_fault { "#c0232c" } else { "#222" };
            let at = Moment(step.at).to_string();
            let _ = writeln!(
                svg,
                "<text x=\"8\" y=\"{y}\" fill=\"#777\">{}</text>",
                at.trim_start()
            );
            let label_x = if from == to {
                from + 10
            } else {
                (from + to) / 2
            };
            let anchor = if from == to { "start" } else { "middle" };
            let mark = match from == to {
                true => format!(
                    "<circle cx=\"{from}\" cy=\"{}\" r=\"4\" fill=\"{colour}\"/>",
                    y - 4
                ),
                false => format!(
                    "<line x1=\"{from}\" y1=\"{y}\" x2=\"{to}\" y2=\"{y}\" stroke=\"{colour}\" marker-end=\"url(#head)\"/>"
                ),
            };
            let label_y = if from == to { y } else { y - 4 };
            let _ = writeln!(
                svg,
                "{mark}<text x=\"{label_x}\" y=\"{label_y}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{}</text>",
                escaped(&shortened(&step.text))
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn shortened(text: &str) -> String {
    const LENGTH: usize = 70;
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
