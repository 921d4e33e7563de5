//! The columns of a way: a card for each hop, its bars below, and between two hops the line that an inversion crosses.

use super::super::clash::Clash;
use super::super::duration;
use super::super::scale::Scale;
use super::super::view::{Dials, End, Hop, Mark, Value, Way};
use super::canvas::{Canvas, cut, wide};
use crate::model::{Amount, Key};
use crate::report::wrap::filled;

/// The keys that are drawn, in the order of a request's life; others stand below as text, unless they are inverted.
const DRAWN: [Key; 6] = [
    Key::Connect,
    Key::Send,
    Key::Read,
    Key::Worker,
    Key::KeepaliveIdle,
    Key::ClientIdle,
];

/// Everything of a way that is drawn in columns.
pub(super) struct Columns<'a> {
    way: &'a Way,
    scale: &'a Scale,
    list: Vec<Column<'a>>,
    card: usize,
}

struct Column<'a> {
    x: usize,
    width: usize,
    hop: Option<&'a Hop>,
    bars: Vec<&'a Value>,
    head: Vec<(&'static str, String)>,
    more: Vec<String>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(way: &'a Way, scale: &'a Scale) -> Self {
        let mut columns: Vec<Column> = way.hops.iter().map(hop).collect();
        columns.extend(way.end.as_ref().map(end));
        let mut x = GUTTER;
        for column in &mut columns {
            column.x = x;
            x += column.width + GAP;
        }
        let lines = columns.iter().map(|column| column.head.len()).max();
        Self {
            way,
            scale,
            list: columns,
            card: lines.unwrap_or_default() * LINE + 14,
        }
    }

    pub(super) fn width(&self) -> usize {
        self.right() + if self.way.takes.is_some() { GAP } else { 0 }
    }

    fn right(&self) -> usize {
        let last = self.list.last();
        last.map_or(0, |column| column.x + column.width)
    }

    /// Draws all columns below `top`; the answer is where the picture ends.
    pub(super) fn draw(&self, top: usize, canvas: &mut Canvas) -> usize {
        let base = top + self.card + HEADROOM + self.scale.steps() * STEP;
        self.axis(base, canvas);
        for (at, column) in self.list.iter().enumerate() {
            self.card(column, at, top, canvas);
            for (slot, value) in column.bars.iter().enumerate() {
                self.bar(column.slot(slot), value, base, canvas);
            }
        }
        self.budget(base, canvas);
        self.clashes(base, canvas);
        let mut bottom = base + 18;
        for column in &self.list {
            let mut y = base + 20;
            for line in &column.more {
                y += 14;
                canvas.text("more", column.x + PAD, y, line);
            }
            bottom = bottom.max(y + 6);
        }
        bottom
    }

    fn axis(&self, base: usize, canvas: &mut Canvas) {
        let right = self.right();
        for (at, ms) in self.scale.ticks().iter().enumerate() {
            let y = base - at * STEP;
            let class = if at == 0 { "base" } else { "grid" };
            canvas.path(class, &format!("M{GUTTER} {y}H{right}"), "");
            canvas.before("dim small", GUTTER - 8, y + 4, &duration(*ms));
        }
    }

    fn card(&self, column: &Column, at: usize, top: usize, canvas: &mut Canvas) {
        let (class, title) = match column.hop {
            Some(hop) => ("card", full(hop)),
            None => (
                "lost",
                self.way
                    .end
                    .as_ref()
                    .map_or(String::new(), |end| end.why.clone()),
            ),
        };
        canvas.titled(class, (column.x, top), (column.width, self.card), &title);
        for (line, (class, text)) in column.head.iter().enumerate() {
            canvas.text(class, column.x + PAD, top + 19 + line * LINE, text);
        }
        if let Some(before) = at.checked_sub(1).map(|before| &self.list[before]) {
            let y = top + 15;
            let (from, to) = (before.x + before.width + 3, column.x - 3);
            canvas.path(
                "flow",
                &format!("M{from} {y}H{to}"),
                r#" marker-end="url(#tip)""#,
            );
        }
    }

    fn bar(&self, x: usize, value: &Value, base: usize, canvas: &mut Canvas) {
        let name = short(value.key);
        let title = format!(
            "{} {}, {}",
            value.key.as_str().replace('_', " "),
            value.text,
            value.origin
        );
        let left = x + INSET;
        let height = self.height(value).max(2);
        let class = format!("bar {} {}", role(value.key), filling(value.mark));
        canvas.titled(
            class.trim_end(),
            (left, base - height),
            (BAR, height),
            &title,
        );
        let mut top = height;
        let mut said = match value.amount {
            Some(Amount::Infinite) => "∞".to_owned(),
            _ => value.text.clone(),
        };
        if let Some((from, attempts)) = self.over(value) {
            let low = self.scale.length(from, STEP);
            if let Some((times, total)) = attempts {
                top = self.scale.length(total, STEP);
                said = format!("{times}×{said}");
            }
            top = top.max(low + 2);
            canvas.titled("bar over", (left, base - top), (BAR, top - low), &title);
        }
        let (strong, weak) = if value.clashes {
            ("small bad", "small bad")
        } else {
            ("small", "small dim")
        };
        canvas.middle(strong, x + SLOT / 2, base - top - 5, &said);
        canvas.middle(weak, x + SLOT / 2, base + 14, name);
    }

    fn height(&self, value: &Value) -> usize {
        match value.amount {
            Some(Amount::Finite(ms)) => self.scale.length(ms, STEP),
            Some(Amount::Infinite) => self.scale.steps() * STEP + HEADROOM - 18,
            None => STEP,
        }
    }

    /// From where on a bar sticks out over the one that it clashes with, if it does; and how many attempts make it longer than
    /// one, and how long.
    fn over(&self, value: &Value) -> Option<(u64, Option<(usize, u64)>)> {
        let over = self.way.clashes.iter().filter_map(|clash| {
            let (outer, inner) = self.pair(clash)?;
            if let (Some(attempts), Some(Amount::Finite(each))) = (clash.attempts, inner.2.amount) {
                return std::ptr::eq(inner.2, value).then_some((each, Some(attempts)));
            }
            let low = low(outer.2, inner.2)?;
            let takes_part = std::ptr::eq(outer.2, value) || std::ptr::eq(inner.2, value);
            let sticks_out = value.amount > Some(Amount::Finite(low));
            (takes_part && sticks_out).then_some((low, None))
        });
        over.min_by_key(|(from, _)| *from)
    }

    /// Column, left edge of the slot, and value of both bars of an inversion.
    fn pair(&self, clash: &Clash) -> Option<(Bar<'a>, Bar<'a>)> {
        let find = |(at, key): (usize, Option<Key>)| {
            let column = self.list.get(at)?;
            let slot = column.bars.iter().position(|bar| Some(bar.key) == key)?;
            Some((at, column.slot(slot), column.bars[slot]))
        };
        Some((find(clash.outer)?, find(clash.inner)?))
    }

    /// A line at the time that a request takes, across all hops.
    fn budget(&self, base: usize, canvas: &mut Canvas) {
        let Some(ms) = self.way.takes else {
            return;
        };
        let (y, right) = (base - self.scale.length(ms, STEP), self.right());
        canvas.path("takes", &format!("M{GUTTER} {y}H{right}"), "");
        canvas.text("small good", right + 5, y + 4, &duration(ms));
    }

    /// A dashed line at the shorter of both times, from bar to bar, and the number of the inversion between the hops.
    fn clashes(&self, base: usize, canvas: &mut Canvas) {
        let mut taken: Vec<(usize, usize)> = Vec::new();
        for (number, clash) in self.way.clashes.iter().enumerate() {
            let Some((outer, inner)) = self.pair(clash) else {
                continue;
            };
            let low = match (clash.attempts, outer.2.amount) {
                (Some(_), Some(Amount::Finite(waits))) => Some(waits),
                _ => low(outer.2, inner.2),
            };
            let Some(low) = low else {
                continue;
            };
            let y = base - self.scale.length(low, STEP).max(2);
            let (from, to) = (outer.1 + INSET, inner.1 + INSET + BAR);
            canvas.path("limit", &format!("M{from} {y}H{to}"), "");
            let column = &self.list[inner.0];
            let x = column.x - GAP / 2;
            let mut at = y;
            while taken
                .iter()
                .any(|(other, height)| *other == x && height.abs_diff(at) < 19)
            {
                at -= 19;
            }
            taken.push((x, at));
            canvas.badge(x, at, number + 1);
        }
    }
}

