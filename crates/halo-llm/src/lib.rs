//! A model request to a streamed reply, with retries and usage.
