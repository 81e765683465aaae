//! Cuts lines out of a page: what is cut as pieces, what is kept as the page without them.

use std::collections::HashSet;
use std::ops::Range;

use super::clients::Mark;
use super::judge::Fate;
use super::page::{Page, is_more_block};
use crate::html::fragment::{self, Writer};
use crate::html::tree::{Data, Id, ROOT, Tree};
use crate::html::{is_block, is_dropped};

/// Most pieces that are cut out of a page. What would be cut beyond them stays.
const MOST_PIECES: usize = 64;

/// A run of lines that is cut for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) fate: Fate,
    pub(super) lines: Range<usize>,
}

/// The runs of lines that are cut. Blank lines between two that are cut, and those that lead to nothing but cut lines, go along.
pub(super) fn runs(fates: &[Option<Fate>], is_blank: impl Fn(usize) -> bool) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut at = 0;
    while at < fates.len() {
        let Some(fate) = fates[at] else {
            at += 1;
            continue;
        };
        let mut end = at;
        let mut blank = at;
        while blank < fates.len()
            && (fates[blank] == Some(fate) || (fates[blank].is_none() && is_blank(blank)))
        {
            blank += 1;
            if fates[blank - 1].is_some() {
                end = blank;
            }
        }
        // Blank lines behind the run are cut with it; so are those before it if nothing that is kept follows.
        let goes_on = (blank..fates.len()).any(|n| fates[n].is_none() && !is_blank(n));
        let mut from = at;
        if !goes_on {
            let floor = runs.last().map_or(0, |run| run.lines.end);
            while from > floor && fates[from - 1].is_none() && is_blank(from - 1) {
                from -= 1;
            }
        }
        let until = if goes_on && from > 0 { end } else { blank };
        if runs.len() == MOST_PIECES {
            break;
        }
        runs.push(Run { fate, lines: from..until.max(end) });
        at = until.max(end);
    }
    runs
}

/// Writes the runs as fragments of HTML and takes them out of the tree. `quotes` are blocks that are known as quotes by what
/// stands above them.
pub(super) fn carve(tree: &mut Tree, page: &Page, runs: &[Run], quotes: &[Id]) -> Vec<String> {
    let piece_of_line = |line: usize| {
        let at = runs.partition_point(|run| run.lines.end <= line);
        runs.get(at).filter(|run| run.lines.contains(&line)).map(|_| at)
    };
    let pieces: Vec<Option<usize>> = page.leaves.iter().map(|leaf| piece_of_line(leaf.line)).collect();
    let written = write(tree, page, &pieces, runs.len());
    take_out(tree, page, &pieces);
    // They stay known, though that was cut.
    for &quote in quotes {
        tree.make_cite(quote);
    }
    written
}

/// The pieces as HTML.
fn write(tree: &Tree, page: &Page, pieces: &[Option<usize>], count: usize) -> Vec<String> {
    let mut out = vec![String::new(); count];
    let mut writer = Writer::default();
    let mut current: Option<usize> = None;
    let mut path: Vec<Id> = Vec::new();
    let mut leaf = 0;
    let mut at = tree.node(ROOT).first_child;
    while let Some(id) = at {
        let node = tree.node(id);
        // The leaves of this very node; preformatted text has one a line.
        while leaf < page.leaves.len() && page.leaves[leaf].node == id {
            if pieces[leaf] != current {
                if let Some(piece) = current {
                    out[piece] = writer.end(tree, &path);
                }
                current = pieces[leaf];
            }
            if current.is_some()
                && let Data::Text(text) = &node.data
            {
                writer.text(tree, &path, &text[page.leaves[leaf].within.clone()]);
            }
            leaf += 1;
        }
        let enters = matches!(node.data, Data::Element { .. }) && !is_dropped(tree.name(id));
        if enters {
            path.push(id);
            // What shows by itself or parts lines, and cells, without which the others would move.
            let name = tree.name(id);
            if current.is_some() && (breaks_lines(name) || matches!(name, "br" | "img" | "td" | "th")) {
                writer.element(tree, &path);
            }
            if node.first_child.is_some() {
                at = node.first_child;
                continue;
            }
            writer.leave(tree, &path);
            path.pop();
        }
        at = node.next;
        while at.is_none()
            && let Some(&parent) = path.last()
        {
            writer.leave(tree, &path);
            path.pop();
            at = tree.node(parent).next;
        }
    }
    if let Some(piece) = current {
        out[piece] = writer.end(tree, &path);
    }
    out
}

