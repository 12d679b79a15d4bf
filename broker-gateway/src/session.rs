//! One connection: operations in, answers out, in order.
