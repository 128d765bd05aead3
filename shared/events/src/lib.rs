//! The example domain's events, shared by the functions that publish and handle them.

use fanline::Event;
use serde::{Deserialize, Serialize};

/// Somebody signed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserSignedUp {
    /// The new user's id.
    pub user_id: String,
    /// Where to write to.
    pub email: String,
}

impl Event for UserSignedUp {
    const TYPE: &'static str = "user.signed_up";
}
