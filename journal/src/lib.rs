//! An append-only log of bytes that survives kill -9 and says what survives a power cut.
