//! "did you mean": the known name nearest to one that is not known.
//! Only near names are worth saying; a wrong guess sends the reader the wrong way.

const LONGEST_NAME: usize = 64;
/// Keeps a message cheap even in a template of absurd size.
const MOST_CANDIDATES: usize = 1000;

/// `; did you mean 'X'?`, or nothing if no name is near.
pub(crate) fn hint<'n>(wanted: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    nearest(wanted, known)
        .map(|name| format!("; did you mean '{name}'?"))
        .unwrap_or_default()
}

fn nearest<'n>(wanted: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let wanted: Vec<char> = wanted.to_lowercase().chars().collect();
    if wanted.len() > LONGEST_NAME {
        return None;
    }
    let tolerated = (wanted.len() / 3).clamp(1, 3);
    known
        .into_iter()
        .filter(|name| name.len() <= LONGEST_NAME)
        .take(MOST_CANDIDATES)
        .filter_map(|name| {
            let letters: Vec<char> = name.to_lowercase().chars().collect();
            if letters.len().abs_diff(wanted.len()) > tolerated {
                return None;
            }
            let distance = distance(&wanted, &letters);
            (distance <= tolerated && distance < wanted.len()).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Letters to insert, remove or replace.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, left_letter) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right_letter) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(left_letter != right_letter);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_only_what_is_near() {
        let known = ["EmailQueue", "EmailDlq", "UserEvents"];
        assert_eq!(hint("EmailQueu", known), "; did you mean 'EmailQueue'?");
        assert_eq!(hint("emailqueue", known), "; did you mean 'EmailQueue'?");
        assert_eq!(hint("Orders", known), "");
        assert_eq!(hint("", known), "");
        assert_eq!(hint("x", ["y"]), "");
    }
}
