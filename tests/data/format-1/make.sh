#!/bin/sh
# Writes the stores of format 1 anew with the build that knew no other: from the root of the repository, `sh tests/data/format-1/make.sh`.
set -eu
here="$(pwd)/tests/data/format-1"
old="$(mktemp -d)/old"
git worktree add --detach "$old" 8eb06ee
cp "$here/make.rs" "$here/said.rs" "$old/agent/src/"
mv "$old/agent/src/make.rs" "$old/agent/src/format_1.rs"
printf '#[cfg(test)]\nmod format_1;\n' >> "$old/agent/src/lib.rs"
for module in inbox/mod.rs outbox/mod.rs; do
    sed -i 's/^mod tests;$/pub(crate) mod tests;/' "$old/agent/src/$module"
done
sed -i 's/^pub(super) mod tests;$/pub(crate) mod tests;/' "$old/agent/src/outbox/receipts.rs"
printf 'pub mod receipts { pub use crate::outbox::receipts::tests::Notary; }\n' >> "$old/agent/src/outbox/tests.rs"
rm -rf "$here/clean" "$here/killed"
(cd "$old" && FORMAT_1="$here" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$old/target}" cargo test --workspace --lib format_1::make)
# A folder that is empty is not carried; locks are nobody's.
find "$here/clean" "$here/killed" \( -type d -empty -o -name lock \) -delete
git worktree remove --force "$old"