/// Takes the leaves of pieces out of the tree, and the elements of which nothing is left.
fn take_out(tree: &mut Tree, page: &Page, pieces: &[Option<usize>]) {
    /// An element that is open: how many leaves it has, how many of them are cut, and whether these show anything.
    struct Open {
        id: Id,
        leaves: usize,
        cut: usize,
        shown: bool,
    }
    let mut path: Vec<Open> = Vec::new();
    let mut emptied: Vec<(Id, usize)> = Vec::new();
    let mut split: Vec<Id> = Vec::new();
    let mut leaf = 0;
    let mut at = tree.node(ROOT).first_child;
    while let Some(id) = at {
        let from = leaf;
        while leaf < page.leaves.len() && page.leaves[leaf].node == id {
            leaf += 1;
        }
        let cut = pieces[from..leaf].iter().filter(|piece| piece.is_some()).count();
        if cut > 0 && cut == leaf - from {
            emptied.push((id, from));
        } else if cut > 0
            && let Data::Text(text) = &tree.node(id).data
        {
            let left = (from..leaf).filter(|&n| pieces[n].is_none());
            let left: String = left.map(|n| &text[page.leaves[n].within.clone()]).collect();
            tree.set_text(id, left);
        }
        // White space that went along says nothing of what held it.
        let shows = match &tree.node(id).data {
            Data::Text(text) => !text.trim().is_empty(),
            // Spacers show nothing either.
            _ => {
                tree.name(id) == "hr"
                    || page.leaves[from..leaf].iter().any(|leaf| page.lines[leaf.line].image)
            }
        };
        let shown = shows && pieces[from..leaf].iter().any(Option::is_some);
        let mut done = Some(Open { id, leaves: leaf - from, cut, shown });
        let node = tree.node(id);
        if let Some(child) = node.first_child {
            path.extend(done);
            at = Some(child);
            continue;
        }
        let mut next = node.next;
        // Its counts go to what holds it, and so on upwards where that ends with it.
        while let Some(open) = done.take() {
            if open.cut > 0 && open.cut == open.leaves {
                emptied.push((open.id, leaf - 1));
            } else if open.shown {
                split.push(open.id);
            }
            if let Some(parent) = path.last_mut() {
                parent.leaves += open.leaves;
                parent.cut += open.cut;
                parent.shown |= open.shown;
            }
            if next.is_none() {
                done = path.pop();
                next = done.as_ref().and_then(|open| tree.node(open.id).next);
            }
        }
        at = next;
    }
    let kept = |(n, piece): (usize, &Option<usize>)| piece.is_none().then_some(n);
    let first = pieces.iter().enumerate().find_map(kept).unwrap_or(usize::MAX);
    let last = pieces.iter().enumerate().rev().find_map(kept).unwrap_or(0);
    let marked: HashSet<Id> = page.marked.iter().map(|marked| marked.node).collect();
    for (id, leaf) in emptied {
        // Between two that stay, what parted their lines leaves a gap.
        let between = first < leaf && leaf < last;
        match tree.name(id) {
            "html" | "head" | "body" => {}
            "td" | "th" => tree.empty(id),
            name if between && (breaks_lines(name) || marked.contains(&id)) => tree.make_gap(id),
            _ => tree.detach(id),
        }
    }
    // What is left of an element of which something was cut is not what its name says.
    let blocks = |mark: Mark| matches!(mark, Mark::Cite | Mark::Bar | Mark::Indent);
    let named = page.marked.iter().filter(|marked| !blocks(marked.known.0));
    let named: HashSet<Id> = named.map(|marked| marked.node).collect();
    for id in split {
        if named.contains(&id) {
            tree.drop_attributes(id, &["id", "class", "name", "style", "data-marker", "data-o-mail-quote"]);
        }
    }
}

/// Elements that begin a new line where no list or table holds them.
fn breaks_lines(name: &str) -> bool {
    let within =
        matches!(name, "td" | "th" | "tr" | "tbody" | "thead" | "tfoot" | "li" | "caption" | "option");
    !within && (name == "hr" || is_block(name) || is_more_block(name))
}

/// The page that is left, as HTML.
pub(super) fn left(tree: &Tree) -> String {
    fragment::whole(tree)
}
