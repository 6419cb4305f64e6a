//! The core: takes clicks and orders in, decides who earned what, and can prove it.
