//! What an application's event type says of itself.

use serde::{Serialize, de::DeserializeOwned};

/// A fact that happened, named `noun.past_tense`.
///
/// [`TYPE`](Event::TYPE) and [`VERSION`](Event::VERSION) are what the wire carries and what
/// chooses the handler; renaming the Rust type changes neither.
///
/// ```
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct UserSignedUp { user_id: String, email: String }
///
/// impl fanline::Event for UserSignedUp {
///     const TYPE: &'static str = "user.signed_up";
/// }
/// assert_eq!(<UserSignedUp as fanline::Event>::VERSION, 1);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a Fanline event",
    label = "this type has no event name",
    note = "add `impl fanline::Event for {Self} {{ const TYPE: &'static str = \"noun.past_tense\"; }}` and derive serde's `Serialize` and `Deserialize`"
)]
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name on the wire, for example `user.signed_up`.
    const TYPE: &'static str;

    /// The version of the data's schema. Raise it when old readers could misread new data.
    const VERSION: u32 = 1;

    /// The entity this happened to, for example an order's id: on FIFO topics its message group, and what
    /// [order](https://docs.aws.amazon.com/sns/latest/dg/fifo-message-grouping.html) is kept for. Without
    /// one, the event stands for itself.
    fn entity(&self) -> Option<String> {
        None
    }

    /// Further routing keys, published as message attributes beside `type`, `version` and
    /// `source`, so that filter policies can use them. At most 7: SQS carries 10
    /// attributes in all.
    fn routing_keys(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}
