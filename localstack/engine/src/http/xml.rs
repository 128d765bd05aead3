//! XML as the query protocols answer it.
//!
//! Every text goes through `escaped`; what XML cannot carry at all becomes U+FFFD, so
//! that no message makes an answer unreadable.

use std::fmt::Write as _;

pub(crate) const SNS: &str = "http://sns.amazonaws.com/doc/2010-03-31/";
pub(crate) const SQS: &str = "http://queue.amazonaws.com/doc/2012-11-05/";
const STS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// A growing document.
#[derive(Default)]
pub(crate) struct Xml(String);

impl Xml {
    /// `<name>text</name>`
    pub(crate) fn text(&mut self, name: &str, text: &str) -> &mut Self {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "<{name}>{}</{name}>", escaped(text));
        self
    }

    /// `<name>text</name>` if there is a text.
    pub(crate) fn maybe(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        if let Some(text) = text {
            self.text(name, text);
        }
        self
    }

    /// `<name>...</name>`
    pub(crate) fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) -> &mut Self {
        let _ = write!(self.0, "<{name}>");
        content(self);
        let _ = write!(self.0, "</{name}>");
        self
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// `<ActionResponse><ActionResult>...</ActionResult><ResponseMetadata>...`
pub(crate) fn response(
    namespace: &str,
    action: &str,
    request_id: &str,
    content: impl FnOnce(&mut Xml),
) -> String {
    let mut xml = Xml(format!("<{action}Response xmlns=\"{namespace}\">"));
    xml.element(&format!("{action}Result"), content);
    xml.element("ResponseMetadata", |xml| {
        xml.text("RequestId", request_id);
    });
    let _ = write!(xml.0, "</{action}Response>");
    xml.into_text()
}

pub(crate) fn error(
    namespace: &str,
    code: &str,
    message: &str,
    fault: &str,
    request_id: &str,
) -> String {
    let mut xml = Xml(format!("<ErrorResponse xmlns=\"{namespace}\">"));
    xml.element("Error", |xml| {
        xml.text("Type", fault)
            .text("Code", code)
            .text("Message", message);
    });
    xml.text("RequestId", request_id);
    xml.0.push_str("</ErrorResponse>");
    xml.into_text()
}

pub(crate) fn caller_identity(account: &str, request_id: &str) -> String {
    response(STS, "GetCallerIdentity", request_id, |xml| {
        xml.text("Arn", &format!("arn:aws:iam::{account}:root"))
            .text("UserId", account)
            .text("Account", account);
    })
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#xD;"),
            '\t' | '\n' => escaped.push(character),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            character if character < ' ' => escaped.push('\u{fffd}'),
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_control_characters_cannot_break_an_answer() {
        assert_eq!(
            escaped("a<b>&\"\u{1}\r"),
            "a&lt;b&gt;&amp;&quot;\u{fffd}&#xD;"
        );
    }
}
