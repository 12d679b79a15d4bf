//! A figure, what it should be, and how it came about.
//! In: measured rounds. Out: medians with their spread, and a verdict. Never: the best round shown as the figure.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use anyhow::Result;
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};

/// What a part has to show.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    pub figures: Vec<Figure>,
    /// What could not be measured here, and why.
    pub left_out: Vec<String>,
}

impl Outcome {
    /// What the measuring gave until it ended, and why it ended early, if it did.
    pub async fn of(measuring: impl AsyncFnOnce(&mut Outcome) -> Result<()>) -> Outcome {
        let mut outcome = Outcome::default();
        // The harness panics where it waits in vain: the other parts are still measured.
        let ended = AssertUnwindSafe(measuring(&mut outcome))
            .catch_unwind()
            .await;
        let why = match ended {
            Ok(Ok(())) => return outcome,
            Ok(Err(error)) => format!("{error:#}"),
            Err(panic) => words_of(&*panic),
        };
        outcome.left_out.push(why);
        outcome
    }

    pub fn show(&mut self, figure: Figure) {
        self.figures.push(figure);
    }
}

/// The first line of what a panic says.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let literal = panic
        .downcast_ref::<&str>()
        .map(|words| (*words).to_owned());
    let words = panic.downcast_ref::<String>().cloned().or(literal);
    let words = words.unwrap_or_else(|| "it panicked".to_owned());
    words.lines().next().unwrap_or_default().to_owned()
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Figure {
    pub what: String,
    pub value: f64,
    pub unit: String,
    /// None: printed beside the others.
    pub target: Option<Target>,
    /// The numbers that it was made of.
    pub made_of: String,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    pub fn new(what: impl Into<String>, value: f64, unit: &str) -> Figure {
        Figure {
            what: what.into(),
            value,
            unit: unit.to_owned(),
            target: None,
            made_of: String::new(),
        }
    }

    pub fn at_least(mut self, least: f64) -> Figure {
        self.target = Some(Target::AtLeast(least));
        self
    }

    pub fn at_most(mut self, most: f64) -> Figure {
        self.target = Some(Target::AtMost(most));
        self
    }

    pub fn made_of(mut self, how: impl Into<String>) -> Figure {
        self.made_of = how.into();
        self
    }

    /// None where nothing was promised.
    pub fn is_met(&self) -> Option<bool> {
        self.target.map(|target| match target {
            Target::AtLeast(least) => self.value >= least,
            Target::AtMost(most) => self.value <= most,
        })
    }
}

impl Target {
    pub fn words(self, unit: &str) -> String {
        match self {
            Target::AtLeast(least) => format!("at least {}{}", plain(least), spaced(unit)),
            Target::AtMost(most) => format!("at most {}{}", plain(most), spaced(unit)),
        }
    }
}

/// A number with as many digits as it can bear.
pub fn plain(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    let (whole, fraction) = text
        .split_once('.')
        .map_or((text.as_str(), None), |(whole, part)| (whole, Some(part)));
    let grouped = grouped(whole);
    fraction.map_or_else(|| grouped.clone(), |part| format!("{grouped}.{part}"))
}

fn grouped(digits: &str) -> String {
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

pub fn spaced(unit: &str) -> String {
    match unit {
        "" => String::new(),
        unit => format!(" {unit}"),
    }
}

/// The middle of some rounds, and how far they lie apart.
#[derive(Clone, Copy, Debug)]
pub struct Median {
    pub value: f64,
    pub lowest: f64,
    pub highest: f64,
}

impl Median {
    /// Of at least one value.
    pub fn of(mut values: Vec<f64>) -> Median {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let value = if values.len().is_multiple_of(2) {
            values[middle - 1].midpoint(values[middle])
        } else {
            values[middle]
        };
        Median {
            value,
            lowest: values[0],
            highest: values[values.len() - 1],
        }
    }

    /// `5,100 (4,900 to 5,300)`, or the value alone where it was one round.
    pub fn words(&self) -> String {
        if self.lowest == self.highest {
            return plain(self.value);
        }
        format!(
            "{} ({} to {})",
            plain(self.value),
            plain(self.lowest),
            plain(self.highest)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle_of_the_rounds() {
        assert_eq!(Median::of(vec![9.0, 1.0, 2.0]).value, 2.0);
        assert_eq!(Median::of(vec![4.0, 1.0, 2.0, 9.0]).words(), "3 (1 to 9)");
    }

    #[test]
    fn numbers_are_grouped_and_rounded_for_readers() {
        assert_eq!(plain(1_234_567.0), "1,234,567");
        assert_eq!(plain(12.345), "12.3");
        assert_eq!(plain(0.567), "0.57");
        assert_eq!(plain(100.0), "100");
    }

    #[test]
    fn a_target_is_met_on_its_edge() {
        assert_eq!(Figure::new("", 5.0, "").at_least(5.0).is_met(), Some(true));
        assert_eq!(Figure::new("", 5.1, "").at_most(5.0).is_met(), Some(false));
        assert_eq!(Figure::new("", 5.1, "").is_met(), None);
    }
}
