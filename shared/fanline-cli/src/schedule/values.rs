//! One field of a cron expression that holds numbers: `*`, `5`, `1-4`, `0/15`, `MON-FRI`, and any
//! of them joined by commas.
//!
//! The one thing to get wrong: a range may run over the end, `20-2` being the hours from eight in
//! the evening to two in the morning.

use std::collections::BTreeSet;

/// What a field is called, and what may stand in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) least: i16,
    pub(super) most: i16,
    /// Words for its values, the first of them for `least`.
    pub(super) words: &'static [&'static str],
}

impl Field {
    /// All values that a field names.
    pub(super) fn values(&self, text: &str) -> Result<BTreeSet<i16>, String> {
        let mut values = BTreeSet::new();
        for item in text.split(',') {
            values.extend(self.item(item)?);
        }
        Ok(values)
    }

    fn item(&self, item: &str) -> Result<Vec<i16>, String> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => {
                let step = step.parse::<usize>().ok().filter(|step| *step > 0);
                let step = step.ok_or_else(|| self.wrong(item))?;
                (range, Some(step))
            }
            None => (item, None),
        };
        let (first, last) = match (range, range.split_once('-'), step) {
            ("*", ..) => (self.least, self.most),
            (_, Some((first, last)), _) => (self.value(first)?, self.value(last)?),
            (_, None, Some(_)) => (self.value(range)?, self.most),
            (_, None, None) => {
                let value = self.value(range)?;
                (value, value)
            }
        };
        let values: Vec<i16> = match first <= last {
            true => (first..=last).collect(),
            false => (first..=self.most).chain(self.least..=last).collect(),
        };
        Ok(values.into_iter().step_by(step.unwrap_or(1)).collect())
    }

    /// One value, as a number or a word.
    pub(super) fn value(&self, text: &str) -> Result<i16, String> {
        let is_word = |word: &&str| word.eq_ignore_ascii_case(text);
        if let Some(index) = self.words.iter().position(is_word) {
            return Ok(self.least + i16::try_from(index).unwrap_or_default());
        }
        // `parse` also takes "+5".
        let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let value = text.parse().ok().filter(|_| is_digits);
        value
            .filter(|value| (self.least..=self.most).contains(value))
            .ok_or_else(|| self.wrong(text))
    }

    fn wrong(&self, found: &str) -> String {
        let words = match self.words {
            [first, .., last] => format!(" or {first} to {last}"),
            _ => String::new(),
        };
        format!(
            "has '{found}' for its {}; expected {} to {}{words}, with , - * /",
            self.name, self.least, self.most
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOURS: Field = Field {
        name: "hours",
        least: 0,
        most: 23,
        words: &[],
    };
    const MONTHS: Field = Field {
        name: "months",
        least: 1,
        most: 12,
        words: &["JAN", "FEB", "MAR"],
    };

    #[test]
    fn fields_name_values() {
        let cases: [(&str, &[i16]); 8] = [
            ("5", &[5]),
            ("5,7", &[5, 7]),
            ("8-11", &[8, 9, 10, 11]),
            ("20-2", &[0, 1, 2, 20, 21, 22, 23]),
            ("0/6", &[0, 6, 12, 18]),
            ("*/8", &[0, 8, 16]),
            ("8-17/4", &[8, 12, 16]),
            ("22-4/2", &[0, 2, 4, 22]),
        ];
        for (text, expected) in cases {
            let values: Vec<i16> = HOURS.values(text).unwrap().into_iter().collect();
            assert_eq!(values, expected, "{text}");
        }
        let months: Vec<i16> = MONTHS.values("feb-3,Jan").unwrap().into_iter().collect();
        assert_eq!(months, [1, 2, 3]);
        assert_eq!(HOURS.values("*").unwrap().len(), 24);
    }

    #[test]
    fn what_is_no_field_is_said() {
        for text in [
            "", "24", "-1", "+5", "1-", "1/0", "1/x", "a", "?", "1,,2", "99999",
        ] {
            assert!(HOURS.values(text).is_err(), "{text}");
        }
        assert_eq!(
            MONTHS.values("13").unwrap_err(),
            "has '13' for its months; expected 1 to 12 or JAN to MAR, with , - * /"
        );
    }
}
