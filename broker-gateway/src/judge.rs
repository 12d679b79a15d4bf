//! One total match over every client operation: what is not expressly allowed does not pass.
