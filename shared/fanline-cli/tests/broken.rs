//! The checker, checked: a relay that is wrong must be caught.

use fanline_cli::simulate::{RelayOrder, orders_with};
use fanline_testing::sim::Property;

/// A row that is deleted before its event is published is lost by a crash in between.
#[test]
fn relay_that_deletes_before_it_publishes() {
    let broken = orders_with(RelayOrder::DeletesFirst);
    let caught = (0..300).find_map(|seed| {
        let violations = broken.try_seed(seed).violations;
        violations
            .first()
            .map(|violation| (seed, violation.property))
    });
    println!("DeletesFirst: caught by seed {caught:?}");
    assert_eq!(
        caught.map(|(_, property)| property),
        Some(Property::NothingLost)
    );
}
