//! HTML to a tree, within bounds.
//!
//! The tree is built by html5ever, which repairs markup as browsers do. Two things in it cost more than linear time on
//! hostile input: deep nesting and tags with endless attributes. A filter between its tokenizer and its tree builder
//! keeps the depth and the number of elements within bounds, and input is fed in small pieces, so that a tag which never
//! ends is noticed. Nodes live in one vector and refer to each other by index: nothing here recurses.

use std::borrow::Cow;
use std::cell::{Cell, Ref, RefCell};

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};
use html5ever::{Attribute, LocalName, QualName, TokenizerResult};

/// Deepest nesting of elements; deeper ones are dropped and their text stays.
pub(crate) const MAX_TREE_DEPTH: u16 = 250;
/// Most nodes of a tree; elements beyond are dropped.
const MAX_NODES: usize = 300_000;
/// Most bytes of a page that are read.
pub(crate) const MAX_HTML: usize = 4 << 20;
/// Bytes fed at once, and bytes without any token after which the rest is given up: no honest tag is that long.
const FEED: usize = 2_048;
const MAX_SILENCE: usize = 24_576;

/// A node's index.
pub(crate) type Id = usize;

#[derive(Debug)]
pub(crate) enum Data {
    Root,
    Text(String),
    Element { name: QualName, attributes: Vec<Attribute> },
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) data: Data,
    parent: Option<Id>,
    previous: Option<Id>,
    pub(crate) next: Option<Id>,
    pub(crate) first_child: Option<Id>,
    last_child: Option<Id>,
    depth: u16,
}

/// A parsed page.
#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// Whether something was left out to stay within bounds.
    pub(crate) cut: bool,
}

pub(crate) const ROOT: Id = 0;

impl Tree {
    pub(crate) fn parse(html: &str) -> Self {
        let whole = html.len() <= MAX_HTML;
        let html = &html[..html.floor_char_boundary(MAX_HTML)];
        let html = without_bulk(html);
        let sink = Sink { nodes: RefCell::new(vec![Node::new(Data::Root)]), depth: Cell::new(0) };
        let builder = TreeBuilder::new(
            sink,
            TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() },
        );
        let filter = Filter {
            builder,
            dropped: RefCell::new(Vec::new()),
            tokens: Cell::new(0),
            cut: Cell::new(false),
        };
        let tokenizer = Tokenizer::new(filter, TokenizerOpts::default());
        let input = BufferQueue::default();
        let mut rest: &str = &html;
        let mut silence = 0;
        let mut stopped = false;
        while !rest.is_empty() {
            let (piece, after) = rest
                .split_at(rest.floor_char_boundary(FEED).max(rest.chars().next().map_or(0, char::len_utf8)));
            rest = after;
            let before = tokenizer.sink.tokens.get();
            input.push_back(StrTendril::from_slice(piece));
            while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
            silence = if tokenizer.sink.tokens.get() == before { silence + piece.len() } else { 0 };
            if silence > MAX_SILENCE {
                stopped = true;
                break;
            }
        }
        tokenizer.end();
        let cut = !whole || stopped || tokenizer.sink.cut.get();
        Self { nodes: tokenizer.sink.builder.sink.nodes.into_inner(), cut }
    }

    pub(crate) fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    /// Takes a node and all below it out of the page.
    pub(crate) fn detach(&mut self, id: Id) {
        Sink::detach(&mut self.nodes, id);
    }

    /// Takes out all that is in an element.
    pub(crate) fn empty(&mut self, id: Id) {
        while let Some(child) = self.nodes[id].first_child {
            self.detach(child);
        }
    }

    /// Makes an element an empty block, which shows nothing and parts what stands at its sides.
    pub(crate) fn make_gap(&mut self, id: Id) {
        self.empty(id);
        let name = QualName::new(None, html5ever::ns!(html), html5ever::local_name!("div"));
        self.nodes[id].data = Data::Element { name, attributes: Vec::new() };
    }

    /// Gives a text node another text.
    pub(crate) fn set_text(&mut self, id: Id, text: String) {
        if let Data::Text(old) = &mut self.nodes[id].data {
            *old = text;
        }
    }

    /// Takes attributes off an element.
    pub(crate) fn drop_attributes(&mut self, id: Id, names: &[&str]) {
        if let Data::Element { attributes, .. } = &mut self.nodes[id].data {
            attributes.retain(|attribute| !names.contains(&&*attribute.name.local));
        }
    }

    /// Says of a `blockquote` that it quotes a mail.
    pub(crate) fn make_cite(&mut self, id: Id) {
        if let Data::Element { attributes, .. } = &mut self.nodes[id].data {
            attributes.retain(|attribute| &*attribute.name.local != "type");
            let name = QualName::new(None, html5ever::ns!(), html5ever::local_name!("type"));
            attributes.push(Attribute { name, value: StrTendril::from_slice("cite") });
        }
    }

    /// The attributes of an element.
    pub(crate) fn attributes(&self, id: Id) -> &[Attribute] {
        match &self.nodes[id].data {
            Data::Element { attributes, .. } => attributes,
            _ => &[],
        }
    }

    /// The children of a node, in order.
    pub(crate) fn children(&self, id: Id) -> impl Iterator<Item = Id> {
        std::iter::successors(self.nodes[id].first_child, |&child| self.nodes[child].next)
    }

    /// The local name of an HTML element; empty for anything else.
    pub(crate) fn name(&self, id: Id) -> &str {
        match &self.nodes[id].data {
            Data::Element { name, .. } => &name.local,
            _ => "",
        }
    }

    /// An attribute of an element.
    pub(crate) fn attribute(&self, id: Id, wanted: &str) -> Option<&str> {
        match &self.nodes[id].data {
            Data::Element { attributes, .. } => {
                attributes.iter().find(|a| &*a.name.local == wanted).map(|a| &*a.value)
            }
            _ => None,
        }
    }

    /// Every node below `id` in document order, without recursion.
    pub(crate) fn descendants(&self, id: Id) -> impl Iterator<Item = Id> {
        self.descendants_but(id, |_| false)
    }

    /// As [`Tree::descendants`], without those for which `skip` holds and what is below them.
    pub(crate) fn descendants_but(&self, id: Id, skip: impl Fn(Id) -> bool) -> impl Iterator<Item = Id> {
        let mut at = id;
        let mut below = true;
        std::iter::from_fn(move || {
            loop {
                at = match self.nodes[at].first_child.filter(|_| below) {
                    Some(child) => child,
                    None => loop {
                        if at == id {
                            return None;
                        }
                        if let Some(next) = self.nodes[at].next {
                            break next;
                        }
                        at = self.nodes[at].parent?;
                    },
                };
                below = !skip(at);
                if below {
                    return Some(at);
                }
            }
        })
    }
}

