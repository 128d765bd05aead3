//! `*` and `?` patterns, for queue policies and filter policies.
//!
//! Written without recursion: a hostile pattern costs at most pattern x text, never more.

/// Whether `text` fits `pattern`: `*` is any run of characters, and `?` one character
/// where `question_mark` says so.
pub(crate) fn matches(pattern: &str, text: &str, question_mark: bool) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut place) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while place < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                retry = Some((at, place));
            }
            Some(byte) if *byte == text[place] || (question_mark && *byte == b'?') => {
                at += 1;
                place += 1;
            }
            _ => match retry {
                Some((after_star, start)) => {
                    retry = Some((after_star, start + 1));
                    (at, place) = (after_star, start + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_match_any_run() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("*.png", "x.png.png", true),
            ("a*b*c", "a-b-b-c", true),
            ("a?c", "abc", true),
            ("abc", "ab", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text, true), expected, "{pattern} {text}");
        }
        assert!(!matches("a?c", "abc", false));
    }
}