/// Index of a column, left edge of a slot, and the value drawn in it.
type Bar<'a> = (usize, usize, &'a Value);

fn low(outer: &Value, inner: &Value) -> Option<u64> {
    match outer.amount?.min(inner.amount?) {
        Amount::Finite(ms) => Some(ms),
        Amount::Infinite => None,
    }
}

impl Column<'_> {
    fn slot(&self, at: usize) -> usize {
        self.x + PAD / 2 + at * SLOT
    }
}

fn hop(hop: &Hop) -> Column<'_> {
    let drawn = |value: &&Value| DRAWN.contains(&value.key) || value.clashes;
    let mut bars: Vec<&Value> = hop.values.iter().filter(drawn).collect();
    let place = |key| DRAWN.iter().position(|drawn| *drawn == key);
    bars.sort_by_key(|value| place(value.key).unwrap_or(DRAWN.len()));
    let width = (bars.len() * SLOT + PAD).max(COLUMN);
    let inside = width - 2 * PAD;
    let mut head = lines("name", 13, &hop.names(), inside, 3);
    let mut below = String::new();
    if hop.program != hop.name {
        below.push_str(&hop.program);
    }
    if !hop.listens.is_empty() {
        below = format!("{below} on {}", hop.listens.join(", "));
    }
    head.extend(lines("dim", 12, below.trim_start(), inside, 2));
    head.extend(lines(
        "dim",
        12,
        hop.via.as_deref().unwrap_or_default(),
        inside,
        2,
    ));
    if let Some(dials) = &hop.dials {
        let indent = wide("→ ", 12);
        let dialled = lines("dim", 12, &dialled(dials), inside - indent, 2);
        let signs = ["→ ", "\u{a0} "].into_iter();
        head.extend(
            signs
                .zip(dialled)
                .map(|(sign, (class, line))| (class, format!("{sign}{line}"))),
        );
    }
    let others = hop.values.iter().filter(|value| !drawn(value));
    let more = others.flat_map(|value| {
        let text = format!("{} {}", value.key.as_str().replace('_', " "), value.text);
        filled(&text, inside * 100 / (11 * 61))
    });
    Column {
        x: 0,
        width,
        hop: Some(hop),
        bars,
        head,
        more: more.collect(),
    }
}

