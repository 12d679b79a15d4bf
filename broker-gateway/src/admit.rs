//! A permit and a run in, Admitted out: size, envelope, signer, signature, chain, contract.
