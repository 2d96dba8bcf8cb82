//! An invitation URL as a person pastes it: what reads writes back to the same invitation.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tonle_evidence::enrolment::Invitation;

fuzz_target!(|text: &str| {
    if let Ok(invitation) = text.parse::<Invitation>() {
        assert_eq!(invitation.to_string().parse(), Ok(invitation));
    }
});