fn end(end: &End) -> Column<'_> {
    let inside = COLUMN - 2 * PAD;
    let mut head = lines("name", 13, &end.names.join(", "), inside, 3);
    head.extend(lines("dim", 12, &end.why, inside, 5));
    Column {
        x: 0,
        width: COLUMN,
        hop: None,
        bars: Vec::new(),
        head,
        more: Vec::new(),
    }
}

/// A text in lines that fit; what does not fit into `most` of them is left to the title.
fn lines(
    class: &'static str,
    size: usize,
    text: &str,
    width: usize,
    most: usize,
) -> Vec<(&'static str, String)> {
    if text.is_empty() {
        return Vec::new();
    }
    let mut lines = filled(text, (width * 100 / (size * 61)).max(4));
    if lines.len() > most {
        lines.truncate(most);
        let last = lines.pop().unwrap_or_default();
        lines.push(cut(&format!("{last} …"), width, size));
    }
    lines.into_iter().map(|line| (class, line)).collect()
}

fn dialled(dials: &Dials) -> String {
    let leads = dials
        .leads
        .as_ref()
        .map_or(String::new(), |leads| format!(" ({leads})"));
    format!("{}{leads}", dials.written.join(", "))
}

/// All that the card of a hop stands for.
fn full(hop: &Hop) -> String {
    let listens = if hop.listens.is_empty() {
        String::new()
    } else {
        format!(" on {}", hop.listens.join(", "))
    };
    let dials = hop
        .dials
        .as_ref()
        .map_or(String::new(), |dials| format!(" → {}", dialled(dials)));
    format!("{}{listens}{dials}", hop.who())
}

/// The name of a bar: there is room for seven characters.
fn short(key: Key) -> &'static str {
    match key {
        Key::KeepaliveIdle => "idle",
        Key::ClientIdle => "client",
        other => other.as_str(),
    }
}

fn role(key: Key) -> &'static str {
    match key {
        Key::Read | Key::Worker => "wait",
        Key::KeepaliveIdle | Key::ClientIdle => "idle",
        _ => "reach",
    }
}

fn filling(mark: Mark) -> &'static str {
    match mark {
        Mark::Written | Mark::Inherited => "",
        Mark::Default => "default",
        Mark::Assumed => "assumed",
        Mark::Unknown => "unknown",
    }
}

/// Pixels to the left of the first column, for the axis.
const GUTTER: usize = 44;
/// Pixels between two columns, for the arrow and the numbers.
const GAP: usize = 40;
/// Pixels of the narrowest column.
const COLUMN: usize = 212;
/// Pixels within a card, left and right.
const PAD: usize = 12;
/// Pixels for a bar with its name, and of the bar itself.
const SLOT: usize = 48;
const BAR: usize = 22;
const INSET: usize = (SLOT - BAR) / 2;
/// Pixels of a step of the axis.
const STEP: usize = 28;
/// Pixels between the cards and the top of the axis.
const HEADROOM: usize = 36;
/// Pixels of a line in a card.
const LINE: usize = 16;
