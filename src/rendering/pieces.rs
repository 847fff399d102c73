//! A text with gaps: what is the same for everyone, and where each person's own words go.

use super::field::Field;

/// A gap that differs from person to person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    FirstName,
    LastName,
    NextAnniversary,
    /// The person's own unsubscribe address.
    Unsubscribe,
}

impl Slot {
    pub const ALL: [Slot; 4] = [
        Slot::FirstName,
        Slot::LastName,
        Slot::NextAnniversary,
        Slot::Unsubscribe,
    ];

    /// A small number per slot, for tables.
    pub fn index(self) -> usize {
        self as usize
    }

    pub(super) fn of(field: Field) -> Option<Slot> {
        match field {
            Field::FirstName => Some(Slot::FirstName),
            Field::LastName => Some(Slot::LastName),
            Field::NextAnniversary => Some(Slot::NextAnniversary),
            Field::StoreName | Field::StaffSignature => None,
        }
    }
}

/// One part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Same(String),
    Own(Slot),
}

/// A text with gaps, in order. Two neighbours are never both [`Part::Same`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pieces(Vec<Part>);

impl Pieces {
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// True when everybody reads the same.
    pub fn is_same_for_all(&self) -> bool {
        !self.0.iter().any(|part| matches!(part, Part::Own(_)))
    }

    pub fn uses(&self, slot: Slot) -> bool {
        self.0.contains(&Part::Own(slot))
    }

    pub(super) fn push_same(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Part::Same(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.0.push(Part::Same(text.to_owned())),
        }
    }

    pub(super) fn push_own(&mut self, slot: Slot) {
        self.0.push(Part::Own(slot));
    }

    pub(super) fn extend(&mut self, other: &Pieces) {
        for part in &other.0 {
            match part {
                Part::Same(text) => self.push_same(text),
                Part::Own(slot) => self.push_own(*slot),
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Characters that are the same for everyone.
    pub(super) fn fixed_chars(&self) -> usize {
        self.0
            .iter()
            .map(|part| {
                if let Part::Same(text) = part {
                    text.chars().count()
                } else {
                    0
                }
            })
            .sum()
    }
}
