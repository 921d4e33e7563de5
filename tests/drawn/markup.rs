//! A reader of SVG and HTML that is stricter than any browser: every element is closed in its turn, every attribute is
//! quoted and named once, every reference is one that XML knows.

/// Elements that HTML never closes.
const VOID: [&str; 4] = ["meta", "input", "br", "link"];

/// A start tag.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    /// What the element would make a browser load, if anything.
    pub(crate) fn loads(&self) -> Option<String> {
        let own = [
            "xmlns",
            "aria-label",
            "data-find",
            "data-file",
            "content",
            "class",
        ];
        // A link to the page of a rule is followed when a person wants to.
        let is_page = |name: &str, value: &str| {
            self.name == "a"
                && name == "href"
                && value.starts_with("https://github.com/no502/no502/")
        };
        self.attributes
            .iter()
            .filter(|(name, value)| !own.contains(&name.as_str()) && !is_page(name, value))
            .find(|(name, value)| {
                let refers = [
                    "src",
                    "href",
                    "srcset",
                    "data",
                    "action",
                    "poster",
                    "xlink:href",
                ];
                let outside = refers.contains(&name.as_str()) && !value.starts_with('#');
                let style = value.contains("url(") && !value.contains("url(#");
                outside || style || value.contains("//") || name.starts_with("on")
            })
            .map(|(name, value)| format!("{name}={value}"))
    }
}

/// All elements in order, or what is not well-formed.
pub(crate) fn read(text: &str) -> Result<Vec<Element>, String> {
    let (mut elements, mut open): (Vec<Element>, Vec<String>) = (Vec::new(), Vec::new());
    let mut rest = text.strip_prefix("<!DOCTYPE html>").unwrap_or(text);
    while let Some(at) = rest.find('<') {
        references(&rest[..at])?;
        rest = &rest[at + 1..];
        let end = tag_end(rest).ok_or_else(|| format!("no end of <{rest:.40}"))?;
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop().as_deref() != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
            continue;
        }
        let element = element(tag.strip_suffix('/').unwrap_or(tag))?;
        let name = element.name.clone();
        elements.push(element);
        if name == "style" || name == "script" {
            let close = format!("</{name}>");
            let end = rest.find(&close).ok_or("an endless style or script")?;
            rest = &rest[end + close.len()..];
        } else if !tag.ends_with('/') && !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    references(rest)?;
    match open.pop() {
        Some(name) => Err(format!("<{name}> is never closed")),
        None => Ok(elements),
    }
}

/// The text of a page, without its tags.
pub(crate) fn words(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        words.push_str(&rest[..at]);
        let end = rest[at..].find('>').map_or(rest.len(), |end| at + end + 1);
        rest = &rest[end..];
    }
    words
}

/// The `>` that ends a tag: not one within quotes.
fn tag_end(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, char) in text.char_indices() {
        match char {
            '"' => quoted = !quoted,
            '<' => return None,
            '>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn element(tag: &str) -> Result<Element, String> {
    let name_end = tag.find(char::is_whitespace).unwrap_or(tag.len());
    let mut attributes: Vec<(String, String)> = Vec::new();
    let mut rest = tag[name_end..].trim_start();
    while !rest.is_empty() {
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        if attributes.iter().any(|(known, _)| *known == name) {
            return Err(format!("{name} twice in <{tag}>"));
        }
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(quoted) = rest.strip_prefix("=\"") {
            let end = quoted
                .find('"')
                .ok_or_else(|| format!("an open quote in <{tag}>"))?;
            quoted[..end].clone_into(&mut value);
            references(&value)?;
            rest = &quoted[end + 1..];
        } else if rest.starts_with('=') {
            return Err(format!("{name} without quotes in <{tag}>"));
        }
        attributes.push((name, value));
        rest = rest.trim_start();
    }
    Ok(Element {
        name: tag[..name_end].to_owned(),
        attributes,
    })
}

/// Every `&` begins a reference.
fn references(text: &str) -> Result<(), String> {
    for (at, _) in text.match_indices('&') {
        let name = text[at + 1..].split(';').next().unwrap_or_default();
        let known = ["amp", "lt", "gt", "quot", "apos"].contains(&name)
            || name
                .strip_prefix('#')
                .is_some_and(|digits| digits.parse::<u32>().is_ok());
        if !known {
            return Err(format!("a bare & before `{name:.20}`"));
        }
    }
    Ok(())
}

#[test]
fn what_is_broken_is_seen() {
    for broken in [
        "<a>",
        "<a></b>",
        "<a b=c/>",
        "<a b=\"&x\"/>",
        "a & b",
        "<a b=\"\" b=\"\"/>",
    ] {
        assert!(read(broken).is_err(), "{broken}");
    }
    let fine = read("<a b=\"&lt;\" hidden><br>x &amp; y<c href=\"//x\"/></a>").unwrap();
    assert_eq!(fine.len(), 3);
    assert!(fine[2].loads().is_some() && fine[0].loads().is_none());
}
