//! Bar charts drawn on the server, each with its table.

use askama::Template;
use askama::filters::HtmlSafe;

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// What it stands for: an hour or a day.
    pub label: String,
    /// Mails that ended by themselves.
    pub ended: u64,
    /// Mails held for a person.
    pub held: u64,
}

/// Bars over time with the table of their numbers.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "components/chart.html")]
pub struct Chart {
    /// What is shown.
    pub caption: String,
    /// The head of the first column: *Hour*, *Day*.
    pub span: &'static str,
    /// The bars, oldest first.
    pub bars: Vec<Bar>,
}

impl HtmlSafe for Chart {}

/// A bar's place in the drawing, in its own units.
struct Drawn<'a> {
    bar: &'a Bar,
    x: u64,
    width: u64,
    ended_y: u64,
    ended_height: u64,
    held_y: u64,
    held_height: u64,
}

const WIDTH: u64 = 720;
const HEIGHT: u64 = 96;

impl Chart {
    fn highest(&self) -> u64 {
        self.bars.iter().map(|bar| bar.ended.saturating_add(bar.held)).max().unwrap_or(0)
    }

    fn total(&self) -> u64 {
        self.bars.iter().fold(0, |sum, bar| sum.saturating_add(bar.ended).saturating_add(bar.held))
    }

    fn first(&self) -> &str {
        self.bars.first().map_or("", |bar| &bar.label)
    }

    fn last(&self) -> &str {
        self.bars.last().map_or("", |bar| &bar.label)
    }

    fn drawn(&self) -> Vec<Drawn<'_>> {
        let slot = WIDTH / (self.bars.len().max(1) as u64);
        let highest = self.highest().max(1);
        // A number above nothing is at least two units tall, so that it is seen.
        let tall = |number: u64| {
            let height = u128::from(number) * u128::from(HEIGHT) / u128::from(highest);
            if number == 0 { 0 } else { u64::try_from(height).unwrap_or(HEIGHT).max(2) }
        };
        (self.bars.iter().enumerate())
            .map(|(at, bar)| {
                let (ended, held) = (tall(bar.ended), tall(bar.held));
                Drawn {
                    bar,
                    x: slot * at as u64 + 2,
                    width: slot.saturating_sub(4).max(1),
                    ended_y: HEIGHT.saturating_sub(ended),
                    ended_height: ended,
                    held_y: HEIGHT.saturating_sub(ended + held),
                    held_height: held,
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a chart of any numbers stays inside its frame and says its numbers in a table.
    #[test]
    fn charts_stay_inside_and_have_a_table() {
        let bar = |label: &str, ended, held| Bar { label: label.into(), ended, held };
        for bars in [
            vec![],
            vec![bar("09:00", 0, 0)],
            vec![bar("09:00", u64::MAX, 1), bar("10:00", 1, u64::MAX)],
            (0..24).map(|n| bar("x", n * 7, n % 3)).collect(),
        ] {
            let chart = Chart { caption: "Mails".into(), span: "Hour", bars };
            for drawn in chart.drawn() {
                assert!(drawn.x + drawn.width <= WIDTH && drawn.ended_y <= HEIGHT && drawn.held_y <= HEIGHT);
            }
            assert!(chart.to_string().contains("<table"));
        }
    }
}
