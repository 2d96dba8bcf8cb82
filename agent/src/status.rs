//! What the person sees of the agent's state.
