//! A number that tells whether two plans do the same.

use std::{fmt, str::FromStr};

use sea_orm::{
    EntityTrait,
    sea_query::{QueryBuilder, SqliteQueryBuilder},
};

use crate::{
    columns::{Columns, Position},
    desired::RowList,
    field::Row,
    plan::SyncPlan,
};

/// What a plan does, as a number of 128 bits: plans that create, update and
/// delete the same rows with the same values have the same fingerprint, in any
/// process and on any machine.
///
/// Printed and parsed as 32 hexadecimal digits. It guards against mistakes,
/// not against somebody who makes up rows so that two plans collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(u128);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Fingerprint {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

/// FNV-1a with 128 bits. The hashers of the standard library promise no
/// stable results, and the stable ones of other crates would be one crate
/// more for every application. Source: the FNV page of Landon Curt Noll.
struct Fnv(u128);

impl Fnv {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    /// Adds a text and where it ends.
    fn add(&mut self, text: &str) {
        for byte in (text.len() as u64).to_le_bytes().iter().chain(text.as_bytes()) {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(Self::PRIME);
        }
    }

    fn add_row<E: EntityTrait>(
        &mut self,
        columns: &Columns<E>,
        positions: impl IntoIterator<Item = Position>,
        row: Row<'_, E>,
    ) {
        for field in positions.into_iter().map(|position| columns.field(position)) {
            if let Some(value) = field.value(row) {
                self.add(field.name());
                self.add(&SqliteQueryBuilder.value_to_string(&value));
            }
        }
    }
}

/// A number for a text, the same in any process.
pub(crate) fn hash(text: &str) -> i32 {
    let mut hash = Fnv(Fnv::OFFSET);
    hash.add(text);
    let [a, b, c, d, ..] = hash.0.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

impl<E: EntityTrait> SyncPlan<E> {
    /// What the plan does, as a number. A service that shows a plan can keep
    /// the fingerprint, compute the plan again when the person confirms it,
    /// and apply it if the fingerprint is still the same. Columns that are
    /// ignored or touched are no part of it, so that a model may say when it
    /// was made.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let columns = &self.task.columns;
        let mut hash = Fnv(Fnv::OFFSET);
        hash.add(&self.task.table);
        for &index in &self.created {
            hash.add("created");
            hash.add_row(columns, columns.given(), self.desired.row(index));
        }
        for update in &self.updated {
            hash.add(if update.revived { "revived" } else { "updated" });
            hash.add_row(columns, columns.taking_part(), Row::Active(&update.current));
            hash.add("to");
            let changed = update.changed.iter().copied();
            hash.add_row(columns, changed, self.desired.row(update.desired));
        }
        for row in &self.deleted {
            hash.add("deleted");
            hash.add_row(columns, columns.taking_part(), Row::Active(row));
        }
        Fingerprint(hash.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a_and_stays_so() {
        let mut hash = Fnv(Fnv::OFFSET);
        hash.add("a");
        assert_eq!(
            Fingerprint(hash.0).to_string(),
            Fingerprint(reference(b"\x01\0\0\0\0\0\0\0a")).to_string()
        );
    }

    fn reference(bytes: &[u8]) -> u128 {
        let prime = (1u128 << 88) + 0x13b;
        bytes.iter().fold(144_066_263_297_769_815_596_495_629_667_062_367_629, |hash, byte| {
            (hash ^ u128::from(*byte)).wrapping_mul(prime)
        })
    }

    #[test]
    fn a_fingerprint_is_printed_and_parsed_as_hexadecimal() {
        let fingerprint = Fingerprint(0xab);
        assert_eq!(fingerprint.to_string(), "000000000000000000000000000000ab");
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
    }
}
