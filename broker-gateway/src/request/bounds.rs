//! A number of a consumer's settings comes in, one within its bounds goes out. Clients' defaults lie beyond some of them.

use std::fmt::Display;
use std::ops::RangeInclusive;

use super::forbidden;
use crate::refuse::No;

/// What becomes of a number beyond its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// It is brought to the nearest one, which the answer's settings show.
    Bring,
    /// It is refused: who is pedantic wants to be told, as by nats-server.
    Tell,
}

impl Beyond {
    /// Settles a setting; 0 leaves it to nats-server, as none does.
    ///
    /// # Errors
    /// A number that is to be told.
    pub fn settle<N>(
        self,
        at: &str,
        number: &mut Option<N>,
        within: &RangeInclusive<N>,
    ) -> Result<(), No>
    where
        N: Copy + Ord + Default + Display,
    {
        match number.filter(|number| *number != N::default()) {
            Some(given) => {
                *number = Some(self.settled(at, given, within)?);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The number itself, or the bound. Where one below zero stands for no bound, it is the upper one.
    ///
    /// # Errors
    /// As for [`Beyond::settle`].
    pub fn settled<N>(self, at: &str, number: N, within: &RangeInclusive<N>) -> Result<N, No>
    where
        N: Copy + Ord + Default + Display,
    {
        let (least, most) = (*within.start(), *within.end());
        match self {
            _ if within.contains(&number) => Ok(number),
            Beyond::Bring if number < N::default() => Ok(most),
            Beyond::Bring => Ok(number.clamp(least, most)),
            Beyond::Tell => Err(forbidden(
                at,
                format!("must be {least} to {most}"),
                format!("ត្រូវនៅចន្លោះ {least} ដល់ {most}"),
            )),
        }
    }
}
