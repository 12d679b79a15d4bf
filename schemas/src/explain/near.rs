//! How far two words are from each other. Words come in, a number goes out; no longer word is ever looked at than a code may be.

/// Characters of a word that are looked at.
const LOOKED_AT_MAX: usize = 64;

/// How many characters are to be put in, left out or changed (Levenshtein), of the first ones of both.
pub fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(LOOKED_AT_MAX).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, a) in one.chars().take(LOOKED_AT_MAX).enumerate() {
        let mut diagonal = line;
        let mut left = line.saturating_add(1);
        let mut next = vec![left];
        for (b, above) in other.iter().zip(row.iter().skip(1)) {
            let changed = diagonal.saturating_add(usize::from(a != *b));
            left = changed
                .min(above.saturating_add(1))
                .min(left.saturating_add(1));
            next.push(left);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn the_distance_is_the_number_of_changed_characters() {
        for (one, other, away) in [
            ("", "", 0),
            ("gap", "", 3),
            ("", "gap", 3),
            ("log-damaged", "log-damaged", 0),
            ("log-damaged", "log-damged", 1),
            ("kitten", "sitting", 3),
            ("bus-full", "full-bus", 6),
        ] {
            assert_eq!(distance(one, other), away, "{one} {other}");
        }
    }
}
