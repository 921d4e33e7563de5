//! Chains as a picture, drawn by ourselves: the hops of a way from left to right, under each its timeouts as bars on one
//! time axis, so that an inversion is a bar that sticks out over its neighbour. Works for light and dark, and without
//! colours: how a value is known is the filling of its bar, and what sticks out is hatched.

mod bars;
mod canvas;

use std::io::{self, Write};

use self::bars::Columns;
use self::canvas::{Canvas, wide};
use super::budget::Tone;
use super::scale::Scale;
use super::text::figures;
use super::view::{Mark, View, Way};
use crate::report::wrap::filled;
use crate::report::xml::escape;

/// Colours and fonts; for a page that shows pictures as well.
pub(super) const STYLE: &str = include_str!("picture.css");
/// What pictures refer to by name: once for each document.
pub(super) const DEFS: &str = concat!(
    r#"<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" "#,
    r#"patternTransform="rotate(45)"><rect class="bg" width="6" height="6"/><path class="hatch" d="M0 0V6"/></pattern>"#,
    r#"<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">"#,
    r#"<path class="head" d="M0 0L8 4L0 8Z"/></marker></defs>"#
);

/// Writes all ways, one below the other, as one picture.
pub(super) fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let scale = Scale::of(view);
    let mut panels: Vec<Panel> = view
        .ways
        .iter()
        .map(|way| panel(way, &scale, true))
        .collect();
    if !panels.is_empty() {
        panels.push(legend());
    }
    let width = panels
        .iter()
        .map(|one| one.width)
        .max()
        .unwrap_or(NARROWEST)
        + 2 * EDGE;
    let mut body = Canvas::new();
    let mut y = EDGE;
    for one in &panels {
        body.open(&format!(r#"<g transform="translate({EDGE} {y})">"#));
        body.put(&one.body);
        body.close("g");
        y += one.height + BETWEEN;
    }
    let figures = figures(view);
    body.text("sans dim", EDGE, y, &figures);
    let height = y + EDGE;
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="pic" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="t d">"#
    )?;
    writeln!(out, r#"<title id="t">Timeout chains</title>"#)?;
    writeln!(
        out,
        r#"<desc id="d">{}</desc>"#,
        escape(&told(view, &figures))
    )?;
    writeln!(out, "<style>\n{STYLE}</style>\n{DEFS}")?;
    writeln!(
        out,
        r#"<rect class="bg" width="{width}" height="{height}"/>"#
    )?;
    out.write_all(body.text_so_far().as_bytes())?;
    writeln!(out, "</svg>")
}

/// A way as a picture of its own, for a page; `id` is unique there.
pub(super) fn alone(way: &Way, scale: &Scale, id: usize) -> String {
    let panel = panel(way, scale, false);
    let (width, height) = (panel.width + 2 * EDGE, panel.height + EDGE);
    format!(
        "<svg class=\"pic\" style=\"min-width:{}px\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"t{id} d{id}\">\n\
         <title id=\"t{id}\">{}</title>\n<desc id=\"d{id}\">{}</desc>\n\
         <g transform=\"translate({EDGE} {})\">\n{}</g>\n</svg>\n",
        // A little too wide is drawn smaller; what would be too small to be read scrolls.
        width * 4 / 5,
        escape(&format!("Timeouts from hop to hop: {}", way.path(" → "))),
        escape(&told_way(way)),
        EDGE / 2,
        panel.body,
    )
}

/// What each look of a bar means: a picture of one, and the words.
pub(super) fn keys() -> impl Iterator<Item = (String, &'static str)> {
    LOOKS.into_iter().map(|(class, text)| {
        let mut canvas = Canvas::new();
        canvas.rect(class, 1, 1, 13, 13);
        let open =
            r#"<svg class="pic" width="15" height="15" viewBox="0 0 15 15" aria-hidden="true">"#;
        (
            format!("{open}{}</svg>", canvas.into_text().trim_end()),
            text,
        )
    })
}

/// A part of a picture.
struct Panel {
    width: usize,
    height: usize,
    body: String,
}

fn panel(way: &Way, scale: &Scale, whole: bool) -> Panel {
    let columns = Columns::of(way, scale);
    let width = columns.width().max(NARROWEST);
    let mut canvas = Canvas::new();
    let mut y = 0;
    if whole {
        y = title(way, width, &mut canvas);
    }
    y = columns.draw(y, &mut canvas);
    if whole {
        y = said(way, y + 10, width, &mut canvas);
    }
    Panel {
        width,
        height: y,
        body: canvas.into_text(),
    }
}

fn title(way: &Way, width: usize, canvas: &mut Canvas) -> usize {
    let mut y = 0;
    for line in filled(&way.routes[0], fitting(width, 15)) {
        y += 18;
        canvas.text("title", 0, y, &line);
    }
    let also = match way.routes.len() {
        1 => None,
        _ => Some(format!("also {}", way.routes[1..].join(", "))),
    };
    let at = way.at().map(|at| format!("at {}", at.join(", ")));
    let more: Vec<String> = way.alike().into_iter().chain(at).chain(also).collect();
    if more.is_empty() {
        return y + 10;
    }
    let more = more.join(", ");
    let mut lines = filled(&more, fitting(width, 12));
    if lines.len() > 2 {
        lines.truncate(2);
        lines[1].push_str(" …");
    }
    for line in lines {
        y += 16;
        canvas.text("dim", 0, y, &line);
    }
    y + 10
}

/// Each inversion with its number, what the hops do, and what the client sees.
fn said(way: &Way, mut y: usize, width: usize, canvas: &mut Canvas) -> usize {
    for (at, clash) in way.clashes.iter().enumerate() {
        canvas.badge(9, y + 9, at + 1);
        for line in filled(&clash.facts, fitting(width - INDENT, 13)) {
            y += 17;
            canvas.text("sans said", INDENT, y - 3, &line);
        }
        let class = if clash.hidden {
            "sans said dim"
        } else {
            "sans said bad"
        };
        for line in filled(&clash.client, fitting(width - INDENT, 13)) {
            y += 17;
            canvas.text(class, INDENT, y - 3, &line);
        }
        y += 8;
    }
    for why in unknowns(way) {
        for line in filled(&why, fitting(width, 12)) {
            y += 16;
            canvas.text("sans dim", 0, y - 3, &line);
        }
    }
    for remark in &way.budget {
        let (class, sign) = match remark.tone {
            Tone::Good => ("sans said good", "✓ "),
            Tone::Bad => ("sans said bad", "✗ "),
            Tone::Unsure => ("sans said", "? "),
            Tone::More => ("sans said dim", ""),
        };
        for line in filled(&format!("{sign}{}", remark.text), fitting(width, 13)) {
            y += 17;
            canvas.text(class, 0, y - 3, &line);
        }
    }
    y
}

/// Why values are unknown, each reason once: in a picture nothing can be pointed at.
fn unknowns(way: &Way) -> Vec<String> {
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for hop in &way.hops {
        for value in hop
            .values
            .iter()
            .filter(|value| value.mark == Mark::Unknown)
        {
            let key = value.key.as_str().replace('_', " ");
            let why = format!("of {} {}", hop.name, value.origin);
            match told.iter_mut().find(|(known, _)| *known == why) {
                Some((_, keys)) => keys.push(key),
                None => told.push((why, vec![key])),
            }
        }
    }
    let told = told.into_iter();
    told.map(|(why, keys)| format!("? {} {why}", keys.join(", ")))
        .collect()
}

/// Columns of a fixed-width font of a size that fit.
fn fitting(width: usize, size: usize) -> usize {
    (width * 100 / (size * 61)).max(8)
}

fn legend() -> Panel {
    let mut canvas = Canvas::new();
    let (mut x, mut y) = (0, 0);
    for (class, text) in LOOKS {
        let size = 20 + wide(text, 12) + 18;
        if x + size > NARROWEST {
            (x, y) = (0, y + 20);
        }
        canvas.rect(class, x, y, 13, 13);
        canvas.text("sans", x + 20, y + 11, text);
        x += size;
    }
    Panel {
        width: NARROWEST,
        height: y + 14,
        body: canvas.into_text(),
    }
}

/// All of the picture in words, for who cannot see it.
fn told(view: &View, figures: &str) -> String {
    let ways: Vec<String> = view
        .ways
        .iter()
        .map(|way| format!("{}: {}", way.routes[0], told_way(way)))
        .collect();
    format!("{} {figures}.", ways.join(" "))
        .trim_start()
        .to_owned()
}

fn told_way(way: &Way) -> String {
    let hop = |hop: &super::view::Hop| {
        let values = hop.values.iter();
        let values: Vec<String> = values
            .map(|one| format!("{} {}", one.key.as_str().replace('_', " "), one.text))
            .collect();
        format!("{}: {}.", hop.who(), values.join(", "))
    };
    let hops = way.hops.iter().map(hop);
    let end = way
        .end
        .iter()
        .map(|end| format!("{}: {}.", end.names.join(", "), end.why));
    let clashes = way
        .clashes
        .iter()
        .map(|clash| format!("Inverted: {}: {}.", clash.facts, clash.client));
    let budget = way.budget.iter().map(|remark| format!("{}.", remark.text));
    let all: Vec<String> = hops.chain(end).chain(clashes).chain(budget).collect();
    all.join(" ")
}

/// Each look of a bar.
const LOOKS: [(&str, &str); 8] = [
    ("bar wait", "waits for the answer"),
    ("bar idle", "keeps an idle connection"),
    ("bar reach", "connects, sends"),
    ("bar wait", "full: written"),
    ("bar wait default", "pale: a default"),
    ("bar wait assumed", "dashed: an assumed default"),
    ("bar unknown", "empty: unknown"),
    ("bar over", "hatched: sticks out, inverted"),
];

/// Pixels around a picture.
const EDGE: usize = 20;
/// Pixels between two ways.
const BETWEEN: usize = 36;
/// Pixels of the narrowest picture.
const NARROWEST: usize = 560;
/// Pixels to the left of a sentence, for its number.
const INDENT: usize = 28;
