//! Elements of a picture. Every text that comes from a config is escaped here, and nowhere else.

use crate::report::wrap::columns;
use crate::report::xml::escape;

/// Elements, in the order in which they are drawn.
pub(super) struct Canvas {
    body: String,
}

impl Canvas {
    pub(super) fn new() -> Self {
        Self {
            body: String::new(),
        }
    }

    pub(super) fn text_so_far(&self) -> &str {
        &self.body
    }

    pub(super) fn into_text(self) -> String {
        self.body
    }

    /// A start tag as it is.
    pub(super) fn open(&mut self, tag: &str) {
        self.put(tag);
        self.put("\n");
    }

    pub(super) fn close(&mut self, name: &str) {
        self.put(&format!("</{name}>\n"));
    }

    /// Elements that are drawn already.
    pub(super) fn put(&mut self, elements: &str) {
        self.body.push_str(elements);
    }

    pub(super) fn text(&mut self, class: &str, x: usize, y: usize, text: &str) {
        self.anchored(class, "start", x, y, text);
    }

    pub(super) fn middle(&mut self, class: &str, x: usize, y: usize, text: &str) {
        self.anchored(class, "middle", x, y, text);
    }

    pub(super) fn before(&mut self, class: &str, x: usize, y: usize, text: &str) {
        self.anchored(class, "end", x, y, text);
    }

    fn anchored(&mut self, class: &str, anchor: &str, x: usize, y: usize, text: &str) {
        let class = attribute("class", class);
        let anchor = match anchor {
            "start" => String::new(),
            other => attribute("text-anchor", other),
        };
        let text = escape(text);
        self.put(&format!(
            "<text{class}{anchor} x=\"{x}\" y=\"{y}\">{text}</text>\n"
        ));
    }

    pub(super) fn rect(&mut self, class: &str, x: usize, y: usize, width: usize, height: usize) {
        self.titled(class, (x, y), (width, height), "");
    }

    /// A rectangle that says something when it is pointed at.
    pub(super) fn titled(
        &mut self,
        class: &str,
        (x, y): (usize, usize),
        (width, height): (usize, usize),
        title: &str,
    ) {
        let round = if class == "card" || class == "lost" {
            8
        } else {
            2
        };
        let head = format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\""
        );
        if title.is_empty() {
            self.put(&format!("{head}/>\n"));
        } else {
            self.put(&format!("{head}><title>{}</title></rect>\n", escape(title)));
        }
    }

    pub(super) fn path(&mut self, class: &str, way: &str, more: &str) {
        self.put(&format!("<path class=\"{class}\" d=\"{way}\"{more}/>\n"));
    }

    /// The number of an inversion.
    pub(super) fn badge(&mut self, x: usize, y: usize, number: usize) {
        self.put(&format!(
            "<circle class=\"badge\" cx=\"{x}\" cy=\"{y}\" r=\"8.5\"/>\n"
        ));
        self.middle("on", x, y + 4, &number.to_string());
    }
}

fn attribute(name: &str, value: &str) -> String {
    if value.is_empty() {
        String::new()
    } else {
        format!(" {name}=\"{value}\"")
    }
}

/// Pixels that a text takes in a fixed-width font of a size; the widest of the usual ones.
pub(super) fn wide(text: &str, size: usize) -> usize {
    columns(text) * size * 61 / 100 + 1
}

/// A text that fits into some pixels: what is too long ends in `…`.
pub(super) fn cut(text: &str, width: usize, size: usize) -> String {
    if wide(text, size) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for char in text.chars() {
        kept.push(char);
        if wide(&kept, size) + size > width {
            break;
        }
    }
    kept.pop();
    kept.push('…');
    kept
}
