//! What both forms have in common.

use serde_json::Value;

/// A block of a document. What is made by [`super::normal`] is canonical: equal documents are equal values.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Block {
    /// At least one line; a single empty one is an empty paragraph.
    Paragraph(Vec<Line>),
    Heading {
        level: u8,
        lines: Vec<Line>,
    },
    /// `first` is the number of an ordered list's first item.
    List {
        first: Option<u32>,
        items: Vec<Vec<Block>>,
    },
    Code {
        language: Option<String>,
        text: String,
    },
    Quote(Vec<Block>),
    Rule,
    /// A node that Markdown has no form for.
    Kept(Value),
}

impl Block {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Paragraph(lines) if lines.iter().all(Vec::is_empty) && lines.len() < 2)
    }

    pub(super) fn empty() -> Self {
        Self::Paragraph(vec![Line::new()])
    }
}

/// No [`Inline::Break`] in it.
pub(super) type Line = Vec<Inline>;

/// A part of a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Inline {
    Text(String, Marks),
    Break,
    /// A node that Markdown has no form for.
    Kept(Value),
}

impl Inline {
    pub(super) fn enclosed(mut self, outer: &Marks) -> Self {
        if let Self::Text(_, marks) = &mut self {
            marks.enclose(outer);
        }
        self
    }
}

/// What is said of a text.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Marks {
    pub(super) styles: Styles,
    pub(super) code: bool,
    pub(super) link: Option<Link>,
    /// Marks that Markdown has no form for, as JSON.
    pub(super) other: Vec<Value>,
}

impl Marks {
    /// True if a space of it cannot be seen.
    pub(super) fn is_plain(&self) -> bool {
        !self.code && self.link.is_none() && self.other.is_empty()
    }

    /// Adds the marks of what encloses the text. Of two of one type the inner one stays.
    pub(super) fn enclose(&mut self, outer: &Self) {
        self.styles = self.styles.union(outer.styles);
        self.code |= outer.code;
        let kept_links = |other: &[Value]| other.iter().any(|mark| mark["type"] == "link");
        if self.link.is_none() && !kept_links(&self.other) {
            self.link.clone_from(&outer.link);
        }
        for mark in &outer.other {
            let taken = mark["type"] == "link" && self.link.is_some();
            if !taken && self.other.iter().all(|own| own["type"] != mark["type"]) {
                self.other.push(mark.clone());
            }
        }
    }
}

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) href: String,
    pub(super) title: Option<String>,
}

/// A mark that has no attributes and is written as delimiters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Strike,
    Strong,
    Em,
}

impl Style {
    pub(super) const ALL: [Self; 3] = [Self::Strike, Self::Strong, Self::Em];
}

/// A set of [`Style`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Styles(u8);

impl Styles {
    pub(super) const ALL: Self = Self(0b111);

    pub(super) fn only(style: Style) -> Self {
        Self(1 << style as u8)
    }

    pub(super) fn has(self, style: Style) -> bool {
        self.0 & Self::only(style).0 != 0
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Where a block stands: ADF allows a container some kinds of blocks only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) container: Container,
    depth: u8,
}

/// What contains a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Document,
    Quote,
    Item,
}

impl Place {
    pub(super) const DOCUMENT: Self = Self {
        container: Container::Document,
        depth: 0,
    };
    /// Quotes and lists within each other. Jira's editor stops at six.
    const DEEPEST: u8 = 12;

    pub(super) fn within(self, container: Container) -> Self {
        Self {
            container,
            depth: self.depth + 1,
        }
    }

    pub(super) fn has_lists(self) -> bool {
        self.depth < Self::DEEPEST
    }

    pub(super) fn has_quotes(self) -> bool {
        self.container == Container::Document
    }

    /// Headings and rules.
    pub(super) fn has_sections(self) -> bool {
        self.container == Container::Document
    }
}
