//! Rows of text under a head, lined up.

/// How a column is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    /// For numbers.
    Right,
}

/// Lines without a break at the end and without blanks at theirs.
pub(crate) fn table<const COLUMNS: usize>(
    head: [(&str, Align); COLUMNS],
    rows: &[[String; COLUMNS]],
) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].0.len()]).max().unwrap_or(0)
    };
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let titles = head.map(|(title, _)| title.to_owned());
    let lines = [&titles].into_iter().chain(rows).map(|row| {
        let cells = row.iter().zip(head).zip(widths);
        let cells = cells.map(|((cell, (_, align)), width)| match align {
            Align::Left => format!("{cell:width$}"),
            Align::Right => format!("{cell:>width$}"),
        });
        let line: Vec<String> = cells.collect();
        line.join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [
            ["a".to_owned(), "5".to_owned()],
            ["long name".to_owned(), "1234567".to_owned()],
        ];
        assert_eq!(
            table([("name", Align::Left), ("count", Align::Right)], &rows),
            "name         count\na                5\nlong name  1234567"
        );
    }
}
