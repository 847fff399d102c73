//! Cards instead of dice where everything has to have its turn.

use super::rng::Rng;

/// The hand of the round with this seed: so many cards. Rounds whose seeds follow each other deal
/// a shuffled deck to its end before the next one, so every card comes equally often; and a hand
/// depends on its seed alone, so a round can be played again.
pub fn draw<T: Copy>(cards: &[T], seed: u64, size: u64) -> Vec<T> {
    let whole = cards.len() as u64;
    let first = seed.wrapping_mul(size);
    (first..first.saturating_add(size))
        .filter_map(|at| {
            let order = shuffled(cards.len(), at / whole);
            let place = usize::try_from(at % whole).ok()?;
            cards.get(*order.get(place)?).copied()
        })
        .collect()
}

fn shuffled(cards: usize, deal: u64) -> Vec<usize> {
    let mut rng = Rng::new(deal);
    let mut order: Vec<usize> = (0..cards).collect();
    for last in (1..cards).rev() {
        order.swap(last, rng.place(last + 1));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_in_a_row_get_every_card_equally_often() {
        let cards = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
        let dealt: Vec<char> = (700..714).flat_map(|seed| draw(&cards, seed, 3)).collect();
        for card in cards {
            assert_eq!(dealt.iter().filter(|c| **c == card).count(), 6, "{card}");
        }
        assert_eq!(draw(&cards, 705, 3), draw(&cards, 705, 3));
    }
}
