//! Text out of bytes that a client chose: nothing in here may fail.

/// What `%41` and `+` stand for in a query. What is no UTF-8 is replaced, what is no escape stays.
pub(super) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        rest = after;
        decoded.push(match (first, after) {
            (b'+', _) => b' ',
            (b'%', [high, low, others @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    rest = others;
                    high * 16 + low
                }
                _ => b'%',
            },
            (byte, _) => *byte,
        });
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// Whether a body of this type is given to a function as it is. AWS says only that bodies of binary
/// types are base64; forms arrive as such, too, which is recorded.
pub(super) fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    let subtype = essence.split_once('/').map_or("", |(_, subtype)| subtype);
    let suffix = subtype.rsplit('+').next().unwrap_or_default();
    essence.starts_with("text/")
        || essence.starts_with("application/")
            && (["json", "xml"].contains(&suffix) || subtype == "javascript")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_nothing_else() {
        let cases = [
            ("a+b%20c", "a b c"),
            ("%2Fbar", "/bar"),
            ("%c3%A9", "é"),
            ("%", "%"),
            ("%4", "%4"),
            ("%zz%41", "%zzA"),
            ("%FF", "\u{fffd}"),
            ("%+1", "% 1"),
        ];
        for (text, expected) in cases {
            assert_eq!(decoded(text), expected, "{text}");
        }
    }

    #[test]
    fn types_of_text() {
        for text in [
            "text/plain; charset=utf-8",
            "application/json",
            "Application/JSON;a=b",
            "application/problem+json",
            "application/soap+xml",
            "application/javascript",
        ] {
            assert!(is_text(text), "{text}");
        }
        for binary in [
            "",
            "image/svg+xml",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded",
            "application/octet-stream",
            "json",
        ] {
            assert!(!is_text(binary), "{binary}");
        }
    }
}
