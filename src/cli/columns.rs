//! Lines of several parts, part under part, for people at a terminal and for `cut`.

/// The lines with their parts under each other, two spaces apart; `nothing` when there are none.
pub(super) fn columns<const N: usize>(lines: &[[String; N]], nothing: &str) -> String {
    if lines.is_empty() {
        return nothing.to_owned();
    }
    let widths: [usize; N] = std::array::from_fn(|n| {
        let widest = lines
            .iter()
            .filter_map(|line| line.get(n))
            .map(|part| part.chars().count());
        widest.max().unwrap_or(0)
    });
    let written: Vec<String> = lines
        .iter()
        .map(|line| {
            let parts = line.iter().zip(widths).map(|(part, width)| format!("{part:width$}"));
            parts.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect();
    written.join("\n")
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn parts_stand_under_each_other() {
        let line = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        assert_eq!(
            columns(&[line("a", "owner"), line("Zoë", "")], "none"),
            "a    owner\nZoë"
        );
        assert_eq!(columns::<2>(&[], "none"), "none");
    }
}
