//! A receipt as the agent receives it; nothing that a fuzzer makes is believed.
#![no_main]
use libfuzzer_sys::fuzz_target;
use tonle_evidence::SigningKey;
use tonle_evidence::receipt::{BatchReply, SignedReceipt};

fuzz_target!(|bytes: &[u8]| {
    let collector = SigningKey::from_bytes(&[0x5a; 32]).verifying_key();
    if let Ok(receipt) = serde_json::from_slice::<SignedReceipt>(bytes) {
        assert!(receipt.open(&collector).is_err());
    }
    let _ = serde_json::from_slice::<BatchReply>(bytes);
});
