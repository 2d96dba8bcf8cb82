//! What the measuring protocols over WebSocket have in common on the server's side: the handshake,
//! load to send, and the two halves of a conversation.
pub(super) mod conversation;
pub(super) mod load;
pub(super) mod receiver;
pub(super) mod upgrade;