/// The page without comments and without the content of `data:` addresses: both may be megabytes in a single token,
/// and neither is shown.
fn without_bulk(html: &str) -> Cow<'_, str> {
    let bytes = html.as_bytes();
    let mut out = String::new();
    let mut kept = 0;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'<' if bytes[at..].starts_with(b"<!--") => {
                let Some(end) = html[at + 2..].find("-->") else { break };
                out.push_str(&html[kept..at]);
                kept = at + 2 + end + 3;
                at = kept;
            }
            b'd' | b'D'
                if at > 0
                    && matches!(bytes[at - 1], b'"' | b'\'' | b'=')
                    && bytes[at..].len() > 5
                    && bytes[at..at + 5].eq_ignore_ascii_case(b"data:") =>
            {
                let content = at + 5;
                let length = bytes[content..]
                    .iter()
                    .position(|b| matches!(b, b'"' | b'\'' | b'>' | b' ' | b'\n' | b'\r' | b'\t'))
                    .unwrap_or(bytes.len() - content);
                out.push_str(&html[kept..content]);
                kept = content + length;
                at = kept;
            }
            _ => at += 1,
        }
    }
    if kept == 0 {
        return Cow::Borrowed(html);
    }
    out.push_str(&html[kept..]);
    Cow::Owned(out)
}

/// Stands between tokenizer and tree builder and drops what would go out of bounds.
struct Filter {
    builder: TreeBuilder<Id, Sink>,
    /// Names of start tags that were dropped and whose end tags must be dropped as well.
    dropped: RefCell<Vec<LocalName>>,
    tokens: Cell<u64>,
    cut: Cell<bool>,
}

impl Filter {
    fn drops(&self, tag: &Tag) -> bool {
        let mut dropped = self.dropped.borrow_mut();
        if tag.kind == TagKind::EndTag {
            let Some(at) = dropped.iter().rposition(|name| *name == tag.name) else { return false };
            dropped.truncate(at);
            return true;
        }
        let sink = &self.builder.sink;
        let void =
            matches!(&*tag.name, "br" | "img" | "hr" | "wbr" | "meta" | "link" | "input" | "col" | "base");
        let full = sink.nodes.borrow().len() > MAX_NODES;
        let deep = sink.depth.get() >= MAX_TREE_DEPTH;
        if !full && (!deep || void) {
            return false;
        }
        // What is dropped when the depth is used up keeps its text; what is dropped when the page is full may not.
        if full {
            self.cut.set(true);
        }
        if !void && dropped.len() < usize::from(MAX_TREE_DEPTH) {
            dropped.push(tag.name.clone());
        }
        true
    }
}

impl TokenSink for Filter {
    type Handle = Id;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Id> {
        if !matches!(token, Token::ParseError(_)) {
            self.tokens.set(self.tokens.get() + 1);
        }
        if let Token::TagToken(tag) = &token
            && self.drops(tag)
        {
            return TokenSinkResult::Continue;
        }
        match self.builder.process_token(token, line) {
            // Scripts never run, and the text is text already.
            TokenSinkResult::Script(_) | TokenSinkResult::EncodingIndicator(_) => TokenSinkResult::Continue,
            other => other,
        }
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

impl Node {
    fn new(data: Data) -> Self {
        Self { data, parent: None, previous: None, next: None, first_child: None, last_child: None, depth: 0 }
    }
}

/// What html5ever builds into.
struct Sink {
    nodes: RefCell<Vec<Node>>,
    /// Depth of the node that something was last put into.
    depth: Cell<u16>,
}

impl Sink {
    fn add(&self, data: Data) -> Id {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node::new(data));
        nodes.len() - 1
    }

    fn detach(nodes: &mut [Node], id: Id) {
        let (parent, previous, next) =
            (nodes[id].parent.take(), nodes[id].previous.take(), nodes[id].next.take());
        match (previous, parent) {
            (Some(previous), _) => nodes[previous].next = next,
            (None, Some(parent)) => nodes[parent].first_child = next,
            (None, None) => {}
        }
        match (next, parent) {
            (Some(next), _) => nodes[next].previous = previous,
            (None, Some(parent)) => nodes[parent].last_child = previous,
            (None, None) => {}
        }
    }

    /// Puts `id` into `parent`, before `next` or last.
    fn insert(nodes: &mut [Node], id: Id, parent: Id, next: Option<Id>) {
        Self::detach(nodes, id);
        let previous = match next {
            Some(next) => nodes[next].previous,
            None => nodes[parent].last_child,
        };
        let depth = nodes[parent].depth.saturating_add(1);
        let node = &mut nodes[id];
        (node.parent, node.previous, node.next, node.depth) = (Some(parent), previous, next, depth);
        match previous {
            Some(previous) => nodes[previous].next = Some(id),
            None => nodes[parent].first_child = Some(id),
        }
        match next {
            Some(next) => nodes[next].previous = Some(id),
            None => nodes[parent].last_child = Some(id),
        }
    }

    fn put(&self, parent: Id, next: Option<Id>, child: NodeOrText<Id>) {
        let mut nodes = self.nodes.borrow_mut();
        self.depth.set(nodes[parent].depth);
        match child {
            NodeOrText::AppendNode(id) => {
                if matches!(nodes[id].data, Data::Element { .. }) {
                    self.depth.set(nodes[parent].depth.saturating_add(1));
                }
                Self::insert(&mut nodes, id, parent, next);
            }
            NodeOrText::AppendText(text) => {
                let before = match next {
                    Some(next) => nodes[next].previous,
                    None => nodes[parent].last_child,
                };
                if let Some(before) = before
                    && let Data::Text(existing) = &mut nodes[before].data
                {
                    existing.push_str(&text);
                    return;
                }
                nodes.push(Node::new(Data::Text(text.to_string())));
                let id = nodes.len() - 1;
                Self::insert(&mut nodes, id, parent, next);
            }
        }
    }
}

impl TreeSink for Sink {
    type Handle = Id;
    type Output = ();
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) {}

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn get_document(&self) -> Id {
        ROOT
    }

    fn elem_name<'a>(&'a self, target: &'a Id) -> Ref<'a, QualName> {
        Ref::map(self.nodes.borrow(), |nodes| match &nodes[*target].data {
            Data::Element { name, .. } => name,
            // html5ever asks only for the names of elements that it made itself.
            _ => unreachable!("the tree builder asks for the name of an element only"),
        })
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _flags: ElementFlags) -> Id {
        self.add(Data::Element { name, attributes })
    }

    fn create_comment(&self, _text: StrTendril) -> Id {
        self.add(Data::Nothing)
    }

    fn create_pi(&self, _target: StrTendril, _data: StrTendril) -> Id {
        self.add(Data::Nothing)
    }

    fn append(&self, parent: &Id, child: NodeOrText<Id>) {
        self.put(*parent, None, child);
    }

    fn append_based_on_parent_node(&self, element: &Id, previous: &Id, child: NodeOrText<Id>) {
        if self.nodes.borrow()[*element].parent.is_some() {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
    }

    fn append_doctype_to_document(&self, _name: StrTendril, _public: StrTendril, _system: StrTendril) {}

    fn pop(&self, node: &Id) {
        // The parent is open again.
        let nodes = self.nodes.borrow();
        let parent = nodes[*node].parent.map_or(0, |parent| nodes[parent].depth);
        self.depth.set(parent);
    }

    fn get_template_contents(&self, target: &Id) -> Id {
        *target
    }

    fn same_node(&self, one: &Id, other: &Id) -> bool {
        one == other
    }

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Id, child: NodeOrText<Id>) {
        let parent = self.nodes.borrow()[*sibling].parent;
        match parent {
            Some(parent) => self.put(parent, Some(*sibling), child),
            None => self.put(ROOT, None, child),
        }
    }

    fn add_attrs_if_missing(&self, target: &Id, more: Vec<Attribute>) {
        if let Data::Element { attributes, .. } = &mut self.nodes.borrow_mut()[*target].data {
            for attribute in more {
                if attributes.len() < 100 && attributes.iter().all(|have| have.name != attribute.name) {
                    attributes.push(attribute);
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &Id) {
        Self::detach(&mut self.nodes.borrow_mut(), *target);
    }

    fn reparent_children(&self, node: &Id, new_parent: &Id) {
        let mut nodes = self.nodes.borrow_mut();
        while let Some(child) = nodes[*node].first_child {
            Self::insert(&mut nodes, child, *new_parent, None);
        }
    }
}
